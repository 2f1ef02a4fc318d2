"""The map in a real browser with the network off."""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from gis.classes import ClassificationMethod, class_counts, upper_bounds
from layers.maps import write_html_map
from layers.maps.choropleth import sample_ramp

INK = """(spot) => {
  const at = wangge.map.latLngToContainerPoint(spot).add(wangge.map.getContainer().getBoundingClientRect());
  for (const canvas of document.querySelectorAll('.leaflet-wg-cells-pane canvas')) {
    const box = canvas.getBoundingClientRect();
    if (at.x < box.left || at.x >= box.right || at.y < box.top || at.y >= box.bottom) continue;
    const x = (at.x - box.left) * canvas.width / box.width, y = (at.y - box.top) * canvas.height / box.height;
    return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data];
  }
  return null;
}"""


def screen(page, lon: float, lat: float) -> tuple[float, float]:
    spot = page.evaluate("([lat, lon]) => wangge.map.latLngToContainerPoint([lat, lon])", [lat, lon])
    return spot["x"], spot["y"]


def ink(page, lon: float, lat: float) -> list[int]:
    """The colour drawn at a place, once its tile is there."""
    for _ in range(1200):
        found = page.evaluate(INK, [lat, lon])
        if found is not None:
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"no tile is drawn at {lon}, {lat}")


def test_every_cell_is_drawn_and_neighbours_differ(open_map, cells, areas, tmp_path: Path) -> None:
    write_html_map(tmp_path / "m.html", cells, areas=areas)
    page = open_map(tmp_path / "m.html").page
    assert page.evaluate("wangge.state.cells.store.n") == len(cells)
    # Off the centre, where a label may stand, and away from the borders.
    spots = [(shape.bounds[0] + 0.002, shape.bounds[1] + 0.002) for shape in cells.geometry]
    colours = [tuple(ink(page, *spot)) for spot in spots]
    assert all(colour[3] > 0 for colour in colours)
    shapes = cells.geometry.to_numpy()
    for i, shape in enumerate(shapes):
        for j in range(i):
            if shape.intersection(shapes[j]).length > 0.001:
                assert colours[i] != colours[j]
    assert ink(page, 114.005, 22.515)[3] == 0, "the hole of the fifth cell is filled"
    assert ink(page, 114.045, 22.515)[3] == 0, "ground outside is filled"
    page.uncheck("input[data-layer=cells]")
    assert ink(page, *spots[0])[3] == 0


def test_hover_and_click_tell_the_cell(open_map, cells, areas, gaps, tmp_path: Path) -> None:
    write_html_map(tmp_path / "m.html", cells, areas=areas, gaps=gaps)
    page = open_map(tmp_path / "m.html").page
    page.mouse.move(*screen(page, 114.013, 22.506))
    assert page.inner_text("#wg-tip strong") == "网格2"
    assert "100" in page.inner_text("#wg-tip")
    for row in (1, 10):
        centre = cells.geometry[row].centroid
        page.mouse.click(*screen(page, centre.x, centre.y))
        shown = page.eval_on_selector_all(
            "#wg-sheet dd[data-field]",
            "nodes => Object.fromEntries(nodes.map(n => [n.dataset.field, n.textContent]))",
        )
        assert shown["code"] == cells["code"][row]
        assert shown["name"] == cells["name"][row]
        assert shown["area_code"] == cells["area_code"][row]
        assert shown["area_m2"] == f"{cells['area_m2'][row] / 1e6:.4g} km²"
        assert shown["households"] == f"{cells['households'][row]:,.0f}"
        assert set(shown) == {"code", "name", "area_code", "area_m2", "perimeter_m", "households"}
    assert "样例区 · 西门街道" in page.inner_text("#wg-sheet")
    page.keyboard.press("Escape")
    assert page.is_hidden("#wg-sheet")


