"""The planner's page: a draft is made, redrawn by the mouse and by keys, undone, checked and handed on."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
import shapely

from layers.db.database import Database
from layers.models import Scheme
from tests.api.web.conftest import COUNTY, TOWN, Opened

Open = Callable[..., Opened]
FIRST, SECOND, THIRD = (f"{TOWN}{101 + column:06d}" for column in range(3))


def version(opened: Opened) -> int:
    number: int = opened.page.evaluate("wangge.state().plan.version")
    return number


def cells(opened: Opened) -> dict[str, Any]:
    """What the page holds of the draft: its cells by code."""
    found: dict[str, Any] = opened.page.evaluate("Object.fromEntries(wangge.state().cells)")
    return found


def press(opened: Opened, key: str, then: str) -> None:
    opened.page.keyboard.press(key)
    opened.wait(then)


def applied(opened: Opened) -> None:
    """Apply what is previewed, and wait until the draft has taken it."""
    opened.wait("document.querySelector('[data-apply]:not([aria-disabled])')")
    number = version(opened)
    press(opened, "Enter", f"wangge.state().plan.version === {number + 1} && wangge.state().tool === null")


def draw(opened: Opened, *places: tuple[float, float], close: bool = False) -> None:
    """Click places of the ground, and the last or first again to finish."""
    spots = [opened.on_screen(*place) for place in places]
    for x, y in [*spots, spots[0] if close else spots[-1]]:
        opened.page.mouse.move(x, y)
        opened.page.mouse.down()
        opened.page.mouse.up()
        opened.page.wait_for_timeout(60)


@pytest.fixture
def draft(open_page: Open) -> Opened:
    """The page with a fresh copy of the plan in force."""
    opened = open_page("chief", fragment="plan")
    opened.page.select_option(".new-plan [name=scheme]", "community")
    opened.page.fill(".new-plan [name=name]", "copy")
    opened.page.click(".new-plan > button")
    drawn = "wangge.map.queryRenderedFeatures({layers: ['draft-fill']}).length > 0"
    opened.wait(f"wangge.state().plan?.name === 'copy' && {drawn}")
    opened.settle()
    return opened


def test_cells_are_merged_and_split_and_the_server_has_what_the_page_shows(
    draft: Opened, interface: Any
) -> None:
    page = draft.page
    before = cells(draft)
    assert len(before) == 6
    draft.click(0.5, 2)
    page.keyboard.down("Shift")
    draft.click(1.5, 2)
    page.keyboard.up("Shift")
    draft.wait("wangge.state().selection.length === 2")
    press(draft, "m", "wangge.state().tool?.key === 'merge'")
    applied(draft)
    merged = cells(draft)
    assert set(before) - set(merged) == {SECOND}
    assert merged[FIRST]["counts"]["household"] == sum(
        before[code]["counts"].get("household", 0) for code in (FIRST, SECOND)
    )
    # Split again by a line from side to side.
    press(draft, "s", "wangge.state().tool?.key === 'split'")
    draw(draft, (-0.1, 2.2), (2.1, 2.2))
    applied(draft)
    assert len(cells(draft)) == 6
    draft.page.keyboard.press("Control+z")
    draft.wait("wangge.state().cells.size === 5")
    draft.page.keyboard.press("Control+z")
    draft.wait("wangge.state().cells.size === 6")
    number = page.evaluate("wangge.state().plan.id")
    told = {each["code"]: each for each in interface(f"/v1/plans/{number}/cells", limit=1000)["items"]}
    shown = cells(draft)
    assert set(told) == set(shown) == set(before)
    for code, cell in told.items():
        assert shapely.equals(*(shapely.geometry.shape(each["geometry"]) for each in (cell, shown[code])))
    press(draft, "Control+y", "wangge.state().cells.size === 5")
    assert [each["action"] for each in interface(f"/v1/plans/{number}/edits")["items"]] == [
        "edit",
        "edit",
        "undo",
        "undo",
        "redo",
    ]


def test_ground_is_given_and_what_is_refused_says_why(draft: Opened) -> None:
    draft.forgiven = ("409 (Conflict)",)
    before = cells(draft)
    draft.click(0.5, 2)
    press(draft, "t", "wangge.state().tool?.key === 'transfer'")
    # A band across the neighbour would leave it in two parts.
    draw(draft, (1.2, 1.5), (2.6, 1.5), (2.6, 2.5), (1.2, 2.5), close=True)
    draft.wait("document.querySelector('.card .problem')?.textContent.includes('2')")
    draft.page.keyboard.press("Enter")
    draft.page.keyboard.press("Escape")
    assert version(draft) == 1
    draw(draft, (0.6, 2.9), (1.6, 2.9), (1.6, 4.4), (0.6, 4.4), close=True)
    draft.wait("document.querySelector('[data-apply]:not([aria-disabled])')")
    applied(draft)
    after = cells(draft)
    gained = after[FIRST]["area_m2"] - before[FIRST]["area_m2"]
    assert gained > 0
    assert gained == pytest.approx(before[SECOND]["area_m2"] - after[SECOND]["area_m2"], abs=0.05)
    assert after[THIRD]["area_m2"] == pytest.approx(before[THIRD]["area_m2"], abs=0.05)


def test_a_draft_is_drawn_by_keys_alone_then_checked_and_handed_on(draft: Opened, interface: Any) -> None:
    page = draft.page
    page.focus(f".bar-row[data-cell='{FIRST}']")
    press(draft, "Enter", f"wangge.state().selection[0] === '{FIRST}'")
    press(draft, "e", "wangge.state().tool?.key === 'split_evenly'")
    applied(draft)
    assert len(cells(draft)) == 7
    assert "等分" in page.inner_text(".history")
    page.click("button:has-text('检查')")
    draft.wait("wangge.state().plan.valid === true")
    page.click("button:has-text('提交')")
    draft.wait("wangge.state().plan.state === 'submitted'")
    assert page.get_attribute("[data-tool=merge]", "aria-disabled") == "true"
    page.click("button:has-text('退回')")
    draft.wait("wangge.state().plan.state === 'draft'")
    number = page.evaluate("wangge.state().plan.id")
    assert interface(f"/v1/plans/{number}")["area_code"] in (None, COUNTY)
    # The form of attributes follows the choice of cells.
    press(draft, "a", "wangge.state().tool?.key === 'update'")
    assert page.input_value("#edit-card input[name=code]") == FIRST
    draft.click(2.5, 1)
    draft.wait(f"document.querySelector('#edit-card input[name=code]').value === '{THIRD}'")
    page.click("#language")
    assert page.inner_text("[data-tool=merge]") == "Merge"


def test_what_another_draws_is_seen_and_nothing_of_either_is_lost(draft: Opened, open_page: Open) -> None:
    number = draft.page.evaluate("wangge.state().plan.id")
    other = open_page("chief", fragment=f"plan#plan={number}")
    other.wait("wangge.state().cells.size === 6")
    for opened, code in ((draft, FIRST), (other, f"{TOWN[:-1]}2{104:06d}")):
        opened.page.focus(f".bar-row[data-cell='{code}']")
        press(opened, "Enter", f"wangge.state().selection[0] === '{code}'")
        press(opened, "e", "wangge.state().tool?.key === 'split_evenly'")
        opened.wait("document.querySelector('[data-apply]:not([aria-disabled])')")
    for opened in (draft, other):
        opened.page.keyboard.press("Enter")
    for opened in (draft, other):
        opened.wait("wangge.state().plan.version === 3 && wangge.state().cells.size === 8")


def test_a_division_is_made_by_a_job_and_opened(open_page: Open) -> None:
    opened = open_page("chief", fragment="plan")
    page = opened.page
    page.select_option(".new-plan [name=scheme]", "community")
    page.fill(".new-plan [name=name]", "squares")
    page.select_option(".new-plan [name=method]", "square")
    page.fill(".new-plan [name=size_m]", "300")
    page.click(".new-plan > button")
    opened.wait("wangge.state().plan?.name === 'squares' && wangge.state().cells.size > 0")
    assert page.inner_text("[data-figure=cells]") == str(len(cells(opened)))
    assert {cell["kind"] for cell in cells(opened).values()} == {"square"}


def test_what_a_check_finds_opens_its_cells_and_locked_cells_stay(draft: Opened, city: Any) -> None:
    draft.forgiven = ("409 (Conflict)",)
    page = draft.page
    with closing(Database(f"sqlite:///{city[0]}")) as database, database.write() as session:
        scheme = session.query(Scheme).filter_by(code="community").one()
        rules = scheme.rules
        scheme.rules = {**rules, "caps": {"households": 1}}
    try:
        page.click("button:has-text('检查')")
        page.click(f".findings button:has-text('{FIRST[-3:]}')")
    finally:
        with closing(Database(f"sqlite:///{city[0]}")) as database, database.write() as session:
            session.query(Scheme).filter_by(code="community").one().rules = rules
    draft.wait(f"wangge.state().selection.join() === '{FIRST}'")
    page.click("[data-lock]")
    draft.wait("document.querySelector('[data-lock]').textContent === '解锁'")
    press(draft, "e", "wangge.state().tool?.key === 'split_evenly'")
    page.wait_for_selector(f".card .problem:has-text('{FIRST}')")
    page.keyboard.press("Escape")
    page.click("[data-lock]")
    draft.wait("document.querySelector('[data-lock]').textContent === '锁定'")
    press(draft, "n", "wangge.state().tool?.key === 'renumber'")
    page.wait_for_selector("#edit-card .effects, #edit-card .problem")
