"""The load of cells: what of the entities assigned to them adds up, and columns that hold loads."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.arrays import FloatArray
from gis.errors import InputError
from gis.near_matches import near_matches


def entity_load(
    cells: gpd.GeoDataFrame, assigned: pd.DataFrame, *, kind: str | None = None, weight: str | None = None
) -> pd.Series:
    """Add up the entities assigned to each cell.

    Parameters
    ----------
    cells
        With unique `code`.
    assigned
        Entities with `cell_code` (None: counted nowhere) and, when `kind` is given, `kind`.
    kind
        Count entities of this kind only, for example ``"household"``.
    weight
        Column to sum instead of counting rows; missing values count as 0.

    Returns
    -------
    Series
        Aligned with the index of `cells`, 0 where nothing is assigned; int64 for counts, float64 for sums.

    Raises
    ------
    InputError
        If a column is missing, or an entity names a cell that is not among the cells.
    """
    needed = ["cell_code", *(["kind"] if kind is not None else []), *([weight] if weight is not None else [])]
    for column in needed:
        if column not in assigned.columns:
            raise InputError(
                f"The entities have no column '{column}'; assign them to cells first or name another column."
            )
    rows = assigned if kind is None else assigned[assigned["kind"] == kind]
    rows = rows[rows["cell_code"].notna()]
    unknown = ~rows["cell_code"].isin(cells["code"])
    if unknown.any():
        code = rows.loc[unknown, "cell_code"].iloc[0]
        raise InputError(
            f"{int(unknown.sum())} entities name cells that are not in the plan, first '{code}'; assign anew."
        )
    if weight is None:
        totals: pd.Series = (
            rows.groupby("cell_code").size().reindex(cells["code"], fill_value=0).astype(np.int64)
        )
    else:
        numbers = pd.to_numeric(rows[weight], errors="coerce").fillna(0.0).astype(float)
        totals = numbers.groupby(rows["cell_code"]).sum().reindex(cells["code"], fill_value=0.0)
    return pd.Series(totals.to_numpy(), index=cells.index, name=weight or kind or "entities")


def load_columns(cells: pd.DataFrame, names: Sequence[str]) -> dict[str, FloatArray]:
    """Read columns as loads.

    Parameters
    ----------
    cells
        With `code`.
    names
        Columns of numbers, or of text that holds numbers.

    Returns
    -------
    dict
        The loads by name, shape (n,), all finite and at least 0.

    Raises
    ------
    InputError
        If there is no such column, or a cell has none, one that is no number, or one below 0.
    """
    return {name: _load_column(cells, name) for name in names}


def _load_column(cells: pd.DataFrame, name: str) -> FloatArray:
    if name not in cells.columns or name == "geometry":
        own = [str(column) for column in cells.columns if column != "geometry"]
        raise InputError(f"has no column '{name}' ({near_matches(name, own)}).")
    values: FloatArray = pd.to_numeric(cells[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    missing = cells[name].isna().to_numpy()
    for wrong, defect in (
        (missing, "has no value"),
        (~missing & ~np.isfinite(values), "is no number"),
        (values < 0, "is negative"),
    ):
        if wrong.any():
            row = int(wrong.argmax())
            value = "" if missing[row] else f"'{cells[name].iat[row]}' in "
            raise InputError(
                f"record {row + 1} (code {cells['code'].iat[row]!r}): {value}column '{name}' {defect}; "
                "a load is a number of at least 0 in every cell."
            )
    return values
