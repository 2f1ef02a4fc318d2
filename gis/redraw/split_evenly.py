"""Splitting a cell into a number of parts of about equal load, by straight cuts."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import shapely

from gis.arrays import FloatArray
from gis.errors import ParameterError, RefusedError
from gis.redraw.cell_set import CellSet
from gis.redraw.codes import next_codes
from gis.redraw.edit import Edit
from gis.redraw.recut import cut_cells, join_pieces, project

_MAX_PARTS = 100
_HALVINGS = 60


@dataclass(frozen=True)
class SplitEvenly:
    """Split a cell into parts of about equal load; the largest keeps the code.

    Each cut is straight and runs across the longer side of the smallest rectangle about the part, where it
    shares out the load in proportion to the parts on either side.

    Attributes
    ----------
    code
        The cell.
    count
        How many parts, 2 to 100.
    points, weights
        Longitudes and latitudes, and their loads, 1 each when not given; those in the cell count. Ground
        counts when there are none.
    """

    name: ClassVar[str] = "split-evenly"

    code: str
    count: int
    points: tuple[tuple[float, float], ...] = ()
    weights: tuple[float, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The codes of the cells that it names."""
        return (self.code,)

    @property
    def drawn(self) -> Any:
        """What is drawn."""
        return None

    def edit(self, cells: CellSet) -> Edit:
        """Return the edit: new cells get the next free codes, the larger ones first."""
        if not 2 <= self.count <= _MAX_PARTS:
            raise ParameterError(f"A cell is split into 2 to {_MAX_PARTS} parts, not {self.count}.")
        cell = cells.select([self.code])[0]
        ground = project(cell.geometry, cells)
        if ground.geom_type != "Polygon":
            raise RefusedError(f"Cell '{cell.code}' is in several parts; split it by lines.")
        parts = np.empty(self.count, dtype=object)
        parts[:] = _parts(ground, self.count, self._loads_inside(cells, ground))
        pieces = cut_cells(cells, [cell], parts)
        piece, part = shapely.STRtree(parts).query(
            shapely.point_on_surface(pieces.polygons), predicate="intersects"
        )
        group = np.zeros(len(pieces.polygons), dtype=np.int64)
        # The largest part first; a point on a border falls to the first of two.
        rank = np.argsort(np.argsort(-shapely.area(parts), kind="stable"), kind="stable")
        group[piece[::-1]] = rank[part[::-1]]
        codes = [cell.code, *next_codes(cells, cell.code, len(parts) - 1)]
        made = [cell._replace(code=code, name=cell.name if k == 0 else code) for k, code in enumerate(codes)]
        return join_pieces(pieces, group, made, cells, self.name)

    def _loads_inside(self, cells: CellSet, ground: shapely.Geometry) -> FloatArray:
        """Return x, y and load of the points in the cell, shape (m, 3)."""
        if not self.points:
            return np.empty((0, 3))
        weights = self.weights or (1.0,) * len(self.points)
        if len(weights) != len(self.points) or not all(weight >= 0 for weight in weights):
            raise ParameterError("Each point needs a load of 0 or more.")
        xy = shapely.get_coordinates(project(shapely.MultiPoint(self.points), cells))
        inside = shapely.contains_xy(ground, xy[:, 0], xy[:, 1])
        return np.column_stack([xy, np.array(weights, dtype=float)])[inside]


def _parts(ground: shapely.Polygon, count: int, loads: FloatArray) -> list[shapely.Polygon]:
    """Part ground into a number of Polygons by straight cuts."""
    if count == 1:
        return [ground]
    first = count // 2
    direction = _long_axis(ground)
    reach = shapely.get_coordinates(ground) @ direction
    low, high = float(reach.min()), float(reach.max())
    total = loads[:, 2].sum()
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if total > 0:
            share = loads[loads[:, :2] @ direction < middle, 2].sum() / total
        else:
            share = (
                shapely.area(shapely.intersection(ground, _half_plane(ground, direction, middle)))
                / ground.area
            )
        low, high = (middle, high) if share < first / count else (low, middle)
    one, other = _cut(ground, direction, (low + high) / 2)
    side = shapely.contains_xy(one, loads[:, 0], loads[:, 1])
    return [*_parts(one, first, loads[side]), *_parts(other, count - first, loads[~side])]


def _cut(
    ground: shapely.Polygon, direction: FloatArray, middle: float
) -> tuple[shapely.Polygon, shapely.Polygon]:
    """Cut ground in two; of a side in pieces the largest stays, and the others go with the other side."""
    below = _half_plane(ground, direction, middle)
    near, far = (
        sorted(
            (each for each in shapely.get_parts(side).tolist() if each.geom_type == "Polygon"),
            key=lambda each: -each.area,
        )
        for side in (shapely.intersection(ground, below), shapely.difference(ground, below))
    )
    if not near or not far:
        raise RefusedError("The cell is too small to be split so often; give fewer parts.")
    # Pieces beyond the largest touch the other side along the cut.
    one: Any = shapely.union_all([near[0], *far[1:]])
    other: Any = shapely.union_all([far[0], *near[1:]])
    if one.geom_type != "Polygon" or other.geom_type != "Polygon":
        raise RefusedError("The cell winds too much to be split by straight cuts; split it by lines.")
    return one, other


def _long_axis(ground: shapely.Polygon) -> FloatArray:
    """Return the direction of the longer side of the smallest rectangle about ground, length 1."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(ground))
    sides = np.diff(corners[:3], axis=0)
    length = np.hypot(sides[:, 0], sides[:, 1])
    return np.asarray(sides[np.argmax(length)] / length.max(), dtype=float)


def _half_plane(ground: shapely.Polygon, direction: FloatArray, middle: float) -> shapely.Polygon:
    """Return a polygon that holds all of the ground which lies before `middle` along a direction."""
    across = np.array([-direction[1], direction[0]])
    west, south, east, north = ground.bounds
    far = 2 * float(np.hypot(east - west, north - south)) + 1
    centre = np.array([west + east, south + north]) / 2
    edge = centre + (middle - centre @ direction) * direction
    return shapely.Polygon(
        [
            edge + far * across,
            edge - far * across,
            edge - far * across - far * direction,
            edge + far * across - far * direction,
        ]
    )
