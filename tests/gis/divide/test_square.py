"""Division into squares, against naive clipping: random ground in many places, and real data."""

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from gis.crs import working_crs_for_bounds
from gis.divide import divide_square
from gis.errors import CapacityError, CoverageError, InputError
from gis.faces.arrangement import build_faces

QUIET = settings(deadline=None, max_examples=25)

PLACES = {
    "Shenzhen": (114.05, 22.55),
    "border of two Gauss-Kruger zones": (115.4999, 39.9),
    "Harbin": (126.6, 45.75),
    "Monaco": (7.42, 43.74),
    "edge of a UTM zone": (5.9995, 60.4),
    "Sydney": (151.2, -33.87),
    "Ushuaia": (-68.3, -54.8),
    "Quito": (-78.5, -0.2),
    "Tromso": (18.9, 69.6),
}


def frame(polygons, crs, codes=None, **columns):
    codes = [f"A{k}" for k in range(len(polygons))] if codes is None else codes
    data = {"code": codes, "name": "", "level": "", "parent": None} | columns
    return gpd.GeoDataFrame(data, geometry=list(polygons), crs=crs).to_crs(4326)


def random_areas(seed, place, size, *, aligned, thin, dense, count):
    """Areas of a random coverage: holes, islands, several parts, borders on or off grid lines."""
    rng = np.random.default_rng(seed)
    crs = working_crs_for_bounds(np.repeat([PLACES[place]], 2, axis=0).ravel())
    corner = gpd.GeoSeries.from_xy(*np.array([PLACES[place]]).T, crs=4326).to_crs(crs)
    origin = np.round(np.array([corner.x[0], corner.y[0]]) / size) * size
    if aligned:
        # Rectangles whose borders lie on grid lines, or beside them by less than anyone can see.
        at = [np.unique(np.r_[0, 7, rng.integers(1, 7, 3)]) * float(size) for _ in range(2)]
        at = [v + rng.choice([0, 0, 1e-9, 1e-7, 3e-6, 1e-4, -1e-5], len(v)) for v in at]
        (x0, x1), (y0, y1) = ((v[:-1], v[1:]) for v in at)
        rough = shapely.box(*(v.ravel() for v in (*np.meshgrid(x0, y0), *np.meshgrid(x1, y1))))
    else:
        spots = rng.uniform(0, 6 * size, (count * 3, 2))
        ground = shapely.Point(3 * size, 3 * size).buffer(3.2 * size, quad_segs=5)
        voronoi = shapely.voronoi_polygons(shapely.multipoints(spots), only_edges=True, extend_to=ground)
        rough = build_faces(np.array([voronoi, ground]))
    lines = shapely.segmentize(shapely.boundary(rough), size / 9) if dense else shapely.boundary(rough)
    # Displacing vertices by a smooth field leaves a coverage a coverage.
    sway = 0 if aligned else size / 12
    wavy = shapely.transform(
        build_faces(lines),
        lambda c: c + sway * np.column_stack([np.sin(7 * c[:, 1] / size), np.cos(5 * c[:, 0] / size)]),
    )
    squeeze = np.array([1, 0.03]) if thin else np.ones(2)
    pieces = build_faces(shapely.transform(wavy, lambda c: c * squeeze + origin))
    owner = rng.integers(-1, count, len(pieces))  # -1: a lake or an enclave
    owner[0] = 0
    kept = [k for k in range(count) if np.any(owner == k)]
    return frame([shapely.coverage_union_all(pieces[owner == k]) for k in kept], crs)


@st.composite
def grounds(draw):
    size = draw(st.sampled_from([20, 33.3, 100, 1000]))
    areas = random_areas(
        draw(st.integers(0, 2**32)),
        draw(st.sampled_from(sorted(PLACES))),
        size,
        aligned=draw(st.booleans()),
        thin=draw(st.booleans()),
        dense=draw(st.booleans()),
        count=draw(st.integers(1, 5)),
    )
    return areas, size, draw(st.sampled_from([0, 0.25, 0.5, 1]))


