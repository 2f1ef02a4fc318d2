"""Findings: how areas are written and codes joined."""

import pytest

from gis.topology.findings import format_area, join_codes


@pytest.mark.parametrize(
    ("area", "text"),
    [
        (100_000, "0.10 km²"), (99_999.99, "99,999.99 m²"), (1_234_567, "1.23 km²"),
        (0.01, "0.01 m²"), (0.0099, "0.01 m²"), (0.0012, "0.001 m²"), (1234.5, "1,234.50 m²"),
    ],
)  # fmt: skip
def test_areas_are_written_in_the_unit_that_reads_best(area: float, text: str) -> None:
    assert format_area(area) == text


def test_codes_are_joined_once_each_lowest_first() -> None:
    assert join_codes(["b", "a", "b"]) == "a,b"
