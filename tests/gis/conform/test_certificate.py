"""Certificates: plans that conform to each profile, and one planted fault for each clause."""

import json

import pytest
import shapely

from gis.conform import CLAUSES
from gis.profiles import PROFILE_NAMES
from tests.gis.conform.conftest import details, ground, judge, layer, make_cells, states

W, E, OTHER = "440304001001", "440304001002", "440304001003"
NUMBERED = {name: name if name != "cjt349" else "cjt349:123456" for name in PROFILE_NAMES}
GIVEN_NOTHING = {"reuse", "whole_buildings", "levels"}


def units_of(cells):
    """Management cells of one to five adjacent unit cells of a community."""
    members = [(0, 1, 2), (3, 4, 5), (6, 7, 8), (9, 10, 11, 12), (13, 14)]
    codes = [f"{W}001", f"{W}002", f"{W}003", f"{E}001", f"{E}002"]
    united = [shapely.coverage_union_all(cells.geometry.iloc[list(rows)].to_numpy()) for rows in members]
    above = cells.iloc[[rows[0] for rows in members]].set_geometry(united)
    return above.assign(
        code=codes,
        area_m2=[1e4 * len(rows) for rows in members],
        area_code=[code[:12] for code in codes],
    )


def changed(cells, column, values):
    """Return cells with other values in some rows of a column."""
    result = cells.copy()
    result.loc[list(values), column] = list(values.values())
    return result


def moved(cells, row, polygon):
    return cells.set_geometry([polygon if k == row else each for k, each in enumerate(cells.geometry)])


def bow_tie():
    return shapely.Polygon([(114.001, 22.6), (114.0011, 22.6001), (114.0011, 22.6), (114.001, 22.6001)])


def one(west, south, east, north):
    return layer([ground(west, south, east, north)]).geometry.iloc[0]


def with_large_cell(cells):
    """A cell of 6 ha in a community of its own."""
    large = cells.iloc[[0, *range(len(cells))]].reset_index(drop=True)
    large = moved(large, 0, one(700, 0, 1000, 200))
    large = changed(changed(large, "code", {0: f"{OTHER}001"}), "area_code", {0: OTHER})
    return changed(large, "area_m2", {0: 6e4})


def scattered(cells):
    """One management cell of two units that do not touch."""
    return cells.iloc[[0]].set_geometry([shapely.union_all(cells.geometry.iloc[[0, 8]].to_numpy())])


# Clause → what makes the fault of the cells, what is given beside them, and the codes it is told of.
PLANTED = {
    "code_form": (lambda c: changed(c, "code", {4: "44030400100100"}), {}, ["44030400100100"]),
    "code_area": (lambda c: changed(c, "area_code", {9: W}), {}, [f"{E}001"]),
    "sequence_limits": (lambda c: changed(c, "code", {14: f"{E}000"}), {}, [f"{E}000"]),
    "order": (lambda c: changed(c, "code", {1: f"{W}003", 2: f"{W}002"}), {}, [f"{W}002"]),
    "unique": (lambda c: changed(c, "code", {5: f"{W}005"}), {}, [f"{W}005"]),
    "reuse": (lambda c: c, {"ended": {f"{W}004", f"{W}200"}}, [f"{W}004"]),
    "one_community": (lambda c: changed(c, "area_code", {0: W[:9]}), {}, [f"{W}001"]),
    "closed": (lambda c: moved(c, 14, bow_tie()), {}, [f"{E}006"]),
    "no_blank": (
        lambda c: c.drop(index=4),
        {},
        [",".join(f"{W}{k:03d}" for k in (1, 2, 3, 4, 6, 7, 8, 9))],
    ),
    "no_overlap": (lambda c: moved(c, 4, one(90, 100, 200, 200)), {}, [f"{W}004,{W}005"]),
    "whole_buildings": (
        lambda c: c,
        {"buildings": layer([ground(20, 20, 60, 60), ground(90, 120, 130, 140), ground(100, 0, 120, 20)])},
        [f"{W}004,{W}005"],
    ),
    "record": (lambda c: changed(c, "initial_date", {7: None}), {}, [f"{W}008"]),
    "size": (with_large_cell, {}, [f"{OTHER}001"]),
    "levels": (scattered, {"units": lambda c: c.iloc[[0, 8]]}, [f"{W}001"]),
}


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_a_division_by_each_profile_conforms_to_it(name, areas):
    cells = make_cells(areas, NUMBERED[name])
    if name == "db11-2157":
        cells = cells.assign(land_use_class="R2", management_grade="一级")
    for profile in {name, NUMBERED[name]}:
        certificate = judge(cells, profile, areas=areas, ended={"440304001001999"})
        assert certificate.conforms, [each for each in certificate.results if each.state == "fault"]
        looked = {key for key, state in states(certificate).items() if state != "not_looked_at"}
        asked = {each.key for each in CLAUSES} - {"whole_buildings", "levels"}
        assert looked == asked - ({"record", "size", "one_community"} if name in ("cn", "plain") else set())