def naive_pieces(polygon, size):
    """Clip one box after the other."""
    west, south, east, north = np.floor(np.array(polygon.bounds) / size).astype(int)
    pieces = []
    for column in range(west, east + 1):
        for row in range(south, north + 1):
            box = shapely.box(column * size, row * size, (column + 1) * size, (row + 1) * size)
            parts = shapely.get_parts(shapely.intersection(box, polygon))
            pieces += [part for part in parts if part.area > 0]
    return np.array(pieces, dtype=object)


def assert_coverage(areas, cells):
    """What must hold of every plan: a coverage here and there that fills each area."""
    crs = working_crs_for_bounds(areas.total_bounds)
    ground, plan = areas.to_crs(crs).set_index("code"), cells.to_crs(crs)
    assert cells.crs == CRS.from_epsg(4326)
    assert cells["code"].is_unique
    assert set(cells.geom_type) == {"Polygon"}
    assert plan.is_valid.all()
    assert cells.is_valid.all()
    assert shapely.coverage_is_valid(np.asarray(cells.geometry.array))
    assert shapely.coverage_is_valid(np.asarray(plan.geometry.array))
    np.testing.assert_allclose(cells["area_m2"], plan.area, atol=1e-3)
    np.testing.assert_allclose(cells["perimeter_m"], plan.length, atol=1e-3)
    assert set(cells["area_code"]) == set(areas["code"])
    for code, polygon in ground.geometry.items():
        mine = np.asarray(plan.geometry.array[(plan["area_code"] == code).to_numpy()])
        assert abs(shapely.area(mine).sum() - polygon.area) < 0.01
        assert shapely.area(shapely.symmetric_difference(shapely.union_all(mine), polygon)) < 0.01


def assert_division(areas, cells, size, share):
    """All that must hold of a division into squares, each by the slow obvious way."""
    assert_coverage(areas, cells)
    crs = working_crs_for_bounds(areas.total_bounds)
    plan = cells.to_crs(crs)
    for code, polygon in areas.to_crs(crs).set_index("code").geometry.items():
        mine = np.asarray(plan.geometry.array[(plan["area_code"] == code).to_numpy()])
        assert_remnants(mine, naive_pieces(polygon, size), size, share)


def assert_remnants(cells, pieces, size, share):
    """No remnant stays alone beside a neighbour, and no two full pieces have become one cell."""
    # A line may leave its multiple by the bend of the map to pass through a vertex: slivers and necks may go.
    least, slack = share * size**2, 0.01 + size**3 / 1e6
    cores = shapely.buffer(pieces, -(1e-5 + size**2 / 1e7), join_style="mitre")
    pieces, source = shapely.get_parts(cores, return_index=True)
    first, second = np.triu_indices(len(cells), 1)
    common = shapely.length(shapely.intersection(cells[first], cells[second]))
    neighbours = np.zeros(len(cells), dtype=bool)
    neighbours[first[common > 1e-3]] = neighbours[second[common > 1e-3]] = True
    assert np.all(shapely.area(cells)[neighbours] > least - slack)
    cell = home(cells, pieces, slack)
    full = shapely.area(pieces) > least + slack
    pairs = np.unique(np.column_stack([source, cell])[full], axis=0)
    assert len(pairs) == len(np.unique(pairs[:, 1]))


def home(cells, pieces, slack):
    """The cell in which each piece lies; it must lie in one."""
    piece, cell = shapely.STRtree(cells).query(pieces, predicate="intersects")
    common = np.zeros((len(pieces), len(cells)))
    common[piece, cell] = shapely.area(shapely.intersection(pieces[piece], cells[cell]))
    assert np.all(common.max(axis=1, initial=0) > shapely.area(pieces) - slack)
    return common.argmax(axis=1)


@QUIET
@given(grounds())
def test_division_of_random_ground(ground):
    areas, size, share = ground
    assert_division(areas, divide_square(areas, size_m=size, min_share=share), size, share)


