"""A small town of two communities, divided into squares, and random commands to redraw it."""

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.divide import divide_square
from gis.redraw import (
    CellSet,
    Command,
    Merge,
    MoveBorder,
    MoveVertices,
    SmoothBorder,
    Split,
    SplitEvenly,
    Transfer,
    Update,
)

METRES = CRS.from_epsg(4547)
STEP = 0.003


def town() -> CellSet:
    """Return about forty cells of 300 m in two communities, one with a bay and one with an island."""
    west = shapely.box(113.900, 22.500, 113.912, 22.515) - shapely.box(113.899, 22.506, 113.903, 22.508)
    east = shapely.union_all(
        [shapely.box(113.912, 22.500, 113.920, 22.515), shapely.box(113.922, 22.503, 113.925, 22.506)]
    )
    areas = gpd.GeoDataFrame(
        {"code": ["440305001001", "440305001002"], "name": ["西", "东"], "level": "village", "parent": None},
        geometry=[west, east],
        crs=4326,
    )
    return CellSet.from_frame(divide_square(areas, size_m=300, crs=METRES), crs=METRES)


def random_command(
    cells: CellSet, rng: np.random.Generator, *, size: float = STEP, parts: bool = False
) -> Command:
    """Return a command that may or may not be possible.

    Parameters
    ----------
    size
        Of a cell in degrees.
    parts
        Whether cells may now and then fall into parts.
    """
    codes = list(cells.cells)
    cell = cells.cells[str(rng.choice(codes))]
    near = [each.code for each in cells.neighbours([cell])] or codes
    other = str(rng.choice(near))
    place = shapely.get_coordinates(shapely.point_on_surface(cell.geometry))[0]
    angle, reach = rng.uniform(0, np.pi), size * rng.uniform(0.2, 2)
    away = reach * np.array([np.cos(angle), np.sin(angle)])
    line = shapely.LineString([place - away, place + rng.normal(0, size / 8, 2), place + away])
    match rng.integers(10):
        case 0:
            return Merge((cell.code, other))
        case 1:
            return Split(cell.code, line)
        case 2:
            return SplitEvenly(cell.code, int(rng.integers(2, 5)))
        case 3 | 4:
            centre = shapely.Point(place + rng.normal(0, size / 2, 2))
            region = shapely.buffer(centre, reach / 2, quad_segs=2)
            return Transfer(region, other, allow_parts=parts and rng.random() < 0.3)
        case 5:
            return MoveBorder(cell.code, other, line)
        case 6:
            return SmoothBorder(cell.code, other, float(rng.choice([5.0, 50.0, np.inf])))
        case 7:
            vertex = tuple(rng.choice(shapely.get_coordinates(cell.geometry)).tolist())
            moved = (vertex[0] + rng.normal(0, size / 20), vertex[1] + rng.normal(0, size / 20))
            return MoveVertices(((vertex, moved),))
        case 8:
            return Update(cell.code, cell_name=f"name {rng.integers(100)}")
        case _:
            return Update(cell.code, new_code=f"{cell.area_code}{rng.integers(100, 999)}", kind="moved")
