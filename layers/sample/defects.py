"""Copies of the sample's layers with deliberate defects, and the number of each kind."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis import datum
from gis.arrays import Geometries
from gis.crs import LONLAT
from layers.sample.city_plane import lonlat_to_metres, metres_to_lonlat
from layers.sample.names import DISTRICT_CODE

Counts = dict[str, int]

_SHIFT_M = 6.0


@dataclass(frozen=True)
class DefectiveLayer:
    """A damaged frame (points as lon, lat columns where it is a plain table) and its defects by kind."""

    frame: pd.DataFrame
    counts: Counts


def as_table(points: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return points as a plain table with lon and lat columns, empty where the geometry is."""
    table = pd.DataFrame(points.drop(columns=points.geometry.name))
    geometry = points.geometry.to_numpy()
    table["lon"], table["lat"] = shapely.get_x(geometry), shapely.get_y(geometry)
    return table


def shift_to_gcj02(points: gpd.GeoDataFrame, count: int) -> DefectiveLayer:
    """Return the first `count` points with their coordinates in GCJ-02, as map services have them."""
    table = as_table(points.iloc[:count])
    lon, lat = datum.convert_coordinates(
        table["lon"].to_numpy(), table["lat"].to_numpy(), source="wgs84", target="gcj02"
    )
    table["lon"], table["lat"] = np.round(lon, 7), np.round(lat, 7)
    return DefectiveLayer(table, {"gcj02": len(table)})


def swap_axes(points: gpd.GeoDataFrame, count: int) -> DefectiveLayer:
    """Return the first `count` points with longitude and latitude exchanged."""
    table = as_table(points.iloc[:count])
    table["lon"], table["lat"] = table["lat"].to_numpy(), table["lon"].to_numpy()
    return DefectiveLayer(table, {"swapped_axes": len(table)})