@QUIET
@given(grounds(), st.integers(0, 2**32))
def test_every_location_has_one_owner(ground, seed):
    areas, size, share = ground
    crs = working_crs_for_bounds(areas.total_bounds)
    cells = divide_square(areas, size_m=size, min_share=share).to_crs(crs)
    west, south, east, north = areas.to_crs(crs).total_bounds
    points = shapely.points(np.random.default_rng(seed).uniform((west, south), (east, north), (300, 2)))
    tree = shapely.STRtree(np.asarray(areas.to_crs(crs).geometry.array))
    point, area = tree.query(points, predicate="within")
    hit, cell = shapely.STRtree(np.asarray(cells.geometry.array)).query(points, predicate="within")
    assert sorted(hit) == sorted(point)
    owner = dict(zip(point, areas["code"].to_numpy()[area], strict=True))
    assert [owner[k] for k in hit] == cells["area_code"].to_numpy()[cell].tolist()


@QUIET
@given(grounds())
def test_the_order_of_the_areas_and_the_run_change_nothing(ground):
    areas, size, share = ground
    cells = divide_square(areas, size_m=size, min_share=share)
    again = divide_square(areas, size_m=size, min_share=share)
    assert again.to_wkb().equals(cells.to_wkb())
    turned = divide_square(areas[::-1].reset_index(drop=True), size_m=size, min_share=share)
    one, other = (f.set_index("code").sort_index() for f in (cells, turned))
    assert one.index.equals(other.index)
    assert np.all(shapely.equals_exact(one.geometry.array, other.geometry.array, 1e-9, normalize=True))


def in_metres(polygons, origin=(500_000, 2_500_000), epsg=4547, **columns):
    shifted = [shapely.transform(p, lambda c: c + np.array(origin)) for p in polygons]
    return frame(shifted, epsg, **columns)


def test_full_squares_are_numbered_like_a_page():
    cells = divide_square(
        in_metres([shapely.box(0, 0, 300, 200)], codes=["440304001002"], name="和平社区"), size_m=100
    ).to_crs(4547)
    spots = np.round(np.column_stack([cells.centroid.x - 500_000, cells.centroid.y - 2_500_000]))
    assert spots.tolist() == [[50, 150], [150, 150], [250, 150], [50, 50], [150, 50], [250, 50]]
    assert cells["code"].tolist() == [f"440304001002{k:03d}" for k in range(1, 7)]
    assert cells["name"].iloc[2] == "和平社区 第003网格"
    assert (cells["kind"] == "square").all()


def test_grids_of_neighbours_and_of_other_sizes_match():
    boxes = [shapely.box(0, 0, 250, 200), shapely.box(250, 0, 500, 200)]
    fine, coarse = (divide_square(in_metres(boxes), size_m=s, min_share=0).to_crs(4547) for s in (50, 100))
    corners = {tuple(c) for c in np.round(shapely.get_coordinates(fine.geometry.array), 4).tolist()}
    assert {tuple(c) for c in np.round(shapely.get_coordinates(coarse.geometry.array), 4).tolist()} <= corners


@pytest.mark.parametrize("share", [0, 0.25, 1])
def test_ground_smaller_than_a_square_stays(share):
    cells = divide_square(in_metres([shapely.box(90, 90, 110, 110)]), size_m=100, min_share=share)
    assert len(cells) == (4 if share == 0 else 1)
    assert cells["area_m2"].sum() == pytest.approx(400, abs=1e-3)


def test_a_remnant_that_touches_in_a_point_only_is_a_cell():
    # A corner of 10 m beyond the corner of a full square: the polygon's two parts touch in one point.
    area = shapely.MultiPolygon([shapely.box(0, 0, 100, 100), shapely.box(100, 100, 110, 110)])
    cells = divide_square(in_metres([area]), size_m=100)
    assert sorted(cells["area_m2"].round(3)) == [100, 10_000]


