"""The document as text: what it holds, what it must never hold, and what it refuses."""

import datetime
import json
import re
from pathlib import Path

import folium
import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.classes import ClassificationMethod, upper_bounds
from gis.errors import InputError
from layers.maps import map_layers, render_html_map, write_html_map

DAY = datetime.date(2026, 3, 1)


def record(html: str) -> dict:
    found = re.search(r'<script type="application/json" id="wangge-data">(.*?)</script>', html, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_same_input_gives_the_same_file(cells: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> None:
    assert render_html_map(cells, areas=areas, date=DAY) == render_html_map(cells, areas=areas, date=DAY)


def test_inputs_and_folium_stay_as_they_were(cells: gpd.GeoDataFrame, areas: gpd.GeoDataFrame) -> None:
    before, links = cells.copy(), (list(folium.Map.default_js), list(folium.Map.default_css))
    render_html_map(cells, areas=areas, measure="households")
    assert cells.equals(before)
    assert (folium.Map.default_js, folium.Map.default_css) == links


def test_no_address_is_loaded(cells: gpd.GeoDataFrame, gaps: gpd.GeoDataFrame) -> None:
    html = render_html_map(cells, gaps=gaps)
    # Leaflet's own home page in its licence comment and attribution, and the name of the SVG namespace.
    known = {"https://leafletjs.com", "http://www.w3.org/2000/svg"}
    assert set(re.findall(r"https?://[\w./-]*\w", html)) <= known
    assert not re.search(r"<link\b|<iframe\b|\bsrc\s*=\s*[\"']|@import|sourceMappingURL", html)
    assert set(re.findall(r"url\(([^)]{0,15})", html)) == {"data:image/png;", "#default#VML"}
    assert "default-src 'none'" in html
    assert not re.search(r"jquery|bootstrap|font-?awesome", html, re.IGNORECASE)


def test_people_stay_out(cells: gpd.GeoDataFrame) -> None:
    points = gpd.GeoDataFrame(
        {"id": ["S1"], "kind": ["sensor"], "class": ["smoke"], "owner": ["甄有名"], "phone": [13912345678]},
        geometry=[shapely.Point(114.005, 22.505)],
        crs=4326,
    )
    html = render_html_map(cells, layers={"sensors": points})
    assert "S1" in html
    assert "甄有名" not in html
    assert "13912345678" not in html


def test_markup_in_data_stays_data(cells: gpd.GeoDataFrame) -> None:
    hostile = "</script><script>alert(1)</script>{{ 7*7 }}{% endraw %}{# x #}{{{\u2028&"
    frame = cells.assign(name=hostile)
    html = render_html_map(frame, title=hostile)
    assert "<script>alert" not in html
    assert record(html)["title"] == hostile
    assert record(html)["cells"]["name"] == [hostile] * 12


def test_large_layers_are_counted_not_drawn(cells: gpd.GeoDataFrame) -> None:
    rng = np.random.default_rng(3)
    xy = rng.uniform([114.0, 22.5], [114.05, 22.53], (map_layers.MAX_DRAWN_ENTITIES + 1, 2))
    homes = gpd.GeoDataFrame(
        {"id": np.arange(len(xy)), "kind": "household"}, geometry=shapely.points(xy), crs=4326
    )
    data = record(render_html_map(cells.drop(columns="households"), layers={"homes": homes}))
    assert data["layers"] == []
    field = next(field for field in data["cells"]["fields"] if field["key"] == "homes")
    assert field["values"] == [int(shape.contains(homes.geometry).sum()) for shape in cells.geometry]
    assigned = homes.assign(cell_code=cells["code"].to_numpy()[np.arange(len(xy)) % 5])
    by_code = map_layers.count_per_cell("homes", assigned, cells)
    assert by_code.sum() == len(xy)
    assert (by_code[5:] == 0).all()


@given(
    st.lists(st.one_of(st.floats(0, 5000), st.integers(0, 9)), min_size=12, max_size=12),
    st.sampled_from(ClassificationMethod),
    st.integers(1, 9),
)
@settings(max_examples=40, deadline=None)
def test_values_as_written_are_in_the_classes_as_written(
    cells: gpd.GeoDataFrame, values: list[float], method: ClassificationMethod, classes: int
) -> None:
    data = record(render_html_map(cells.assign(load=values), measure="load", method=method, classes=classes))
    field = next(each for each in data["cells"]["fields"] if each["key"] == "load")
    written = np.array(field["values"], dtype=float)
    assert np.abs(written - values).max() <= min(0.05, max(values) / 1e4) + 1e-9
    # One by one: each belongs to the first class that it is within, and the legend is right about it.
    uppers = upper_bounds(written, classes, method).tolist()
    assert [high for _, high in field["ranges"]] == uppers
    assert len(field["tints"]) == len(uppers)
    for value in written.tolist():
        low, high = field["ranges"][next(k for k, upper in enumerate(uppers) if value <= upper)]
        assert low <= value <= high


def test_points_on_a_border_count_once_for_the_lowest_code(cells: gpd.GeoDataFrame) -> None:
    corner = gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.Point(114.01, 22.51)], crs=4326)
    counts = map_layers.count_per_cell("x", corner, cells)
    around = [0, 1, 4, 5]
    lowest = min(around, key=lambda row: cells["code"][row])
    assert counts.tolist() == [int(row == lowest) for row in range(12)]


