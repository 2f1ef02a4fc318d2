"""Measures of a stored cell, and of a plan: how evenly its cells share out what belongs to them."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from gis.arrays import FloatArray
from gis.errors import InputError
from gis.measures import (
    MEASURES,
    CellFigures,
    CellShapes,
    PlanFigures,
    computed_measures,
    count_keys,
    deviations,
    is_out_of_tolerance,
    load_columns,
    plan_figures,
    shape_measures,
)
from gis.near_matches import near_matches
from layers.entities.counts import align_counts, read_counts
from layers.models import Cell, Plan
from layers.plans.cells import plan_cells

MAX_LISTED_CELLS = 100
"""How many cells out of tolerance are listed; all are counted."""


class CellDeviation(NamedTuple):
    """A cell whose load is out of tolerance, and by what share of the mean it differs from it."""

    code: str
    load: str
    value: float
    deviation: float


class PlanMeasures(NamedTuple):
    """The figures of a plan.

    Attributes
    ----------
    counted_on
        The day on which entities are counted; None for a plan that was never in force.
    figures
        Of all cells.
    out_of_tolerance
        The cells whose load differs most from the mean, at most `MAX_LISTED_CELLS`.
    """

    counted_on: date | None
    figures: PlanFigures
    out_of_tolerance: list[CellDeviation]


def measure_cell(cell: Cell, counts: Mapping[str, int]) -> dict[str, float | None]:
    """Return the measures of a cell by their keys, as its tile tells them; None where one is not known.

    Parameters
    ----------
    counts
        How many entities of each kind belong to it.
    """
    figures = CellFigures(
        np.array([cell.area_m2]),
        np.array([cell.perimeter_m]),
        {kind: np.array([number]) for kind, number in counts.items()},
        CellShapes(np.array([cell.geometry], dtype=object)),
    )
    values = {each.key: float(each.values(figures)[0]) for each in computed_measures()}
    return {key: value if math.isfinite(value) else None for key, value in values.items()}


def measure_plan(
    session: Session, plan: Plan, *, loads: Sequence[str] | None = None, tolerance: float = 0.05
) -> PlanMeasures:
    """Measure the cells of a plan.

    Parameters
    ----------
    loads
        What is shared out: counts of entities that belong to the cells, measures of their shapes, and numbers
        among their attributes. When not given, the counts that are not 0 everywhere and those attributes that
        the catalogue of measures adds up.
    tolerance
        The share of the mean by which a cell may differ from it.

    Raises
    ------
    InputError
        If there is no such load, or a cell has no number of at least 0 for it.
    """
    cells = plan_cells(session, plan.id)
    shapes = CellShapes(cells.geometry.to_numpy())
    counted_on = _last_day_in_force(plan)
    counts = {}
    if counted_on is not None:
        counts = align_counts(
            read_counts(session, plan.scheme_id, counted_on), cells["code"].to_numpy(dtype=object)
        )
    figures = CellFigures(cells["area_m2"].to_numpy(), cells["perimeter_m"].to_numpy(), counts, shapes)
    known = _known_loads(cells, figures)
    chosen = _usual_loads(known, figures) if loads is None else dict.fromkeys(loads)
    for name in chosen:
        if name not in known:
            near = near_matches(name, list(known.columns.drop("code")))
            raise InputError(f"The cells of plan {plan.id} have no load '{name}' ({near}).")
    values = load_columns(known, list(chosen))
    return PlanMeasures(
        counted_on, plan_figures(figures, values, tolerance), _list_deviations(cells, values, tolerance)
    )


def _last_day_in_force(plan: Plan) -> date | None:
    """Return the last day up to today on which a plan is in force, its first where that is later."""
    if plan.valid_from is None:
        return None
    last = date.today() if plan.valid_to is None else min(date.today(), plan.valid_to - timedelta(days=1))
    return max(last, plan.valid_from)


def _known_loads(cells: gpd.GeoDataFrame, figures: CellFigures) -> pd.DataFrame:
    """Return all columns that may be loads, and `code`."""
    attributes = pd.DataFrame(cells["attributes"].tolist(), index=cells.index)
    numeric = {
        name: attributes[name]
        for name in attributes.columns
        if name != "code" and pd.api.types.is_numeric_dtype(attributes[name].convert_dtypes())
    }
    counts = {key: figures.counts[kind] for kind, key in count_keys().items() if kind in figures.counts}
    shapes = {each.key: each.values(figures) for each in shape_measures() if each.is_additive}
    return pd.DataFrame({"code": cells["code"], **numeric, **shapes, **counts}, index=cells.index)


def _usual_loads(known: pd.DataFrame, figures: CellFigures) -> list[str]:
    counted = {key for kind, key in count_keys().items() if kind in figures.counts}
    shapes = {each.key for each in shape_measures()}
    return [
        key
        for key, measure in MEASURES.items()
        if key in known
        and key not in shapes
        and measure.is_additive
        and known[key].notna().all()
        and (key not in counted or known[key].any())
    ]


def _list_deviations(
    cells: gpd.GeoDataFrame, loads: dict[str, FloatArray], tolerance: float
) -> list[CellDeviation]:
    """Return the cells out of tolerance: the greatest deviations first, equal ones by code."""
    codes = cells["code"].to_numpy()
    found = []
    for name, load in loads.items():
        deviation = deviations(load)
        rows = np.flatnonzero(is_out_of_tolerance(load, tolerance))
        # Cells are sorted by code; equal deviations may differ in their last digit.
        rows = rows[np.argsort(-np.abs(deviation[rows]).round(9), kind="stable")][:MAX_LISTED_CELLS]
        found += [CellDeviation(codes[row], name, float(load[row]), float(deviation[row])) for row in rows]
    return sorted(found, key=lambda each: (-round(abs(each.deviation), 9), each.code))[:MAX_LISTED_CELLS]
