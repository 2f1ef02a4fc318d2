"""Colours: neighbours differ, six are enough, classes are about equal, and nothing is left to chance."""

from zlib import crc32

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gis.colours import COLOUR_COUNT, TOL_BRIGHT, colour_cells, colour_graph, stable_colours
from gis.graph import find_overlapping, find_shared_borders, find_shared_vertices


def frame(polygons):
    """Polygons drawn in metres, placed in UTM zone 30 south and handed over as longitude, latitude."""
    moved = shapely.transform(np.asarray(polygons, dtype=object), lambda xy: xy + np.array([5e5, 6e6]))
    return gpd.GeoDataFrame(geometry=moved, crs=32730).to_crs(4326)


def voronoi(seed, count):
    points = np.random.default_rng(seed).uniform(0, 5000, (count, 2))
    return shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(points)))


def sizes(colours):
    return np.bincount(colours, minlength=COLOUR_COUNT)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 300))
def test_voronoi_cells_are_coloured_apart_and_balanced(seed, count):
    cells = frame(voronoi(seed, count))
    colours = colour_cells(cells)
    assert colours.shape == (len(cells),)
    assert colours.min() >= 0
    assert colours.max() < COLOUR_COUNT
    i, j, _ = find_shared_borders(np.array(cells.geometry))
    assert not np.any(colours[i] == colours[j])
    assert np.ptp(sizes(colours)) <= 2 + len(cells) // 50
    assert np.array_equal(colours, colour_cells(cells))


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 10**6), columns=st.integers(1, 15), rows=st.integers(1, 15), merged=st.floats(0, 0.6)
)
def test_merged_lattices_are_coloured_apart(seed, columns, rows, merged):
    # Cells merged with the neighbour to the east, some of them wound around others.
    rng = np.random.default_rng(seed)
    x, y = (part.ravel() for part in np.meshgrid(np.arange(columns), np.arange(rows)))
    squares = shapely.box(x * 100, y * 100, x * 100 + 100, y * 100 + 100)
    label = np.arange(len(squares))
    for k in np.flatnonzero(rng.random(len(squares)) < merged):
        step = rng.choice([1, columns])
        if k + step < len(squares) and (step == columns or x[k] + 1 < columns):
            label[label == label[k + step]] = label[k]
    cells = frame([shapely.coverage_union_all(squares[label == one]) for one in np.unique(label)])
    colours = colour_cells(cells)
    i, j, _ = find_shared_borders(np.array(cells.geometry))
    assert not np.any(colours[i] == colours[j])


def edges(graph):
    return (
        np.array(part, dtype=np.int64)
        for part in (zip(*graph.edges, strict=True) if graph.edges else ((), ()))
    )


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), count=st.integers(6, 80), degree=st.floats(0, 9))
def test_every_graph_with_a_five_core_at_most_is_coloured(seed, count, degree):
    graph = nx.gnp_random_graph(count, min(degree / count, 1), seed=seed)
    i, j = edges(graph)
    colours = colour_graph(count, i, j)
    if max(nx.core_number(graph).values()) < COLOUR_COUNT:
        assert not np.any(colours[i] == colours[j])


def test_denser_graphs_come_out_no_worse_than_in_networkx():
    ours, theirs = 0, 0
    for seed in range(40):
        graph = nx.gnp_random_graph(40, 0.3, seed=seed)
        i, j = edges(graph)
        colours = colour_graph(40, i, j)
        ours += bool(np.any(colours[i] == colours[j]))
        theirs += max(nx.greedy_color(graph, strategy="DSATUR").values()) >= COLOUR_COUNT
    assert 0 < ours < theirs


def test_seven_mutual_neighbours_leave_one_equal_pair():
    i, j = np.triu_indices(7, k=1)
    colours = colour_graph(7, i, j)
    assert np.count_nonzero(colours[i] == colours[j]) == 1


def test_kempe_chains_free_a_colour_that_greedy_blocks():
    # K7 less one edge needs six colours; every node order must end with the two unjoined nodes equal.
    for hidden in range(21):
        i, j = (np.delete(part, hidden) for part in np.triu_indices(7, k=1))
        colours = colour_graph(7, i, j)
        assert not np.any(colours[i] == colours[j])


def test_corners_differ_on_a_square_grid():
    x, y = (part.ravel() * 100 for part in np.meshgrid(np.arange(20), np.arange(20)))
    squares = shapely.box(x, y, x + 100, y + 100)
    colours = colour_cells(frame(squares)).reshape(20, 20)
    assert not np.any(colours[1:, 1:] == colours[:-1, :-1])
    assert not np.any(colours[1:, :-1] == colours[:-1, 1:])
    assert np.ptp(sizes(colours.ravel())) <= 2


@pytest.mark.parametrize("polygons", [[], [None], [shapely.Polygon(), None]])
def test_cells_without_ground_are_numbered_too(polygons):
    cells = gpd.GeoDataFrame(geometry=gpd.GeoSeries(polygons, crs=4326))
    assert colour_cells(cells).tolist() == list(range(len(polygons)))


def test_input_is_not_changed_and_multipart_cells_work():
    two = shapely.MultiPolygon([shapely.box(0, 0, 100, 100), shapely.box(200, 0, 300, 100)])
    cells = frame([two, shapely.box(100, 0, 200, 100), None, shapely.box(300, 0, 400, 100)])
    before = cells.copy(deep=True)
    colours = colour_cells(cells)
    assert len({colours[0], colours[1]}) == 2
    assert colours[3] != colours[0]
    assert before.geometry.geom_equals_exact(cells.geometry, 0).sum() == 3


