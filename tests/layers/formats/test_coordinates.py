"""Coordinates are found by the names that people give their columns, and read as they write them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.coordinates import parse_location
from gis.degrees import Axis, parse_degrees
from gis.errors import InputError
from layers.formats import read_layer
from layers.formats.coordinates import CombinedColumn, find_pair, parse_axis
from layers.formats.read_batches import read_batches

PLACE = (113.9, 22.5)


@pytest.mark.parametrize(
    "header",
    [
        "id,lon,lat",
        "id,LNG,Lat",
        "编号,东经,北纬",
        "编号,经度（°）,纬度（°）",
        "编号, 经度(度) ,纬度 (度)",
        "OBJECTID,POINT_X,POINT_Y",
        "id,X坐标经度,Y坐标纬度",
        "id,企业经度,企业纬度",
        "id,wgs84_lon,wgs84_lat",
        "id,gps longitude,gps latitude",
        "id,x_coord,y_coord",
        "id,Longitude [deg],Latitude [deg]",
        "id,ＬＯＮ,ＬＡＴ",
    ],
)
def test_columns_of_many_names(header: str) -> None:
    assert find_pair(header.split(",")) == (1, 2)


@pytest.mark.parametrize(
    "header",
    [
        "id,long_name,lat",
        "id,x1,y1",
        "id,经营范围,纬度",
        "id,gcj02_lon,wgs84_lon,lat",
        "id,population,plat",
        "lon",
    ],
)
def test_columns_that_only_look_like_coordinates(header: str) -> None:
    assert find_pair(header.split(",")) is None


def test_usual_names_come_before_longer_ones() -> None:
    assert find_pair(["wgs84_lon", "wgs84_lat", "lon", "lat"]) == (2, 3)
    assert find_pair(["lon", "lat", "e", "n"], "e", "n") == (2, 3)


@given(st.lists(st.one_of(st.none(), st.text(max_size=8), st.floats().map(repr), st.integers().map(str))))
def test_a_column_is_read_as_each_of_its_values(texts: list[str | None]) -> None:
    for axis in ("lon", "lat"):
        slow = [float("nan") if text is None else parse_degrees(text, axis) for text in texts]
        fast = parse_axis(pa.array(texts, pa.string()), axis)
        assert np.array_equal(fast, np.array(slow, dtype=float), equal_nan=True)


@pytest.mark.parametrize(
    ("header", "text", "first"),
    [
        ("坐标", "113.9,22.5", "lon"),
        ("location", "(22.5, 113.9)", "lat"),
        ("经纬度", "113,9；22,5", "lon"),
        ("经纬度", "113.9，22.5", "lon"),
        ("coordinates", "113,9,22,5", "lon"),
        ("lat/lng", "22.5 113.9", "lat"),
        ("GPS坐标", "113°54'0\"E 22°30'0\"N", "lon"),
        ("position", "N22°30', E113°54'", "lat"),
        ("lon, lat", "[113.9|22.5]", "lon"),
        ("location", "POINT(113.9 22.5)", "lon"),
        ("经纬度坐标", "东经113.9度，北纬22.5度", "lon"),
    ],
)
def test_one_column_with_both(header: str, text: str, first: Axis) -> None:
    column = CombinedColumn.find(["id", header])
    assert column is not None
    column.learn([text, None, "?"])
    assert column.first == first
    column.learn([text])
    assert column.is_plausible
    lon, lat = column.parse([text, None, "?", "1,2,3"])
    assert (lon[0], lat[0]) == pytest.approx(PLACE)
    assert np.isnan([*lon[1:], *lat[1:]]).all()


COORDINATE = st.one_of(
    st.sampled_from(
        ["114.05", "22,55", "-7", "200", "1_1", "E114", "22°33'N", "114 3 0", "lat=22.5", "x", ""]
    ),
    st.floats(-400, 400).map(lambda value: f"{value:.3f}"),
)


@given(COORDINATE, st.sampled_from([",", ", ", ";", " ", "、", "/", "", "，", "\n"]), COORDINATE)
def test_a_value_is_read_as_what_is_pasted(first: str, separator: str, second: str) -> None:
    text = f"{first}{separator}{second}"
    column = CombinedColumn(0, "lon")
    column.learn([text])
    lon, lat = column.parse([text])
    pasted = parse_location(text)
    if pasted is not None:
        assert (lon[0], lat[0]) == pasted
    else:
        # A table may be in metres.
        assert not (abs(lon[0]) <= 180 and abs(lat[0]) <= 90)


def test_a_value_that_names_its_axes_keeps_to_them() -> None:
    column = CombinedColumn(0, "lon")
    texts = ["113.9,22.5", "150,22", "22.5N 113.9E", "geo:22.5,113.9", "22,150"]
    column.learn(texts[:2])
    lon, lat = column.parse(texts)
    assert lon.tolist() == [113.9, 150, 113.9, 113.9, 22]
    assert lat.tolist() == [22.5, 22, 22.5, 22.5, 150]


def read_both_ways(path: Path, **options: str) -> list[tuple[float, float]]:
    """Read a file at once and in batches, which must agree, and return its points."""
    told: list[str] = []
    frame = read_layer(path, role="entities", note=told.append, **options)
    again: list[str] = []
    with read_batches(path, role="entities", size=1, note=again.append, **options) as batches:
        parts = list(batches.stream)
    assert batches.total == len(frame)
    assert told == again
    points = [geometry for part in parts for geometry in part.geometries]
    assert [str(point) for point in points] == [str(point) for point in frame.geometry]
    for name in parts[0].columns:
        values = [value for part in parts for value in part.columns[name]]
        assert values == [None if value != value else value for value in frame[name].tolist()]
    return [(point.x, point.y) if point is not None else (0.0, 0.0) for point in frame.geometry]


@pytest.mark.parametrize(
    "text",
    [
        "id;lon;lat\n1;113,9;22,5\n",
        "id,lon,lat\n1,\u00a0113.9\u2009,\u300022.5\n",
        "id,lon,lat,\n1,１１３．９,２２．５,\n",
        "sep=;\nid;东经;北纬\n1;113°54'E;22°30'N\n",
        'id,坐标\n1,"113.9,22.5"\n',
        'id,latlon\n1,"22.5,113.9"\n',
        'id,lon,lat\n1,="113.9","=""22.5"""\n',
        "id,wkt\n1,POINT (113.9 22.5)\n",
        "id,lon,lat,geometry,geometry_text\n1,113.9,22.5,a,b\n",
    ],
)
def test_the_same_place_in_many_forms(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert read_both_ways(path) == [pytest.approx(PLACE)]


def test_a_column_may_be_named_as_both(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,where\n1,"22.5,113.9"\n2,"22.6,88"\n3,\n')
    with pytest.raises(InputError, match="has no coordinates"):
        read_layer(path, role="entities")
    points = read_both_ways(path, lon_field="where", lat_field="where")
    assert points == [(113.9, 22.5), (88.0, 22.6), (0.0, 0.0)]
    path.write_text("id,location\n1,Room 5\n")
    with pytest.raises(InputError, match="has no coordinates"):
        read_layer(path, role="entities")


def test_what_order_was_assumed_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('id,location\n1,"13.4,52.5"\n')
    told: list[str] = []
    read_layer(path, role="entities", note=told.append)
    assert told == [f"{path}: 'location' is read as longitude, latitude"]


def read_all_batches(path: Path, role: str) -> None:
    with read_batches(path, role=role) as batches:
        list(batches.stream)


@pytest.mark.parametrize(
    ("header", "values", "sentence"),
    [
        ("x,y", "506123.4,2489234.5", "metres of a Gauss-Kruger zone; give it with --source-crs"),
        ("x,y", "38506123.4,2489234.5", "begin with the zone 38; give --source-crs EPSG:4526"),
        (
            "POINT_X,POINT_Y",
            "2489234.5,20506123.4",
            "exchange the two with --lon-field and --lat-field; .* EPSG:4498",
        ),
        ("x,y", "2683141,1247945", "if they are metres, give their CRS with --source-crs"),
        ("wkt", "POINT (506123.4 2489234.5)", "Gauss-Kruger"),
    ],
)
def test_metres_are_told_with_the_crs_they_may_be_in(
    tmp_path: Path, header: str, values: str, sentence: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"id,{header}\n1,{values}\n2,{values}\n")
    for read in (read_layer, read_all_batches):
        with pytest.raises(InputError, match=rf"^{path}: .* degrees.*{sentence}"):
            read(path, role="entities")


def test_metres_are_read_in_their_crs(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for text in ("id,x,y\n1,38506123.4,2489234.5\n", 'id,坐标\n1,"38506123,4; 2489234,5"\n'):
        path.write_text(text)
        ((lon, lat),) = read_both_ways(path, source_crs="EPSG:4526")
        assert 114 < lon < 114.1
        assert 22.4 < lat < 22.6
