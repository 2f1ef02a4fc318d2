"""Tables for spreadsheets: text stays text, whatever it looks like; CSV is read as UTF-8 by Excel."""

import csv
import io
import zipfile
from datetime import date
from xml.etree import ElementTree

from layers.formats.spreadsheet import build_csv, build_workbook

COLUMNS = {
    "网格编码": ["440305199901010011", "007", None],
    "名称": ["=SUM(A1)", "https://example.org/a", "+86 755"],
    "面积": [12.5, 3, None],
    "日期": [date(2026, 1, 1), None, date(2026, 3, 1)],
}
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def cells_of(workbook: bytes) -> tuple[str, dict[str, tuple[str, str | None]]]:
    """The name of the sheet, and the type and value of each cell by its address, read without the writer."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        strings = [
            "".join(part.text or "" for part in each.iter(f"{MAIN}t"))
            for each in ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
        ]
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
        book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    name = next(book.iter(f"{MAIN}sheet")).attrib["name"]
    found = {}
    for cell in sheet.iter(f"{MAIN}c"):
        assert cell.find(f"{MAIN}f") is None, "a formula"
        value = cell.findtext(f"{MAIN}v")
        kind = cell.attrib.get("t", "n")
        found[cell.attrib["r"]] = (kind, strings[int(value or 0)] if kind == "s" else value)
    return name, found


def test_a_workbook_keeps_text_as_text_and_numbers_as_numbers() -> None:
    name, found = cells_of(build_workbook(COLUMNS, "企业清单：[一]/二"))
    assert name == "企业清单：一二"
    assert [found[f"{letter}1"][1] for letter in "ABCD"] == list(COLUMNS)
    assert (found["A2"], found["A3"]) == (("s", "440305199901010011"), ("s", "007"))
    assert [found[f"B{row}"] for row in (2, 3, 4)] == [("s", value) for value in COLUMNS["名称"]]
    assert (found["C2"], found["C3"]) == (("n", "12.5"), ("n", "3"))
    # Days since 1899-12-30.
    assert found["D2"] == ("n", str((date(2026, 1, 1) - date(1899, 12, 30)).days))
    assert not {"A4", "C4", "D3"} & found.keys()


def test_csv_begins_with_the_mark_of_utf_8_and_has_every_digit() -> None:
    content = build_csv(COLUMNS)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert rows[0] == list(COLUMNS)
    assert [row[0] for row in rows[1:]] == ["440305199901010011", "007", ""]
    assert [row[3] for row in rows[1:]] == ["2026-01-01", "", "2026-03-01"]


def test_a_table_without_rows_is_its_headings() -> None:
    empty = {name: [] for name in COLUMNS}
    assert cells_of(build_workbook(empty, ""))[1].keys() == {"A1", "B1", "C1", "D1"}
    assert build_csv(empty).decode("utf-8-sig").strip() == ",".join(COLUMNS)
