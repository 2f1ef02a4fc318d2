"""A kind of gap that the product does not have, at the command line: rules, search, file and map."""

from pathlib import Path

import geopandas as gpd

from tests.api.conftest import Run
from tests.invented_gap import registered


def test_an_invented_kind_is_found_by_its_rules_and_drawn(wangge: Run, cells: Path, tmp_path: Path) -> None:
    lamps, rules = tmp_path / "lamps.csv", tmp_path / "rules.toml"
    found, drawn = tmp_path / "gaps.geojson", tmp_path / "map.html"
    lamps.write_text("id,kind,lon,lat\n1,lamp,113.9011,22.5011\n", encoding="utf-8")
    rules.write_text('[too_dark]\nlamp_m = 300\nlamps = ["lamp"]\n', encoding="utf-8")
    options = ("--entities", lamps, "--rules", rules, "--only", "too_dark")
    with registered():
        outcome = wangge("gaps", "--cells", cells, *options, "-o", found)
        assert (outcome.code, "Too dark (too_dark): " in outcome.out) == (0, True), outcome.err
        mapped = wangge("map", "--cells", cells, "--gaps", found, "-o", drawn)
        assert mapped.code == 0, mapped.err
    gaps = gpd.read_file(found)
    assert 0 < len(gaps) < len(gpd.read_file(cells))
    assert set(gaps["rule"]) == {"a lamp within 300 m"}
    assert "照明不足" in drawn.read_text(encoding="utf-8")
    unknown = wangge("gaps", "--cells", cells, *options, "-o", found)
    assert (unknown.code, "unknown table 'too_dark'" in unknown.err) == (2, True)