def test_gaps_are_listed_worst_first(open_map, cells, gaps, tmp_path: Path) -> None:
    write_html_map(tmp_path / "m.html", cells, gaps=gaps)
    opened = open_map(tmp_path / "m.html")
    page = opened.page
    rows = page.locator("#wg-gaps .wg-gap").all_inner_texts()
    assert [row.split()[0] for row in rows] == ["空白", "服务不可达", "未归属"]
    assert "120 户" in rows[1]
    page.mouse.click(*screen(page, 114.018, 22.508))
    assert page.locator("#wg-sheet .wg-gap").count() == 2
    page.locator("#wg-gaps .wg-gap").first.click()
    opened.wait("wangge.map.getZoom() >= 15.5 && wangge.map.getBounds().contains([22.503, 114.013])")


def test_search_flies_to_a_cell_and_an_area(open_map, cells, areas, tmp_path: Path) -> None:
    write_html_map(tmp_path / "m.html", cells, areas=areas)
    opened = open_map(tmp_path / "m.html")
    page = opened.page
    page.fill("#wg-query", str(cells["code"][7]))
    page.keyboard.press("Enter")
    assert page.inner_text("#wg-sheet h2") == "网格8"
    centre = cells.geometry[7].centroid
    spot = f"[{centre.y}, {centre.x}]"
    opened.wait(f"wangge.map.getZoom() > 14 && wangge.map.getBounds().contains({spot})")
    # From close by to a cell that is out of sight.
    opened.wait("!wangge.map._animatingZoom")
    page.evaluate("wangge.map.setZoom(19, {animate: false}); 0")
    page.evaluate("wangge.state.choose(0, true); 0")
    opened.wait("wangge.map.getBounds().contains([22.505, 114.005]) && wangge.map.getZoom() < 17")
    assert ink(page, 114.002, 22.502)[3] > 0
    page.fill("#wg-query", "东门")
    assert page.locator("#wg-found li").count() == 1
    page.fill("#wg-query", "没有这样的")
    assert "没有匹配" in page.inner_text("#wg-found")


def test_the_last_choice_holds_though_the_map_was_still_moving(open_map, cells, tmp_path: Path) -> None:
    write_html_map(tmp_path / "m.html", cells)
    opened = open_map(tmp_path / "m.html")
    opened.page.evaluate(
        "wangge.state.choose(7, true); wangge.state.choose(3, true); wangge.state.choose(0, true); 0"
    )
    centre = cells.geometry[0].centroid
    opened.wait(
        "!wangge.map._animatingZoom && wangge.map.getZoom() > 14"
        f" && wangge.map.getBounds().contains([{centre.y}, {centre.x}])"
    )


def test_markup_in_names_is_text(open_map, cells, tmp_path: Path) -> None:
    name = "<img src=x onerror='window.broken=1'><b>甲</b>"
    points = gpd.GeoDataFrame(
        {"id": [name], "kind": [name]}, geometry=[shapely.Point(114.005, 22.505)], crs=4326
    )
    frame = cells.assign(name=name, kind=name)
    write_html_map(tmp_path / "m.html", frame, layers={name: points}, title=name)
    page = open_map(tmp_path / "m.html").page
    page.mouse.move(*screen(page, 114.005, 22.505))
    page.mouse.click(*screen(page, 114.015, 22.505))
    page.fill("#wg-query", "img")
    assert page.inner_text("#wg-title") == name
    assert page.inner_text("#wg-sheet h2") == name
    assert page.title() == name
    assert page.evaluate("[window.broken, document.querySelectorAll('img[src=x]').length]") == [None, 0]


def test_choropleth_colours_by_class(open_map, cells, tmp_path: Path) -> None:
    write_html_map(tmp_path / "m.html", cells, measure="households", language="en")
    page = open_map(tmp_path / "m.html").page
    assert page.inner_text("#wg-legend").splitlines() == [
        "Classes by · Quantiles",
        "0 – 200",
        "201 – 400",
        "401 – 600",
        "601 – 800",
        "801 – 1,000",
        "No data",
    ]
    darkness = [
        sum(ink(page, shape.bounds[0] + 0.002, shape.bounds[1] + 0.002)[:3]) for shape in cells.geometry
    ]
    assert darkness[0] == darkness[2] > darkness[3] > darkness[5] > darkness[7] > darkness[9] == darkness[10]
    page.select_option("#wg-fill", "")
    assert page.locator("#wg-legend .wg-class").count() == 0


