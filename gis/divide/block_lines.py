"""The lines of a division into blocks: streets, railways, rivers in the working CRS, in one order."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from gis.arrays import BoolArray, FloatArray, Geometries, IntArray
from gis.crs import LONLAT, to_lonlat
from gis.divide.division_input import DivisionInput
from gis.errors import InputError, LimitError
from gis.faces.arrangement import PRECISION_M
from gis.progress import Note

MAX_SEGMENTS = 10_000_000

_MARGIN_DEG = 0.01
"""Lines so far beyond the areas' bounds in degrees cannot reach them: straight edges bend by less."""

_OVERSHOOT_M = 1e-3
_ON_LINE_M = 1e-5

_OPENNESS: Mapping[str, Mapping[str, float]] = {
    "highway": {
        "motorway": 0.05,
        "trunk": 0.1,
        "primary": 0.3,
        "secondary": 0.5,
        "tertiary": 0.7,
        "unclassified": 0.9,
        "residential": 0.9,
    },
    "railway": dict.fromkeys(("abandoned", "disused", "razed", "proposed", "platform"), 1.0) | {"": 0.1},
    "waterway": {"stream": 0.6, "ditch": 0.8, "drain": 0.8, "": 0.2},
    "natural": {"": 0.2},
}
"""How easily blocks join across a line, by the tags of OpenStreetMap; "" stands for the other values."""

_WATER_TAGS: Mapping[str, Collection[str]] = {
    "natural": ("water", "bay", "strait", "wetland"),
    "waterway": ("riverbank", "river", "canal", "dock"),
    "landuse": ("reservoir", "basin"),
}

_WATER_OPENNESS = 0.2
_OPENNESS_OTHERWISE = 1.0
_OPENNESS_UNKNOWN = 0.8


@dataclass(frozen=True)
class BlockLines:
    """Lines that bound blocks.

    Attributes
    ----------
    geometry
        Shape (n,), LineString in the working CRS, in an order that does not depend on that of the records.
    openness
        Shape (n,), from 0 to 1: how easily blocks join across the line; 0 for a barrier, never.
    ground
        Polygons among the records whose ground blocks do not take in, in the working CRS: those tagged as
        water, and those of barriers and of water.
    """

    geometry: Geometries
    openness: FloatArray
    ground: Geometries


def read_block_lines(
    division_input: DivisionInput,
    lines: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None,
    note: Note,
    water: gpd.GeoDataFrame | None = None,
) -> BlockLines:
    """Take the lines that reach into the areas, and the outlines of the polygons that do.

    Parameters
    ----------
    division_input
        The areas to divide.
    lines
        Lines and polygons in any CRS that is known; columns named highway, railway, waterway or natural tell
        how much a line separates, and which polygons are water.
    barriers
        More of them, which no block may lie across.
    note
        Told what was left out.
    water
        More of them, which are water whatever their tags.

    Raises
    ------
    InputError
        If no record is a line or polygon, or none lies within the areas, or coordinates are no numbers.
    LimitError
        If they have too many segments.
    """
    found = [_take_lines(division_input, lines, note, "lines")]
    for further, called, most in ((water, "water", _WATER_OPENNESS), (barriers, "barriers", 0.0)):
        if further is not None:
            taken = _take_lines(division_input, further, note, called)
            found.append(BlockLines(taken.geometry, np.minimum(taken.openness, most), taken.ground))
    geometry = np.concatenate([each.geometry for each in found])
    openness = np.concatenate([each.openness for each in found])
    segments = int(shapely.get_num_coordinates(geometry).sum()) - len(geometry)
    if segments > MAX_SEGMENTS:
        raise LimitError(
            f"The lines have {segments:,} segments within the areas, more than {MAX_SEGMENTS:,}; "
            "choose lines by an attribute or divide a part of the areas."
        )
    order = _canonical_order(geometry, openness)
    ground = np.concatenate([each.ground for each in found])
    return BlockLines(geometry[order], openness[order], ground)


