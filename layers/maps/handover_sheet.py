"""The handover sheet to print and sign: a page for each officer, as PDF or one HTML file."""

import io
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from gis.errors import InputError
from layers.maps import mpl_style

PAPER_MM = (210.0, 297.0)
_MARGIN = 20.0
_WIDTH = PAPER_MM[0] - 2 * _MARGIN
_LINE = 5.6
_FOOT = 62.0
"""Height of the lines for signatures, which stand at the foot of an officer's last page."""

_WORDS: Final[dict[str, tuple[str, str]]] = {
    "title": ("网格交接表", "Handover sheet"),
    "plan": ("方案", "Plan"),
    "scheme": ("网格体系", "Scheme"),
    "on": ("生效日期", "In force from"),
    "officer": ("责任人", "Officer"),
    "number": ("编号", "Number"),
    "phone": ("电话", "Phone"),
    "item": ("项目", "Item"),
    "lost": ("移交", "Given away"),
    "gained": ("接收", "Taken over"),
    "cells": ("网格", "Cells"),
    "households": ("户", "Doors (households)"),
    "enterprises": ("企业", "Enterprises"),
    "open_work": ("未结工作", "Open work"),
    "not_kept": ("本数据库不保存", "not kept in this database"),
    "others": ("交接对方（编号）", "To and from (numbers)"),
    "none": ("无", "none"),
    "gives": ("移交人签字", "Given away by"),
    "takes": ("接收人签字", "Taken over by"),
    "witness": ("监交人签字", "In the presence of"),
    "date": ("日期", "Date"),
    "nobody": ("本方案没有需要交接的责任人。", "Nobody has anything to hand over for this plan."),
    "page": ("第 {page} 页", "Page {page}"),
}