def test_odd_frames_are_drawn(cells: gpd.GeoDataFrame) -> None:
    shapes = np.array(cells.geometry)
    shapes[0], shapes[1], shapes[2] = None, shapely.Polygon(), shapely.force_3d(shapes[2], 4.0)
    frame = gpd.GeoDataFrame({"code": np.arange(12.0)}, geometry=shapes, crs=4326).to_crs(3857)
    frame.index = frame.index + 100
    data = record(render_html_map(frame, language="en"))
    assert data["cells"]["code"] == [str(n) for n in range(12)]
    assert data["cells"]["fields"][0]["values"][:2] == [0, 0]


@pytest.mark.parametrize(
    ("change", "options", "sentence"),
    [
        (lambda f: f.drop(columns="code"), {}, "no column 'code'"),
        (lambda f: f.assign(code=[None, *f["code"][1:]]), {}, "no code"),
        (lambda f: f.set_crs(None, allow_override=True), {}, "coordinate reference system"),
        (lambda f: f.iloc[:0], {}, "no polygon"),
        (lambda f: f, {"measure": "height"}, "no column 'height'"),
        (lambda f: f, {"measure": "officer_name"}, "holds text"),
        (lambda f: f, {"language": "fr"}, "zh or en"),
        (lambda f: f, {"base": {"sky": None}}, "no layer 'sky'"),
    ],
)
def test_what_cannot_be_drawn_is_said(cells, change, options, sentence) -> None:
    if "base" in options:
        options = {"base": {"sky": cells}}
    with pytest.raises(InputError, match=sentence):
        render_html_map(change(cells), **options)


def test_too_many_cells_are_refused(cells: gpd.GeoDataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_layers, "MAX_CELLS", 11)
    with pytest.raises(InputError, match="too many"):
        render_html_map(cells)


def test_detailed_borders_are_simplified_and_stay_shared(
    cells: gpd.GeoDataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    dense = cells.set_geometry(shapely.segmentize(cells.geometry.to_numpy(), 0.0005))
    monkeypatch.setattr(map_layers, "SIMPLIFY_ABOVE", 100)
    shapes, simplified = map_layers._simplified_polygons(dense)
    assert simplified
    assert (
        shapely.get_num_coordinates(shapes).sum()
        < shapely.get_num_coordinates(dense.geometry.to_numpy()).sum() / 3
    )
    assert shapely.coverage_is_valid(shapes)
    assert record(render_html_map(dense))["cells"]["simplified_m"] == 1


def test_a_file_appears_whole_or_not_at_all(cells: gpd.GeoDataFrame, tmp_path: Path) -> None:
    target = tmp_path / "map.html"
    with pytest.raises(InputError):
        write_html_map(target, cells, measure="height")
    with pytest.raises(InputError, match="there is no folder"):
        write_html_map(tmp_path / "none" / "map.html", cells)
    assert list(tmp_path.iterdir()) == []
    write_html_map(target, cells)
    assert [path.name for path in tmp_path.iterdir()] == ["map.html"]
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_units_and_the_colour_of_borders_are_in_the_file(cells: gpd.GeoDataFrame) -> None:
    plain = record(render_html_map(cells))
    assert (plain["units"], plain["border"]) == (None, None)
    drawn = record(render_html_map(cells, units=cells.head(7).to_crs(3857), border="#ff00ff"))
    assert drawn["border"] == "#ff00ff"
    assert drawn["units"]["geo"] == record(render_html_map(cells.head(7)))["cells"]["geo"]