def test_a_remnant_joins_the_longest_border():
    # The strip beyond x = 100 is 10 m wide; of its two pieces the upper is only 20 m high.
    area = shapely.union_all([shapely.box(0, 0, 100, 200), shapely.box(100, 0, 110, 120)])
    cells = divide_square(in_metres([area]), size_m=100)
    assert sorted(cells["area_m2"].round(3)) == [10_200, 11_000]


def test_a_square_cut_in_two_gives_two_cells():
    area = shapely.box(0, 0, 100, 100) - shapely.box(45, -1, 55, 99.999) - shapely.box(45, 99, 55, 101)
    assert divide_square(in_metres([area]), size_m=100)["area_m2"].round(2).tolist() == [4500, 4500]


def test_only_the_lowest_areas_are_divided():
    boxes = [shapely.box(0, 0, 200, 100), shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)]
    areas = in_metres(boxes, codes=["top", "west", "east"], parent=[None, "top", "top"])
    assert divide_square(areas, size_m=100)["code"].tolist() == ["west-001", "east-001"]


def test_ended_codes_are_not_given_again():
    areas = in_metres([shapely.box(0, 0, 300, 100)], codes=["440304001002"])
    cells = divide_square(areas, size_m=100, used_codes={"440304001002002"})
    assert cells["code"].str[-3:].tolist() == ["001", "003", "004"]


def test_too_many_cells_for_the_code():
    areas = in_metres([shapely.box(0, 0, 3300, 3300)], codes=["440304001002"])
    with pytest.raises(
        CapacityError, match=r"Area '440304001002' has 1,089 cells.*3 sequence digits hold 999"
    ):
        divide_square(areas, size_m=100)


def test_heights_are_dropped_and_input_is_left_alone():
    areas = in_metres([shapely.force_3d(shapely.box(0, 0, 300, 100), 7.0)])
    before = areas.to_wkb()
    cells = divide_square(areas, size_m=100)
    assert not cells.has_z.any()
    assert areas.to_wkb().equals(before)


def test_progress_ends_at_the_total():
    steps = []
    divide_square(in_metres([shapely.box(0, 0, 300, 100)]), size_m=100, progress=lambda *s: steps.append(s))
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]


@pytest.mark.parametrize("size", [0, -1, 0.5, 100_001, np.nan, np.inf])
def test_a_size_that_is_none(size):
    with pytest.raises(InputError, match="size of a square must be"):
        divide_square(in_metres([shapely.box(0, 0, 300, 100)]), size_m=size)


@pytest.mark.parametrize("share", [-0.1, 1.1, np.nan])
def test_a_share_that_is_none(share):
    with pytest.raises(InputError, match="between 0 and 1"):
        divide_square(in_metres([shapely.box(0, 0, 300, 100)]), size_m=100, min_share=share)


def test_too_many_squares():
    with pytest.raises(InputError, match="more than 5,000,000"):
        divide_square(in_metres([shapely.box(0, 0, 30_000, 30_000)]), size_m=10)


@pytest.mark.parametrize(
    ("polygons", "error", "text"),
    [
        ([shapely.box(0, 0, 9, 9), None], InputError, "'A1' has no geometry"),
        ([shapely.box(0, 0, 9, 9), shapely.Polygon()], InputError, "'A1' has no geometry"),
        ([shapely.box(0, 0, 9, 9), shapely.LineString([(0, 0), (1, 1)])], InputError, "'A1' is a LineString"),
        ([shapely.Polygon([(0, 0), (9, 9), (9, 0), (0, 9)])], InputError, "'A0' is not a valid polygon"),
        ([shapely.box(0, 0, 9, 9), shapely.box(8, 0, 20, 9)], CoverageError, "2 of 2 areas overlap"),
        (
            [shapely.box(0, 0, 9, 9), shapely.Polygon([(9, 3), (8.99, 5), (9, 9), (20, 3)])],
            CoverageError,
            "repair",
        ),
    ],
)
def test_ground_that_cannot_be_divided(polygons, error, text):
    origin = np.array((500_000, 2_500_000))
    shifted = [p if p is None or p.is_empty else shapely.transform(p, lambda c: c + origin) for p in polygons]
    with pytest.raises(error, match=text):
        divide_square(frame(shifted, 4547), size_m=100)


