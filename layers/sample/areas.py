"""The areas of the sample district: larger areas are unions of smaller ones, so that they nest exactly."""

import geopandas as gpd
import numpy as np
import shapely

from gis.arrays import FloatArray, Geometries, IntArray
from gis.crs import LONLAT
from layers.sample.blocks import Blocks, group_communities, group_streets
from layers.sample.city_plane import CityPlane, to_metres
from layers.sample.code_tables import CodeTables
from layers.sample.names import DISTRICT_CODE, SYNTHETIC, place_names

STREETS, COMMUNITIES = 12, 200
"""Streets and communities at scale 1."""


def make_areas(
    blocks: Blocks, plane: CityPlane, tables: CodeTables, scale: float, rng: np.random.Generator
) -> tuple[gpd.GeoDataFrame, IntArray]:
    """Build the district, its streets and its communities.

    Returns
    -------
    areas : GeoDataFrame
        code, name, level (county, town, village), parent, synthetic, geometry in EPSG:4326; the district,
        then the streets, then the communities, each by code.
    community : ndarray of int
        For each block the row in `areas` of its community.
    """
    street_of = group_streets(blocks, plane, max(2, round(STREETS * scale)))
    community_of = group_communities(blocks, plane, street_of, max(4, round(COMMUNITIES * scale)), rng)
    count = int(community_of.max()) + 1
    communities = _dissolve(blocks.faces, community_of, count)
    parent = np.zeros(count, dtype=np.int64)
    parent[community_of] = street_of
    street_rank = _reading_order(_dissolve(blocks.faces, street_of, int(street_of.max()) + 1))
    order = np.lexsort((_reading_order(communities), street_rank[parent]))
    communities, parent = communities[order], street_rank[parent[order]]
    streets = _dissolve(communities, parent, int(parent.max()) + 1)
    district = shapely.coverage_union_all(streets)

    # The village digits start again in each street; residents' committees are numbered from 001.
    within = np.arange(count) - np.searchsorted(parent, parent)
    town_codes = np.array([f"{DISTRICT_CODE}{i + 1:03d}" for i in range(len(streets))], dtype=object)
    village_codes = town_codes[parent] + np.array([f"{i + 1:03d}" for i in within], dtype=object)
    names = place_names(tables, 1 + len(streets) + count, rng)
    frame = gpd.GeoDataFrame(
        {
            "code": [DISTRICT_CODE, *town_codes, *village_codes],
            "name": [
                f"{names[0]}区{SYNTHETIC}",
                *(names[1 : 1 + len(streets)] + "街道"),
                *(names[1 + len(streets) :] + "社区"),
            ],
            "level": ["county"] + ["town"] * len(streets) + ["village"] * count,
            "parent": [None] + [DISTRICT_CODE] * len(streets) + list(town_codes[parent]),
            "synthetic": True,
        },
        geometry=[district, *streets, *communities],
        crs=LONLAT,
    )
    place = np.empty(count, dtype=np.int64)
    place[order] = np.arange(count)
    return frame, 1 + len(streets) + place[community_of]


def _dissolve(pieces: Geometries, group: IntArray, count: int) -> Geometries:
    return np.array([shapely.coverage_union_all(pieces[group == i]) for i in range(count)], dtype=object)


def _reading_order(polygons: Geometries) -> IntArray:
    """Return the rank of each polygon in rows of 1 km from north to south, each from west to east."""
    xy: FloatArray = shapely.get_coordinates(shapely.centroid(to_metres(polygons)))
    rank = np.empty(len(xy), dtype=np.int64)
    rank[np.lexsort((xy[:, 0], -np.floor(xy[:, 1] / 1000.0)))] = np.arange(len(xy))
    return rank
