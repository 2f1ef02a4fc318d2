"""Tables that are taken away: as an Excel workbook or CSV."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from api.http.responses import content_disposition

if TYPE_CHECKING:
    from layers.formats.spreadsheet import Columns


class TableFormat(StrEnum):
    """What a table is taken away as."""

    xlsx = "xlsx"
    csv = "csv"


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MEDIA_TYPES = {TableFormat.xlsx: XLSX, TableFormat.csv: "text/csv; charset=utf-8"}


def file_response(*media_types: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Return how the answer of a route that sends a file is described."""
    content = {each.split(";")[0]: {"schema": {"type": "string", "format": "binary"}} for each in media_types}
    return {200: {"description": description, "content": content}}


TABLE_RESPONSE = file_response(
    *_MEDIA_TYPES.values(),
    description="An Excel workbook, or CSV in UTF-8 that begins with a byte order mark.",
)
"""How the answer of a route that sends a table is described."""


def send_file(content: bytes, name: str, media_type: str) -> Response:
    """Answer with a file of a name."""
    return Response(
        content,
        headers={"Content-Disposition": content_disposition("attachment", name)},
        media_type=media_type,
    )


def send_table(columns: "Columns", title: str, name: str, form: TableFormat) -> Response:
    """Answer with a table as a file of a name, to which the extension is added."""
    # The spreadsheet library and pandas are not needed to answer anything else.
    from layers.formats.spreadsheet import build_csv, build_workbook

    content = build_workbook(columns, title) if form is TableFormat.xlsx else build_csv(columns)
    return send_file(content, f"{name}.{form.value}", _MEDIA_TYPES[form])


def send_workbook(sheets: "Mapping[str, Columns]", name: str) -> Response:
    """Answer with a workbook of several sheets."""
    from layers.formats.spreadsheet import build_sheets

    return send_file(build_sheets(sheets), f"{name}.xlsx", XLSX)