@pytest.mark.parametrize("clause", [each.key for each in CLAUSES])
def test_a_planted_fault_is_named_by_its_clause(clause, cells, areas):
    before = states(judge(cells, areas=areas))
    assert set(before.values()) == {"passed", "not_looked_at"}
    assert {key for key, state in before.items() if state == "not_looked_at"} == GIVEN_NOTHING
    plant, given, expected = PLANTED[clause]
    given = {name: value(cells) if name == "units" else value for name, value in given.items()}
    certificate = judge(plant(cells), **given)
    assert set(expected) <= {codes for codes, _ in details(certificate, clause)}
    assert states(certificate)[clause] == ("warning" if clause == "size" else "fault")
    assert details(certificate, clause, "zh") != details(certificate, clause)
    assert certificate.conforms is (clause == "size")


def test_management_cells_of_adjacent_units_conform(cells, areas):
    assert judge(units_of(cells), areas=areas, units=cells).conforms


def test_what_is_wrong_with_levels(cells):
    above = units_of(cells)
    whole = cells.iloc[[0]].assign(geometry=[shapely.coverage_union_all(cells.geometry.to_numpy())])
    told = dict(details(judge(whole, units=cells), "levels"))
    assert told[whole["code"].iloc[0]] == f"has units of several communities ({W}, {E})"
    told = details(judge(whole, units=cells), "levels")
    assert told[0] == (whole["code"].iloc[0], "is made of 15 units, not 1–5")
    told = details(judge(above.iloc[1:], units=cells), "levels")
    assert told == [("", f"unit {cells['code'].iloc[k]} lies in no cell") for k in range(3)]
    wider = moved(above.reset_index(drop=True), 4, one(500, -100, 600, 100))
    told = details(judge(wider, units=cells), "levels")
    assert (f"{E}002", "has 10,000.00 m² of ground in no unit") in told
    shifted = above.set_geometry(above.geometry.translate(0.0003))
    told = [text for _, text in details(judge(shifted, units=cells), "levels")]
    assert f"holds only a part of unit {cells['code'].iloc[0]}" in told


def test_what_is_not_given_is_not_looked_at(cells):
    certificate = judge(cells)
    notes = {each.clause.key: each.note.en for each in certificate.results if each.note}
    assert notes == {
        "reuse": "no ended cells are given",
        "one_community": "borders are not looked at: no areas are given",
        "no_blank": "blanks at the outside are not looked at: no areas are given",
        "whole_buildings": "no buildings are given",
        "levels": "no units are given",
    }
    assert certificate.conforms


def test_with_areas_the_outside_is_looked_at(cells, areas):
    assert states(judge(cells.iloc[1:], areas=areas))["no_blank"] == "fault"
    assert states(judge(cells.iloc[1:]))["no_blank"] == "passed"
    crossing = cells.assign(area_code=[W] * 10 + [E] * 5)
    assert [codes for codes, _ in details(judge(crossing, areas=areas), "one_community")] == [f"{E}001"]


def test_merged_communities_may_lie_in_several(areas):
    merged = "440304001601"
    both = areas.dissolve().assign(code=merged, name="合并社区", level="village", parent=None)
    cells = make_cells(both, "cjt349:123456")
    certificate = judge(cells, "cjt349", areas=areas)
    assert details(certificate, "one_community") == []
    assert details(judge(make_cells(both, "cjt213"), "cjt213", areas=areas), "one_community") != []


