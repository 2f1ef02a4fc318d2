"""The boundary of each cell on its four sides."""

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.arrays import FloatArray, IntArray, ObjectArray
from gis.boundaries.border_pieces import BorderPieces, cut_borders, sides_of
from gis.boundaries.lines_beside import nearest_lines
from gis.boundaries.phrases import SIDES, Bound, BoundKind, boundary_sentence, side_phrase
from gis.crs import choose_working_crs, to_lonlat, to_working_crs
from gis.errors import InputError, ParameterError

TOLERANCE_M = 20.0
"""How far from a border a line may run that it is named by: half of a wide street."""

_BESIDE_M = 0.5
_COVERED = 0.75
# Of a side so much must be named; what is left is corners.

_MOST = 3


@dataclass(frozen=True, eq=False)
class CellBoundaries:
    """What bounds cells.

    Attributes
    ----------
    codes
        Of the cells, shape (n,).
    sides
        By side what bounds each cell, the longest stretch first; never nothing.
    """

    codes: ObjectArray
    sides: Mapping[str, list[tuple[Bound, ...]]]

    def table(self, language: str) -> pd.DataFrame:
        """Return the columns code, north, east, south, west and description in a language, zh or en."""
        columns = {
            side: [getattr(side_phrase(each), language) for each in bounds]
            for side, bounds in self.sides.items()
        }
        sentences = [
            getattr(boundary_sentence({side: bounds[row] for side, bounds in self.sides.items()}), language)
            for row in range(len(self.codes))
        ]
        return pd.DataFrame({"code": self.codes, **columns, "description": sentences})


def describe_boundaries(
    cells: gpd.GeoDataFrame,
    lines: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame | None = None,
    *,
    tolerance_m: float = TOLERANCE_M,
    crs: CRS | None = None,
) -> CellBoundaries:
    """Describe by what each cell is bounded in the north, east, south and west.

    The border of a cell is cut into short pieces. Each belongs to the side to which it looks, and runs along
    the nearest line within the tolerance and 30 degrees of its direction; where there is none it borders on
    another area, another cell, or nothing: the outer border. A side is told by what bounds three quarters
    of its length, by three names at most. Streets without a name tell nothing and are passed over; railways
    and water do.

    Parameters
    ----------
    cells
        With `code` and valid polygons, in any CRS; `name` is used where it differs from the code.
    lines
        Streets, railways and rivers in any CRS, with `name` and `kind` (roads, railway, water); polygons
        count by their outlines.
    areas
        With `code` and `name`, none within another; a neighbour in another area is told by the area.
    tolerance_m
        How far from a border a line may run.
    crs
        The working CRS, chosen from the extent when not given.

    Raises
    ------
    InputError
        If lines are given and none of them is a line or polygon, or lies near the cells.
    ParameterError
        If the tolerance is not positive.
    """
    if not tolerance_m > 0:
        raise ParameterError(f"The tolerance is {tolerance_m:g} m; it must be more than 0.")
    working = choose_working_crs(cells) if crs is None else crs
    polygons = _project(cells, working)
    pieces = cut_borders(polygons)
    side = sides_of(pieces.outward)
    bounds: list[Bound] = [Bound(BoundKind.outer, "")]
    along = np.zeros(len(pieces.cell), dtype=np.int64)
    neighbour = _neighbours(pieces, polygons, tolerance_m)
    along = np.where(neighbour >= 0, _add_bounds(bounds, _cell_bounds(cells))[neighbour], along)
    if areas is not None and len(areas):
        across = _foreign_areas(pieces, polygons, _project(areas, working))
        along = np.where(across >= 0, _add_bounds(bounds, _area_bounds(areas))[across], along)
    _require_lines(lines)
    named = lines[(lines["name"].notna() & (lines["name"] != "")) | (lines["kind"] != BoundKind.road)]
    if len(named):
        near = nearest_lines(pieces, _project(named, working), tolerance_m)
        _require_near(lines, cells, near)
        along = np.where(near >= 0, _add_bounds(bounds, _line_bounds(named))[near], along)
    return CellBoundaries(
        cells["code"].to_numpy(dtype=object),
        {name: _longest(pieces, side, place, along, bounds, len(cells)) for place, name in enumerate(SIDES)},
    )


def _project(frame: gpd.GeoDataFrame, crs: CRS) -> ObjectArray:
    lonlat = to_lonlat(frame[[frame.geometry.name]])
    geometries = np.array(to_working_crs(lonlat, crs).geometry, dtype=object)
    geometries[shapely.is_missing(geometries)] = shapely.Polygon()
    return geometries


def _add_bounds(bounds: list[Bound], more: list[Bound]) -> IntArray:
    """Append bounds, each once, and return the place of each of `more`."""
    places = {each: place for place, each in enumerate(bounds)}
    found = []
    for each in more:
        if each not in places:
            places[each] = len(bounds)
            bounds.append(each)
        found.append(places[each])
    return np.array(found, dtype=np.int64)


