"""A delimited text comes in whole: every record at its place, or an error that names the one that is not."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.errors import InputError
from layers.formats.delimited import open_delimited


def read(text: str | bytes, encoding: str | None = None) -> tuple[tuple[str, ...], list[list[str]]]:
    content = text.encode() if isinstance(text, str) else text
    opened = open_delimited(content, "x.csv", encoding=encoding)
    return opened.header, list(opened.records())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'id,name,lon\n1,a,2\n2,"b 5" pipe,3\n',
            r"record 2 \(line 3\) has text after a closing quotation mark",
        ),
        (
            'id,name,lon\n1,a,2\n2,"b,3\n3,c,4\n',
            r"record 2 \(line 3\) opens a quotation mark that is never closed",
        ),
        (
            'id,name,lon\n2,"b,3\n3,c,4\n4,"d,5\n',
            r"record 1 \(line 2\) opens a quotation mark that reaches to line 4",
        ),
        (
            'id,name,lon\n1,a,2\n2,"b,3\n3,c,4\n4,d",5\n',
            r"record 2 \(line 3\) opens .* takes in the records up to line 5",
        ),
        (
            'id;name;lon\n\n2;"b;3\n3;c";4\n5;e;6\n',
            r"record 1 \(line 3\) opens .* takes in the records up to line 4",
        ),
        ('id,lon,name\n1,2,"a\n2,3,b\n3,4,c"\n', r"record 1 \(line 2\) opens .* up to line 4"),
        ('"id,name,lon\n1,a,2\n', r"the header opens a quotation mark that .*"),
        ("id,name\n1,a\n2,b,c\n", r"record 2 \(line 3\) has 3 fields, more than the header, which has 2"),
        ('id,name\n1,"a\nb"\n2,b,c\n', r"record 2 \(line 4\) has 3 fields"),
        ("sep=;\nid;lon\n1;2;3\n", r"record 1 \(line 3\) has 3 fields"),
        ("", "begins with a blank line"),
        ("\n\n", "begins with a blank line"),
        ("sep=;\n", "begins with a blank line"),
        ("PK\x03\x04...", "is a workbook or an archive and not text"),
    ],
)
def test_what_would_move_or_swallow_records_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=f"^x.csv:? {sentence}"):
        read(text)


@pytest.mark.parametrize(
    ("text", "records"),
    [
        ('id,note,lon\n1,"first\nsecond",2\n', [["1", "first\nsecond", "2"]]),
        (
            'id,note,lon\n1,"Room 5, Block 2\nNanshan, Shenzhen",2\n',
            [["1", "Room 5, Block 2\nNanshan, Shenzhen", "2"]],
        ),
        ('id,note,lon\n1,"say ""hi""",2\n', [["1", 'say "hi"', "2"]]),
        ('id,note,lon\n1,5" pipe,2\n', [["1", '5" pipe', "2"]]),
        ("id,note,lon\n1,a\n2\n\n  \n3,c,4\n", [["1", "a", ""], ["2", "", ""], ["3", "c", "4"]]),
        ("id,lon\n1,2,\n2,3,,\n", [["1", "2"], ["2", "3"]]),
        ("id,lon\r1,2\r2,3\r", [["1", "2"], ["2", "3"]]),
        ("sep=;\r\nid;lon\r\n1;2\r\n", [["1", "2"]]),
        ('"sep=|"\nid|lon\n1|2\n', [["1", "2"]]),
        ("id;name (a,b,c);lon\n1;x, y;2\n", [["1", "x, y", "2"]]),
        ("id\tlon, lat\n1\t2,3\n", [["1", "2,3"]]),
        ("id\n1\n", [["1"]]),
        ('"id\n(code)";"lon\n(deg, east)"\n1;2\n', [["1", "2"]]),
    ],
)
def test_what_may_stand_in_a_text_is_read(text: str, records: list[list[str]]) -> None:
    assert read(text)[1] == records


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030"]
)
@pytest.mark.parametrize("marks", ["", "\ufeff", "\ufeff\ufeff"])
def test_every_encoding_of_unicode_with_any_number_of_marks(encoding: str, marks: str) -> None:
    text = f'{marks}"编号, a",lon\n深圳,113.9\n村,22.5\n'
    assert read(text.encode(encoding)) == (("编号, a", "lon"), [["深圳", "113.9"], ["村", "22.5"]])


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("cp1252", "São|Maranhã"), ("big5", "臺北|功許"), ("shift_jis", "東京|ソ能"), ("gb18030", "深圳|乗")],
)
def test_no_encoding_swallows_a_delimiter(encoding: str, name: str) -> None:
    first, second = name.split("|")
    told: list[str] = []
    content = f"id|name|lon\n1|{first}|2\n2|{second}|3\n".encode(encoding)
    opened = open_delimited(content, "x.csv", note=told.append)
    assert list(opened.records()) == [["1", first, "2"], ["2", second, "3"]]
    assert len(told) == 1
    assert "x.csv does not say how its text is encoded" in told[0]
    assert read(content, encoding)[1] == list(opened.records())


def test_a_named_encoding_is_used_and_must_fit() -> None:
    assert read("id,name\n1,Łódź\n".encode("cp1250"), "cp1250")[1] == [["1", "Łódź"]]
    with pytest.raises(InputError, match="line 2 is not text in UTF-8; mend it, or give the encoding"):
        read("id,name\n1,Łódź\n".encode("cp1250"), "utf-8")
    with pytest.raises(InputError, match="line 3 is not text in UTF-8"):
        read("编号,名称\n1,深圳市南山区粤海街道\n".encode() + b"2,\xe6\xb7\n")


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=3, max_size=3
        ),
        min_size=1,
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-16", "gb18030"]),
)
def test_whatever_the_csv_module_writes_comes_back(
    rows: list[list[str]], delimiter: str, encoding: str
) -> None:
    file = io.StringIO(newline="")
    # Blanks alone are a blank line.
    rows = [["x", *row] for row in rows]
    csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([["编", "b", "c", "d"], *rows])
    header, records = read(file.getvalue().encode(encoding), encoding)
    assert header == ("编", "b", "c", "d")
    assert records == rows