def _take_lines(
    division_input: DivisionInput, frame: gpd.GeoDataFrame, note: Note, called: str
) -> BlockLines:
    """Take the lines of one frame that reach into the areas."""
    if frame.empty:
        raise InputError(f"There is nothing to divide by: the layer of {called} holds no record.")
    lonlat = np.asarray(to_lonlat(frame).geometry.array, dtype=object)
    usable = _usable_rows(frame, called, note)
    bounds = shapely.bounds(lonlat)
    west, south, east, north = _area_bounds(division_input)
    near = (
        usable
        & (bounds[:, 0] <= east + _MARGIN_DEG)
        & (bounds[:, 2] >= west - _MARGIN_DEG)
        & (bounds[:, 1] <= north + _MARGIN_DEG)
        & (bounds[:, 3] >= south - _MARGIN_DEG)
    )
    rows = np.flatnonzero(near)
    projected = gpd.GeoSeries(lonlat[rows], crs=LONLAT).to_crs(division_input.crs)
    geometry = shapely.force_2d(np.asarray(projected.array, dtype=object))
    inside = np.unique(shapely.STRtree(geometry).query(division_input.geometry, predicate="intersects")[1])
    if not len(inside):
        middle = np.nanmean(bounds[usable & np.isfinite(bounds).all(axis=1)].reshape(-1, 2, 2), axis=(0, 1))
        raise InputError(
            f"No line lies within the areas: the {called} lie around {_place(*middle)}, the areas around "
            f"{_place((west + east) / 2, (south + north) / 2)}; check which coordinate reference system the "
            "file of lines names."
        )
    geometry, rows = geometry[inside], rows[inside]
    is_areal = shapely.get_dimensions(geometry) == 2
    is_ground = is_areal & (_is_water(frame.iloc[rows]) | (called != "lines"))
    openness = _openness(frame.iloc[rows])
    edges = np.where(is_areal, shapely.boundary(geometry), geometry)
    parts, owner = shapely.get_parts(edges, return_index=True)
    parts, index = shapely.get_parts(parts, return_index=True)
    # Ends that differ by the rounding of a computation are the same.
    parts = shapely.remove_repeated_points(shapely.set_precision(parts, PRECISION_M, mode="pointwise"))
    is_line = (shapely.get_dimensions(parts) == 1) & (shapely.length(parts) > 0)
    return BlockLines(parts[is_line], openness[owner[index[is_line]]], geometry[is_ground])


def _area_bounds(division_input: DivisionInput) -> tuple[float, float, float, float]:
    boxes = gpd.GeoSeries(division_input.geometry, crs=division_input.crs).to_crs(LONLAT)
    west, south, east, north = boxes.total_bounds.tolist()
    return west, south, east, north