@dataclass(frozen=True)
class HandoverSheets:
    """What the sheets of a plan show.

    Attributes
    ----------
    plan, scheme
        Their names.
    on
        The plan's first day, or the day for which it is proposed.
    rows
        As `layers.lists.handover` reads them, one for each officer.
    language
        zh or en.
    """

    plan: str
    scheme: str
    on: date
    rows: Sequence[Mapping[str, Any]]
    language: str = "zh"

    def word(self, key: str) -> str:
        """Return a word of the sheet."""
        return _WORDS[key][0 if self.language == "zh" else 1]

    def heading(self) -> list[tuple[str, str]]:
        """Return what all sheets begin with, as names and values."""
        return [
            (self.word("plan"), self.plan),
            (self.word("scheme"), self.scheme),
            (self.word("on"), self.on.isoformat()),
        ]

    def person(self, row: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return who a sheet is for."""
        return [
            (self.word("officer"), row["person"] or ""),
            (self.word("number"), row["person_number"]),
            (self.word("phone"), row["person_phone"] or ""),
        ]

    def table(self, row: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
        """Yield what an officer gives away and takes over, an item a row."""
        lost, gained = (self._listed(row[key], count=True) for key in ("cells_lost", "cells_gained"))
        yield self.word("cells"), lost, gained
        for counted in ("households", "enterprises"):
            yield self.word(counted), f"{row[f'{counted}_lost']:,}", f"{row[f'{counted}_gained']:,}"
        yield self.word("others"), self._listed(row["given_to"]), self._listed(row["taken_from"])
        yield self.word("open_work"), self.word("not_kept"), self.word("not_kept")

    def _listed(self, codes: str, *, count: bool = False) -> str:
        listed = codes.split()
        if not listed:
            return self.word("none")
        return (f"{len(listed)}: " if count else "") + ", ".join(listed)


def render_handover_html(sheets: HandoverSheets) -> str:
    """Return all sheets as one HTML file that loads nothing; each is printed on a page of its own."""
    parts = [
        f'<!DOCTYPE html><html lang="{sheets.language}"><head><meta charset="utf-8">',
        f"<title>{escape(sheets.word('title'))} {escape(sheets.plan)}</title>",
        f"<style>{_STYLE}</style></head><body>",
    ]
    for row in sheets.rows:
        table = "".join(
            f"<tr><th>{escape(item)}</th><td>{escape(lost)}</td><td>{escape(gained)}</td></tr>"
            for item, lost, gained in sheets.table(row)
        )
        head = "".join(f"<th>{escape(sheets.word(key))}</th>" for key in ("item", "lost", "gained"))
        signatures = "".join(
            f"<p>{escape(sheets.word(key))}<i></i>{escape(sheets.word('date'))}<i class='short'></i></p>"
            for key in ("gives", "takes", "witness")
        )
        parts.append(
            f"<section><h1>{escape(sheets.word('title'))}</h1>{_facts(sheets.heading())}"
            f"{_facts(sheets.person(row))}<table><thead><tr>{head}</tr></thead><tbody>{table}</tbody></table>"
            f"<footer>{signatures}</footer></section>"
        )
    if not sheets.rows:
        parts.append(f"<p>{escape(sheets.word('nobody'))}</p>")
    return "".join((*parts, "</body></html>"))


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    return f"<dl>{listed}</dl>"


_STYLE = (
    "@page{size:A4;margin:20mm}body{font:11pt sans-serif;color:#1f2b38;max-width:170mm;margin:auto}"
    "section{break-after:page;margin-bottom:20mm}h1{font-size:18pt}"
    "dl{display:flex;flex-wrap:wrap;gap:2mm 4mm}"
    "dt{color:#5f6b78}dd{margin:0 4mm 0 0}"
    "table{width:100%;border-collapse:collapse;table-layout:fixed}"
    "th,td{border:.3mm solid #5f6b78;padding:2mm;text-align:left;vertical-align:top}"
    "td{overflow-wrap:anywhere}"
    "footer{margin-top:12mm}footer p{margin:8mm 0}footer i{display:inline-block;width:70mm;margin:0 4mm;"
    "border-bottom:.3mm solid}footer i.short{width:35mm}@media print{body{margin:0}}"
)


def render_handover_pdf(sheets: HandoverSheets) -> bytes:
    """Return all sheets as a PDF, each on A4 pages of its own.

    Raises
    ------
    InputError
        If no installed font has the characters of the text.
    """
    target = io.BytesIO()
    with mpl_style.print_style(), warnings.catch_warnings():
        # A missing glyph would be printed as an empty box.
        warnings.filterwarnings("error", message=".*[Gg]lyph.*")
        metadata = {"Title": f"{sheets.word('title')} {sheets.plan}", "CreationDate": None}
        try:
            with PdfPages(target, metadata=metadata) as pdf:
                for page in _pages(sheets):
                    pdf.savefig(page)
        except UserWarning as warning:
            raise InputError(
                "No font with Chinese characters is installed; install one (Debian: fonts-wqy-microhei)."
            ) from warning
    return target.getvalue()


def _pages(sheets: HandoverSheets) -> Iterator[Figure]:
    if not sheets.rows:
        page = _Page(sheets)
        page.write(sheets.word("nobody"))
        yield page.figure
    for row in sheets.rows:
        page = _Page(sheets)
        page.facts(sheets.person(row))
        page.row((sheets.word("item"), sheets.word("lost"), sheets.word("gained")))
        for cells in sheets.table(row):
            for part in page.parts_of(cells):
                if not page.has_room(len(part)):
                    yield page.figure
                    page = _Page(sheets, page.number + 1)
                    page.facts(sheets.person(row))
                page.lines(part)
        if not page.has_room(0, foot=True):
            yield page.figure
            page = _Page(sheets, page.number + 1)
            page.facts(sheets.person(row))
        page.signatures()
        yield page.figure


_COLUMNS_MM = (38.0, 66.0, 66.0)
_SIZE = 10.0
_PART_LINES = 30


class _Page:
    """One A4 page, filled from the top; lengths in mm on axes whose y grows downwards."""

    def __init__(self, sheets: HandoverSheets, number: int = 1) -> None:
        self._sheets, self.number = sheets, number
        self.figure = Figure(figsize=(PAPER_MM[0] / 25.4, PAPER_MM[1] / 25.4))
        self._axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_xlim(0, PAPER_MM[0])
        self._axes.set_ylim(PAPER_MM[1], 0)
        self._axes.axis("off")
        self._y = _MARGIN
        self.write(sheets.word("title"), size=18)
        self._y += 4
        self.facts(sheets.heading())
        self._text(sheets.word("page").format(page=number), PAPER_MM[0] - _MARGIN - 15, _MARGIN, 9)

    def write(self, text: str, size: float = _SIZE) -> None:
        """Write one line."""
        self._y += size * 0.42
        self._text(text, _MARGIN, self._y, size)
        self._y += 3

    def facts(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Write names and values, a pair a line."""
        for name, value in pairs:
            for number, line in enumerate(_wrap(value, _WIDTH - _COLUMNS_MM[0])):
                if number == 0:
                    self._text(name, _MARGIN, self._y + 4, _SIZE, mpl_style.MUTED_COLOUR)
                self._text(line, _MARGIN + _COLUMNS_MM[0], self._y + 4, _SIZE)
                self._y += _LINE
        self._y += 3

    def row(self, cells: Sequence[str]) -> None:
        """Write the head of the table."""
        self.lines([tuple(cells)])

    def parts_of(self, cells: Sequence[str]) -> list[list[tuple[str, ...]]]:
        """Return the lines of a row of the table, in parts of which each has room on a page."""
        columns = [_wrap(text, width - 4) for text, width in zip(cells, _COLUMNS_MM, strict=True)]
        height = max(map(len, columns))
        lines = [tuple(column[n] if n < len(column) else "" for column in columns) for n in range(height)]
        return [lines[n : n + _PART_LINES] for n in range(0, height, _PART_LINES)]

    def has_room(self, lines: int, *, foot: bool = False) -> bool:
        """Return whether so many lines of the table, or the signatures, have room."""
        return self._y + lines * _LINE + 4 + (_FOOT if foot else 0) <= PAPER_MM[1] - _MARGIN

    def lines(self, lines: Sequence[Sequence[str]]) -> None:
        """Write some lines of a row of the table, with a frame."""
        top = self._y
        bottom = top + len(lines) * _LINE + 2.5
        for line in lines:
            left = _MARGIN
            for text, width in zip(line, _COLUMNS_MM, strict=True):
                self._text(text, left + 2, self._y + 5, _SIZE)
                left += width
            self._y += _LINE
        edges = [_MARGIN + sum(_COLUMNS_MM[:number]) for number in range(len(_COLUMNS_MM) + 1)]
        for x in edges:
            self._axes.plot([x, x], [top, bottom], color=mpl_style.MUTED_COLOUR, lw=0.5)
        for y in (top, bottom):
            self._axes.plot([edges[0], edges[-1]], [y, y], color=mpl_style.MUTED_COLOUR, lw=0.5)
        self._y = bottom

    def signatures(self) -> None:
        """Draw the lines to sign on at the foot of the page."""
        y = PAPER_MM[1] - _MARGIN - _FOOT + 20
        for key in ("gives", "takes", "witness"):
            self._text(self._sheets.word(key), _MARGIN, y, _SIZE)
            self._text(self._sheets.word("date"), _MARGIN + 115, y, _SIZE)
            for start, end in ((42, 110), (130, _WIDTH)):
                self._axes.plot(
                    [_MARGIN + start, _MARGIN + end], [y + 1, y + 1], color=mpl_style.TEXT_COLOUR, lw=0.6
                )
            y += 16

    def _text(self, text: str, x: float, y: float, size: float, colour: str = mpl_style.TEXT_COLOUR) -> None:
        self._axes.text(x, y, text, size=size, color=colour, va="baseline", parse_math=False)


def _wrap(text: str, width_mm: float) -> list[str]:
    """Return text in lines of a width; what has no spaces is broken anywhere."""
    per_letter, _ = mpl_style.text_extent("m", _SIZE)
    letters = max(8, int(width_mm / per_letter))
    lines = []
    for line in textwrap.wrap(text, letters, break_on_hyphens=False) or [""]:
        while mpl_style.text_extent(line, _SIZE)[0] > width_mm and len(line) > 1:
            fits = next(
                n
                for n in range(len(line), 0, -1)
                if mpl_style.text_extent(line[:n], _SIZE)[0] <= width_mm or n == 1
            )
            lines.append(line[:fits])
            line = line[fits:]
        lines.append(line)
    return lines
