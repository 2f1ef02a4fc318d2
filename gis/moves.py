"""Entities that get another cell when one plan follows another."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from gis.arrays import ObjectArray
from gis.assign import assign_to_cells
from gis.crs import LONLAT
from gis.locate import PointLocator

MOVE_COLUMNS = ("kind", "from_code", "to_code")


def owners(
    geometries: ObjectArray,
    cells: gpd.GeoDataFrame,
    *,
    max_distance_m: float | None = None,
    crs: CRS | None = None,
) -> ObjectArray:
    """Return the code of the cell that each entity is assigned to, as if it were alone; None for none.

    Parameters
    ----------
    geometries
        In EPSG:4326, of any type, shape (n,).
    cells
        With `code` and polygons in EPSG:4326.
    max_distance_m, crs
        As for `gis.assign.assign_to_cells`.
    """
    if cells.empty or not len(geometries):
        return np.full(len(geometries), None, dtype=object)
    assigned = assign_to_cells(
        gpd.GeoDataFrame(geometry=geometries, crs=LONLAT),
        PointLocator(cells[["code", "geometry"]]),
        max_distance_m=max_distance_m,
        crs=crs,
        max_measured_outside=0,
    ).frame["cell_code"]
    return assigned.astype(object).where(assigned.notna(), None).to_numpy(dtype=object)


def find_moves(
    geometries: ObjectArray,
    kinds: Sequence[str],
    before: gpd.GeoDataFrame,
    after: gpd.GeoDataFrame,
    *,
    max_distance_m: float | None = None,
    crs: CRS | None = None,
) -> pd.DataFrame:
    """Return the entities whose cell is another one in the new plan.

    Parameters
    ----------
    geometries, kinds
        Of the entities, shape (n,).
    before, after
        The cells of the plans.
    max_distance_m, crs
        As for `owners`.

    Returns
    -------
    DataFrame
        row (the position of the entity), kind, from_code and to_code (None: in no cell), by row.
    """
    was, now = (
        owners(geometries, cells, max_distance_m=max_distance_m, crs=crs) for cells in (before, after)
    )
    rows = np.flatnonzero(was != now)
    return pd.DataFrame(
        {
            "row": rows,
            "kind": np.asarray(kinds, dtype=object)[rows],
            "from_code": was[rows],
            "to_code": now[rows],
        }
    )


def with_moves(pieces: gpd.GeoDataFrame, counted: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return pieces of ground with a column `moved_KIND` for each kind of entity that moves.

    Parameters
    ----------
    pieces
        With old_code and new_code, as `gis.diff.diff_plans` gives them.
    counted
        As `count_moves` gives it.
    """
    result = pieces.copy()
    pairs = pd.MultiIndex.from_arrays([pieces["old_code"].fillna(""), pieces["new_code"].fillna("")])
    for kind, each in counted.groupby("kind"):
        moving = pd.MultiIndex.from_arrays([each["from_code"].fillna(""), each["to_code"].fillna("")])
        numbers = pd.Series(each["number"].to_numpy(), index=moving)
        result[f"moved_{kind}"] = numbers.reindex(pairs).fillna(0).astype(int).to_numpy()
    return result


def count_moves(moves: pd.DataFrame) -> pd.DataFrame:
    """Count moves by kind and the cells they leave and join: `MOVE_COLUMNS` and number, in their order."""
    counted = moves.groupby(list(MOVE_COLUMNS), dropna=False, sort=True).size().rename("number").reset_index()
    return counted.astype(dict.fromkeys(MOVE_COLUMNS, object)).where(counted.notna(), None)
