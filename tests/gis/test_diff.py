"""Differences of plans: lattices whose unit squares are counted, edits that are known, real zones."""

import json
from collections import Counter

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from shapely.affinity import translate

from gis.diff import CHANGE_KINDS, PART_SHARE, diff_plans
from gis.errors import InputError

METRES = CRS.from_epsg(32721)
ORIGIN = np.array([400_000.0, 6_200_000.0])
UNIT = 50.0


def plan(shapes, codes):
    geometries = np.empty(len(shapes), dtype=object)
    geometries[:] = shapes
    moved = shapely.transform(geometries, lambda xy: xy + ORIGIN)
    return gpd.GeoDataFrame({"code": codes}, geometry=gpd.GeoSeries(moved, crs=METRES)).to_crs(4326)


def labelled(labels):
    """Plan whose cells are the unit squares of one label each; label "" is ground in no cell."""
    rows, columns = labels.shape
    x, y = (part.ravel() * UNIT for part in np.meshgrid(np.arange(columns), np.arange(rows)))
    squares, flat = shapely.box(x, y, x + UNIT, y + UNIT), labels.ravel()
    codes = [code for code in np.unique(flat) if code]
    return plan([shapely.coverage_union_all(squares[flat == code]) for code in codes], codes)


def oracle(old, new):
    """Kind per code and area per pair of owners, counted square by square."""
    flows = Counter(zip(old.ravel().tolist(), new.ravel().tolist(), strict=True))
    before, after = Counter(old.ravel().tolist()), Counter(new.ravel().tolist())
    kinds = {}

    def put(code, kind):
        order = ["unchanged", "renamed", "split", "merged", "moved_border", "added", "removed"]
        kinds[code] = min(kinds.get(code, kind), kind, key=order.index)

    for code in set(before) | set(after):
        if flows[code, code] == before[code] == after[code]:
            put(code, "unchanged")
        put(code, "removed" if code not in after else "added" if code not in before else "moved_border")
    for (a, b), count in flows.items():
        if a != b and a and b and count == before[a] == after[b]:
            # Whoever bears the code in the other plan too keeps what is best of both.
            put(a, "renamed")
            put(b, "renamed")
    for a in before:
        parts = [b for b in after if a and b and flows[a, b] and flows[a, b] >= PART_SHARE * after[b] - 1e-9]
        if len(parts) > 1 and sum(flows[a, b] for b in parts) >= PART_SHARE * before[a] - 1e-9:
            for code in (a, *parts):
                put(code, "split")
    for b in after:
        parts = [
            a for a in before if a and b and flows[a, b] and flows[a, b] >= PART_SHARE * before[a] - 1e-9
        ]
        if len(parts) > 1 and sum(flows[a, b] for a in parts) >= PART_SHARE * after[b] - 1e-9:
            for code in (b, *parts):
                put(code, "merged")
    kinds.pop("", None)
    moved = {pair: count * UNIT**2 for pair, count in flows.items() if pair[0] != pair[1]}
    return kinds, moved


def check_against_oracle(old, new):
    found = diff_plans(labelled(old), labelled(new), crs=METRES)
    kinds, moved = oracle(old, new)
    pieces = found.pieces
    pairs = zip(pieces["old_code"].fillna(""), pieces["new_code"].fillna(""), strict=True)
    assert dict(zip(pairs, pieces["area_m2"], strict=True)) == pytest.approx(moved, abs=1e-3)
    assert ((pieces["kind"] == "added") == pieces["old_code"].isna()).all()
    assert ((pieces["kind"] == "removed") == pieces["new_code"].isna()).all()
    assert dict(zip(found.codes["code"], found.codes["kind"], strict=True)) == kinds
    for row in found.codes.itertuples():
        assert row.area_before_m2 == pytest.approx(np.count_nonzero(old == row.code) * UNIT**2, abs=1e-3)
        assert row.area_after_m2 == pytest.approx(np.count_nonzero(new == row.code) * UNIT**2, abs=1e-3)
        assert row.gained_m2 == pytest.approx(
            np.count_nonzero((new == row.code) & (old != row.code)) * UNIT**2, abs=1e-3
        )
        assert row.lost_m2 == pytest.approx(
            np.count_nonzero((old == row.code) & (new != row.code)) * UNIT**2, abs=1e-3
        )
        for listed, ground in ((row.before, old[new == row.code]), (row.after, new[old == row.code])):
            squares = Counter(ground.tolist())
            assert set(listed) == set(squares) - {""}
            # Most ground first.
            assert [squares[code] for code in listed] == sorted((squares[c] for c in listed), reverse=True)
    return found


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(2, 7),
    columns=st.integers(2, 7),
    cells=st.integers(1, 8),
    moves=st.integers(0, 8),
)
def test_any_two_labellings_are_compared_square_by_square(seed, rows, columns, cells, moves):
    rng = np.random.default_rng(seed)
    names = np.array([*(f"k{number}" for number in range(cells)), ""], dtype=object)
    old = names[rng.integers(0, cells + 1, (rows, columns))]
    old[0, 0] = "k0"
    new = old.copy()
    for _ in range(moves):
        match rng.integers(0, 4):
            case 0:  # one square changes hands
                new[rng.integers(rows), rng.integers(columns)] = rng.choice(names)
            case 1:  # a cell is merged into another
                new[new == rng.choice(names[:-1])] = rng.choice(names[:-1])
            case 2:  # a cell is renamed
                new[new == rng.choice(names[:-1])] = f"n{rng.integers(100)}"
            case 3:  # part of a cell is split off
                new[(new == rng.choice(names[:-1])) & (rng.random((rows, columns)) < 0.5)] = (
                    f"s{rng.integers(100)}"
                )
    check_against_oracle(old, new)


