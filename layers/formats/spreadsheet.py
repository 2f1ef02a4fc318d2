"""Tables as spreadsheets open them: workbooks with typed cells, and CSV that Excel reads as UTF-8."""

import io
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from layers.formats.write import write_table

_MAX_SHEET_NAME = 31
_MIN_WIDTH, _MAX_WIDTH = 8, 48
_BOM = b"\xef\xbb\xbf"

Columns = Mapping[str, Sequence[Any]]
"""Values by the headings of columns, all of one length."""


def build_workbook(columns: Columns, title: str) -> bytes:
    """Return an Excel workbook of one sheet.

    Parameters
    ----------
    columns
        Text stays text, also where it consists of digits or begins like a formula.
    title
        The name of the sheet.
    """
    return build_sheets({title: columns})


def build_sheets(sheets: Mapping[str, Columns], pictures: Mapping[str, bytes] | None = None) -> bytes:
    """Return an Excel workbook of several sheets.

    Parameters
    ----------
    sheets
        The columns of each by its name, as `build_workbook` takes them.
    pictures
        PNG of an A3 sheet at 200 dots an inch to show on some of them, by the name.
    """
    stream = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(stream, options) as workbook:
        for title, columns in sheets.items():
            sheet = _write_sheet(workbook, title, columns)
            if pictures is not None and title in pictures:
                picture = {"image_data": io.BytesIO(pictures[title]), "x_scale": 0.5, "y_scale": 0.5}
                sheet.insert_image(0, 0, f"{title}.png", picture)
    return stream.getvalue()


def _write_sheet(workbook: xlsxwriter.Workbook, title: str, columns: Columns) -> Any:
    heading = workbook.add_format({"bold": True, "bottom": 1})
    # "@" keeps Excel from making a number of a code that is edited.
    text = workbook.add_format({"num_format": "@"})
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    sheet = workbook.add_worksheet(_sheet_name(title))
    for place, (name, values) in enumerate(columns.items()):
        sheet.write_string(0, place, name, heading)
        for row, value in enumerate(values, 1):
            if isinstance(value, str):
                sheet.write_string(row, place, value, text)
            elif isinstance(value, date):
                sheet.write_datetime(row, place, datetime(value.year, value.month, value.day), day)
            elif value is not None:
                sheet.write_number(row, place, value)
        sheet.set_column(place, place, _width(name, values))
    sheet.freeze_panes(1, 0)
    if columns:
        rows = max(map(len, columns.values()))
        sheet.autofilter(0, 0, rows, len(columns) - 1)
    return sheet


def build_csv(columns: Columns) -> bytes:
    """Return CSV that begins with the mark by which Excel knows UTF-8."""
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        path = Path(folder) / "table.csv"
        write_table(
            path, pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
        )
        return _BOM + path.read_bytes().removeprefix(_BOM)


def _sheet_name(title: str) -> str:
    return "".join(character for character in title if character not in "[]:*?/\\'")[:_MAX_SHEET_NAME] or "1"


def _width(name: str, values: Sequence[Any]) -> int:
    """Return a width that shows most values; Chinese characters take twice the room."""
    texts = [name, *(str(value) for value in values[:200] if value is not None)]
    longest = max(sum(2 if ord(character) > 0x2E80 else 1 for character in text) for text in texts)
    return min(max(longest + 2, _MIN_WIDTH), _MAX_WIDTH)
