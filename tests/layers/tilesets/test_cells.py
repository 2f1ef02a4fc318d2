"""The tiles of cells: what they tell, against loops over the cells."""

from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.measures import CellFigures, CellShapes, count_keys, counted_kinds, shape_measures
from layers.snapshot import CellsInForce, CellVersions
from layers.tiles import Tile, tiles_intersecting
from layers.tiles.coverage_layer import BORDER_TOLERANCE
from layers.tilesets.cells import MAX_TILE_CELLS, CellLayers, _zoom_for_density
from layers.tilesets.tile_set import TileSet, object_array
from tests.layers.snapshot.published import STEP, lattice


def in_force(columns: int, rows: int, areas: list[str | None], step: float = STEP) -> CellsInForce:
    shapes = lattice(columns, rows, step=step)
    count = len(shapes)
    return CellsInForce(
        CellVersions(
            ids=np.arange(100, 100 + count),
            codes=object_array([f"c{number:06d}" for number in range(count)]),
            names=object_array([f"网格{number}" for number in range(count)]),
            area_codes=object_array([areas[number % len(areas)] for number in range(count)]),
            areas_m2=np.arange(1.0, count + 1),
            perimeters_m=np.full(count, 400.04),
            geometries=object_array(shapes),
        )
    )


def ground(*given: Any, **more: Any) -> CellLayers:
    return CellLayers(in_force(*given, **more))


def counts(ground: CellLayers) -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {kind: random.integers(0, 9, len(ground)) for kind in counted_kinds()}


def features(tiles: TileSet, zoom: int, scope: frozenset[str] | None = None) -> dict[str, dict[int, Any]]:
    """Decode all tiles of a zoom around the cells; by layer, the properties by id."""
    west, south, east, north = tiles.bounds(None) or (0, 0, 0, 0)
    found: dict[str, dict[int, Any]] = {}
    side = 1 << zoom

    def row(lat: float) -> int:
        return int((0.5 - np.arcsinh(np.tan(np.radians(lat))) / (2 * np.pi)) * side)

    for x in range(int((west + 180) / 360 * side), int((east + 180) / 360 * side) + 1):
        for y in range(row(north), row(south) + 1):
            for name, layer in mapbox_vector_tile.decode(tiles.encode_tile(Tile(zoom, x, y), scope)).items():
                found.setdefault(name, {}).update(
                    {each["id"]: each["properties"] for each in layer["features"]}
                )
    return found


def test_a_cell_tells_its_size_colour_and_counts() -> None:
    cells = ground(5, 4, ["a", "b", None])
    numbers = counts(cells)
    shown = features(cells.make_tile_set(numbers, {}), 16)
    assert len(shown["cells"]) == 20
    held = cells.cells.versions
    figures = CellFigures(held.areas_m2, held.perimeters_m, {}, CellShapes(held.geometries))
    shapes = {each.key: each.values(figures) for each in shape_measures()}
    assert set(shapes) == {
        *("area_m2", "perimeter_m", "polsby_popper", "reock", "compactness", "parts", "walk_minutes")
    }
    for place, identity in enumerate(range(100, 120)):
        assert shown["cells"][identity] == {
            "code": f"c{place:06d}",
            "name": f"网格{place}",
            "colour": cells.colours[place],
            **{key: values[place] for key, values in shapes.items()},
            **{count_keys()[kind]: values[place] for kind, values in numbers.items()},
            **({"area_code": "ab"[place % 3]} if place % 3 < 2 else {}),
        }
    assert shown["cell_labels"][103] == {"code": "c000003", "name": "网格3"}
    held = cells.cells.versions.geometries
    for i, one in enumerate(held):
        for j in range(i):
            if shapely.length(shapely.intersection(one, held[j])) > 0:
                assert cells.colours[i] != cells.colours[j]


@given(st.lists(st.sampled_from(["a", "b", "c", None]), min_size=24, max_size=24))
@settings(max_examples=25)
def test_a_group_is_the_union_of_the_cells_of_its_area(areas: list[str | None]) -> None:
    cells = CellLayers(in_force(6, 4, areas))
    shapes = np.array(lattice(6, 4, step=STEP), dtype=object)
    codes = [each or None for each in cells._group_codes]
    assert sorted(map(str, codes)) == sorted(map(str, set(areas)))
    for code, group in zip(codes, cells.group_geometries, strict=True):
        union = shapely.union_all(shapes[[each == code for each in areas]])
        assert group.symmetric_difference(union).area == 0
    assert shapely.coverage_is_valid(cells.group_geometries)