def grid(text):
    return np.array([list(row) for row in text.split()], dtype=object)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("AABB AABB", "AABB AABB", {"A": "unchanged", "B": "unchanged"}),
        ("AABB AABB", "ABBB AABB", {"A": "moved_border", "B": "moved_border"}),
        ("AABB AABB", "CCBB CCBB", {"A": "renamed", "C": "renamed", "B": "unchanged"}),
        ("AABB AABB", "BBAA BBAA", {"A": "renamed", "B": "renamed"}),
        ("AABB AABB", "CDBB CDBB", {"A": "split", "C": "split", "D": "split", "B": "unchanged"}),
        ("AABB AABB", "ACBB ACBB", {"A": "split", "C": "split", "B": "unchanged"}),
        ("AABB AABB", "CCCC CCCC", {"A": "merged", "B": "merged", "C": "merged"}),
        ("AABB AABB", "AAAA AAAA", {"A": "merged", "B": "merged"}),
        ("AABC AABC", "AABB AABB", {"A": "unchanged", "B": "merged", "C": "merged"}),
        (
            "ABCD ABCD",
            "AACD BBCD",
            {"A": "moved_border", "B": "moved_border", "C": "unchanged", "D": "unchanged"},
        ),
        ("AAABBB AAABBB", "AACCBB AACCBB", {"A": "moved_border", "B": "moved_border", "C": "added"}),
    ],
)
def test_each_kind(old, new, expected):
    found = check_against_oracle(grid(old), grid(new))
    assert dict(zip(found.codes["code"], found.codes["kind"], strict=True)) == expected
    assert found.is_unchanged == (set(expected.values()) == {"unchanged"})
    summary = found.summary()
    assert summary["codes"] == {kind: list(expected.values()).count(kind) for kind in CHANGE_KINDS}
    assert json.loads(json.dumps(summary)) == summary


def test_the_summary_adds_up_by_fate_of_the_ground():
    old, new = grid("AABBC AABBC"), grid("ADBBE ADBB.")
    old[old == "."] = new[new == "."] = ""
    found = diff_plans(labelled(old), labelled(new), crs=METRES)
    summary = found.summary()
    assert summary["changed_owner_m2"] == pytest.approx(3 * UNIT**2, abs=0.01)
    assert summary["removed_m2"] == pytest.approx(UNIT**2, abs=0.01)
    assert summary["added_m2"] == summary["renamed_m2"] == 0
    back = diff_plans(labelled(new), labelled(old), crs=METRES).summary()
    assert back["added_m2"] == summary["removed_m2"]
    assert back["changed_owner_m2"] == summary["changed_owner_m2"]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 30), length=st.floats(3, 50))
def test_inserted_vertices_turned_rings_and_seven_decimals_change_nothing(seed, count, length):
    rng = np.random.default_rng(seed)
    parts = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(rng.uniform(0, 900, (count, 2)))))
    codes = [f"{number}" for number in range(len(parts))]
    old = plan(parts, codes)
    dense = plan(shapely.segmentize(parts, length), codes)
    turned = old.set_geometry(old.geometry.reverse().normalize())
    seven = old.set_geometry(
        gpd.GeoSeries(shapely.transform(np.array(old.geometry), lambda xy: xy.round(7)), crs=4326)
    )
    order = rng.permutation(len(old))
    for new in (old, dense, turned, seven, old.iloc[order]):
        found = diff_plans(old, new)
        assert found.is_unchanged
        assert found.pieces.empty
        assert list(found.pieces.columns) == ["old_code", "new_code", "kind", "area_m2", "geometry"]


