"""The layers of ground to read a map by: their order, the rank of roads, and their HTML records."""

from typing import Any

import geopandas as gpd

from gis.errors import InputError
from layers.maps.encoding import encode_geometry
from layers.maps.labels import field_label
from layers.maps.map_layers import as_strings

_BASEMAP_LAYERS = ("green", "water", "buildings", "railway", "roads")
_ROAD_RANK = {"lane": 2, "motorway": 0, "trunk": 0, "expressway": 0, "primary": 0, "arterial": 0, "main": 0}
_ROAD_RANK |= {"secondary": 1, "collector": 1, "tertiary": 1, "unclassified": 2, "residential": 2}


def encode_basemap_layer(name: str, frame: gpd.GeoDataFrame, language: str) -> dict[str, Any]:
    """Describe a layer of the base map: geometry and, for roads, rank 0 (main) to 2 (lane).

    Raises
    ------
    InputError
        If the name is none of green, water, buildings, railway, roads.
    """
    if name not in _BASEMAP_LAYERS:
        raise InputError(f"The base map has no layer '{name}'; it knows {', '.join(_BASEMAP_LAYERS)}.")
    rank = None
    if name == "roads":
        rank = "".join(map(str, rank_roads(frame)))
    return {
        "key": name,
        "label": field_label(name, language),
        "geo": encode_geometry(frame.geometry.to_numpy()),
        "rank": rank,
    }


def rank_roads(roads: gpd.GeoDataFrame) -> list[int]:
    """Return 0 (main roads) to 2 (lanes, and roads of unknown class)."""
    column = next((key for key in ("class", "class_name", "highway", "kind") if key in roads), None)
    if column is None:
        return [2] * len(roads)
    return [_ROAD_RANK.get(text.lower(), 2) for text in as_strings(roads[column])]


def order_basemap_layers(names: list[str]) -> list[str]:
    """Return the names of base layers from the bottom up."""
    return sorted(
        names,
        key=lambda name: _BASEMAP_LAYERS.index(name) if name in _BASEMAP_LAYERS else len(_BASEMAP_LAYERS),
    )
