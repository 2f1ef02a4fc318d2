"""The filing notice of a plan on paper and as a workbook: both maps and the tables of what changes."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import geopandas as gpd
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from layers.formats.spreadsheet import build_sheets
from layers.lists.notice import NoticeTable, PlanNotice
from layers.maps import mpl_style
from layers.maps.print_map import PAPER_MM, PrintMap, draw_print_map, render_print_map

_TITLE = {"zh": "网格划分调整备案", "en": "Filing notice of a change of cells"}
_SIDES = {"zh": ("调整前", "调整后"), "en": ("before", "after")}
_FACT_COLUMNS = {"zh": ("项目", "内容"), "en": ("Item", "Content")}
_NOTHING = {"zh": "无", "en": "none"}
_MARGIN_MM, _ROW_MM, _TEXT_PT, _PADDING_MM = 15.0, 5.2, 8.0, 3.0
_MAX_COLUMN_MM = 130.0
_BOTTOM_MM = PAPER_MM[1] - 18.0


def render_notice(
    notice: PlanNotice,
    language: str,
    *,
    areas: gpd.GeoDataFrame | None = None,
    base: Mapping[str, gpd.GeoDataFrame] | None = None,
) -> bytes:
    """Draw a notice as a PDF of A3 sheets: what is said first, the maps before and after, and the tables.

    Parameters
    ----------
    language
        zh or en.
    areas, base
        As for `PrintMap`.

    Raises
    ------
    InputError
        If no installed font has the characters of the text.
    """
    target = io.BytesIO()
    title = f"{_TITLE[language]} · {notice.scheme}"
    with mpl_style.printing(), PdfPages(target, metadata={"Title": title, "CreationDate": None}) as document:
        pages = TablePages(document, title)
        pages.write_facts(notice.facts)
        for side in _maps(notice, language, areas, base or {}):
            _add_page(document, draw_print_map(side))
        for table in notice.tables:
            pages.write_table(table, _NOTHING[language])
        pages.end()
    return target.getvalue()


def notice_workbook(
    notice: PlanNotice,
    language: str,
    *,
    areas: gpd.GeoDataFrame | None = None,
    base: Mapping[str, gpd.GeoDataFrame] | None = None,
) -> bytes:
    """Return a notice as a workbook: a sheet of what is said first, one for each map, one for each table."""
    names, values = zip(*notice.facts, strict=True)
    sheets: dict[str, Mapping[str, Sequence[Any]]] = {
        _TITLE[language]: dict(zip(_FACT_COLUMNS[language], (names, values), strict=True))
    }
    pictures = {
        title: render_print_map(side, "png")
        for title, side in zip(_SIDES[language], _maps(notice, language, areas, base or {}), strict=True)
    }
    sheets |= {title: {} for title in pictures}
    sheets |= {table.title: table.columns() for table in notice.tables}
    return build_sheets(sheets, pictures)


def _maps(
    notice: PlanNotice, language: str, areas: gpd.GeoDataFrame | None, base: Mapping[str, gpd.GeoDataFrame]
) -> Iterator[PrintMap]:
    """Yield the map before and the map after, with the ground that gets another cell."""
    days = (notice.changes.on, notice.begins)
    for cells, side, day in zip((notice.before, notice.after), _SIDES[language], days, strict=True):
        yield PrintMap(
            cells[["code", "name", "area_code", "area_m2", "leader", "geometry"]],
            areas=areas,
            base=base,
            highlight=notice.changes.difference.pieces,
            title=f"{notice.scheme} · {side}",
            plan=notice.plan.name,
            date=day,
            language=language,
        )


def _add_page(document: PdfPages, figure: Figure) -> None:
    document.savefig(figure)  # type: ignore[no-untyped-call]


class TablePages:
    """Pages of text and tables that are filled from the top; lengths in mm.

    Parameters
    ----------
    document
        That the pages are put into.
    title
        Stands on each page.
    """

    def __init__(self, document: PdfPages, title: str) -> None:
        self._document, self._title = document, title
        self._figure: Figure | None = None
        self._axes: Axes | None = None
        self._y = 0.0
        self._number = 0

    def write_facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Write names and values, a pair a line, on a page of their own."""
        axes = self._turn()
        self._y += 6
        for name, value in facts:
            axes.text(_MARGIN_MM, self._y, name, size=11, color=mpl_style.MUTED_COLOUR, va="baseline")
            axes.text(_MARGIN_MM + 70, self._y, value, size=13, color=mpl_style.TEXT_COLOUR, va="baseline")
            self._y += 11
        self.end()

    def write_table(self, table: NoticeTable, nothing: str) -> None:
        """Write a table, with its headings again on each further page."""
        rows = [[_text(value) for value in row] for row in table.rows]
        widths = _column_widths(table.headings, rows)
        if self._axes is None or self._y + 6 * _ROW_MM > _BOTTOM_MM:
            self._turn()
        self._write_headings(table, widths)
        for row in rows:
            lines = [_wrap(text, width - _PADDING_MM) for text, width in zip(row, widths, strict=True)]
            high = max(map(len, lines))
            if self._y + high * _ROW_MM > _BOTTOM_MM:
                self._turn()
                self._write_headings(table, widths)
            self._write_row(lines, widths)
        if not rows:
            self._write_row([[nothing], *([[""]] * (len(widths) - 1))], widths)
        self._y += 2 * _ROW_MM

    def end(self) -> None:
        """Put the page into the document."""
        if self._figure is not None:
            _add_page(self._document, self._figure)
        self._figure = self._axes = None

    def _turn(self) -> Axes:
        """Begin a page."""
        self.end()
        self._number += 1
        self._figure = Figure(figsize=(PAPER_MM[0] / 25.4, PAPER_MM[1] / 25.4))
        axes = self._figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, PAPER_MM[0]), ylim=(PAPER_MM[1], 0))
        axes.axis("off")
        axes.text(_MARGIN_MM, 20, self._title, size=18, color=mpl_style.TEXT_COLOUR, va="baseline")
        right = PAPER_MM[0] - _MARGIN_MM
        axes.text(right, PAPER_MM[1] - 9, str(self._number), size=8, color=mpl_style.MUTED_COLOUR, ha="right")
        axes.plot([_MARGIN_MM, right], [25, 25], color=mpl_style.RULE_COLOUR, lw=0.8)
        self._axes, self._y = axes, 34.0
        return axes

    def _write_headings(self, table: NoticeTable, widths: Sequence[float]) -> None:
        assert self._axes is not None
        self._axes.text(_MARGIN_MM, self._y, table.title, size=12, color=mpl_style.TEXT_COLOUR, va="baseline")
        self._y += 1.4 * _ROW_MM
        lines = [_wrap(name, width - _PADDING_MM) for name, width in zip(table.headings, widths, strict=True)]
        self._write_row(lines, widths, colour=mpl_style.MUTED_COLOUR)

    def _write_row(
        self, lines: Sequence[Sequence[str]], widths: Sequence[float], colour: str = mpl_style.TEXT_COLOUR
    ) -> None:
        assert self._axes is not None
        left = _MARGIN_MM
        for texts, width in zip(lines, widths, strict=True):
            for number, text in enumerate(texts):
                place = self._y + number * 0.8 * _ROW_MM
                self._axes.text(left, place, text, size=_TEXT_PT, color=colour, va="baseline")
            left += width
        high = 1 + 0.8 * (max(map(len, lines)) - 1)
        under = self._y + (high - 1) * _ROW_MM + 1.6
        self._axes.plot([_MARGIN_MM, left], [under, under], color=mpl_style.RULE_COLOUR, lw=0.3)
        self._y += high * _ROW_MM + 0.4


