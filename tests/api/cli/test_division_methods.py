"""The methods of `divide`, and `rebalance`: what they take, write and say, and what they refuse."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from api.cli.divide.weights import parse_weights
from gis.crs import LONLAT
from gis.errors import ParameterError
from layers.formats import write_layer, write_layers
from tests.api.conftest import Run

WEST, SOUTH, STEP = 113.9, 22.5, 0.001
COLUMNS, ROWS = 6, 4
COMMUNITIES = ("440305001001", "440305001002")


def box(column: float, row: float, width: float = 1, height: float = 1) -> shapely.Polygon:
    return shapely.box(
        WEST + column * STEP,
        SOUTH + row * STEP,
        WEST + (column + width) * STEP,
        SOUTH + (row + height) * STEP,
    )


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """24 squares of two communities, in a folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    places = [(column, row) for column in range(COLUMNS) for row in range(ROWS)]
    count = len(places)
    frame = gpd.GeoDataFrame(
        {
            "code": [f"u{number:02d}" for number in range(count)],
            "area_code": [COMMUNITIES[column // 3] for column, _ in places],
            "households": [10 + column + row for column, row in places],
            "nothing": 0,
            "note": "much",
            "some": [None if number == 4 else number for number in range(count)],
            "below": [number - 1 for number in range(count)],
            "school": ["yes" if place == (1, 1) else None for place in places],
            "together": ["a" if place in {(0, 0), (0, 3)} else None for place in places],
        },
        geometry=[box(*place) for place in places],
        crs=LONLAT,
    )
    write_layer(tmp_path / "units.gpkg", frame)
    return tmp_path / "units.gpkg"


@pytest.fixture
def town(units: Path) -> Path:
    """Streets, a house on a street, points, and the ground of two communities as layers of one file."""
    lines = [
        shapely.LineString([(WEST - STEP, SOUTH + 2 * STEP), (WEST + 7 * STEP, SOUTH + 2 * STEP)]),
        shapely.LineString([(WEST + 1.5 * STEP, SOUTH - STEP), (WEST + 1.5 * STEP, SOUTH + 5 * STEP)]),
    ]
    layers = {
        "areas": gpd.GeoDataFrame(
            {"code": COMMUNITIES, "name": COMMUNITIES},
            geometry=[box(0, 0, 3, 4), box(3, 0, 3, 4)],
            crs=LONLAT,
        ),
        "lines": gpd.GeoDataFrame({"highway": ["primary", "service"]}, geometry=lines, crs=LONLAT),
        "buildings": gpd.GeoDataFrame({"name": ["House"]}, geometry=[box(1.4, 0.5, 0.2, 0.2)], crs=LONLAT),
        "places": gpd.GeoDataFrame({"id": ["1"]}, geometry=[shapely.Point(WEST, SOUTH)], crs=LONLAT),
    }
    path = units.parent / "town.gpkg"
    write_layers(path, layers)
    elsewhere = layers["lines"].set_geometry(layers["lines"].translate(20, 0))
    write_layer(units.parent / "elsewhere.gpkg", elsewhere)
    return path


BLOCKS = ("divide", "town.gpkg", "-o", "o.gpkg", "--method", "blocks", "--streets", "town.gpkg")
EVENED = ("rebalance", "units.gpkg", "--units", "units.gpkg", "-o", "o.gpkg")
BALANCED = ("divide", "units.gpkg", "-o", "o.gpkg", "--method", "balanced")


@pytest.mark.usefixtures("town")
def test_blocks_follow_streets_and_spare_buildings(wangge: Run, tmp_path: Path) -> None:
    made = wangge(*BLOCKS, "--target-area", 1e5, "--json")
    assert made.code == 0, made.err
    cells = gpd.read_file(tmp_path / "o.gpkg")
    assert (made.summary["cells"], made.summary["areas"], made.summary["method"]) == (len(cells), 2, "blocks")
    assert cells["code"].str.fullmatch(r"44030500100[12]\d{3}").all()
    assert wangge("check", "o.gpkg", "--areas", "town.gpkg").code == 0
    chosen = wangge(*BLOCKS, "--target-area", 5e4, "--streets-where", "highway = 'primary'", "--json")
    assert chosen.summary["cells"] == 4
    kept = wangge(*BLOCKS, "--keep", "town.gpkg", "--cut-output", "cut.geojson", "--json")
    assert (kept.summary["buildings"], kept.summary["cut"]) == (1, 0)
    assert len(gpd.read_file(tmp_path / "cut.geojson")) == 0
    house = box(1.401, 0.501, 0.198, 0.198)
    assert not gpd.read_file(tmp_path / "o.gpkg").boundary.intersects(house).any()


@pytest.mark.usefixtures("town")
def test_blocks_hold_no_more_than_the_largest_load(wangge: Run, tmp_path: Path) -> None:
    call = (*BLOCKS, "--target-area", 1e6, "--load", "units.gpkg", "--max-load")
    units = gpd.read_file(tmp_path / "units.gpkg")
    for most, field, load in ((4, (), 1), (40, ("--max-load-field", "households"), units["households"])):
        made = wangge(*call, most, *field, "--json")
        assert made.code == 0, made.err
        places = units.set_geometry(units.representative_point())[["geometry"]].assign(load=load)
        held = gpd.read_file(tmp_path / "o.gpkg").sjoin(places).groupby("code")["load"].sum()
        assert held.max() <= most
        assert held.sum() == places["load"].sum()
    buildings = wangge(*BLOCKS, "--keep", "town.gpkg", "--max-load", 1)
    assert buildings.code == 0, buildings.err


@pytest.mark.usefixtures("town")
def test_water_is_a_cell_of_its_own(wangge: Run, tmp_path: Path) -> None:
    lake = gpd.GeoDataFrame(geometry=[box(1.7, 2.3, 1.2, 1.4)], crs=LONLAT)
    write_layer(tmp_path / "lake.geojson", lake)
    for water, whole in (((), 0), (("--water", "lake.geojson"), 1)):
        made = wangge(*BLOCKS, "--target-area", 5000, *water)
        assert made.code == 0, made.err
        cells = gpd.read_file(tmp_path / "o.gpkg").to_crs(32650)
        shared = cells.intersection(lake.to_crs(32650).geometry[0]).area
        alone = (shared > 0.99 * cells.area) & (shared > 0.99 * lake.to_crs(32650).area[0])
        assert alone.sum() == whole
    assert wangge("check", "o.gpkg", "--areas", "town.gpkg").code == 0


@pytest.mark.usefixtures("units")
def test_within_none_lets_cells_mix_communities(wangge: Run, tmp_path: Path) -> None:
    table = tmp_path / "units.csv"
    for options, mixed in (((), 0), (("--within", "none"), 1)):
        made = wangge(*BALANCED, "--weight", "area", "--zones", 3, *options, "--units-output", table)
        assert made.code == 0, made.err
        units = gpd.read_file(tmp_path / "units.gpkg").set_index("code")
        cell = pd.read_csv(table, dtype=str).set_index("unit_code")["cell_code"]
        assert (units["area_code"].groupby(cell).nunique() > 1).sum() >= mixed
        assert bool((units["area_code"].groupby(cell).nunique() > 1).any()) == bool(mixed)


@pytest.mark.usefixtures("units")
def test_units_are_grouped_and_each_is_told_its_cell(wangge: Run, tmp_path: Path) -> None:
    call = (*BALANCED, "--weight", "households:10%", "--weight", "area:20%", "--zones", 4, "--seed", 3)
    made = wangge(*call, "--units-output", "units.csv", "--json")
    assert made.code == 0, made.err
    cells = gpd.read_file(tmp_path / "o.gpkg").set_index("code")
    table = pd.read_csv(tmp_path / "units.csv", dtype=str)
    units = gpd.read_file(tmp_path / "units.gpkg").set_index("code")
    assert sorted(table["unit_code"]) == sorted(units.index)
    recounted = units["households"].groupby(table.set_index("unit_code")["cell_code"]).sum()
    assert recounted.to_dict() == cells["households"].to_dict()
    assert set(cells["area_code"]) == set(COMMUNITIES)
    told = made.summary["loads"][0]
    assert (told["load"], told["total"], told["max"]) == (
        "households",
        units["households"].sum(),
        max(recounted),
    )
    again = wangge(*call, "--units-output", "again.csv")
    assert "households: 336 in all, ideal 84" in again.out
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "units.csv").read_bytes()
    assert wangge("check", "o.gpkg").code == 0


@pytest.mark.usefixtures("units")
def test_caps_locks_and_exclusive_units_hold(wangge: Run, tmp_path: Path) -> None:
    made = wangge(
        *(*BALANCED, "--weight", "households:cap=80", "--max-weight", 80, "--lock", "together"),
        *("--exclusive", "school", "--units-output", "units.parquet"),
    )
    assert made.code == 0, made.err
    cells = gpd.read_file(tmp_path / "o.gpkg")
    assert cells["households"].max() <= 80
    assert (cells["kind"] == "exclusive").sum() == 1
    owner = pd.read_parquet(tmp_path / "units.parquet").set_index("unit_code")["cell_code"]
    assert owner["u00"] == owner["u03"]
    hours = wangge(
        *(*BALANCED, "--zones", 2, "--weight", "officer_hours", "--visits", "households"),
        *("--walk-hours", 0.1, "--stay-hours", 0.4, "--event-hours", 2),
    )
    assert "officer_hours: 216 in all" in hours.out


@pytest.fixture
def shops(units: Path) -> Path:
    """Shops in the first two units, one elsewhere, with their employees."""
    places = [(0.5, 0.5), (0.5, 0.6), (0.5, 1.5), (30, 30)]
    rows = [
        f"{WEST + x * STEP},{SOUTH + y * STEP},{count}"
        for (x, y), count in zip(places, (3, "", 5, 9), strict=True)
    ]
    path = units.parent / "shops.csv"
    path.write_text("\n".join(["lon,lat,employees", *rows]) + "\n", encoding="utf-8")
    return path


def test_loads_are_counted_and_added_up_from_files(wangge: Run, shops: Path, tmp_path: Path) -> None:
    del shops
    call = (*BALANCED, "--zones", 2, "--count", "shops=shops.csv", "--sum", "employees=shops.csv")
    made = wangge(*call, "--weight", "shops", "--weight", "employees", "--json")
    assert made.code == 0, made.err
    assert made.err == 2 * "note: shops.csv: 1 of 4 records lie in no unit, and count nowhere\n"
    assert [(each["load"], each["total"]) for each in made.summary["loads"]] == [
        ("shops", 3),
        ("employees", 8),
    ]
    (tmp_path / "words.csv").write_text("lon,lat,employees\n113.9005,22.5005,many\n", encoding="utf-8")
    for options, said in (
        (("--sum", "employees=words.csv"), "words.csv: record 1 has no number of 0 or more as 'employees'"),
        (
            ("--sum", "staff=shops.csv"),
            "shops.csv has no field 'staff' to add up (fields: lon, lat, employees)",
        ),
        (("--count", "shops.csv"), "--count 'shops.csv' is not NAME=FILE"),
        (("--count", "households=shops.csv"), "would replace the field 'households' of the units"),
        (("--count", "x=none.csv"), "none.csv: there is no such file"),
        (("--count", "x=units.gpkg", "--count-layer", "y"), "units.gpkg has no layer 'y'"),
    ):
        refused = wangge(*BALANCED[:3], "p.gpkg", *BALANCED[4:], "--zones", 2, "--weight", "area", *options)
        assert refused.code == 2
        assert said in refused.err
    assert not (tmp_path / "p.gpkg").exists()


def test_cells_are_evened_out_by_few_moves(wangge: Run, units: Path, tmp_path: Path) -> None:
    assert wangge(*BALANCED, "--weight", "area", "--zones", 4, "--units-output", "before.csv").code == 0
    frame = gpd.read_file(units)
    frame["households"] = [400 if code in {"u00", "u01"} else 20 for code in frame["code"]]
    write_layer(tmp_path / "now.gpkg", frame)
    call = ("rebalance", "o.gpkg", "--units", "now.gpkg", "--weight", "households:10%", "-o", "even.gpkg")
    made = wangge(
        *call, "--budget", 0.5, "--moves", "m.csv", "--pareto", "p.csv", "--units-output", "after.csv"
    )
    assert made.code == 0, made.err
    old, new = (gpd.read_file(tmp_path / name).set_index("code") for name in ("o.gpkg", "even.gpkg"))
    assert list(new.index) == list(old.index)
    assert wangge("check", "even.gpkg").code == 0
    before, after = (
        pd.read_csv(tmp_path / name, dtype=str).set_index("unit_code")["cell_code"]
        for name in ("before.csv", "after.csv")
    )
    moves = pd.read_csv(tmp_path / "m.csv", dtype={"from_code": str, "to_code": str}).set_index("unit_code")
    assert set(moves.index) == {unit for unit in before.index if before[unit] != after[unit]}
    assert moves["from_code"].to_dict() == {unit: before[unit] for unit in moves.index}
    loads = frame.set_index("code")["households"]
    assert loads.groupby(after).sum().to_dict() == new["households"].to_dict()
    assert moves["households"].sum() <= 0.5 * loads.sum()
    assert loads.groupby(after).sum().max() < loads.groupby(before).sum().max()
    pareto = pd.read_csv(tmp_path / "p.csv")
    assert pareto["moved_share"].is_monotonic_increasing
    assert pareto["greatest_deviation"].is_monotonic_decreasing
    still = wangge(*call, "--budget", 0, "--json").summary
    assert (still["moved_units"], still["changed_cells"]) == (0, 0)


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize(
    ("call", "said"),
    [
        ((*BLOCKS, "--size", 3), "--size belongs to --method square, not to blocks."),
        ((*BLOCKS, "--zones", 3), "--zones belongs to --method balanced, not to blocks."),
        ((*BALANCED, "--streets", "x"), "--streets belongs to --method blocks, not to balanced."),
        (("divide", "units.gpkg", "-o", "o.gpkg", "--barriers", "x"), "blocks and --method balanced"),
        (("divide", "units.gpkg", "-o", "o.gpkg", "--method", "hexagons"), "not one of square, blocks, bal"),
        (BLOCKS[:6], "--method blocks needs --streets."),
        ((*BALANCED, "--zones", 3), "--method balanced needs --weight."),
        ((*BLOCKS, "--streets-layer", "places"), "town.gpkg has no lines; name a layer of lines"),
        ((*BLOCKS, "--streets-layer", "x"), "town.gpkg has no layer 'x'"),
        ((*BLOCKS[:-1], "elsewhere.gpkg"), "elsewhere.gpkg: No line lies within the areas"),
        ((*BLOCKS, "--barriers", "elsewhere.gpkg"), "elsewhere.gpkg: No line lies within the areas"),
        ((*BLOCKS, "--keep", "elsewhere.gpkg"), "elsewhere.gpkg: No record of the buildings"),
        ((*BLOCKS, "--target-area", 0), "target area must be more than 0"),
        ((*BLOCKS, "--water", "elsewhere.gpkg"), "elsewhere.gpkg: No line lies within the areas: the water"),
        ((*BLOCKS, "--max-load", 5), "--max-load counts the records of --load, or of --keep; name a file."),
        ((*BLOCKS, "--load", "units.gpkg"), "--load and --max-load-field belong to --max-load"),
        ((*BLOCKS, "--max-load", 5, "--load", "units.gpkg", "--max-load-field", "x"), "There is no field"),
        ((*BLOCKS, "--max-load", 5, "--load", "units.gpkg", "--max-load-field", "below"), "the value '-1'"),
        ((*BLOCKS, "--max-load", 5, "--load", "elsewhere.gpkg"), "elsewhere.gpkg: None of the records that"),
        ((*BLOCKS, "--cut-output", "c.gpkg"), "--cut-output lists buildings of --keep"),
        ((*BLOCKS, "--keep", "town.gpkg", "--cut-output", "o.gpkg"), "o.gpkg is named for two outputs"),
        ((*BALANCED, "--weight", "households"), "needs --zones, --max-weight or --seeds"),
        ((*BALANCED, "--weight", "area", "--zones", 2, "--max-weight", 9), "either --zones or --max-weight"),
        ((*BALANCED, "--weight", "area", "--zones", 0), "should be greater than or equal to 1"),
        ((*BALANCED, "--weight", "area", "--zones", 25), "units.gpkg: The number of cells asked for is 25"),
        ((*BALANCED, "--weight", "area", "--zones", 1), "2 areas"),
        ((*BALANCED, "--weight", "household", "--zones", 2), "no field 'household' to balance; fields"),
        ((*BALANCED, "--weight", "note", "--zones", 2), "note in unit 'u00' is 'much', which is no number"),
        ((*BALANCED, "--weight", "some", "--zones", 2), "some in unit 'u04' is missing"),
        ((*BALANCED, "--weight", "below", "--zones", 2), "below in unit 'u00' is -1, which is negative"),
        ((*BALANCED, "--weight", "nothing", "--zones", 2), "nothing is 0 in every unit"),
        ((*BALANCED, "--weight", "households:cap=17", "--zones", 9), "'u23' alone holds 18 households"),
        ((*BALANCED, "--weight", "area", "--zones", 2, "--within", "x"), "have no field 'x', within which"),
        ((*BALANCED, "--weight", "area", "--zones", 2, "--units-output", "u.gpkg"), "extension .csv or .pa"),
        ((*BALANCED, "--weight", "area", "--seeds", "none.gpkg"), "none.gpkg: there is no such file"),
        ((*BALANCED, "--weight", "area", "--zones", 2, "--barriers", "town.gpkg"), "with --barriers-layer"),
        (EVENED, "needs --weight"),
        ((*EVENED, "--weight", "area", "--budget", 2), "0 to 1, not 2"),
        ((*EVENED, "--weight", "area", "--moves", "o.gpkg"), "o.gpkg is named for two outputs"),
        ((*EVENED, "--weight", "area", "--cell-field", "x"), "units.gpkg has no field 'x' for --cell-field"),
        ((*EVENED, "--weight", "area", "--units-code-field", "x"), "has no field 'x' for --units-code-field"),
        ((*EVENED[:3], "town.gpkg", *EVENED[4:], "--weight", "area"), "town.gpkg has several layers"),
    ],
)  # fmt: skip
def test_what_cannot_be_divided_is_told_in_one_line_and_nothing_is_written(
    wangge: Run, tmp_path: Path, call: tuple[Any, ...], said: str
) -> None:
    outcome = wangge(*call)
    assert outcome.code == 2
    assert said in outcome.err
    assert not list(tmp_path.glob("o.*"))


@pytest.mark.parametrize(
    ("text", "column", "tolerance", "cap"),
    [
        ("households", "households", 0.05, None),
        ("households:0.1", "households", 0.1, None),
        ("households:10%", "households", 0.1, None),
        ("户数:cap=500", "户数", 0.05, 500),
        ("a b:0:cap=0.5", "a b", 0, 0.5),
        ("a:cap=1:100%", "a", 1, 1),
    ],
)
def test_a_weight_is_read(text: str, column: str, tolerance: float, cap: float | None) -> None:
    (read,) = parse_weights([text])
    assert (read.column, read.tolerance, read.cap) == (column, tolerance, cap)


@pytest.mark.parametrize(
    "text",
    ["", ":5%", "a:", "a:x", "a:nan", "a:1.01", "a:101%", "a:-1%", "a:cap=", "a:cap=0", "a:1:2:3", "a:1e3"],
)
def test_what_is_no_weight_is_refused(text: str) -> None:
    with pytest.raises(ParameterError, match="--weight"):
        parse_weights([text])