def test_numbers_as_codes_other_crs_none_and_empty_cells():
    old = plan([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100), None], [1, 2, 3])
    new = plan(
        [shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100), shapely.Polygon()], [1.0, 2.0, 3.0]
    )
    before = old.copy(deep=True)
    assert diff_plans(old, new.to_crs(METRES)).is_unchanged
    assert old.geometry.geom_equals(before.geometry)[:2].all()
    assert old.geometry[2] is None
    steps = []
    found = diff_plans(old, new.iloc[1:], progress=lambda *step: steps.append(step))
    assert found.codes["kind"].tolist() == ["removed", "unchanged", "unchanged"]
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert found.pieces["geometry"].crs == "EPSG:4326"


def test_ground_that_goes_to_an_unchanged_cell_is_told_for_overlapping_plans():
    # The old plan's B reaches 20 m into A; the new one gives A its ground alone.
    old = plan([shapely.box(0, 0, 100, 100), shapely.box(80, 0, 200, 100)], ["A", "B"])
    new = plan([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)], ["A", "B"])
    found = diff_plans(old, new, crs=METRES)
    assert found.pieces[["old_code", "new_code"]].to_numpy().tolist() == [["B", "A"]]
    assert found.pieces["area_m2"].tolist() == pytest.approx([2000], abs=1e-3)
    assert found.codes["kind"].tolist() == ["unchanged", "moved_border"]


def test_what_cannot_be_compared_is_named():
    cells = plan([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], ["a", "a"])
    with pytest.raises(InputError, match=r"Record 2 of the old plan.*'a'"):
        diff_plans(cells, cells.iloc[:1])
    with pytest.raises(InputError, match="new plan has no column 'code'"):
        diff_plans(cells.iloc[:1], cells.drop(columns="code"))


def test_real_zones_renumbered_and_one_border_moved(shared_data):
    zones = gpd.read_file(shared_data / "shenzhen" / "traffic_zones.shp").to_crs(4326)
    zones = zones.assign(code=zones["TAZID"])[["code", "geometry"]]
    assert diff_plans(zones, zones.iloc[::-1]).is_unchanged
    renumbered = diff_plans(zones, zones.assign(code=zones["code"] + 5000))
    assert set(renumbered.codes["kind"]) == {"renamed"}
    assert len(renumbered.pieces) == len(zones)

    crs = CRS.from_epsg(4547)
    metric = zones.to_crs(crs)
    bite = metric.geometry[10].representative_point().buffer(150)
    bitten = metric.geometry[10].intersection(bite)
    edited = metric.geometry.copy()
    edited[10] = metric.geometry[10].difference(bite)
    moved = diff_plans(zones, zones.set_geometry(edited.to_crs(4326)), crs=crs)
    assert moved.codes["kind"].value_counts().to_dict() == {"unchanged": 490, "moved_border": 1}
    assert moved.summary()["removed_m2"] + moved.summary()["changed_owner_m2"] >= bitten.area - 0.1


def test_plans_of_two_places_are_not_compared():
    here, there = (
        gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.box(lon, 30, lon + 0.1, 30.1)], crs=4326)
        for lon in (104, 105)
    )
    with pytest.raises(InputError, match="share no ground"):
        diff_plans(here, there)
    assert diff_plans(here.iloc[:0], there).codes["kind"].tolist() == ["added"]


def test_two_editions_of_the_same_borders_are_redrawn():
    x = np.linspace(0, 1000, 60)
    border = 500 + 40 * np.sin(x / 90)

    def edition(border, moved=0.0):
        across = list(zip(x, border, strict=True))
        south = shapely.Polygon([*across, (1000, 0), (0, 0)])
        north = shapely.Polygon([*across, (1000, 1000 + moved), (0, 1000 + moved)])
        polygons = [translate(each, 500_000, 2_500_000) for each in (south, north)]
        return gpd.GeoDataFrame({"code": ["s", "n"]}, geometry=polygons, crs=METRES).to_crs(4326)

    old = edition(border)
    again = edition(border + np.random.default_rng(1).uniform(-4, 4, len(x)))
    assert diff_plans(old, again, crs=METRES).summary()["codes"]["moved_border"] == 2
    apart = diff_plans(old, again, crs=METRES, min_width_m=5)
    assert apart.summary()["codes"] == {**dict.fromkeys(CHANGE_KINDS, 0), "redrawn": 2}
    assert apart.pieces.empty
    assert apart.codes["before"].tolist() == [["n"], ["s"]]
    assert not apart.is_unchanged
    assert diff_plans(old, old, crs=METRES, min_width_m=5).is_unchanged
    # What is wider stays a change, in this edition too.
    wider = diff_plans(
        old, edition(border + np.random.default_rng(1).uniform(-4, 4, len(x)), 30), min_width_m=5
    )
    assert wider.codes.set_index("code")["kind"].to_dict() == {"n": "moved_border", "s": "redrawn"}
    assert wider.pieces["area_m2"].tolist() == [pytest.approx(30_000, rel=0.01)]
