"""Streets, railways, waters and buildings of the base map, as divisions take them."""

from collections.abc import Collection

import geopandas as gpd
from sqlalchemy.orm import Session

from gis.errors import InputError, ParameterError
from layers.basemap import BASEMAP_KINDS, read_features
from layers.db.bbox import BBox

LINE_KINDS = ("roads", "railway", "water")
"""The kinds of the base map that bound blocks."""

_TAGS = {"roads": "highway", "railway": "railway", "water": "waterway"}
"""The column by which `gis.divide.divide_blocks` knows how much a line of a kind separates."""

# Degrees; a street along the edge of the ground may lie just outside it.
_MARGIN_DEG = 0.001


def read_linework(
    session: Session,
    ground: gpd.GeoDataFrame,
    kinds: Collection[str],
    *,
    classes: Collection[str] | None = None,
) -> gpd.GeoDataFrame:
    """Read the features of the base map on some ground, each class in the column of its kind.

    Parameters
    ----------
    ground
        In EPSG:4326.
    kinds
        Kinds of the base map.
    classes
        Only roads of these classes; of all when not given.

    Raises
    ------
    ParameterError
        If a kind is none of the base map.
    InputError
        If the base map has none of them there, or no road of the classes.
    """
    for kind in kinds:
        if kind not in BASEMAP_KINDS:
            raise ParameterError(f"There is no kind '{kind}'; the base map has {', '.join(BASEMAP_KINDS)}.")
    found = read_features(session, kinds, _bbox(ground))
    if found.empty:
        raise InputError(f"The base map has no {', '.join(kinds)} there.")
    for kind, tag in _TAGS.items():
        found[tag] = found["class_name"].where(found["kind"] == kind, None)
    if classes is None:
        return found
    is_chosen = (found["kind"] != "roads") | found["class_name"].isin(list(classes))
    if not (is_chosen & (found["kind"] == "roads")).any():
        known = (
            ", ".join(sorted(found.loc[found["kind"] == "roads", "class_name"].dropna().unique())) or "none"
        )
        raise InputError(f"No road there is of the classes {', '.join(sorted(classes))} (classes: {known}).")
    return found[is_chosen].reset_index(drop=True)


def read_buildings(session: Session, ground: gpd.GeoDataFrame) -> gpd.GeoDataFrame | None:
    """Read the buildings of the base map on some ground; None where there are none."""
    found = read_features(session, ("buildings",), _bbox(ground))
    return None if found.empty else found


def _bbox(ground: gpd.GeoDataFrame) -> BBox:
    west, south, east, north = ground.total_bounds.tolist()
    return BBox(west - _MARGIN_DEG, south - _MARGIN_DEG, east + _MARGIN_DEG, north + _MARGIN_DEG)
