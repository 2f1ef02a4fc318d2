"""The leaders of cells on maps: the number of the officer, or the published name; no other name is read."""

import geopandas as gpd
import pandas as pd

from gis.codes import normalize_codes
from gis.errors import InputError


def join_leaders(cells: gpd.GeoDataFrame, officers: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the cells with the column `leader`: the number of the leader of a cell, or of the cell's area.

    Parameters
    ----------
    cells
        With `code`, and `area_code` if officers have posts in areas.
    officers
        With `officer_id` and `role` (only ``leader`` counts), `cell_code` or `area_code` for the post, and
        `rank` if some are backups: A comes before B. No other column is read.

    Raises
    ------
    InputError
        If a column is missing.
    """
    for column in ("officer_id", "role"):
        if column not in officers:
            raise InputError(f"The officers have no column '{column}'.")
    if not {"cell_code", "area_code"} & set(officers.columns):
        raise InputError("The officers have neither a column 'cell_code' nor 'area_code'.")
    leader_posts = officers[officers["role"] == "leader"]
    if "rank" in leader_posts:
        leader_posts = leader_posts.sort_values("rank", kind="stable")
    found = pd.Series(None, index=cells.index, dtype=object)
    # A post in the cell itself counts before one in its area.
    for post, own in (("cell_code", "code"), ("area_code", "area_code")):
        if post in leader_posts and own in cells:
            leaders = pd.Series(
                leader_posts["officer_id"].astype(str).to_numpy(), index=normalize_codes(leader_posts[post])
            )
            leaders = leaders[~leaders.index.duplicated() & (leaders.index != "")]
            found = found.fillna(pd.Series(normalize_codes(cells[own]), index=cells.index).map(leaders))
    return cells.assign(leader=found)
