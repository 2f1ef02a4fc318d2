"""The entities of the sample district: households, enterprises, sensors, components and service points.

Each is placed where its kind belongs: in a building, at a crossing, along a road or on the river.
"""

import geopandas as gpd
import numpy as np
import shapely

from gis.arrays import FloatArray, Geometries, IntArray, ObjectArray
from gis.crs import LONLAT
from layers.sample.blocks import Blocks
from layers.sample.buildings import Buildings
from layers.sample.city_plane import metres_to_lonlat, to_metres
from layers.sample.code_tables import CodeTables, weighted_choice
from layers.sample.linework import CLASSES, Linework
from layers.sample.names import SYNTHETIC, component_codes, enterprise_names, numbered_ids

HOUSEHOLDS, ENTERPRISES, SENSORS, COMPONENTS, SERVICE_POINTS = 100_000, 20_000, 600, 5_000, 40
"""Numbers at scale 1."""

_HOME_USES = {"residential": 1.0, "village": 0.8}
_WORKPLACE_USES = {
    "shop": {"commercial": 1.0, "residential": 0.05, "village": 0.35},
    "office": {"office": 1.0, "commercial": 0.3, "industrial": 0.05},
    "works": {"industrial": 1.0},
    "public": {"public": 1.0, "residential": 0.02},
}


def _weights(buildings: Buildings, uses: dict[str, float]) -> FloatArray:
    """Return the probability of choosing each building; any building if none has one of the uses."""
    share = buildings.frame["use"].map(uses).fillna(0.0).to_numpy(dtype=float) * buildings.floor_area
    return share / share.sum() if share.sum() > 0 else np.full(len(share), 1.0 / len(share))


