"""Measures against one-by-one computation and against the ellipsoid."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod

from gis.crs import to_working_crs
from gis.diff import diff_plans
from gis.divide import divide_square
from gis.errors import InputError
from gis.gaps import GapInput, find_gaps
from gis.measures import (
    area_distortion,
    area_m2,
    entity_load,
    geodesic_area_m2,
    measure_cells,
)
from gis.topology import check_topology, repair_topology
from tests.gis.topology.coverages import frame, lattice


def ring_cell(lon, lat, width):
    outer = shapely.box(lon, lat, lon + width, lat + width)
    return outer.difference(shapely.box(lon + width / 4, lat + width / 4, lon + width / 2, lat + width / 2))


@settings(deadline=None, max_examples=30)
@given(lon=st.floats(-179, 178), lat=st.floats(-75, 75), width=st.floats(0.001, 0.02), reverse=st.booleans())
def test_areas_agree_with_the_ellipsoid_one_by_one(lon, lat, width, reverse):
    cell = ring_cell(lon, lat, width)
    several = shapely.MultiPolygon([cell, shapely.box(lon + 2 * width, lat, lon + 3 * width, lat + width)])
    cells = gpd.GeoDataFrame(
        geometry=[cell.reverse() if reverse else cell, several, None, shapely.Polygon()], crs=4326
    )
    geod = Geod(ellps="WGS84")
    expected = [abs(geod.geometry_area_perimeter(shapely.geometry.polygon.orient(cell))[0])]
    expected.append(expected[0] + abs(geod.geometry_area_perimeter(several.geoms[1])[0]))
    assert geodesic_area_m2(cells) == pytest.approx([*expected, 0, 0], rel=1e-9)
    planar, geodesic = area_m2(cells), geodesic_area_m2(cells)
    ratio = np.divide(planar, geodesic, out=np.full(len(planar), np.nan), where=geodesic > 0)
    assert np.isnan(ratio[2:]).all()
    assert np.all((ratio[:2] > 0.9991) & (ratio[:2] < 1.0025))
    measured = measure_cells(cells)
    working = to_working_crs(cells)
    assert measured["area_m2"].tolist() == pytest.approx([g.area if g else 0 for g in working.geometry])
    assert measured["perimeter_m"].tolist() == pytest.approx([g.length if g else 0 for g in working.geometry])
    assert measured["area_m2"].tolist() == area_m2(cells).tolist()
    assert "area_m2" not in cells.columns


def test_geodesic_area_counts_holes_of_every_part():
    first, second = ring_cell(114.0, 22.5, 0.01), ring_cell(115.0, 22.5, 0.01)
    cells = gpd.GeoDataFrame(geometry=[first, second, shapely.MultiPolygon([first, second])], crs=4326)
    one, other, both = geodesic_area_m2(cells)
    assert one == pytest.approx(other)
    assert both == pytest.approx(one + other)
    assert one == pytest.approx(15 / 16 * 1028.4 * 1107.5, rel=0.01)


def test_a_given_crs_is_used_and_empty_frames_measure_nothing():
    cells = gpd.GeoDataFrame(geometry=[shapely.box(114, 22, 114.1, 22.1)], crs=4326)
    from pyproj import CRS

    far = area_m2(cells, CRS.from_epsg(4549))
    assert far[0] > area_m2(cells)[0] * 1.003
    empty = gpd.GeoDataFrame(geometry=gpd.GeoSeries([None], crs=4326))
    assert measure_cells(empty)["area_m2"].tolist() == [0.0]
    assert geodesic_area_m2(empty).tolist() == [0.0]


@settings(deadline=None, max_examples=30)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", None]),
            st.sampled_from(["household", "sensor"]),
            st.integers(0, 9),
        ),
        max_size=40,
    )
)
def test_loads_equal_a_loop(rows):
    cells = gpd.GeoDataFrame({"code": ["b", "a", "c"]}, geometry=[None] * 3, crs=4326, index=[7, 8, 9])
    assigned = pd.DataFrame(rows, columns=["cell_code", "kind", "households"])
    households = entity_load(cells, assigned, kind="household", weight="households")
    sensors = entity_load(cells, assigned, kind="sensor")
    for index, code in zip(cells.index, cells["code"], strict=True):
        assert households[index] == sum(n for cell, kind, n in rows if cell == code and kind == "household")
        assert sensors[index] == sum(1 for cell, kind, _ in rows if cell == code and kind == "sensor")
    assert sensors.dtype == np.int64


def test_loads_name_what_is_missing():
    cells = gpd.GeoDataFrame({"code": ["a"]}, geometry=[None], crs=4326)
    with pytest.raises(InputError, match="cell_code"):
        entity_load(cells, pd.DataFrame({"id": ["1"]}))
    with pytest.raises(InputError, match="'zz'"):
        entity_load(cells, pd.DataFrame({"cell_code": ["zz"]}))


def test_projected_cells_measure_as_their_longitudes_and_latitudes_do():
    cells = gpd.GeoDataFrame(geometry=[ring_cell(-58.4, -34.6, 0.01)], crs=4326)
    projected = cells.to_crs(3857)
    assert measure_cells(projected)["area_m2"].tolist() == pytest.approx(
        measure_cells(cells)["area_m2"].tolist()
    )
    assert measure_cells(projected).crs == projected.crs


FAR = CRS.from_epsg(32631)


def test_areas_are_held_against_the_ellipsoid() -> None:
    east, north = 500_000.0, 2_500_000.0
    cells = frame(lattice(30, 20, origin=(east, north)))
    assert area_distortion(cells, CRS.from_epsg(4547)) == pytest.approx(0, abs=2e-4)
    assert area_distortion(cells, FAR) == pytest.approx(
        (area_m2(cells, FAR) / area_m2(cells) - 1).mean(), rel=0.01
    )
    assert area_distortion(cells.iloc[:0], FAR) == 0
    lost = cells.assign(geometry=[None, shapely.Polygon(), *cells.geometry[2:]])
    assert area_distortion(lost, CRS.from_epsg(4547)) == pytest.approx(0, abs=2e-4)


def test_the_first_and_the_last_polygon_and_the_smallest_are_held_against_the_ellipsoid() -> None:
    east, north = 500_000.0, 2_500_000.0
    (room,) = frame([shapely.box(east, north, east + 0.7, north + 0.7)]).geometry
    distortion = area_distortion(gpd.GeoDataFrame(geometry=[room], crs=4547), FAR)
    assert distortion > 0.1
    for pair in ([room, None], [None, room]):
        assert area_distortion(gpd.GeoDataFrame(geometry=pair, crs=4547), FAR) == distortion


def test_a_working_crs_of_another_part_of_the_world_is_refused() -> None:
    cells = frame(lattice(3, 3, origin=(500_000.0, 2_500_000.0)))
    areas = cells.assign(name="", level="", parent=None)
    for use in (
        lambda: divide_square(areas, size_m=100, crs=FAR),
        lambda: check_topology(cells, crs=FAR),
        lambda: repair_topology(cells, crs=FAR),
        lambda: diff_plans(cells, cells, crs=FAR),
        lambda: find_gaps(GapInput(cells, crs=FAR)),
    ):
        with pytest.raises(InputError, match="times their size on the ellipsoid"):
            use()


def test_a_country_keeps_its_zone_but_is_not_divided_in_it() -> None:
    columns = [shapely.box(west, 20, west + 4, 24) for west in range(-117, -85, 4)]
    country = gpd.GeoDataFrame({"code": [f"s{k}" for k in range(8)]}, geometry=columns, crs=4326)
    assert check_topology(country).is_valid
    assert check_topology(country, crs=check_topology(country).crs).is_valid
    assert repair_topology(country).remaining_blanks.empty
    with pytest.raises(InputError, match=r"sum to 1\.0\d+ times their size"):
        divide_square(country.assign(name="", level="", parent=None), size_m=50_000)
