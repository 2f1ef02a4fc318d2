"""Roads, railway, water and green of the sample district as map layers."""

import geopandas as gpd
import numpy as np
import shapely

from gis.arrays import BoolArray, ObjectArray
from gis.crs import LONLAT
from layers.sample.blocks import Blocks
from layers.sample.city_plane import DECIMALS, to_lonlat, to_metres
from layers.sample.code_tables import CodeTables
from layers.sample.linework import CLASSES, Linework
from layers.sample.names import numbered_ids, place_names

ROAD_CLASSES = ("main", "secondary", "lane")

_WIDTH_M = {"main": 30.0, "secondary": 18.0, "lane": 8.0}


def make_roads(
    blocks: Blocks, linework: Linework, tables: CodeTables, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Build the road network.

    Returns
    -------
    GeoDataFrame
        road_id, name, class (main, secondary, lane), width_m, synthetic, LineStrings in EPSG:4326. An
        interrupted road has several rows with one name. Lanes end at the river; other roads bridge it.
    """
    first = CLASSES.index("main")
    road = blocks.edge_kinds >= first
    edges, kinds, numbers = blocks.edges[road], blocks.edge_kinds[road], blocks.edge_roads[road]
    wet = shapely.intersects(linework.river, to_metres(edges)) & (kinds == CLASSES.index("lane"))
    edges, kinds, numbers = edges[~wet], kinds[~wet], numbers[~wet]
    found, group = np.unique(numbers, return_inverse=True)
    merged = np.array(
        [shapely.line_merge(shapely.multilinestrings(edges[group == i])) for i in range(len(found))]
    )
    kind = np.zeros(len(found), dtype=np.int64)
    kind[group] = kinds - first
    lines, part = shapely.get_parts(merged, return_index=True)
    classes = np.array(ROAD_CLASSES, dtype=object)[kind]
    names = place_names(tables, len(found), rng) + _name_endings(classes, tables, rng)
    return gpd.GeoDataFrame(
        {
            "road_id": numbered_ids("R", len(lines), width=5),
            "name": names[part],
            "class": classes[part],
            "width_m": np.array([_WIDTH_M[name] for name in classes])[part],
            "synthetic": True,
        },
        geometry=lines,
        crs=LONLAT,
    )


def _name_endings(classes: ObjectArray, tables: CodeTables, rng: np.random.Generator) -> ObjectArray:
    result = np.full(len(classes), "", dtype=object)
    for name in ROAD_CLASSES:
        words = tables.road_words.loc[tables.road_words["class"] == name, "word"].to_numpy(dtype=object)
        mine = classes == name
        result[mine] = rng.choice(words, int(mine.sum()))
    return result


def make_railway(blocks: Blocks, name: str) -> gpd.GeoDataFrame:
    """Build the railway inside the district: name, synthetic, LineStrings in EPSG:4326."""
    edges = blocks.edges[blocks.edge_kinds == CLASSES.index("railway")]
    lines = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(edges)))
    return gpd.GeoDataFrame(
        {"name": [f"{name}铁路"] * len(lines), "synthetic": True}, geometry=lines, crs=LONLAT
    )


def make_water(linework: Linework, river: str, lake: str) -> gpd.GeoDataFrame:
    """Build river and lake.

    Returns
    -------
    GeoDataFrame
        name, class (river, lake), synthetic, polygons in EPSG:4326: the river inside the outline, and the
        lake, which belongs to no area.
    """
    shapes = np.array([linework.river.intersection(linework.outline), linework.lake], dtype=object)
    return gpd.GeoDataFrame(
        {"name": [f"{river}河", f"{lake}湖"], "class": ["river", "lake"], "synthetic": True},
        geometry=shapely.set_precision(to_lonlat(shapes), 10.0**-DECIMALS),
        crs=LONLAT,
    )


def make_green(
    blocks: Blocks, linework: Linework, empty: BoolArray, tables: CodeTables, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Turn the blocks without buildings into parks: name, class, synthetic, polygons in EPSG:4326."""
    inner = shapely.buffer(shapely.difference(blocks.metres[empty], linework.river.buffer(6.0)), -9.0)
    parks = shapely.get_parts(inner)
    parks = parks[shapely.area(parks) > 1500.0]
    names = place_names(tables, len(parks), rng) + "公园"
    shapes = shapely.set_precision(to_lonlat(parks), 10.0**-DECIMALS)
    return gpd.GeoDataFrame({"name": names, "class": "park", "synthetic": True}, geometry=shapes, crs=LONLAT)