def make_households(buildings: Buildings, scale: float, rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Place households inside residential buildings.

    Returns
    -------
    GeoDataFrame
        id, kind, building_id, persons, floor, synthetic, points in EPSG:4326; no names.
    """
    count = round(HOUSEHOLDS * scale)
    weights = _weights(buildings, _HOME_USES)
    building = np.repeat(np.arange(len(weights)), rng.multinomial(count, weights))
    floors = buildings.frame["floors"].to_numpy(dtype=np.int64)[building]
    return gpd.GeoDataFrame(
        {
            "id": numbered_ids("H", count),
            "kind": "household",
            "building_id": buildings.frame["building_id"].to_numpy()[building],
            "persons": rng.choice(np.arange(1, 7), size=count, p=[0.24, 0.28, 0.24, 0.15, 0.06, 0.03]),
            "floor": rng.integers(1, floors + 1),
            "synthetic": True,
        },
        geometry=buildings.points_inside(building, rng),
        crs=LONLAT,
    )


def make_enterprises(
    buildings: Buildings, tables: CodeTables, district: str, scale: float, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Place enterprises of all classes inside suitable buildings.

    Returns
    -------
    GeoDataFrame
        id, kind, name, class, class_name, risk (A to E), building_id, address, employees, synthetic, points
        in EPSG:4326.
    """
    count = round(ENTERPRISES * scale)
    classes = tables.enterprise_classes
    kind = weighted_choice(classes, count, rng)
    place = classes["place"].to_numpy(dtype=object)[kind]
    building = np.zeros(count, dtype=np.int64)
    for name in np.unique(place.astype(str)):
        mine = place == name
        weights = _weights(buildings, _WORKPLACE_USES.get(str(name), {}))
        building[mine] = rng.choice(len(weights), size=int(mine.sum()), p=weights)
    median = classes["employees"].to_numpy(dtype=float)[kind]
    return gpd.GeoDataFrame(
        {
            "id": numbered_ids("E", count),
            "kind": "enterprise",
            "name": enterprise_names(district, kind, tables, rng),
            "class": classes["code"].to_numpy(dtype=object)[kind],
            "class_name": classes["name"].to_numpy(dtype=object)[kind],
            "risk": tables.risk_classes["risk"].to_numpy(dtype=object)[
                weighted_choice(tables.risk_classes, count, rng, weight="share")
            ],
            "building_id": buildings.frame["building_id"].to_numpy()[building],
            "address": buildings.frame["address"].to_numpy()[building],
            "employees": np.maximum(1, np.round(median * rng.lognormal(0, 0.8, count))).astype(np.int64),
            "synthetic": True,
        },
        geometry=buildings.points_inside(building, rng),
        crs=LONLAT,
    )


def make_sensors(
    buildings: Buildings,
    blocks: Blocks,
    linework: Linework,
    tables: CodeTables,
    scale: float,
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:
    """Place sensors of several kinds, about one in twelve of them silent.

    Returns
    -------
    GeoDataFrame
        id, kind, class, class_name, status (working, silent), range_m, synthetic, points in EPSG:4326.
    """
    count = max(4, round(SENSORS * scale))
    kind = weighted_choice(tables.sensor_kinds, count, rng)
    place = tables.sensor_kinds["place"].to_numpy(dtype=object)[kind]
    points = np.empty(count, dtype=object)
    indoor = place == "building"
    points[indoor] = buildings.points_inside(rng.integers(0, len(buildings.frame), int(indoor.sum())), rng)
    metres = to_metres(blocks.edges)
    road = blocks.edge_kinds >= CLASSES.index("main")
    river = blocks.edge_kinds == CLASSES.index("river")
    for name, edges in (
        ("crossing", metres[road & (blocks.edge_kinds <= CLASSES.index("secondary"))]),
        ("road", metres[road]),
        ("river", metres[river]),
    ):
        mine = np.flatnonzero(place == name)
        edges = edges if len(edges) else metres
        line = edges[rng.integers(0, len(edges), len(mine))]
        share = np.zeros(len(mine)) if name == "crossing" else rng.uniform(0.02, 0.98, len(mine))
        points[mine] = _points_beside(line, share, 4.0 if name == "crossing" else 3.0, linework, rng)
    return gpd.GeoDataFrame(
        {
            "id": numbered_ids("S", count, width=4),
            "kind": "sensor",
            "class": tables.sensor_kinds["code"].to_numpy(dtype=object)[kind],
            "class_name": tables.sensor_kinds["name"].to_numpy(dtype=object)[kind],
            "status": np.where(rng.uniform(0, 1, count) < 0.92, "working", "silent").astype(object),
            "range_m": tables.sensor_kinds["range_m"].to_numpy(dtype=float)[kind],
            "synthetic": True,
        },
        geometry=points,
        crs=LONLAT,
    )


def _points_beside(
    line: Geometries, share: FloatArray, metres: float, linework: Linework, rng: np.random.Generator
) -> Geometries:
    """Return points at a share of each line's length, some metres to either side, within the district."""
    length = shapely.length(line)
    here = shapely.get_coordinates(shapely.line_interpolate_point(line, share * length))
    ahead = shapely.get_coordinates(
        shapely.line_interpolate_point(line, np.minimum(share * length + 1.0, length))
    )
    behind = shapely.get_coordinates(
        shapely.line_interpolate_point(line, np.maximum(share * length - 1.0, 0.0))
    )
    heading = ahead - behind
    heading /= np.maximum(np.hypot(heading[:, 0], heading[:, 1]), 1e-9)[:, None]
    side = rng.choice([-1.0, 1.0], len(line)) * metres
    moved = here + np.column_stack([-heading[:, 1], heading[:, 0]]) * side[:, None]
    # At the edge of the district and at the lake only one side is inside.
    land = linework.outline.buffer(-1.0).difference(linework.lake.buffer(1.0))
    other = 2 * here - moved
    moved = np.where(shapely.contains_xy(land, moved[:, 0], moved[:, 1])[:, None], moved, other)
    beyond = ~shapely.contains_xy(land, moved[:, 0], moved[:, 1])
    if beyond.any():
        nearest = shapely.shortest_line(shapely.points(moved[beyond]), land.buffer(-1.0))
        moved[beyond] = shapely.get_coordinates(shapely.get_point(nearest, 1))
    return np.asarray(shapely.points(metres_to_lonlat(moved)), dtype=object)


def make_components(
    blocks: Blocks, linework: Linework, tables: CodeTables, scale: float, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Place city components along the roads.

    Returns
    -------
    GeoDataFrame
        id (the component's code), kind, class, class_name, group, synthetic; points, and lines and polygons
        for the classes that have them (rails, flower beds), in EPSG:4326.
    """
    count = round(COMPONENTS * scale)
    classes = tables.component_classes
    kind = weighted_choice(classes, count, rng)
    geometry_type = classes["shape"].to_numpy(dtype=object)[kind]
    road = np.flatnonzero(blocks.edge_kinds >= CLASSES.index("main"))
    metres = to_metres(blocks.edges[road])
    width = np.array([9.0, 6.0, 2.5])[blocks.edge_kinds[road] - CLASSES.index("main")]
    length = shapely.length(metres)
    chosen = rng.choice(len(road), size=count, p=length / length.sum())
    line, offset, share = metres[chosen], width[chosen], rng.uniform(0.03, 0.97, count)
    geometry = np.empty(count, dtype=object)
    for metre in np.unique(offset):
        mine = (offset == metre) & (geometry_type != "line")
        geometry[mine] = _points_beside(line[mine], share[mine], float(metre), linework, rng)
    rail = geometry_type == "line"
    geometry[rail] = _rails(line[rail], share[rail], rng)
    bed = geometry_type == "polygon"
    geometry[bed] = _beds(geometry[bed], rng)
    return gpd.GeoDataFrame(
        {
            "id": component_codes(classes["code"].to_numpy(dtype=object)[kind]),
            "kind": "component",
            "class": classes["code"].to_numpy(dtype=object)[kind],
            "class_name": classes["name"].to_numpy(dtype=object)[kind],
            "group": classes["group"].to_numpy(dtype=object)[kind],
            "synthetic": True,
        },
        geometry=geometry,
        crs=LONLAT,
    )


def _rails(line: Geometries, share: FloatArray, rng: np.random.Generator) -> Geometries:
    """Return straight rails of 8 to 60 m along each line, about a share of its length."""
    length = shapely.length(line)
    half = np.minimum(rng.uniform(4.0, 30.0, len(line)), 0.4 * length)
    at = np.clip(share * length, half, length - half)
    ends = [
        shapely.get_coordinates(shapely.line_interpolate_point(line, at + sign * half)) for sign in (-1, 1)
    ]
    return np.asarray(
        shapely.linestrings(np.stack([metres_to_lonlat(xy) for xy in ends], axis=1)), dtype=object
    )


def _beds(points: Geometries, rng: np.random.Generator) -> Geometries:
    """Return rectangles of 3 to 8 m about each point."""
    xy = shapely.get_coordinates(to_metres(points))
    half = rng.uniform(1.5, 4.0, xy.shape)
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)])
    rings = xy[:, None] + signs * half[:, None]
    return np.asarray(
        shapely.polygons(metres_to_lonlat(rings.reshape(-1, 2)).reshape(rings.shape)), dtype=object
    )


def make_service_points(
    buildings: Buildings, areas: gpd.GeoDataFrame, tables: CodeTables, scale: float, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Place service points in buildings, spread over the communities.

    Returns
    -------
    GeoDataFrame
        id, kind, name, class, class_name, capacity, building_id, synthetic, points in EPSG:4326.
    """
    code: ObjectArray = buildings.frame["area_code"].to_numpy(dtype=object)
    served = np.unique(code.astype(str))
    count = min(max(2, round(SERVICE_POINTS * scale)), len(served))
    homes = np.sort(rng.choice(served, size=count, replace=False))
    weights = rng.uniform(0, 1, len(code)) + (buildings.frame["use"] == "public").to_numpy()
    order = np.lexsort((-weights, code.astype(str)))
    building: IntArray = order[np.searchsorted(code[order].astype(str), homes)]
    kind = weighted_choice(tables.service_point_kinds, count, rng)
    names = areas.set_index("code")["name"].reindex(homes).to_numpy(dtype=object)
    kinds = tables.service_point_kinds["name"].to_numpy(dtype=object)[kind]
    return gpd.GeoDataFrame(
        {
            "id": numbered_ids("P", count, width=3),
            "kind": "service_point",
            "name": names + kinds + SYNTHETIC,
            "class": tables.service_point_kinds["code"].to_numpy(dtype=object)[kind],
            "class_name": kinds,
            "capacity": tables.service_point_kinds["capacity"].to_numpy(dtype=float)[kind].astype(np.int64),
            "building_id": buildings.frame["building_id"].to_numpy()[building],
            "synthetic": True,
        },
        geometry=buildings.points_inside(building, rng),
        crs=LONLAT,
    )