def test_every_class_has_its_own_tint(open_map, cells, tmp_path: Path) -> None:
    frame = cells.assign(load=[0.5 + 1000.2 * row for row in range(12)])
    write_html_map(
        tmp_path / "m.html", frame, measure="load", method=ClassificationMethod.natural_breaks, classes=9
    )
    page = open_map(tmp_path / "m.html").page
    legend = page.inner_text("#wg-legend").splitlines()
    assert legend[0] == "分级方法 · 自然间断"
    assert len(legend) == 10
    drawn = [ink(page, shape.bounds[0] + 0.002, shape.bounds[1] + 0.002)[:3] for shape in cells.geometry]
    counts = class_counts(frame["load"], upper_bounds(frame["load"], 9, ClassificationMethod.natural_breaks))
    # From light to dark, each as often as the class has cells; canvas keeps colours to a step or two.
    expected = [tint for tint, count in zip(sample_ramp(9), counts, strict=True) for _ in range(count)]
    for found, tint in zip(drawn, expected, strict=True):
        assert found == pytest.approx(list(bytes.fromhex(tint[1:])), abs=2)


def test_language_phone_and_date(open_map, cells, tmp_path: Path) -> None:
    write_html_map(tmp_path / "m.html", cells, language="en", synthetic=True)
    page = open_map(tmp_path / "m.html", 390, 844).page
    assert page.get_attribute("html", "lang") == "en"
    assert page.inner_text("#wg-title") == "Responsibility cells"
    assert "Synthetic" in page.inner_text("#wg-attribution")
    assert page.is_hidden("#wg-panel-body")
    page.click("#wg-panel-switch")
    assert page.is_visible("#wg-panel-body")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("wangge.map.getBounds().contains(wangge.state.cells.store.latlngBounds())")


def test_points_tell_kind_and_class(open_map, cells, tmp_path: Path) -> None:
    points = gpd.GeoDataFrame(
        {"id": ["S-7"], "kind": ["sensor"], "class": ["烟感"]},
        geometry=[shapely.Point(114.005, 22.505)],
        crs=4326,
    )
    write_html_map(tmp_path / "m.html", cells, layers={"sensors": points})
    page = open_map(tmp_path / "m.html").page
    page.mouse.move(*screen(page, 114.005, 22.505))
    assert page.inner_text("#wg-tip").split() == ["传感器", "S-7", "类型", "传感器", "类别", "烟感"]


def test_close_up_what_crosses_a_tile_is_still_filled(open_map, cells, areas, tmp_path: Path) -> None:
    """Vertices beyond the tile are dropped while painting; the fill inside must not notice."""
    bent = shapely.Polygon([(114, 22.5), (114.04, 22.5), (114.04, 22.53), (114.03, 22.51), (114, 22.53)])
    frame = gpd.GeoDataFrame({"code": ["a"]}, geometry=[bent], crs=4326)
    write_html_map(tmp_path / "m.html", frame)
    page = open_map(tmp_path / "m.html").page
    for lon, lat in [
        (114.02, 22.51),
        (114.035, 22.515),
        (114.03, 22.512),
        (114.0001, 22.5299),
        (114.02, 22.53),
    ]:
        for zoom in (14, 17.25, 20):
            page.evaluate(
                "([lat, lon, z]) => { wangge.map.setView([lat, lon], z, {animate: false}) }", [lat, lon, zoom]
            )
            assert (ink(page, lon, lat)[3] > 0) == bent.contains(shapely.Point(lon, lat)), (lon, lat, zoom)


def test_cells_on_both_sides_of_the_180th_meridian_stand_side_by_side(open_map, tmp_path: Path) -> None:
    boxes = [shapely.box(179.98, -17, 180, -16.98), shapely.box(-180, -17, -179.98, -16.98)]
    fiji = gpd.GeoDataFrame({"code": ["east", "west"]}, geometry=boxes, crs=4326)
    write_html_map(tmp_path / "m.html", fiji)
    page = open_map(tmp_path / "m.html").page
    assert ink(page, 179.99, -16.99)[3] > 0
    assert ink(page, 180.01, -16.99)[3] > 0
