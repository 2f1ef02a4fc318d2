"""Handover sheets on paper: what they say, page by page."""

import io
import re
from datetime import date
from typing import Any

from pypdf import PdfReader

from layers.maps.handover_sheet import HandoverSheets, render_handover_html, render_handover_pdf


def row(number: int, lost: int = 1, **values: Any) -> dict[str, Any]:
    codes = " ".join(f"440305001001{cell:03d}" for cell in range(lost))
    return {
        "person": f"<李>{number}",
        "person_number": f"G-{number}",
        "person_phone": "12345",
        "cells_lost": codes,
        "cells_gained": "",
        "given_to": "G-9",
        "taken_from": "",
        "households_lost": 1234,
        "households_gained": 0,
        "enterprises_lost": 5,
        "enterprises_gained": 0,
        **values,
    }


def sheets(*rows: dict[str, Any], language: str = "zh") -> HandoverSheets:
    return HandoverSheets("第二版 $1_2$ & 方案", "社区网格", date(2026, 3, 1), rows, language)


def read_pdf(content: bytes) -> list[str]:
    """The text of each page."""
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def test_each_officer_has_a_page_to_sign() -> None:
    pages = read_pdf(render_handover_pdf(sheets(row(1), row(2))))
    assert len(pages) == 2
    for number, page in enumerate(pages, 1):
        told = "第二版 $1_2$ & 方案", f"G-{number}", "2026-03-01", "440305001001000", "1,234", "移交人签字"
        for text in (*told, "未结工作", "本数据库不保存"):
            assert text in page, text


def test_many_cells_go_on_on_further_pages_and_none_is_missing() -> None:
    pages = read_pdf(render_handover_pdf(sheets(row(1, 300), language="en")))
    assert len(pages) > 2
    assert set(re.findall("440305001001[0-9]{3}", "".join(pages))) == {
        f"440305001001{cell:03d}" for cell in range(300)
    }
    assert [("Given away by" in page, f"Page {number}" in page) for number, page in enumerate(pages, 1)] == [
        *[(False, True)] * (len(pages) - 1),
        (True, True),
    ]


def test_the_page_for_the_browser_says_the_same_and_loads_nothing() -> None:
    html = render_handover_html(sheets(row(1), row(2), language="en"))
    assert html.count("<section>") == 2
    assert "&lt;李&gt;1" in html
    assert html.count("not kept in this database") == 4
    assert not re.search("<script|src=|href=|url\\(", html)


def test_nobody_with_anything_to_hand_over_is_said() -> None:
    assert "Nobody has anything" in render_handover_html(sheets(language="en"))
    assert "没有需要交接的责任人" in read_pdf(render_handover_pdf(sheets()))[0]