def add_point_defects(
    points: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, rng: np.random.Generator
) -> DefectiveLayer:
    """Return points of which some lie outside, are empty, at 0, 0, beyond the globe, or repeat an id.

    Each record has at most one defect; a repeated id is counted once per record beyond the first.
    """
    table = as_table(points)
    unit = max(1, len(table) // 100)
    wanted = {
        "outside": 2 * unit,
        "empty": 2 * unit,
        "zero": unit,
        "out_of_range": unit,
        "duplicate_id": 2 * unit,
    }
    rows = np.array_split(rng.permutation(len(table))[: 8 * unit], np.cumsum(list(wanted.values()))[:-1])
    lon, lat, ids = (
        table["lon"].to_numpy().copy(),
        table["lat"].to_numpy().copy(),
        table["id"].to_numpy(dtype=object),
    )
    ids = ids.copy()
    outside, empty, zero, beyond, double = rows
    _, _, east, north = areas.total_bounds
    lon[outside] = np.round(east + rng.uniform(0.02, 0.2, len(outside)), 7)
    lat[outside] = np.round(north + rng.uniform(0.02, 0.2, len(outside)), 7)
    lon[empty] = lat[empty] = np.nan
    lon[zero] = lat[zero] = 0.0
    lat[beyond] = np.round(lat[beyond] + 90.0, 7)
    sound = np.setdiff1d(np.arange(len(table)), np.concatenate(rows))
    ids[double] = ids[rng.choice(sound, size=len(double), replace=False)]
    table["lon"], table["lat"], table["id"] = lon, lat, ids
    return DefectiveLayer(table, {name: len(found) for name, found in zip(wanted, rows, strict=True)})


def add_empty_geometries(entities: gpd.GeoDataFrame, rng: np.random.Generator) -> DefectiveLayer:
    """Return entities of which some have no geometry, and as many have an empty one."""
    frame = entities.copy()
    unit = max(1, len(frame) // 200)
    rows = rng.permutation(len(frame))[: 2 * unit]
    geometry = frame.geometry.to_numpy().copy()
    geometry[rows[:unit]] = None
    geometry[rows[unit:]] = shapely.Point()
    frame = frame.set_geometry(gpd.GeoSeries(geometry, crs=LONLAT, index=frame.index))
    return DefectiveLayer(frame, {"no_geometry": unit, "empty_geometry": unit})


def add_topology_errors(areas: gpd.GeoDataFrame, rng: np.random.Generator) -> DefectiveLayer:
    """Return the communities with overlaps, blanks and unmatched vertices, each between other neighbours.

    A vertex in the middle of a common border is moved by 6 m in only one of its two communities: outwards
    (overlap) or inwards (blank); or it is removed there (unmatched vertex, with a sliver beside it).
    """
    frame = areas[areas["level"] == "village"].reset_index(drop=True).copy()
    geometry = frame.geometry.to_numpy().copy()
    kinds = ("overlap", "blank", "unmatched_vertex")
    each = max(1, len(frame) // 33)
    counts = dict.fromkeys(kinds, 0)
    touched = np.zeros(len(frame), dtype=bool)
    tree = shapely.STRtree(geometry)
    for row in rng.permutation(len(frame)):
        kind = next((name for name in kinds if counts[name] < each), None)
        if kind is None:
            break
        around = tree.query(geometry[row], predicate="intersects")
        if touched[row]:
            continue
        damaged, neighbour = _damage_border(geometry, int(row), around, touched, kind)
        if damaged is None:
            continue
        geometry[row] = damaged
        touched[[row, neighbour]] = True
        counts[kind] += 1
    return DefectiveLayer(frame.set_geometry(gpd.GeoSeries(geometry, crs=LONLAT)), counts)


def _damage_border(
    geometry: Geometries,
    row: int,
    around: np.ndarray[tuple[int], np.dtype[np.int64]],
    touched: np.ndarray[tuple[int], np.dtype[np.bool_]],
    kind: str,
) -> tuple[shapely.Geometry | None, int]:
    """Return the polygon with one defect against one neighbour, and which; None if there is no room."""
    polygon = geometry[row]
    others = around[around != row]
    ring = shapely.get_coordinates(polygon.exterior)[:-1]
    corners = [{tuple(xy) for xy in shapely.get_coordinates(geometry[other])} for other in others]
    for at in range(2, len(ring) - 2):
        shared = [
            i
            for i, found in enumerate(corners)
            if all(tuple(ring[at + k]) in found for k in (-2, -1, 0, 1, 2))
        ]
        common = [i for i, found in enumerate(corners) if tuple(ring[at]) in found]
        if len(shared) != 1 or common != shared or touched[others[shared[0]]]:
            continue
        neighbour = geometry[others[shared[0]]]
        moved = _move_vertex(ring, at, polygon, kind)
        if moved is None or not moved.is_valid:
            continue
        change = shapely.intersection(moved, neighbour).area
        rest = sum(
            shapely.intersection(moved, geometry[o]).area for o in others if geometry[o] is not neighbour
        )
        if rest == 0 and (change > 0 if kind == "overlap" else kind == "unmatched_vertex" or change == 0):
            return moved, int(others[shared[0]])
    return None, -1


def _move_vertex(
    ring: np.ndarray[tuple[int, int], np.dtype[np.float64]], at: int, polygon: shapely.Polygon, kind: str
) -> shapely.Polygon | None:
    if kind == "unmatched_vertex":
        return shapely.Polygon(np.delete(ring, at, axis=0), list(polygon.interiors))
    metres = lonlat_to_metres(ring[[at - 1, at, at + 1]])
    heading = metres[2] - metres[0]
    if np.hypot(*heading) < 5 * _SHIFT_M:
        return None
    # The inside of counter-clockwise rings is on the left.
    inward = np.array([-heading[1], heading[0]]) / np.hypot(*heading)
    if not polygon.exterior.is_ccw:
        inward = -inward
    target = metres[1] + inward * (_SHIFT_M if kind == "blank" else -_SHIFT_M)
    changed = ring.copy()
    changed[at] = metres_to_lonlat(target[None])[0]
    return shapely.Polygon(changed, list(polygon.interiors))


def add_invalid_areas(areas: gpd.GeoDataFrame) -> DefectiveLayer:
    """Return all areas with a repeated code, an unknown parent, a self-crossing ring and an empty one."""
    frame = areas.reset_index(drop=True).copy()
    rows = np.flatnonzero(frame["level"] == "village")[-4:]
    frame.loc[rows[0], "code"] = frame.loc[rows[1], "code"]
    frame.loc[rows[1], "parent"] = DISTRICT_CODE + "999"
    geometry = frame.geometry.to_numpy().copy()
    ring = shapely.get_coordinates(geometry[rows[2]].exterior)[:-1]
    third = len(ring) // 3
    ring[[0, third]] = ring[[third, 0]]
    geometry[rows[2]] = shapely.Polygon(ring)
    geometry[rows[3]] = shapely.Polygon()
    frame = frame.set_geometry(gpd.GeoSeries(geometry, crs=LONLAT))
    return DefectiveLayer(
        frame, {"repeated_code": 1, "unknown_parent": 1, "self_crossing": 1, "empty_geometry": 1}
    )
