"""Polygons of one layer, made ready once for each zoom and cut into tiles.

How they are simplified and mended is theirs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import InputError
from layers.tiles.bbox_index import Boxes
from layers.tiles.clip import boxed, clip_rings
from layers.tiles.encode import POLYGON, Column, Paths, layer
from layers.tiles.rings import Floats, Integers, Objects, Outlines, Rings, ends, runs
from layers.tiles.tile import BUFFER, HALF, Address, project, unit
from layers.tiles.zoom_cache import Zooms

FULL_ZOOM = 15
"""From here on nothing is simplified."""

# Up to here the world's units, and a way beyond its edge, fit into four bytes.
_NARROW_ZOOM = 17


class Drawn(NamedTuple):
    """What the tiles of a zoom are cut from, in units of the whole world.

    Rings as in `layers.tiles.rings.Rings`, the box of each row, and where its rings begin.
    """

    xy: NDArray[np.int32] | Integers
    starts: Integers
    parts: Integers
    rows: Integers
    boxes: Integers
    firsts: Integers

    def of(self, rows: Integers) -> Rings:
        """Return the rings of ascending rows."""
        chosen = runs(self.firsts[rows], self.firsts[rows + 1] - self.firsts[rows])
        sizes = self.starts[chosen + 1] - self.starts[chosen]
        xy = self.xy[runs(self.starts[chosen], sizes)].astype(np.int64)
        return Rings(xy, ends(sizes), self.parts[chosen], self.rows[chosen])


class Surfaces(ABC):
    """An immutable layer of polygons; safe in many threads at once.

    Parameters
    ----------
    shapes
        (Multi)Polygons in EPSG:4326, shape (n,). None and empty ones are drawn nowhere.
    ids
        Identifiers of the features, shape (n,), not negative.

    Raises
    ------
    InputError
        If a shape is no polygon or there are not as many ids.
    """

    def __init__(self, shapes: Objects, ids: Integers) -> None:
        kinds = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
        known = checked(shapes, kinds, "polygon")
        outlines = Outlines.of(known)
        # Of hundreds of thousands of polygons the vertices take a fraction of what the shapes do.
        outlines = outlines._replace(xy=project(outlines.xy))
        boxes = project(shapely.bounds(known).reshape(-1, 2)).reshape(-1, 4)
        self._hold(outlines, boxes, checked_ids(ids, len(shapes)))

    def _hold(self, outlines: Outlines, boxes: Floats, ids: Integers) -> None:
        """Take outlines and boxes in Web Mercator, and the ids."""
        self.ids = ids
        self._boxes = Boxes(boxes)
        self._outlines = outlines
        self._zooms = Zooms[Drawn]()

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

        Raises
        ------
        InputError
            If a column cannot be told.
        """
        shown = self._shown(address, rows)
        if not len(shown.rows):
            return b""
        first = np.diff(shown.rows, prepend=-1) > 0
        features = shown.rows[first]
        paths = Paths(shown.xy - np.array(address.origin), shown.starts, np.cumsum(first) - 1)
        columns = {key: taken(column, features) for key, column in properties.items()}
        return layer(name, POLYGON, paths, self.ids[features], columns)

    def prepare(self, zoom: int) -> None:
        """Make what the tiles of a zoom are cut from, which otherwise the first of them does."""
        self._zooms.at(zoom, self._made)

    def ready(self, zoom: int) -> bool:
        """Tell whether that has been made."""
        return self._zooms.ready(zoom)

    def _simplifies(self, outlines: Outlines) -> bool:
        """Tell whether simplification is worth its time."""
        return len(outlines.starts) > 1

    @abstractmethod
    def _simplified(self, shapes: Objects, size: float) -> Objects:
        """Return shapes, in Web Mercator, simplified for a zoom whose units are `size` metres."""

    @abstractmethod
    def _valid(self, rings: Rings, count: int) -> Rings:
        """Return `count` rows made valid after rounding."""

    @abstractmethod
    def _valid_cut(self, inside: Rings, cut: Rings, count: int) -> Rings:
        """Return `count` rows made valid after cutting; those `inside` the tile whole are so already."""

    def _shown(self, address: Address, rows: NDArray[np.bool_] | None) -> Rings:
        """Return what the tile shows of the rows that may be drawn."""
        chosen = self.rows(address)
        if rows is not None:
            chosen = chosen[rows[chosen]]
        drawn = self._zooms.at(address.z, self._made)
        box = address.buffered
        touch, whole = boxed(drawn.boxes[chosen], box)
        inside, across = drawn.of(chosen[touch & whole]), drawn.of(chosen[touch & ~whole])
        cut = clip_rings(across, box)
        # Within the tile rows are numbered anew: there may be very many of them outside.
        made = self._valid_cut(
            inside._replace(rows=np.searchsorted(chosen, inside.rows)),
            cut._replace(rows=np.searchsorted(chosen, cut.rows)),
            len(chosen),
        )
        return made._replace(rows=chosen[made.rows])

    def _made(self, zoom: int) -> Drawn:
        size, corner, outlines = unit(zoom), np.array((-HALF, HALF)), self._outlines
        if zoom < FULL_ZOOM and self._simplifies(outlines):
            outlines = Outlines.of(self._simplified(outlines.shapes(len(self)), size))
        rings = self._valid(outlines.rounded(lambda xy: (xy - corner) / (size, -size)), len(self))
        firsts = np.searchsorted(rings.rows, np.arange(len(self) + 1))
        xy = rings.xy.astype(np.int32) if zoom <= _NARROW_ZOOM else rings.xy
        return Drawn(xy, *rings[1:], rings.boxes(len(self)), firsts)


def taken(column: Column, rows: Integers) -> Column:
    """Return a column's values in some rows."""
    return column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows.tolist()]


def checked_ids(ids: Integers, count: int) -> Integers:
    """Return identifiers as whole numbers.

    Raises
    ------
    InputError
        If there are not `count` of them.
    """
    numbers = np.array(ids, dtype=np.int64)
    if numbers.shape != (count,):
        raise InputError(f"A layer of tiles has {count} shapes and {numbers.size} ids.")
    return numbers


def checked(shapes: Objects, kinds: tuple[int, ...], word: str) -> Objects:
    """Return shapes in which None has become empty.

    Raises
    ------
    InputError
        If one is not of these types, which `word` names.
    """
    known = np.array(shapes, dtype=object)
    missing = ~shapely.is_geometry(known)
    known[missing | shapely.is_empty(known)] = (
        shapely.Polygon() if word == "polygon" else shapely.LineString()
    )
    strange = np.flatnonzero(~np.isin(shapely.get_type_id(known), kinds))
    if len(strange):
        row = int(strange[0])
        raise InputError(f"Shape {row} of a layer of tiles is a {known[row].geom_type}, not a {word}.")
    return known
