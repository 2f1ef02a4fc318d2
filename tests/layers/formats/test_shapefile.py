"""Shapefiles of all makes: their encoding is found by their bytes, and missing parts are named."""

import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis.crs import LONLAT
from gis.errors import InputError
from layers.formats import read_layer, read_table, write_layer
from layers.formats.read_batches import read_batches

WIDTH = 24
CHINESE = ("海湾社区", "深南大道", "福田区街道办")
LATIN = ("Zürich", "São Paulo", "Genève")


def make_shapefile(
    folder: Path, encoding: str, code_page: int, cpg: str | None, values: tuple[str, ...] = CHINESE
) -> Path:
    """Write a Shapefile with texts in an encoding, cut at the width of the field as programs do."""
    path = folder / "zones.shp"
    boxes = [shapely.box(114 + row / 10, 22, 114.1 + row / 10, 22.1) for row in range(len(values))]
    frame = gpd.GeoDataFrame({"code": range(len(values)), "label": "A" * WIDTH}, geometry=boxes, crs=LONLAT)
    frame.to_file(path, encoding="ISO-8859-1")
    table = path.with_suffix(".dbf")
    content = bytearray(table.read_bytes())
    content[29] = code_page
    for value in values:
        content = content.replace(b"A" * WIDTH, value.encode(encoding)[:WIDTH].ljust(WIDTH), 1)
    table.write_bytes(content)
    path.with_suffix(".cpg").unlink()
    if cpg is not None:
        path.with_suffix(".cpg").write_text(cpg)
    return path


@pytest.mark.parametrize(
    ("encoding", "code_page", "cpg", "values", "told"),
    [
        ("gb18030", 0, None, CHINESE, "does not say how its text is encoded and is read as GB 18030"),
        ("gb18030", 0x57, None, CHINESE, "does not say"),
        ("gb18030", 0x03, None, CHINESE, "says that its text is in Windows-1252, but its bytes look like GB"),
        ("gb18030", 0x4D, None, CHINESE, None),
        ("gb18030", 0, "", CHINESE, "does not say"),
        ("gb18030", 0, "OEM", CHINESE, "does not say"),
        ("gb18030", 0x57, "System", CHINESE, "does not say"),
        ("gb18030", 0, "ANSI 936", CHINESE, None),
        ("gb18030", 0, "ISO-8859-1", CHINESE, "says that its text is in Windows-1252"),
        ("gb18030", 0, "1252", CHINESE, "says that its text is in Windows-1252"),
        ("gb18030", 0, "UTF-8", CHINESE, "says that its text is in UTF-8"),
        ("utf-8", 0, None, CHINESE, None),
        ("utf-8", 0x4D, None, CHINESE, "says that its text is in GB 18030, but its bytes look like UTF-8"),
        ("utf-8", 0x57, None, CHINESE, None),
        ("utf-8", 0, "GBK", CHINESE, "says that its text is in GB 18030"),
        ("utf-8", 0, "ISO-8859-1", CHINESE, "says that its text is in Windows-1252"),
        ("utf-8", 0, "UTF-8", CHINESE, None),
        ("gb18030", 0, None, ("䶮塍镇", "㙍村", "邨口"), "GB 18030"),
        ("gb18030", 0, None, ("𠮷野村", "𬭚村", "㐂"), "GB 18030"),
        ("big5", 0, None, ("臺北市信義區", "國民小學", "海灣"), "read as Big5"),
        ("big5", 0x78, "950", ("臺北市信義區", "國民小學", "海灣"), None),
        ("cp932", 0, None, ("東京都新宿区", "とうきょう", "カタカナ"), "read as Shift-JIS"),
        ("cp1252", 0x57, None, LATIN, "read as Windows-1252"),
        ("cp1252", 0x03, None, LATIN, None),
        ("cp1252", 0, "ISO-8859-1", LATIN, None),
        # Cut within a character, the last one is lost and no other.
        ("utf-8", 0, "UTF-8", ("a海湾社区居民委员会网格", *CHINESE), None),
        ("gb18030", 0x4D, None, ("a海湾社区居民委员会网格办事处", *CHINESE), None),
    ],
)
def test_the_bytes_of_all_text_decide_on_its_encoding(
    tmp_path: Path, encoding: str, code_page: int, cpg: str | None, values: tuple[str, ...], told: str | None
) -> None:
    path = make_shapefile(tmp_path, encoding, code_page, cpg, values)
    notes: list[str] = []
    expected = [value.encode(encoding)[:WIDTH].decode(encoding, errors="ignore") for value in values]
    assert read_layer(path, role="cells", note=notes.append)["label"].tolist() == expected
    assert len(notes) == (told is not None)
    if told is not None:
        assert told in notes[0]
        assert "--encoding" in notes[0]
    assert read_table(path)["label"].tolist() == expected
    with read_batches(path, role="cells") as batches:
        assert [value for batch in batches.stream for value in batch.columns["label"]] == expected


