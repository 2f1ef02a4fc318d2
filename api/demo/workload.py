"""The work that cells of the demonstration ask of officers in a quarter: visits, patrols and events."""

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.arrays import FloatArray

WORKLOAD = ("visits_due", "walk_hours", "stay_hours", "event_hours")
"""The columns of which `gis.divide` computes the hours of officers."""

_QUARTER_DAYS = 90

_STAY_HOURS = {"enterprise": 0.5, "household": 0.2}
_HOUSEHOLD_DAYS = 365
_HAZARD_HOURS = 2.0
_WALKING_M_PER_HOUR = 4_000.0
_PATROL_HOURS_PER_HA = 65 / 3
# Twenty minutes on each working day.


def add_workload(
    cells: gpd.GeoDataFrame,
    enterprises: gpd.GeoDataFrame,
    households: gpd.GeoDataFrame,
    visits: pd.DataFrame,
    interval_days: pd.Series,
) -> gpd.GeoDataFrame:
    """Return cells with the columns of which `gis.divide` computes the hours of officers.

    Enterprises are visited as often as their risk asks, households once a year; the way from one to the next
    is that between neighbours which are spread evenly over the cell. Hours of events are those of hazards
    that visits found, and of patrols, which the area asks for.

    Parameters
    ----------
    cells
        With code and area_m2.
    enterprises, households
        With cell_code; enterprises also with id and risk.
    visits
        Visits of a quarter, with entity_id and result.
    interval_days
        Days between visits by risk.
    """
    codes = cells["code"]
    due = _QUARTER_DAYS / enterprises["risk"].map(interval_days).astype(float)
    at_enterprises = _sum_by_cell(codes, enterprises["cell_code"], due)
    homes = _sum_by_cell(codes, households["cell_code"], pd.Series(1.0, index=households.index))
    at_households = homes * _QUARTER_DAYS / _HOUSEHOLD_DAYS
    places = _sum_by_cell(codes, enterprises["cell_code"], due * 0 + 1) + homes
    visits_due = at_enterprises + at_households
    stay = at_enterprises * _STAY_HOURS["enterprise"] + at_households * _STAY_HOURS["household"]
    way_m = np.sqrt(cells["area_m2"].to_numpy(dtype=float) / np.maximum(places, 1))
    hazards = visits.loc[visits["result"] == "hazard", "entity_id"].value_counts()
    found = enterprises["id"].map(hazards).fillna(0.0)
    events = _sum_by_cell(codes, enterprises["cell_code"], found) * _HAZARD_HOURS
    return cells.assign(
        visits_due=visits_due.round(2),
        walk_hours=(way_m / _WALKING_M_PER_HOUR).round(4),
        stay_hours=(stay / np.where(visits_due > 0, visits_due, 1)).round(4),
        event_hours=(events + cells["area_m2"] / 10_000 * _PATROL_HOURS_PER_HA).round(2),
    )


def merge_workload(cells: pd.DataFrame) -> dict[str, float]:
    """Return the workload of cells that become one."""
    visits = cells["visits_due"].to_numpy(dtype=float)
    share = visits / visits.sum() if visits.sum() > 0 else np.full(len(cells), 1 / len(cells))
    return {
        "visits_due": float(visits.sum()),
        "walk_hours": float(share @ cells["walk_hours"].to_numpy(dtype=float)),
        "stay_hours": float(share @ cells["stay_hours"].to_numpy(dtype=float)),
        "event_hours": float(cells["event_hours"].sum()),
    }


def _sum_by_cell(codes: pd.Series, cell_code: pd.Series, values: pd.Series) -> FloatArray:
    sums = values.groupby(cell_code).sum()
    result: FloatArray = codes.map(sums).fillna(0.0).to_numpy(dtype=float)
    return result