def test_groups_sum_the_cells_of_an_area_and_are_seen_with_it() -> None:
    cells = ground(6, 4, ["a", "b", None])
    numbers = counts(cells)
    tiles = cells.make_tile_set(numbers, {"a": "甲街道"})
    groups = features(tiles, cells.minzoom - 1)["cell_groups"]
    assert len(groups) == 3
    for told in groups.values():
        own = [place for place in range(24) if told.get("area_code") == [*"ab", None][place % 3]]
        assert told["cells"] == len(own) == 8
        assert told["area_m2"] == sum(place + 1.0 for place in own)
        assert told["perimeter_m"] == pytest.approx(8 * 400.04, abs=0.05)
        for kind, values in numbers.items():
            assert told[count_keys()[kind]] == sum(values[place] for place in own)
    assert {told.get("name") for told in groups.values()} == {"甲街道", None}
    # All three border on each other.
    assert len({told["colour"] for told in groups.values()}) == 3
    assert set(features(tiles, cells.minzoom)) == {"cells", "cell_borders"}
    assert set(features(tiles, cells.minzoom - 1)) == {"cell_groups", "group_borders"}
    seen = features(tiles, cells.minzoom - 1, frozenset("b"))["cell_groups"]
    assert [told["area_code"] for told in seen.values()] == ["b"]
    within = features(tiles, 16, frozenset("b"))
    assert {told["area_code"] for told in within["cells"].values()} == {"b"}
    assert set(within["cell_labels"]) == set(within["cells"])


@pytest.mark.parametrize("scope", [None, frozenset("a"), frozenset("z")])
def test_borders_are_those_of_the_cells_that_a_caller_sees(scope: frozenset[str] | None) -> None:
    cells = ground(5, 4, ["a", "b"])
    tiles = cells.make_tile_set(counts(cells), {})
    address = next(tiles_intersecting(tiles.bounds(None), 13))
    found = mapbox_vector_tile.decode(tiles.encode_tile(address, scope))
    shapes = {
        name: [shapely.geometry.shape(each["geometry"]) for each in layer["features"]]
        for name, layer in found.items()
    }
    assert ("cells" in shapes) == ("cell_borders" in shapes) == (scope != frozenset("z"))
    if shapes:
        # The tile holds them all, so that nothing is cut.
        outlines = shapely.union_all(shapely.boundary(shapes["cells"]))
        assert shapely.hausdorff_distance(outlines, shapes["cell_borders"][0]) <= BORDER_TOLERANCE


def test_no_tile_holds_more_cells_than_it_should() -> None:
    random = np.random.default_rng(2)
    lon, lat = random.normal(114, 0.2, 30_000), random.normal(22.5, 0.2, 30_000)
    zoom = _zoom_for_density(lon, lat, MAX_TILE_CELLS)

    def most(zoom: int) -> int:
        side = 1 << zoom
        held: dict[tuple[int, int], int] = {}
        for x, y in zip(lon, lat, strict=True):
            down = (1 - np.arcsinh(np.tan(np.radians(y))) / np.pi) / 2
            tile = int((x + 180) / 360 * side), int(down * side)
            held[tile] = held.get(tile, 0) + 1
        return max(held.values())

    assert most(zoom) <= MAX_TILE_CELLS < most(zoom - 1)


@pytest.mark.parametrize(("step", "least"), [(STEP, 9), (STEP * 4, 7), (90.0 / 1024, 4)])
def test_cells_appear_when_they_are_more_than_dots(step: float, least: int) -> None:
    cells = ground(4, 4, ["a"], step=step)
    # 4096 units are a tile; a cell is drawn from a dozen on.
    assert 12 <= step / 360 * 4096 * 2**cells.minzoom < 24
    assert cells.minzoom >= least


@pytest.mark.parametrize(("columns", "rows"), [(1, 1), (40, 12), (3, 200)])
def test_zooms_are_likely_from_where_the_cells_fill_half_a_tile(columns: int, rows: int) -> None:
    cells = ground(columns, rows, ["a"])
    west, _, east, _ = cells.make_tile_set(counts(cells), {}).bounds(None) or (0, 0, 0, 0)
    wide = [zoom for zoom in range(17) if (east - west) / 360 * 2**zoom >= 0.5]
    assert list(cells.likely_zooms) == (wide or [16])


def test_no_cells_have_no_tiles() -> None:
    cells = ground(0, 0, ["a"])
    tiles = cells.make_tile_set({kind: np.empty(0, dtype=np.int64) for kind in counted_kinds()}, {})
    assert tiles.bounds(None) is None
    assert tiles.encode_tile(Tile(0, 0, 0), None) == b""
    assert tiles.etag(Tile(0, 0, 0), None) is None


def test_only_what_a_publish_changes_gets_another_tag() -> None:
    before = ground(40, 12, ["a"])
    numbers = counts(before)
    held = before.cells.versions
    rows = np.arange(len(held.ids))
    # One cell in a corner is followed by another version of itself.
    changed = held._replace(ids=np.where(rows == 0, 9_000, held.ids))
    order = np.argsort(changed.ids)
    after = CellLayers(CellsInForce(changed.subset(order)))
    shuffled = {kind: values[order] for kind, values in numbers.items()}
    old, new = before.make_tile_set(numbers, {}), after.make_tile_set(shuffled, {})
    corner = shapely.bounds(held.geometries[0])
    zoom, side = 16, 1 << 16
    west, _, east, _ = old.bounds(None) or (0, 0, 0, 0)
    y = int((0.5 - np.arcsinh(np.tan(np.radians(corner[3] - STEP / 2))) / (2 * np.pi)) * side)
    tiles = [Tile(zoom, x, y) for x in range(int((west + 180) / 360 * side), int((east + 180) / 360 * side))]
    same = [old.etag(each, None) == new.etag(each, None) for each in tiles]
    assert same[0] is False
    assert all(same[2:])
    assert len(same) > 3
