"""Rules for cells: each against a naive loop, on both sides of every limit, and one that a test invents."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.cell_rules import CELL_RULES, BrokenRule, CellFacts, find_broken_rules, read_cell_rules
from gis.errors import InputError
from gis.text import Text

cells = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", ""]),
        st.integers(0, 5),
        st.none() | st.integers(0, 5),
        st.integers(0, 5),
        st.lists(st.sampled_from([("leader", "A"), ("leader", "B"), ("officer", "A"), ("inspector", "A")])),
    ),
    max_size=6,
)
limit = st.integers(0, 5)


@given(cells, limit, limit, limit, st.booleans())
def test_what_breaks_rules_equals_a_naive_loop(
    drawn: list, cap: int, low: int, staff: int, over_units: bool
) -> None:
    codes = [f"c{number}" for number in range(len(drawn))]
    facts = CellFacts(
        codes=codes,
        kinds=[each[0] for each in drawn],
        area_m2=np.array([float(each[1]) for each in drawn]),
        loads={"trees": np.array([np.nan if each[2] is None else each[2] for each in drawn], dtype=float)},
        units=np.array([each[3] for each in drawn], dtype=np.int64) if over_units else None,
        posts=[Counter(each[4]) for each in drawn],
    )
    rules = {
        "caps": {"trees": cap},
        "kinds": {"allowed": ["a"]},
        "sizes": {"min_area_m2": low, "max_area_m2": low + 2, "max_units": cap},
        "staffing": {"leaders": staff, "officers": 1, "backups": 1},
    }
    expected = set()
    for code, (kind, area, load, units, posts) in zip(codes, drawn, strict=True):
        ranked = Counter(posts)
        figures = {
            "caps.trees": load is None or load > cap,
            "kinds.allowed": kind != "a",
            "sizes.min_area_m2": area < low,
            "sizes.max_area_m2": area > low + 2,
            "sizes.max_units": over_units and units > cap,
            "staffing.leaders": ranked["leader", "A"] < staff,
            "staffing.officers": ranked["officer", "A"] < 1,
            "staffing.backups": ranked["leader", "B"] < 1,
        }
        expected |= {(rule, code) for rule, broken in figures.items() if broken}
    found = find_broken_rules(read_cell_rules(rules), facts)
    assert {(each.rule, each.code) for each in found} == expected
    assert len(found) == len(expected)
    assert all(each.code in each.words.zh and each.code in each.words.en for each in found)


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"caps": {"households": -1}}, "'caps.households' must be a number from 0"),
        ({"caps": {"households": "many"}}, "'caps.households' must be a number, not 'many'"),
        ({"caps": [1]}, "must be a table"),
        ({"sizes": {"max_area_m2": 1, "min_area_m2": 2}}, r"max_area_m2' \(1\) is less than"),
        ({"sizes": {"weight": 1}}, "unknown key 'sizes.weight'"),
        ({"staffing": {"leaders": 0.5}}, "whole number"),
        ({"kinds": {"allowed": [1]}}, "list of texts"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(tables: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_cell_rules(tables)


@dataclass(frozen=True)
class Invented:
    """The code must end as the rule says."""

    name: ClassVar[str] = "endings"
    loads: ClassVar[tuple[str, ...]] = ()
    asks_for_posts: ClassVar[bool] = False

    ending: str

    @classmethod
    def read(cls, table: object) -> Self:
        return cls(str(table))

    def find_broken(self, cells: CellFacts) -> Iterator[BrokenRule]:
        for code in cells.codes:
            if not code.endswith(self.ending):
                yield BrokenRule("endings", code, None, None, Text(f"{code} 不符", f"{code} ends otherwise"))


def test_an_invented_rule_is_asked_like_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CELL_RULES, Invented.name, Invented)
    facts = CellFacts(codes=["c1", "c2"], kinds=["", ""], area_m2=np.zeros(2))
    found = find_broken_rules(read_cell_rules({"endings": "2", "out_of_reach": {}}), facts)
    assert [each.code for each in found] == ["c1"]
