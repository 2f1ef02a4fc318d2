"""The drafts of plans on the map: who sees them, and where their check found something."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from layers.db.database import Database
from layers.plans.check import check_plan
from layers.plans.drafts import create_draft, delete_draft
from layers.plans.schemes import change_scheme, find_scheme
from tests.api.web.conftest import COUNTY, box, spot, stripes

Open = Callable[..., Any]


@pytest.fixture
def draft(city: tuple[Path, dict[str, Any]]) -> Iterator[int]:
    """A draft of the first scheme that leaves ground blank and breaks a rule, and one that is not checked."""
    cells = stripes()
    cells.loc[5, "geometry"] = box(5, 0, 1, 3)
    with closing(Database(f"sqlite:///{city[0]}")) as database:
        with database.write() as session:
            scheme = find_scheme(session, "community")
            rules = {"sizes": {"max_area_m2": 160_000}}
            version = change_scheme(session, scheme.code, scheme.version, rules=rules).version
            given = {"created_by": "test", "area_code": COUNTY}
            fresh = create_draft(session, scheme.id, stripes(), name="fresh", **given).id
            made = create_draft(session, scheme.id, cells, name="autumn", **given).id
            check_plan(session, made)
        yield made
        with database.write() as session:
            change_scheme(session, "community", version, rules={"sizes": None})
            for plan in (fresh, made):
                delete_draft(session, plan)


def test_a_draft_lies_on_the_map_with_its_findings(open_page: Open, draft: int) -> None:
    opened = open_page("chief")
    page = opened.page
    page.click("#tool-drafts")
    page.wait_for_selector(".finding-row")
    assert page.input_value("#draft-plan") == str(draft)
    assert "发现 6 处" in page.inner_text("#draft-found")
    assert page.inner_text(".finding-row >> nth=0").strip().startswith("空白")
    opened.settle()
    drawn = "wangge.map.queryRenderedFeatures({layers: ['draft-cells']}).length > 0"
    opened.wait(drawn)
    assert opened.codes("draft-cells") == set(stripes()["code"])
    page.click(".finding-row >> nth=0")
    opened.settle()
    opened.wait(f"wangge.map.getBounds().contains({list(spot(5.5, 3.5))}) && wangge.map.getZoom() > 14")
    page.select_option("#draft-plan", label="fresh · 草案 · " + str(draft - 1))
    page.wait_for_selector("#tool-card .note:has-text('尚未检查')")
    opened.wait(drawn)
    page.click("#tool-card h2 button")
    assert page.evaluate("wangge.map.getLayer('draft-cells') === undefined")


def test_who_draws_no_plans_sees_no_drafts(open_page: Open) -> None:
    opened = open_page()
    assert opened.page.locator("#tool-drafts").count() == 0
