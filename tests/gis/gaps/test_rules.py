"""Rules from parsed TOML: what fits arrives, what does not is named."""

import json
import math

import pytest

from gis.errors import InputError
from gis.gaps import GAP_KINDS, GapRules


def test_values_replace_defaults_and_others_stay():
    rules = GapRules.from_mapping(
        {
            "out_of_reach": {"distance_m": 500, "by_class": {"fire": 2000}, "ground": False},
            "unassigned": {"kinds": ["household"]},
            "severity": {"high_households": 7},
        }
    )
    reach = rules.for_kind("out_of_reach")
    assert (reach.distance_m, reach.by_class, reach.ground, reach.min_ground_m2) == (
        500.0,
        {"fire": 2000.0},
        False,
        100.0,
    )
    assert rules.for_kind("unassigned").kinds == ("household",)
    assert rules.severity.high_households == 7
    assert rules.severity.high_enterprises == 10
    assert rules.for_kind("blank") == GAP_KINDS["blank"].default_rule
    assert GapRules.from_mapping({}) == GapRules()


def test_the_tables_of_rules_are_rules_again():
    given = {"out_of_reach": {"by_class": {"fire": 2000.0}}, "unassigned": {"kinds": ["household"]}}
    tables = GapRules.from_mapping(given).to_mapping()
    assert list(tables) == [*GAP_KINDS, "severity"]
    assert tables["out_of_reach"]["by_class"] == {"fire": 2000.0}
    assert tables["out_of_reach"]["distance_m"] == 1000.0
    assert GapRules.from_mapping(json.loads(json.dumps(tables))).to_mapping() == tables


@pytest.mark.parametrize(
    ("mapping", "named"),
    [
        ({"out_of_reech": {}}, "out_of_reech"),
        ({"out_of_reach": {"distence_m": 1}}, r"out_of_reach\.distence_m"),
        ({"out_of_reach": {"distance_m": "far"}}, r"out_of_reach\.distance_m.*'far'"),
        ({"out_of_reach": {"distance_m": True}}, r"out_of_reach\.distance_m"),
        ({"out_of_reach": {"distance_m": -1}}, r"out_of_reach\.distance_m"),
        ({"out_of_reach": {"distance_m": math.nan}}, r"out_of_reach\.distance_m"),
        ({"out_of_reach": {"distance_m": math.inf}}, r"out_of_reach\.distance_m"),
        ({"severity": {"high_households": 10**400}}, r"severity\.high_households"),
        ({"out_of_reach": {"ground": 1}}, r"out_of_reach\.ground"),
        ({"out_of_reach": {"by_class": 5}}, r"out_of_reach\.by_class"),
        ({"out_of_reach": {"by_class": {"fire": "x"}}}, r"by_class\.fire"),
        ({"out_of_reach": 1000}, "out_of_reach"),
        ({"unassigned": {"kinds": "household"}}, r"unassigned\.kinds"),
        ({"severity": {"high_households": 1.5}}, r"severity\.high_households.*whole"),
        ({"severity": {"huge": 1}}, r"severity\.huge"),
    ],
)
def test_what_does_not_fit_is_named(mapping, named):
    with pytest.raises(InputError, match=named):
        GapRules.from_mapping(mapping)