@pytest.mark.parametrize("offset", [-0.3, -1e-3, 1e-4, 0.02, 0.4])
@pytest.mark.parametrize("place", ["Tromso", "Ushuaia"])
def test_a_vertex_beside_a_long_grid_line_stays_on_its_side(offset, place):
    # In longitude, latitude the side of a square of 5 km at 70 degrees leaves the straight line by 1.3 m.
    crs = working_crs_for_bounds(np.repeat([PLACES[place]], 2, axis=0).ravel())
    corner = gpd.GeoSeries.from_xy(*np.array([PLACES[place]]).T, crs=4326).to_crs(crs)
    origin = np.round(np.array([corner.x[0], corner.y[0]]) / 5000) * 5000
    notch = [
        (-4000, -4000),
        (9000, -4000),
        (9000, 9000),
        (2500, 9000),
        (2400, offset),
        (2300, 9000),
        (-4000, 9000),
    ]
    areas = frame([shapely.Polygon(np.array(notch) + origin)], crs)
    assert_coverage(areas, divide_square(areas, size_m=5000))


@pytest.mark.parametrize("place", sorted(PLACES))
def test_squares_much_larger_than_the_ground(place):
    areas = random_areas(7, place, 100, aligned=False, thin=False, dense=True, count=4)
    cells = divide_square(areas, size_m=100_000)
    assert_coverage(areas, cells)
    assert len(cells) >= len(areas)


def test_no_areas_and_equal_codes():
    areas = in_metres([shapely.box(0, 0, 9, 9), shapely.box(9, 0, 20, 9)], codes=["A", "A"])
    with pytest.raises(InputError, match="'A' occurs twice"):
        divide_square(areas, size_m=100)
    with pytest.raises(InputError, match="no area"):
        divide_square(areas.iloc[:0], size_m=100)


def test_shenzhen(shared_data):
    zones = pyogrio.read_dataframe(shared_data / "shenzhen" / "traffic_zones.shp").to_crs(4547)
    clean = shapely.coverage_clean(np.asarray(zones.geometry.array), snapping_distance=0, gap_width=200)
    areas = frame(clean, 4547, codes=zones["TAZID"].astype(int).astype(str))
    cells = divide_square(areas, size_m=500)
    plan = cells.to_crs(4547)
    assert shapely.coverage_is_valid(np.asarray(cells.geometry.array))
    assert shapely.coverage_is_valid(np.asarray(plan.geometry.array))
    sums = plan.area.groupby(plan["area_code"]).sum()
    assert (sums - areas.to_crs(4547).set_index("code").area).abs().max() < 0.01
    assert cells["code"].is_unique
    # With no remnant joined there are as many cells as naive clipping has pieces.
    naive = [naive_pieces(polygon, 500) for polygon in areas.to_crs(4547).geometry[:80]]
    kept = divide_square(areas[:80], size_m=500, min_share=0)
    assert len(kept) == sum(map(len, naive))
    np.testing.assert_allclose(
        np.sort(kept["area_m2"]), np.sort(shapely.area(np.concatenate(naive))), atol=0.01
    )


def test_monaco(shared_data):
    layer = pyogrio.read_dataframe(shared_data / "monaco" / "monaco.osm.pbf", layer="multipolygons")
    quarters = layer[(layer["boundary"] == "administrative") & (layer["admin_level"] == "10")]
    areas = frame(quarters.geometry, 4326, codes=quarters["osm_id"].tolist(), name=quarters["name"].tolist())
    cells = divide_square(areas, size_m=100)
    assert_division(areas, cells, 100, 0.25)
    # OpenStreetMap numbers look like Chinese codes and are none.
    assert cells["code"].str.fullmatch(r"[0-9]+-[0-9]{3}").all()
    assert "Fontvieille 001" in set(cells["name"])
