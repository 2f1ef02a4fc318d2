"""The outline of a cell pointed at or chosen: put together from pieces in tiles, it is the cell's border."""

from collections.abc import Callable
from typing import Any

import pytest
import shapely

from tests.api.web.conftest import COLUMNS, FIRST, ROWS, box, halves, spot, squares, stripes

Open = Callable[..., Any]
CELLS_ALONE = "off=component,enterprise,household,sensor,service_point,gaps"


def outline(opened: Any, name: str) -> shapely.MultiLineString:
    opened.settle()
    # What was not yet drawn when it was put together is added as soon as the map rests.
    opened.page.evaluate(
        "() => new Promise((rests) => { wangge.map.once('idle', rests); wangge.map.triggerRepaint(); })"
    )
    lines = opened.page.evaluate(f"wangge.map.getSource('{name}').serialize().data.coordinates")
    return shapely.MultiLineString(lines)


def assert_is_border(found: shapely.MultiLineString, shape: shapely.Polygon, zoom: int) -> None:
    """Both are the same lines within a unit of the tiles."""
    unit = 360 / 2**zoom / 4096
    assert shapely.hausdorff_distance(found, shape.exterior, densify=0.05) < 1.5 * unit


@pytest.mark.parametrize("zoom", [14.2, 15.3, 16.02])
def test_a_chosen_cell_is_outlined_across_tiles(open_page: Open, zoom: float) -> None:
    lon, lat = spot(COLUMNS / 2, ROWS / 2)
    opened = open_page(fragment=f"#map={zoom}/{lat}/{lon}&scheme=safety&{CELLS_ALONE}")
    opened.click(1.4, 2.2)
    opened.wait("wangge.map.getSource('chosen').serialize().data.coordinates.length > 0")
    (chosen,) = (shape for shape in halves().geometry if shape.contains(shapely.Point(spot(1.4, 2.2))))
    pieces = opened.page.evaluate("wangge.map.querySourceFeatures('cells', {sourceLayer: 'cells'}).length")
    assert pieces > len(halves())
    assert_is_border(outline(opened, "chosen"), chosen, int(zoom))


def test_an_outline_follows_zoom_day_and_choice(open_page: Open) -> None:
    # The sheet asks for the code on the other day too, where there is none.
    opened = open_page(
        fragment=f"#at={FIRST}&cell={squares()['code'][5]}&{CELLS_ALONE}",
        forgiven=("Failed to load resource",),
    )
    page = opened.page
    opened.wait("wangge.map.getSource('chosen').serialize().data.coordinates.length > 0")
    cells = squares().set_index("code").geometry
    assert_is_border(outline(opened, "chosen"), cells[squares()["code"][5]], 16)
    lon, lat = spot(COLUMNS / 2, ROWS / 2)
    page.evaluate(f"() => {{ wangge.map.jumpTo({{zoom: 14, center: [{lon}, {lat}]}}); }}")
    opened.settle()
    assert_is_border(outline(opened, "chosen"), cells[squares()["code"][5]], 14)
    # Codes of one day are none of another.
    page.select_option("#date", "")
    opened.wait("wangge.map.getSource('chosen').serialize().data.coordinates.length === 0")
    opened.wait("wangge.map.getSource('cells')?.tiles[0].includes('at=') === false")
    opened.settle()
    opened.click(3.5, 1.5)
    opened.wait("wangge.map.getSource('chosen').serialize().data.coordinates.length > 0")
    assert_is_border(outline(opened, "chosen"), stripes().geometry[3], 14)
    page.keyboard.press("Escape")
    opened.wait("wangge.map.getSource('chosen').serialize().data.coordinates.length === 0")


def test_the_cell_at_the_pointer_is_outlined_without_reading_tiles_again(open_page: Open) -> None:
    opened = open_page(fragment=f"#at={FIRST}&{CELLS_ALONE}")
    page = opened.page
    page.evaluate(
        "() => { window.read = 0; wangge.map.on('sourcedata', ({sourceId, tile}) => {"
        " if (sourceId === 'cells' && tile) window.read += 1; }); }"
    )
    for column in (0, 2, 5):
        page.mouse.move(*opened.on_screen(column + 0.5, 1.5))
        # Until then it is the outline of the cell before.
        opened.wait(
            "Math.abs(Math.min(...wangge.map.getSource('pointed').serialize().data.coordinates.flat()"
            f".map(([lon]) => lon)) - {box(column, 1).bounds[0]}) < 1e-4"
        )
        assert_is_border(outline(opened, "pointed"), box(column, 1), 15)
    page.mouse.move(*opened.on_screen(COLUMNS + 0.5, 1.5))
    opened.wait("wangge.map.getSource('pointed').serialize().data.coordinates.length === 0")
    assert page.evaluate("window.read") == 0
