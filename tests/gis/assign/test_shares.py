import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.assign import assign_to_cells
from gis.assign.projected_cells import ProjectedCells
from gis.assign.shares import measure_shares
from gis.locate import PointLocator
from tests.gis.assign.squares import METRIC, entities_on_plans, frame, naive_shares, on_ground, plans, squares


@settings(deadline=None, max_examples=50)
@given(entities_on_plans())
def test_shares_are_those_of_a_loop_over_all_cells(given_case):
    cells, codes, shapes = given_case
    lonlat = on_ground(shapes)
    found, report = assign_to_cells(frame(lonlat), frame(on_ground(cells), code=codes), crs=METRIC)

    metres = gpd.GeoSeries(lonlat, crs=4326).to_crs(METRIC)
    flat = gpd.GeoSeries(on_ground(cells), crs=4326).to_crs(METRIC).to_numpy()
    for row, shape in enumerate(metres):
        expected = {code: share for code, share in naive_shares(shape, flat, codes).items() if share > 1e-7}
        best = max(expected.values(), default=0.0)
        assert found["cell_share"].iloc[row] == pytest.approx(best, abs=1e-6)
        if not expected:
            assert found["assign_method"].iloc[row] == "none"
            continue
        assert expected[found["cell_code"].iloc[row]] == pytest.approx(best, abs=1e-6)
        listed = report.shares[report.shares["row"] == row].set_index("cell_code")["share"]
        assert listed.sum() <= 1 + 1e-7
        listed = listed[listed > 1e-7]
        if len(expected) > 1:
            assert dict(listed) == pytest.approx(expected, abs=1e-6)


@settings(deadline=None, max_examples=25)
@given(plans())
def test_points_are_assigned_where_the_locator_puts_them(plan):
    cells, codes, random = plan
    plan_frame = frame(on_ground(cells), code=codes)
    vertices = shapely.get_coordinates(plan_frame.geometry)
    points = np.concatenate(
        [vertices, shapely.get_coordinates(on_ground(shapely.points(random.uniform(-50, 450, (50, 2)))))]
    )
    locator = PointLocator(plan_frame)
    found, _ = assign_to_cells(frame(shapely.points(points)), plan_frame)
    assert found["cell_code"].tolist() == [locator.locate(*point) for point in points]
    _, borders = locator.find_owners_and_borders(points[:, 0], points[:, 1])
    assert np.array_equal(found["assign_method"] == "border", borders)
    assert (found["assign_method"] == "border")[: len(vertices)].any()


@settings(deadline=None, max_examples=15)
@given(plans(), st.sampled_from([1, 3]))
def test_shares_do_not_depend_on_batches(plan, batch):
    cells, codes, random = plan
    points = random.uniform(-50, 450, (20, 4, 2))
    shapes = gpd.GeoSeries(on_ground([shapely.LineString(four) for four in points]), crs=4326).to_crs(METRIC)
    ground = ProjectedCells(PointLocator(frame(on_ground(cells), code=codes)), METRIC)
    steps = []
    whole = measure_shares(shapes.to_numpy(), ground, lambda _: None)
    cut = measure_shares(shapes.to_numpy(), ground, steps.append, batch=batch)
    assert sum(steps) == len(shapes)
    assert np.array_equal(whole.along_border, cut.along_border)
    for one, other in zip(whole.shares, cut.shares, strict=True):
        assert np.array_equal(one, other)


def test_a_line_along_a_border_belongs_to_the_lowest_code_once():
    cells = squares("ba")
    along = shapely.LineString([(100, 0), (100, 100)])
    into = shapely.LineString([(100, 0), (100, 100), (40, 100)])
    found, report = assign_to_cells(frame(on_ground([along, into])), cells, crs=METRIC)
    assert found["cell_code"].tolist() == ["a", "a"]
    assert found["assign_method"].tolist() == ["border", "share"]
    assert found["cell_share"].tolist() == pytest.approx([1.0, 100 / 160])
    assert report.shares["measure"].tolist() == pytest.approx([100, 60], abs=1e-3)


def test_a_line_that_crosses_a_cell_and_touches_it_elsewhere():
    corner = [(150, 50), (150, 150), (50, 150), (100, 100), (50, 120), (50, 50)]
    along = [(150, 50), (100, 50), (100, 60), (60, 60), (100, 90), (60, 90)]
    found, report = assign_to_cells(
        frame(on_ground([shapely.LineString(corner), shapely.LineString(along)])), squares("ab"), crs=METRIC
    )
    assert found["cell_code"].tolist() == ["a", "a"]
    assert report.shares["measure"].tolist() == pytest.approx([50, 50, 40 + 50 + 40 + 10, 50], abs=1e-3)


def test_equal_shares_go_to_the_lowest_code():
    halves = shapely.box(50, 20, 150, 80)
    found, report = assign_to_cells(frame(on_ground([halves])), squares("ba"), crs=METRIC)
    assert found["cell_code"].tolist() == ["a"]
    assert found["cell_share"].tolist() == pytest.approx([0.5])
    assert report.shares["cell_code"].tolist() == ["a", "b"]


def test_ground_in_two_cells_counts_for_the_lowest_code():
    cells = frame(on_ground([shapely.box(0, 0, 100, 100), shapely.box(40, 0, 140, 100)]), code=["b", "a"])
    found, report = assign_to_cells(frame(on_ground([shapely.box(0, 10, 100, 20)])), cells, crs=METRIC)
    assert found["cell_code"].tolist() == ["a"]
    assert report.shares["share"].tolist() == pytest.approx([0.6, 0.4])


def test_parts_of_one_code_add_up():
    found, _ = assign_to_cells(frame(on_ground([shapely.box(50, 20, 250, 80)])), squares("aba"), crs=METRIC)
    assert found["cell_share"].tolist() == pytest.approx([0.5])
    assert found["cell_code"].tolist() == ["a"]


def test_a_river_through_many_cells_has_all_its_length():
    cells = squares([f"{n:04d}" for n in range(500)])
    river = shapely.LineString([(x, 50 + 40 * np.sin(x / 70)) for x in range(0, 50_001, 10)])
    found, report = assign_to_cells(frame(on_ground([river])), cells, crs=METRIC)
    assert report.shares["share"].sum() == pytest.approx(1)
    assert len(report.shares) == 500
    assert found["assign_method"].tolist() == ["share"]


def test_a_polygon_larger_than_the_cells_holds_them_whole():
    cells = squares("abc")
    _, report = assign_to_cells(frame(on_ground([shapely.box(-100, -100, 400, 200)])), cells, crs=METRIC)
    assert report.shares["measure"].tolist() == pytest.approx([10_000] * 3)
    assert report.shares["share"].tolist() == pytest.approx([10_000 / 150_000] * 3)


def test_multipoints_count_their_points():
    shapes = [
        shapely.MultiPoint([(10, 10), (110, 10), (120, 10), (900, 0)]),
        shapely.MultiPoint([(10, 10), (20, 20)]),
    ]
    found, report = assign_to_cells(frame(on_ground(shapes)), squares("ab"), crs=METRIC)
    assert found["cell_code"].tolist() == ["b", "a"]
    assert found["cell_share"].tolist() == [0.5, 1.0]
    assert found["assign_method"].tolist() == ["share", "inside"]
    assert report.shares["measure"].tolist() == [1, 2]
