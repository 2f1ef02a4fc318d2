"""The encoding of a text is found by its bytes, and what was assumed is told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InputError
from layers.formats.encoding import detect_encoding, find_codec, named_encoding, unicode_encoding

TEXTS = [
    ("gb18030", "深圳市南山区"),
    ("gb18030", "A区"),
    ("gb18030", "第1路"),
    ("gb18030", "甪直镇"),
    ("gb18030", "鑫垚喆"),
    ("gb18030", "𠮷"),
    ("gb18030", "村"),
    ("big5", "臺北市信義區"),
    ("big5", "香港"),
    ("big5", "中正路"),
    ("shift_jis", "東京都新宿区"),
    ("shift_jis", "ラーメン屋ソ"),
    ("shift_jis", "渋谷"),
    ("euc_kr", "서울특별시 종로구 세종대로 광화문 한강 부산광역시"),
    ("cp1252", "São Paulo"),
    ("cp1252", "Zürich"),
    ("cp1252", "créée"),
    ("cp1252", "AÇÃO"),
    ("cp1252", "l’école n°5"),
    ("cp1252", "25°C"),
    ("cp1252", "Maranhã"),
    ("cp1251", "Москва, Тверская"),
    ("utf-8", "深圳"),
    ("utf-8", "São Paulo"),
    ("utf-8", "café"),
    ("utf-8", "м²"),
    ("utf-8", "ישראל"),
]


@pytest.mark.parametrize(("encoding", "text"), TEXTS, ids=[f"{codec}-{text}" for codec, text in TEXTS])
def test_the_bytes_tell_the_encoding(encoding: str, text: str) -> None:
    content = f"a,{text},b\n".encode(encoding)
    found = detect_encoding([b"id,name\n", content])
    assert content.decode(found.codec) == f"a,{text},b\n"
    assert (found.note("x.csv") is None) == (encoding == "utf-8")


_FREQUENT = bytes(range(0xB0, 0xD7)), bytes(range(0xA1, 0xFE))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(_FREQUENT[0]), st.sampled_from(_FREQUENT[1])), min_size=8))
def test_frequent_characters_of_gb_2312_are_always_recognised(pairs: list[tuple[int, int]]) -> None:
    content = b"".join(map(bytes, pairs))
    if any(first > 0xC8 for first, _ in pairs):
        assert detect_encoding([content]).codec == "gb18030"


@settings(deadline=None)
@given(st.text(min_size=1))
def test_utf_8_is_always_recognised(text: str) -> None:
    found = detect_encoding([text.encode("utf-8", "replace"), "网格".encode()])
    assert found.codec == "utf-8"


def test_a_declared_encoding_is_taken_if_its_text_is_plausible() -> None:
    polish = "Łódź, Kraków, Świętokrzyskie".encode("cp1250")
    assert detect_encoding([polish], find_codec("windows-1250")).decode(polish).startswith("Łódź")
    chinese = "海湾社区".encode("gbk")
    for wrong in ("ISO-8859-1", "1252", "UTF-8", "Big5"):
        found = detect_encoding([chinese], find_codec(wrong))
        assert found.decode(chinese) == "海湾社区"
        assert "GB 18030" in (found.note("x.shp") or "")


def test_values_cut_within_a_character_and_damaged_text_are_recognised() -> None:
    values = [("网格编码" * 3).encode()[:size] for size in range(6, 36)]
    assert detect_encoding(values).codec == "utf-8"
    assert detect_encoding(values).decode(values[1]) == "网格"
    values = [("网格编码" * 3).encode("gbk")[:size] for size in range(5, 24)]
    assert detect_encoding(values).decode(values[0]) == "网格"
    assert detect_encoding(["网格编码和名称以及备注".encode() + b"\xe7\xbd,"]).codec == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_told_by_its_mark_or_its_zero_bytes(encoding: str) -> None:
    content = "编号,lon,lat\n1,113.9,22.5\n".encode(encoding)
    codec = unicode_encoding(content)
    assert codec is not None
    assert content.decode(codec).startswith("编号")
    assert unicode_encoding("编号,lon\n".encode("gb18030")) is None
    assert unicode_encoding(b"") is None


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("ANSI 936", "gb18030"),
        ("GBK", "gb18030"),
        ("cp950", "big5hkscs"),
        ("Shift-JIS", "cp932"),
        ("ISO-8859-1", "cp1252"),
        ("88591", "cp1252"),
        ("1252", "cp1252"),
        ("65001", "utf-8"),
        ("ISO8859-15", "iso8859-15"),
        ("OEM", None),
        ("System", None),
        ("hex", None),
        ("", None),
        ("no\0such", None),
    ],
)
def test_encodings_are_known_by_the_names_that_programs_write(name: str, codec: str | None) -> None:
    assert find_codec(name) == codec


def test_an_unknown_name_is_told() -> None:
    assert named_encoding("gbk").name == "GB 18030"
    with pytest.raises(InputError, match="no encoding 'klingon'; give for example utf-8, gb18030"):
        named_encoding("klingon")