def test_the_record(cells):
    def told(**changes):
        return details(judge(cells.assign(**changes)), "record")

    n, code = len(cells), cells["code"].tolist()
    assert details(judge(cells.drop(columns="initial_date")), "record") == [
        ("", "there is no initial date (initial_date, valid_from, 初始日期)")
    ]
    for name in ("VALID_FROM", "initial_da"):
        assert judge(cells.rename(columns={"initial_date": name})).conforms
    assert told(name=["东", None, " "] + ["a"] * (n - 3)) == [
        (code[1], "its name is missing"), (code[2], "its name is missing"),
    ]  # fmt: skip
    assert told(area_m2=[1e4, 99.0, "?", None] + [1e4] * (n - 4)) == [
        (code[1], "its area is 99 m², that of its polygon 10,000 m²"),
        (code[2], "its area '?' is no number"),
        (code[3], "its area is missing"),
    ]
    days = ["2026-07-01", "20260701", "2026/7/1", "2026年7月1日", "2026-02-30", "soon"]
    assert told(initial_date=days + ["2026-07-01T00:00:00"] * (n - 6)) == [
        (code[4], "its initial date '2026-02-30' is no date"),
        (code[5], "its initial date 'soon' is no date"),
    ]
    assert told(end_date=["2026-06-30"] + [None] * (n - 1)) == [
        (code[0], "ends on 2026-06-30, before it begins on 2026-07-01")
    ]
    beijing = details(judge(cells, "db11-2157"), "record")
    assert [text.split(" (")[0] for _, text in beijing] == [
        "there is no land use class", "there is no management grade", "there is no responsible body",
    ]  # fmt: skip


def test_codes_of_other_forms(cells, areas):
    letters = cells.assign(
        code=["4403040010A1" + code[12:] for code in cells["code"]], area_code="4403040010A1"
    ).drop(index=range(9, 15))
    assert states(judge(letters))["code_form"] == "passed"
    assert states(judge(letters, "gbt30428"))["code_form"] == "fault"
    undivided = make_cells(areas, "cjt213")
    assert details(judge(undivided.iloc[9:10], "cjt213"), "sequence_limits") == [
        (f"{E}01", "is the only cell of its community, whose sequence is 00, not 01")
    ]
    assert details(judge(undivided.iloc[9:10], "cjt213", ended={f"{E}00"}), "sequence_limits") == []
    undivided.iloc[9, 0] = f"{E}00"
    assert details(judge(undivided, "cjt213"), "sequence_limits") == [
        (f"{E}00", "has the sequence 00 of an undivided community, which has several cells")
    ]


def test_cells_of_a_later_day_are_in_an_order_of_their_own(cells):
    day = cells["initial_date"].iloc[0]
    renumbered = cells.assign(code=[f"{W}010", *cells["code"][1:]])
    assert not judge(renumbered).conforms
    later = renumbered.assign(initial_date=[day.replace(year=2027), *[day] * 14])
    assert judge(later).conforms


def test_codes_of_no_known_form_have_no_order(cells):
    state = states(judge(cells.assign(code=[f"x{k}" for k in range(len(cells))])))
    assert state["code_form"] == "fault"
    assert state["order"] == state["sequence_limits"] == "not_looked_at"


def test_gaps_in_the_sequence_are_no_fault(cells):
    assert judge(
        cells.assign(code=[f"{code[:12]}{3 * int(code[12:]):03d}" for code in cells["code"]])
    ).conforms


def test_the_certificate_for_programs(cells):
    cells.loc[4, "code"] = "x"
    told = judge(cells).to_json("zh")
    assert json.loads(json.dumps(told)) == told
    assert (told["profile"], told["conforms"], told["cells"]) == ("gbt47678", False, 15)
    assert told["standards"][1]["in_force_since"] == "2026-07-01"
    (form,) = (each for each in told["clauses"] if each["clause"] == "code_form")
    assert form["offences"] == [{"codes": ["x"], "detail": "编码有 1 位，应为15 位（6+3+3+3）"}]
    assert form["source"] == "GB/T 47678（据实施标准的软件）"


@pytest.mark.parametrize("broken", ["empty", "none", "nothing"])
def test_cells_without_ground(broken, cells):
    if broken == "nothing":
        assert judge(cells.iloc[:0]).cells == 0
        return
    missing = shapely.Polygon() if broken == "empty" else None
    cells.geometry = [missing, *cells.geometry[1:]]
    assert [codes for codes, _ in details(judge(cells), "closed")] == [cells["code"].iloc[0]]
