"""The record of new cells: the fields that a profile asks for and a division does not make."""

from datetime import date
from typing import Any

import geopandas as gpd

from gis.profiles.profile import Profile


def complete_record(cells: gpd.GeoDataFrame, profile: Profile, day: date) -> gpd.GeoDataFrame:
    """Return cells with the fields of the record that each must have and that can be known.

    Parameters
    ----------
    cells
        As a division made them.
    profile
        What it asks for: dates are the day, texts their default; what has none stays absent.
    day
        On which the cells were made.
    """
    present = {str(column).lower() for column in cells.columns}
    added: dict[str, Any] = {}
    for attribute in profile.record:
        value = day if attribute.type == "date" else attribute.default
        if (
            attribute.obligation == "must"
            and value is not None
            and not present.intersection(name.lower() for name in attribute.columns)
        ):
            added[attribute.columns[0]] = value
    return cells.assign(**added) if added else cells