def _cell_bounds(cells: gpd.GeoDataFrame) -> list[Bound]:
    names = cells["name"] if "name" in cells else cells["code"]
    return [
        Bound(BoundKind.cell, code if pd.isna(name) else str(name), pd.isna(name) or str(name) == code)
        for code, name in zip(cells["code"].astype(str), names, strict=True)
    ]


def _area_bounds(areas: gpd.GeoDataFrame) -> list[Bound]:
    names = areas["name"] if "name" in areas else areas["code"]
    pairs = zip(areas["code"].astype(str), names, strict=True)
    return [Bound(BoundKind.area, code if pd.isna(name) else str(name)) for code, name in pairs]


def _line_bounds(lines: gpd.GeoDataFrame) -> list[Bound]:
    pairs = zip(lines["kind"], lines["name"], strict=True)
    return [Bound(BoundKind(kind), "" if pd.isna(name) else str(name)) for kind, name in pairs]


def _neighbours(pieces: BorderPieces, polygons: ObjectArray, gap_m: float) -> IntArray:
    """Return the cell beyond each piece, -1 for none; across a gap where there is none at the border."""
    tree = shapely.STRtree(polygons)
    found = np.full(len(pieces.cell), -1, dtype=np.int64)
    for distance in (_BESIDE_M, gap_m):
        rows = np.flatnonzero(found < 0)
        point, cell = tree.query(pieces.outside(distance)[rows], predicate="intersects")
        foreign = cell != pieces.cell[rows[point]]
        point, cell = point[foreign], cell[foreign]
        # Of overlapping cells the first counts.
        order = np.lexsort((cell, point))
        first, places = np.unique(point[order], return_index=True)
        found[rows[first]] = cell[order[places]]
    return found


def _foreign_areas(pieces: BorderPieces, polygons: ObjectArray, areas: ObjectArray) -> IntArray:
    """Return the area beyond each piece where it is another than that of the cell, else -1."""
    tree = shapely.STRtree(areas)
    own = _area_at(tree, shapely.point_on_surface(polygons))
    across = _area_at(tree, pieces.outside(_BESIDE_M))
    return np.where(across == own[pieces.cell], -1, across)


def _area_at(tree: shapely.STRtree, points: ObjectArray) -> IntArray:
    found = np.full(len(points), -1, dtype=np.int64)
    point, area = tree.query(points, predicate="intersects")
    # The last that is written counts.
    found[point[::-1]] = area[::-1]
    return found


def _require_near(lines: gpd.GeoDataFrame, cells: gpd.GeoDataFrame, near: IntArray) -> None:
    if (near >= 0).any():
        return
    here, there = to_lonlat(cells), to_lonlat(lines)
    west, south, east, north = here.total_bounds
    left, bottom, right, top = there.total_bounds
    if left > east or right < west or bottom > north or top < south:
        raise InputError(
            f"No line lies near the cells: one lies at {_first_place(there)}, "
            f"a cell at {_first_place(here)}; "
            "check which coordinate reference system the file of lines names."
        )


def _require_lines(lines: gpd.GeoDataFrame) -> None:
    if len(lines) and not (shapely.get_dimensions(np.asarray(lines.geometry, dtype=object)) >= 1).any():
        raise InputError("No record of the lines is a line or a polygon; name a layer of streets or rivers.")


def _first_place(frame: gpd.GeoDataFrame) -> str:
    x, y = shapely.get_coordinates(np.asarray(frame.geometry, dtype=object))[0]
    return f"{x:.4f}, {y:.4f}"


def _longest(
    pieces: BorderPieces, side: IntArray, place: int, along: IntArray, bounds: list[Bound], count: int
) -> list[tuple[Bound, ...]]:
    """Return for each cell what bounds it on one side, the longest stretch first."""
    weight = np.where(side == place, pieces.length, 0.0)
    # A cell such as a triangle may have no border that looks to a side; what looks there most stands for it.
    empty = np.bincount(pieces.cell, weights=weight, minlength=count)[pieces.cell] == 0
    towards: FloatArray = pieces.outward @ np.array([(0, 1), (1, 0), (0, -1), (-1, 0)][place], dtype=float)
    weight = np.where(empty, pieces.length * np.maximum(towards, 0), weight)
    keys, entry = np.unique(pieces.cell * len(bounds) + along, return_inverse=True)
    lengths = np.bincount(entry, weights=weight, minlength=len(keys))
    cell, bound = np.divmod(keys, len(bounds))
    # Equal lengths stand in the order of their names, whatever the order of the records.
    names = np.argsort(np.argsort(np.array([f"{each.kind} {each.name}" for each in bounds]), kind="stable"))
    order = np.lexsort((names[bound], -np.round(lengths, 3), cell))
    found: list[tuple[Bound, ...]] = [(bounds[0],)] * count
    starts = np.searchsorted(cell[order], np.arange(count + 1))
    for row in range(count):
        rows = order[starts[row] : starts[row + 1]]
        if not len(rows):
            continue
        total, named = lengths[rows].sum(), 0.0
        chosen: list[Bound] = []
        for each in rows[:_MOST]:
            if chosen and named >= _COVERED * total:
                break
            chosen.append(bounds[bound[each]])
            named += lengths[each]
        found[row] = tuple(chosen)
    return found
