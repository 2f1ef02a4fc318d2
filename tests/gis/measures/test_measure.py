"""A measure's rounding, writing and groups against loops, and what the catalogue promises of each."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.measures import (
    MEASURES,
    Aggregation,
    CellFigures,
    CellShapes,
    Measure,
    Prominence,
    Quantity,
    computed_measures,
    count_keys,
    counted_kinds,
    measure_of_column,
)

NUMBER = st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6))


def held(values: list[float], aggregation: Aggregation) -> Measure:
    return Measure("held", {}, compute=lambda cells: np.array(values), decimals=2, aggregation=aggregation)


def figures(count: int) -> CellFigures:
    return CellFigures(
        np.arange(1.0, count + 1),
        np.full(count, 4.25),
        {kind: np.arange(count) for kind in counted_kinds()},
        CellShapes(shapely.box(0, 0, np.arange(1.0, count + 1), 1)),
    )


@given(st.lists(st.tuples(NUMBER, st.integers(0, 3)), max_size=20), st.sampled_from(Aggregation))
def test_a_group_stands_for_its_known_values(rows: list[tuple[float, int]], aggregation: Aggregation) -> None:
    values, groups = [value for value, _ in rows], np.array([group for _, group in rows], dtype=np.int64)
    found = held(values, aggregation).group_values(figures(len(rows)), groups, 4)
    for group in range(4):
        known = [value for value, own in rows if own == group and not np.isnan(value)]
        if not known:
            assert np.isnan(found[group])
        else:
            size = len(known) if aggregation is Aggregation.mean else 1
            assert found[group] == pytest.approx(sum(known) / size, rel=1e-9, abs=0.0051)


def test_counts_stay_whole_and_sizes_are_told_to_a_tenth() -> None:
    counts = {"household": np.array([3, 0])}
    shapes = CellShapes(np.array([shapely.Point(), shapely.Point()]))
    cells = CellFigures(np.array([1.26, 2.0]), np.array([4.04, 9.99]), counts, shapes)
    households = MEASURES["households"]
    assert households.values(cells).dtype == np.int64
    assert households.values(cells).tolist() == [3, 0]
    together = households.group_values(cells, np.array([0, 0]), 2)
    assert (together.dtype, together.tolist()) == (np.int64, [3, 0])
    assert MEASURES["area_m2"].values(cells).tolist() == [1.3, 2.0]
    assert MEASURES["perimeter_m"].values(cells).tolist() == [4.0, 10.0]


def test_columns_that_are_not_known_keep_five_digits() -> None:
    unknown = measure_of_column("lamps")
    assert unknown.label("zh") == "lamps"
    assert unknown.round(np.array([0.123456, np.nan, 1.0])).tolist()[::2] == [0.1235, 1.0]
    assert unknown.round(np.array([12_345.678])).tolist() == [12_345.7]
    assert unknown.round(np.array([])).tolist() == []


@pytest.mark.parametrize(
    ("quantity", "unit", "value", "written"),
    [
        (Quantity.area, "m²", 99_999, "99,999 m²"),
        (Quantity.area, "m²", 100_000, "0.10 km²"),
        (Quantity.length, "m", 1234.4, "1,234 m"),
        (Quantity.counted, None, 12_345, "12,345"),
        (Quantity.share, None, 0.426, "43%"),
        (Quantity.number, None, 1.25, "1.25"),
        (Quantity.number, "/ha", 1.25, "1.25 /ha"),
    ],
)
def test_values_are_written_by_quantity(
    quantity: Quantity, unit: str | None, value: float, written: str
) -> None:
    assert Measure("held", {}, quantity, unit=unit).format(value) == written


@pytest.mark.parametrize("key", MEASURES)
def test_every_measure_is_told_in_both_languages(key: str) -> None:
    measure = MEASURES[key]
    assert measure.key == key
    assert set(measure.labels) == {"zh", "en"}
    assert all(measure.labels.values())
    assert set(measure.entity_kinds) <= set(counted_kinds())
    if measure.compute is not None:
        assert len(measure.values(figures(3))) == 3


def test_a_layer_named_by_its_kind_holds_the_count_of_it() -> None:
    assert count_keys()["household"] == "households"
    assert measure_of_column("household") is measure_of_column("households") is MEASURES["households"]
    assert {each.key for each in computed_measures()} >= {"area_m2", "perimeter_m", *count_keys().values()}


@pytest.mark.parametrize("aggregation", Aggregation)
@pytest.mark.parametrize("prominence", Prominence)
def test_only_totals_are_added_up_and_only_headlines_unasked(
    aggregation: Aggregation, prominence: Prominence
) -> None:
    measure = Measure("held", {}, aggregation=aggregation, prominence=prominence)
    assert measure.is_additive == (aggregation == Aggregation.total)
    assert measure.is_headline_total == (measure.is_additive and prominence == Prominence.headline)


def test_what_may_be_all_whole_numbers() -> None:
    whole = {key for key, measure in MEASURES.items() if measure.whole}
    assert whole == set(MEASURES) - {
        *("area_m2", "perimeter_m", "polsby_popper", "reock", "compactness", "walk_minutes")
    }
    assert measure_of_column("lamps").whole