def _usable_rows(frame: gpd.GeoDataFrame, called: str, note: Note) -> BoolArray:
    """Return which records are lines or polygons with finite coordinates."""
    geometry = np.asarray(frame.geometry.array, dtype=object)
    present = ~(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    linear = present & (shapely.get_dimensions(geometry) >= 1)
    if not linear.any():
        kinds = sorted(set(frame.geometry.geom_type[present]))
        what = " and ".join(f"{kind}s" for kind in kinds) if kinds else "records without geometry"
        raise InputError(
            f"Blocks are bounded by lines, and the layer of {called} holds {what} only; "
            "give streets, railways or rivers."
        )
    if not present.all():
        note(f"record {_listed(~present)} of the {called} has no geometry and bounds nothing")
    if (present & ~linear).any():
        note(f"record {_listed(present & ~linear)} of the {called} is a point and bounds nothing")
    xy, row = shapely.get_coordinates(geometry, return_index=True)
    for k in np.unique(row[~np.isfinite(xy).all(axis=1)])[:1].tolist():
        raise InputError(
            f"Record {k + 1} of the {called} has coordinates that are no numbers; "
            "draw it again or leave it out."
        )
    return np.asarray(linear)


def _listed(rows: BoolArray) -> str:
    found = np.flatnonzero(rows)
    return f"{found[0] + 1}" + (f" and {len(found) - 1:,} more" if len(found) > 1 else "")


def _place(lon: float, lat: float) -> str:
    return f"{abs(lon):.2f}° {'E' if lon >= 0 else 'W'}, {abs(lat):.2f}° {'N' if lat >= 0 else 'S'}"


def _openness(frame: gpd.GeoDataFrame) -> FloatArray:
    """Return how easily blocks join across each line, by its tags; the strictest of several counts."""
    result = np.full(len(frame), np.inf)
    for tag, by_value in _OPENNESS.items():
        if tag not in frame.columns:
            continue
        values = frame[tag].astype("string").str.strip().str.lower().str.removesuffix("_link")
        known = (values.notna() & (values != "")).to_numpy(dtype=bool)
        otherwise = by_value.get("", _OPENNESS_OTHERWISE)
        openness = values.map(dict(by_value)).fillna(otherwise).to_numpy(dtype=float)
        result[known] = np.minimum(result[known], openness[known])
    result[np.isinf(result)] = _OPENNESS_UNKNOWN
    return result


def _is_water(frame: gpd.GeoDataFrame) -> BoolArray:
    """Return which records are water by their tags."""
    found = np.zeros(len(frame), dtype=bool)
    for tag, values in _WATER_TAGS.items():
        if tag in frame.columns:
            found |= frame[tag].isin(values).to_numpy(dtype=bool)
    return found


def _canonical_order(geometry: Geometries, openness: FloatArray) -> IntArray:
    """Return an order of lines that depends on the lines alone."""
    first, last = _ends(geometry)
    keys = [shapely.length(geometry), openness, *last.T, *first.T, *shapely.bounds(geometry).T]
    return np.asarray(np.lexsort(keys))


def _ends(lines: Geometries) -> tuple[FloatArray, FloatArray]:
    """Return the first and the last vertex of each line."""
    xy, line = shapely.get_coordinates(lines, return_index=True)
    starts = np.searchsorted(line, np.arange(len(lines) + 1))
    return xy[starts[:-1]], xy[starts[1:] - 1]


def close_dead_ends(lines: Geometries, walls: Geometries, reach_m: float) -> Geometries:
    """Return short lines that carry ends which stop just short of another line on to it.

    Where lines are drawn by hand, or were cut by rounded coordinates, an end may miss the line that it is
    meant to meet, and the block beside it would stay open.

    Parameters
    ----------
    lines
        Shape (n,), LineString in metres.
    walls
        Other lines that ends may meet: the borders of the areas.
    reach_m
        How far an end may be away; an end that lies on another line but for rounding is always on it.

    Returns
    -------
    ndarray of LineString
        From each such end to the nearest other line and a millimetre beyond, or to the line's other end.
    """
    begin, finish = _ends(lines)
    ends = np.concatenate([finish, begin])
    own = np.concatenate([np.arange(len(lines))] * 2)
    everything = np.concatenate([lines, walls])
    xy, row = shapely.get_coordinates(everything, return_index=True)
    loose = _on_no_other_vertex(ends, own, xy, row)
    end_points = np.asarray(shapely.points(ends[loose]), dtype=object)
    found, other = shapely.STRtree(everything).query(
        end_points, predicate="dwithin", distance=max(reach_m, _ON_LINE_M)
    )
    foreign = other != own[loose][found]
    found, other = found[foreign], other[foreign]
    distance = shapely.distance(end_points[found], everything[other])
    order = np.lexsort((other, distance, found))
    found, first = np.unique(found[order], return_index=True)
    other = other[order][first]
    start = ends[loose][found]
    target = shapely.get_coordinates(
        shapely.line_interpolate_point(
            everything[other], shapely.line_locate_point(everything[other], end_points[found])
        )
    )
    # The two ends of a ring that is not closed.
    gap = np.hypot(*(finish - begin).T)
    rings = np.flatnonzero((gap > 0) & (gap <= reach_m) & (shapely.length(lines) > 4 * reach_m))
    closing = np.asarray(shapely.linestrings(np.stack([begin[rings], finish[rings]], axis=1)), dtype=object)
    away = target - start
    length = np.hypot(*away.T)
    # An end that lies on the line but for rounding goes on in its own direction instead.
    before = _second_vertices(lines, own[loose][found], start)
    inward = start - before
    flat = length < PRECISION_M * 10
    away[flat], length[flat] = inward[flat], np.hypot(*inward[flat].T)
    scale = np.where(flat, 0, length) + _OVERSHOOT_M
    beyond = start + away * (scale / np.maximum(length, 1e-12))[:, None]
    reaching = np.asarray(shapely.linestrings(np.stack([start, beyond], axis=1)), dtype=object)
    return np.concatenate([reaching, closing])


def _second_vertices(lines: Geometries, row: IntArray, end: FloatArray) -> FloatArray:
    """Return the vertex before the end of each line, at whichever end it is."""
    first = shapely.get_coordinates(shapely.get_point(lines[row], 0))
    at_first = (first == end).all(axis=1)
    near = np.where(at_first, 1, shapely.get_num_points(lines[row]) - 2)
    return shapely.get_coordinates(shapely.get_point(lines[row], near))


def _on_no_other_vertex(ends: FloatArray, own: IntArray, xy: FloatArray, row: IntArray) -> IntArray:
    """Return which ends are a vertex of no line but their own."""
    x, y = np.concatenate([ends, xy]).T
    owner = np.concatenate([own, row])
    _, place = np.unique(x + 1j * y, return_inverse=True)
    lowest = np.full(place.max(initial=-1) + 1, np.iinfo(np.int64).max)
    highest = np.full(place.max(initial=-1) + 1, -1)
    np.minimum.at(lowest, place, owner)
    np.maximum.at(highest, place, owner)
    alone = lowest[place[: len(ends)]] == highest[place[: len(ends)]]
    return np.flatnonzero(alone)
