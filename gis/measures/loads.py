"""The load of cells: what of the entities assigned to them adds up."""

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.errors import InputError


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
