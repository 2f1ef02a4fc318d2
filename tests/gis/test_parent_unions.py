"""Parents made from their children: exactly their union, whatever was drawn for them."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.areas import build_hierarchy, unite_children
from gis.crs import LONLAT
from gis.errors import CoverageError, InputError


def frame(rows: Sequence[tuple[str, str | None, shapely.Geometry]]) -> gpd.GeoDataFrame:
    """Areas of code, parent and geometry."""
    codes, parents, geometries = zip(*rows, strict=True)
    columns = {"code": codes, "name": codes, "level": "", "parent": parents}
    return gpd.GeoDataFrame(columns, geometry=list(geometries), crs=LONLAT)


def squares(shift: float) -> list[tuple[str, str | None, shapely.Geometry]]:
    """A district of two streets of two villages each; the higher areas lie elsewhere by some degrees."""
    villages = [
        (f"{street}{number}", street, shapely.box(113.9 + 0.01 * column, 22.5, 113.91 + 0.01 * column, 22.51))
        for column, (street, number) in enumerate((street, number) for street in "AB" for number in "12")
    ]
    streets = [
        (street, "D", shapely.box(113.9 + 0.02 * k + shift, 22.5, 113.92 + 0.02 * k + shift, 22.51))
        for k, street in enumerate("AB")
    ]
    return [("D", None, shapely.box(113.9, 22.5 - shift, 113.94, 22.51 + shift)), *streets, *villages]


@given(st.floats(1e-6, 1e-3), st.randoms(use_true_random=False))
def test_each_parent_is_the_union_of_the_lowest_beneath_it(shift: float, random: object) -> None:
    rows = squares(shift)
    random.shuffle(rows)  # type: ignore[attr-defined]
    drawn = frame(rows)
    with pytest.raises(CoverageError):
        build_hierarchy(drawn)
    made = unite_children(drawn)
    fitting = build_hierarchy(made.areas)
    lowest = drawn[drawn["code"].str.len() == 2]
    for code, beneath in (("D", lowest), *((each, lowest[lowest["parent"] == each]) for each in "AB")):
        whole = fitting.geometry[fitting["code"] == code].iloc[0]
        assert shapely.equals(whole, shapely.union_all(beneath.geometry.to_numpy()))
    assert shapely.equals_identical(
        made.areas.geometry[lowest.index].to_numpy(), lowest.geometry.to_numpy()
    ).all()
    assert list(made.changed_m2) == ["A", "B", "D"]
    assert min(made.changed_m2.values()) > 0


def test_areas_that_fit_change_by_nothing() -> None:
    made = unite_children(frame(squares(0.0)))
    assert np.allclose(list(made.changed_m2.values()), 0.0, atol=1e-4)


def test_slits_between_children_stay_open_in_their_parent() -> None:
    left, right = shapely.box(113.9, 22.5, 113.91, 22.51), shapely.box(113.910001, 22.5, 113.92, 22.51)
    made = unite_children(frame([("P", None, shapely.box(0, 0, 1, 1)), ("1", "P", left), ("2", "P", right)]))
    assert made.areas.geometry.iloc[0].geom_type == "MultiPolygon"
    build_hierarchy(made.areas)


def test_parents_in_a_circle_are_refused() -> None:
    box = shapely.box(113.9, 22.5, 113.91, 22.51)
    with pytest.raises(InputError, match="circle"):
        unite_children(frame([("1", "2", box), ("2", "1", box)]))
