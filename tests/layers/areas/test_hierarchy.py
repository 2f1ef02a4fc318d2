"""Which areas lie beneath which, which are lowest, and which of them cells must fill."""

import pytest

from gis.errors import NotFoundError
from layers.areas.hierarchy import AreaHierarchy

AREAS = AreaHierarchy({"1": None, "11": "1", "111": "11", "112": "11", "12": "1", "2": "elsewhere"})


def test_an_area_has_a_subtree_ancestors_and_lowest_areas() -> None:
    assert AREAS.subtree("11") == {"11", "111", "112"}
    assert AREAS.subtree("12") == {"12"}
    assert AREAS.subtree(None) == {"1", "11", "111", "112", "12", "2"}
    with pytest.raises(NotFoundError, match="no area '3'"):
        AREAS.subtree("3")
    assert AREAS.ancestors("111") == ["11", "1"]
    # A parent that is not there is none.
    assert AREAS.ancestors("1") == AREAS.ancestors("2") == AREAS.ancestors("3") == []
    assert AREAS.leaves("1") == {"111", "112", "12"}
    assert AREAS.leaves("12") == {"12"}
    assert AREAS.leaves("3") == {"3"}
    assert AREAS.leaves(None) == {"111", "112", "12", "2"}
    assert len(AreaHierarchy({}).leaves(None)) == 1


def test_a_scope_covers_itself_and_what_lies_beneath_it() -> None:
    assert [code for code in ("1", "11", "111", "12", "2", None) if AREAS.covers("11", code)] == ["11", "111"]
    assert AREAS.covers(None, "2")
    assert AREAS.covers(None, None)


@pytest.mark.parametrize(
    ("area", "named", "filled"),
    [
        (None, [], {"111", "112", "12", "2"}),
        ("1", ["11"], {"11", "12"}),
        ("1", ["1"], {"1"}),
        ("1", ["1", "111"], {"111", "112", "12"}),
        ("11", ["12", "2"], {"111", "112"}),
    ],
)
def test_cells_fill_the_areas_that_they_name_and_the_lowest_of_the_others(
    area: str | None, named: list[str], filled: set[str]
) -> None:
    assert AREAS.partition(area, named) == filled


def test_parents_in_a_circle_come_to_an_end() -> None:
    circle = AreaHierarchy({"1": "2", "2": "1"})
    assert circle.ancestors("1") == ["2", "1"]
    assert circle.subtree("1") == {"1", "2"}