def test_the_palette_has_a_colour_for_each_number():
    assert len(set(TOL_BRIGHT)) == COLOUR_COUNT


def test_real_zones_with_overlaps(shared_data):
    zones = gpd.read_file(shared_data / "shenzhen" / "traffic_zones.shp").to_crs(4326)
    colours = colour_cells(zones)
    shapes = np.array(zones.geometry)
    borders = find_shared_borders(shapes)[:2]
    for i, j in (borders, find_overlapping(shapes)):
        assert len(i) > 500
        assert not np.any(colours[i] == colours[j])
    assert np.ptp(sizes(colours)) <= 2


def squares(columns: int, rows: int) -> tuple[gpd.GeoDataFrame, list[str]]:
    shapes = [
        shapely.box(114 + i * 0.001, 22 + j * 0.001, 114 + (i + 1) * 0.001, 22 + (j + 1) * 0.001)
        for i in range(columns)
        for j in range(rows)
    ]
    return gpd.GeoDataFrame(geometry=shapes, crs="EPSG:4326"), [f"c{number}" for number in range(len(shapes))]


def shapes_of(cells: gpd.GeoDataFrame) -> np.ndarray:
    return np.array(cells.geometry, dtype=object)


def one_after_the_other(shapes: np.ndarray, codes: list[str]) -> list[int] | None:
    """Colour cell by cell, in the order that follows from the codes; None where all six are taken."""
    hard = {frozenset(pair) for pair in zip(*find_shared_borders(shapes)[:2], strict=True)}
    soft = {frozenset(pair) for pair in zip(*find_shared_vertices(shapes), strict=True)}
    colours: dict[int, int] = {}
    for node in sorted(range(len(codes)), key=lambda node: (crc32(codes[node].encode()), codes[node])):
        taken = {shown for other, shown in colours.items() if frozenset((node, other)) in hard}
        near = [shown for other, shown in colours.items() if frozenset((node, other)) in soft]
        wish = crc32(codes[node].encode()) // COLOUR_COUNT
        if len(taken) == COLOUR_COUNT:
            return None
        colours[node] = min(
            set(range(COLOUR_COUNT)) - taken,
            key=lambda shown: (near.count(shown), (shown - wish) % COLOUR_COUNT),
        )
    return [colours[node] for node in range(len(codes))]


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10**6), columns=st.integers(1, 9), rows=st.integers(1, 9))
def test_steady_colours_are_those_of_cell_after_cell(seed: int, columns: int, rows: int) -> None:
    # Squares joined at random up their columns, some of them in several pieces.
    cells, _ = squares(columns, rows)
    joined = np.random.default_rng(seed).integers(0, rows + 2, columns * rows)
    labels = [f"{number // rows}-{joined[number]}" for number in range(columns * rows)]
    shapes = shapes_of(cells.dissolve(by=np.array(labels)))
    codes = [f"{seed}-{number}" for number in range(len(shapes))]
    expected = one_after_the_other(shapes, codes)
    assume(expected is not None)
    assert stable_colours(shapes, codes).tolist() == expected


def test_steady_colours_of_nothing_and_of_nowhere() -> None:
    assert stable_colours(np.array([], dtype=object), []).tolist() == []
    nowhere = np.array([None, shapely.Polygon()], dtype=object)
    assert set(stable_colours(nowhere, ["a", "b"]).tolist()) <= set(range(COLOUR_COUNT))


def test_steady_colours_keep_neighbours_apart_whatever_the_order() -> None:
    cells, codes = squares(12, 9)
    numbers = stable_colours(shapes_of(cells), codes)
    i, j, _ = find_shared_borders(np.array(cells.geometry.set_crs(None, allow_override=True)))
    assert (numbers[i] != numbers[j]).all()
    assert set(numbers) == set(range(6))
    order = np.random.default_rng(4).permutation(len(cells))
    again = stable_colours(shapes_of(cells.iloc[order]), [codes[place] for place in order])
    assert (again == numbers[order]).all()


def test_a_new_cell_recolours_only_cells_near_it() -> None:
    cells, codes = squares(20, 20)
    before = stable_colours(shapes_of(cells), codes)
    moved = [*codes[:-1], "another"]
    after = stable_colours(shapes_of(cells), moved)
    changed = np.flatnonzero(before != after)
    far = np.flatnonzero(shapely.distance(cells.geometry.to_numpy(), cells.geometry.iloc[-1]) > 0.006)
    assert not set(changed) & set(far)
    assert len(far) > 300


def test_steady_colours_help_themselves_where_all_six_are_taken() -> None:
    # A wheel: one cell in the midst of many.
    angles = np.linspace(0, 2 * np.pi, 25)
    rim = [(114 + 0.02 * np.cos(a), 22 + 0.02 * np.sin(a)) for a in angles[:-1]]
    inner = [(114 + 0.01 * np.cos(a), 22 + 0.01 * np.sin(a)) for a in angles[:-1]]
    slices = [shapely.Polygon([inner[n], rim[n], rim[(n + 1) % 24], inner[(n + 1) % 24]]) for n in range(24)]
    cells = gpd.GeoDataFrame(geometry=[shapely.Polygon(inner), *slices], crs="EPSG:4326")
    i, j, _ = find_shared_borders(np.array(cells.geometry.set_crs(None, allow_override=True)))
    for start in range(20):
        numbers = stable_colours(shapes_of(cells), [f"{start}-{place}" for place in range(25)])
        assert (numbers[i] != numbers[j]).all()