def test_the_user_may_name_the_encoding(tmp_path: Path) -> None:
    path = make_shapefile(tmp_path, "cp1251", 0, None, ("Ю", "я", "Э"))
    notes: list[str] = []
    read = read_layer(path, role="cells", encoding="windows-1251", note=notes.append)
    assert (read["label"].tolist(), notes) == (["Ю", "я", "Э"], [])
    with pytest.raises(InputError, match="There is no encoding 'nonsense'"):
        read_layer(path, role="cells", encoding="nonsense")


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8"])
def test_a_condition_finds_chinese_values(tmp_path: Path, encoding: str) -> None:
    path = make_shapefile(tmp_path, encoding, 0, None)
    assert read_layer(path, role="cells", where="label = '深南大道'")["code"].tolist() == [1]


def test_names_that_differ_only_in_what_was_cut_off_are_both_kept(tmp_path: Path) -> None:
    path = tmp_path / "zones.shp"
    frame = gpd.GeoDataFrame({"abcdefgh": [1], "abcdefgi": [2]}, geometry=[shapely.Point(0, 0)], crs=LONLAT)
    frame.to_file(path)
    table = path.with_suffix(".dbf")
    content = table.read_bytes().replace(b"abcdefgh\0\0", "网格编码".encode()[:10])
    table.write_bytes(content.replace(b"abcdefgi\0\0", "网格编号".encode()[:9] + b"\xe5"))
    path.with_suffix(".cpg").write_text("UTF-8")
    assert read_layer(path, role="cells").drop(columns="geometry").iloc[0].to_dict() == {
        "网格编": 1,
        "网格编_2": 2,
    }


def test_missing_parts_are_named(tmp_path: Path) -> None:
    path = tmp_path / "zones.shp"
    write_layer(path, gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=LONLAT))
    notes: list[str] = []
    path.with_suffix(".dbf").unlink()
    assert len(read_layer(path, role="cells", note=notes.append)) == 1
    assert notes == [
        f"{path}: the table of the Shapefile, its .dbf file, is missing; its records have no fields"
    ]
    path.with_suffix(".shx").unlink()
    with pytest.raises(InputError, match=r"its \.shx file, is missing; copy all its files"):
        read_layer(path, role="cells")
    assert not path.with_suffix(".shx").exists()


def test_a_zip_of_macos_holds_one_shapefile(tmp_path: Path) -> None:
    """Beside each file lies one of the same extension with what only macOS knows of it."""
    path = make_shapefile(tmp_path, "gb18030", 0, None)
    archive = tmp_path / "zones.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for part in sorted(tmp_path.glob("zones.*")):
            if part != archive:
                file.writestr(f"__MACOSX/数据/._{part.name}", b"\0\5\x16\7")
                file.write(part, f"数据/{part.name}")
    assert read_layer(archive, role="cells")["label"].tolist() == list(CHINESE)
    path.unlink()
