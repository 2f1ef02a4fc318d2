"""Polygons that share their borders, drawn so that they share them at every zoom.

It owns projection, simplification and rounding of a coverage; the wire format is `layers.tiles.encode`'s.
"""

from collections.abc import Mapping
from threading import Lock

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import InputError
from layers.tiles.address import BUFFER, EXTENT, HALF, Address, project, unit
from layers.tiles.boxes import Boxes
from layers.tiles.clip import boxed, clip_rings
from layers.tiles.encode import POLYGON, Column, Paths, layer
from layers.tiles.mend import mended
from layers.tiles.rings import Integers, Objects, Rings, from_shapes, joined, runs

FULL_ZOOM = 15
"""From here on nothing is simplified."""

TOLERANCE = 4.0
"""Units of a zoom whose square is the area of a triangle that simplification takes away: half a pixel."""


class Coverage:
    """An immutable coverage; safe in many threads at once.

    Parameters
    ----------
    shapes
        (Multi)Polygons in EPSG:4326, shape (n,), neighbours sharing their vertices. None and empty ones are
        drawn nowhere.
    ids
        Identifiers of the features, shape (n,), not negative.

    Raises
    ------
    InputError
        If a shape is no polygon or there are not as many ids.
    """

    def __init__(self, shapes: Objects, ids: Integers) -> None:
        self.ids = np.asarray(ids, dtype=np.int64)
        if self.ids.shape != (len(shapes),):
            raise InputError(f"{len(shapes)} shapes of a tile layer have {len(self.ids)} ids.")
        self._shapes = _projected(shapes)
        self._boxes = Boxes(shapely.bounds(self._shapes))
        self._lock = Lock()
        self._zooms: dict[int, tuple[Lock, list[tuple[Rings, Integers, Integers]]]] = {}

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ids)

    def rows(self, address: Address) -> Integers:
        """Return the rows, ascending, whose box touches the tile or its buffer."""
        # Rounding and simplification move nothing farther than a unit out of its box.
        return self._boxes.touching(*address.reach(BUFFER + 1))

    def encode(
        self,
        name: str,
        address: Address,
        properties: Mapping[str, Column],
        rows: NDArray[np.bool_] | None = None,
    ) -> bytes:
        """Encode what lies in a tile as one layer.

        Parameters
        ----------
        name
            The layer's name.
        address
            The tile.
        properties
            A column of n values for each key, as `layers.tiles.encode.layer` takes them.
        rows
            Which rows may be drawn, shape (n,); all if None.

        Returns
        -------
        bytes
            Empty where nothing lies in the tile.
        """
        chosen = self.rows(address)
        if rows is not None:
            chosen = chosen[rows[chosen]]
        drawn, owners = self._cut(address, chosen)
        if not len(owners):
            return b""
        first = np.ones(len(owners), dtype=bool)
        first[1:] = owners[1:] != owners[:-1]
        shown = owners[first]
        paths = Paths(drawn.xy - np.array(address.origin), drawn.starts, np.cumsum(first) - 1)
        columns = {key: taken(column, shown) for key, column in properties.items()}
        return layer(name, POLYGON, paths, self.ids[shown], columns)

    def prepare(self, zoom: int) -> None:
        """Make what the tiles of a zoom are cut from, which otherwise the first of them does."""
        self._rings(zoom)

    def _cut(self, address: Address, chosen: Integers) -> tuple[Rings, Integers]:
        """Return what the tile shows of some rows, and the row of each ring."""
        rings, boxes, firsts = self._rings(address.z)
        column, row = address.origin
        box = (column - BUFFER, row - BUFFER, column + EXTENT + BUFFER, row + EXTENT + BUFFER)
        touch, whole = boxed(boxes[chosen], box)
        inside, across = chosen[touch & whole], chosen[touch & ~whole]
        cut = clip_rings(rings.only(runs(firsts[across], firsts[across + 1] - firsts[across])), box)
        numbers = np.searchsorted(across, cut.rows)
        cut = mended(cut._replace(rows=numbers), len(across))
        cut = cut._replace(rows=across[cut.rows])
        both = joined(rings.only(runs(firsts[inside], firsts[inside + 1] - firsts[inside])), cut)
        return both, both.rows

    def _rings(self, zoom: int) -> tuple[Rings, Integers, Integers]:
        with self._lock:
            lock, made = self._zooms.setdefault(zoom, (Lock(), []))
        with lock:
            if not made:
                rings = self._drawn(zoom)
                firsts = np.searchsorted(rings.rows, np.arange(len(self) + 1))
                made.append((rings, rings.boxes(len(self)), firsts))
        return made[0]

    def _drawn(self, zoom: int) -> Rings:
        shapes = self._shapes
        size, corner = unit(zoom), (-HALF, HALF)
        if zoom < FULL_ZOOM and len(shapes):
            shapes = shapely.coverage_simplify(shapes, TOLERANCE * size)
        on_grid = shapely.transform(shapes, lambda xy: np.rint((xy - corner) / (size, -size)))
        return mended(from_shapes(on_grid), len(self))


def taken(column: Column, rows: Integers) -> Column:
    """Return a column's values in some rows."""
    return column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows.tolist()]


def _projected(shapes: Objects) -> Objects:
    """Project polygons to Web Mercator; None becomes empty."""
    known = np.array(shapes, dtype=object)
    known[~shapely.is_geometry(known)] = shapely.Polygon()
    kinds = shapely.get_type_id(known)
    polygons = (kinds == shapely.GeometryType.POLYGON) | (kinds == shapely.GeometryType.MULTIPOLYGON)
    if not polygons.all():
        row = int(np.flatnonzero(~polygons)[0])
        raise InputError(f"Shape {row} of a tile layer is a {known[row].geom_type}, not a polygon.")
    return np.asarray(shapely.transform(known, project))