def _text(value: Any) -> str:
    """Return a value as it is printed."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _column_widths(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[float]:
    """Return widths that show most texts on one line, made narrower together where they do not fit."""
    widths = []
    for place, name in enumerate(headings):
        longest = max((_width(row[place]) for row in rows), default=0.0)
        heading = _width(name)
        widths.append(min(max(longest, min(heading, 30.0)), _MAX_COLUMN_MM) + _PADDING_MM)
    room = PAPER_MM[0] - 2 * _MARGIN_MM
    if (total := sum(widths)) > room:
        widths = [width * room / total for width in widths]
    return widths


def _width(text: str) -> float:
    """Return the width of a line in mm, rather too much than too little."""
    return 1.15 * mpl_style.text_extent(text, _TEXT_PT)[0] if text else 0.0


def _wrap(text: str, width: float) -> list[str]:
    """Break a text into lines of a width, between words where there are any."""
    lines = [""]
    for word in text.replace(" ", " \0").split("\0"):
        if not lines[-1] or _width(lines[-1] + word.rstrip()) <= width:
            lines[-1] += word
        else:
            lines.append(word)
        while _width(lines[-1].rstrip()) > width and len(lines[-1]) > 1:
            cut = len(lines[-1]) - 1
            while cut > 1 and _width(lines[-1][:cut]) > width:
                cut -= 1
            lines[-1:] = [lines[-1][:cut], lines[-1][cut:]]
    return [line.rstrip() for line in lines]
