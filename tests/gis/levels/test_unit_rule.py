import pytest

from gis.errors import ParameterError
from gis.levels import UnitRule


def test_a_table_gives_a_rule_and_defaults_the_rest() -> None:
    rule = UnitRule.from_mapping({"max": 5, "one_area": False})
    assert rule == UnitRule(min=1, max=5, adjacent=True, one_area=False)
    assert UnitRule.from_mapping(rule.to_mapping()) == rule
    assert UnitRule.from_mapping({}).max is None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([], "must be a table"),
        ({"most": 5}, "unknown key 'units.most'; known are: min, max, adjacent, one_area"),
        ({"min": 0}, "'units.min' must be a whole number from 1"),
        ({"min": None}, "'units.min' must be a whole number"),
        ({"max": 2.5}, "not 2.5"),
        ({"max": 1_000_001}, "from 1 to 1,000,000, not 1000001"),
        ({"max": True}, "not True"),
        ({"adjacent": 1}, "'units.adjacent' must be true or false, not 1"),
        ({"min": 6, "max": 5}, r"'units.max' \(5\) is less than 'units.min' \(6\)"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table: object, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        UnitRule.from_mapping(table)


@pytest.mark.parametrize("table", [{"min": 5, "max": 5}, {"min": 1}, {"max": 1_000_000}])
def test_the_least_and_the_most_are_among_those_allowed(table: dict[str, int]) -> None:
    rule = UnitRule.from_mapping(table)
    assert {name: getattr(rule, name) for name in table} == table
