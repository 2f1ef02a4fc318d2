"""Which cell owns a location: an immutable snapshot of a plan's cells that answers for one point or many."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gis.codes import required_codes
from gis.crs import LONLAT, to_lonlat
from gis.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Objects = NDArray[np.object_]

BATCH = 1_000_000
"""Points sorted at a time: about 60 MB for each worker. More points to a cell make better use of caches."""

_CHUNK = 2_000
# Python's collector walks everything that lives whenever many objects survive it; points made in chunks this
# small die before it counts them, which is four times as fast as making a whole batch.

_FEW = 50_000

_MANY_VERTICES = 32
# Below this, walking the ring costs less than fetching its index from memory.


class PointLocator:
    """An immutable snapshot of cells that tells which cell owns a location.

    A location belongs to a cell when the closed cell intersects it, by the exact planar predicate on the
    stored longitude and latitude; where several do (a shared border or vertex, overlapping cells) the
    lowest code in string order owns it. Answers do not depend on order, batches or threads, and a locator
    may be used by many threads at once.

    Parameters
    ----------
    cells
        Frame with `code` and polygons; transformed to EPSG:4326 where it is in another CRS. Records that
        carry the same code are parts of one cell; empty geometries own nothing.
    workers
        Threads for bulk questions.
    batch
        Points handled at a time, which bounds the memory.

    Attributes
    ----------
    bounds
        ndarray of float: west, south, east, north of all cells in degrees, NaN without any; read-only.
    codes
        ndarray of str: the codes, sorted, each once; read-only.
    shapes
        ndarray of Polygon or MultiPolygon: the cells in EPSG:4326 in the order of their codes; read-only.
    numbers
        ndarray of int64: for each of `shapes` the position of its code in `codes`; read-only.

    Raises
    ------
    InputError
        If codes are missing, a geometry is not polygonal, or the frame has no CRS.
    """

    bounds: Floats
    codes: Objects
    shapes: Objects
    numbers: Integers

    def __init__(self, cells: gpd.GeoDataFrame, *, workers: int = 2, batch: int = BATCH) -> None:
        frame = cells if cells.crs == LONLAT else to_lonlat(cells)
        if "code" not in frame.columns:
            raise InputError("The cells have no column 'code'; name the field that holds the codes.")
        texts = required_codes(frame["code"])
        geometries = frame.geometry.to_numpy()
        flat = shapely.get_dimensions(geometries)
        wrong = np.flatnonzero((flat >= 0) & (flat < 2))
        if len(wrong):
            kind = geometries[wrong[0]].geom_type
            raise InputError(
                f"Record {wrong[0] + 1} of the cells (code '{texts[wrong[0]]}') is a {kind}, not a polygon."
            )
        codes, numbers = np.unique(texts, return_inverse=True)
        order = np.argsort(numbers, kind="stable")
        # A copy, because preparing writes into the geometry object, which is the caller's.
        self.shapes = np.asarray(shapely.force_2d(geometries[order]), dtype=object)
        self.numbers = numbers[order].astype(np.int64)
        self.codes = codes
        filled = self.shapes[~(shapely.is_missing(self.shapes) | shapely.is_empty(self.shapes))]
        bounds = shapely.total_bounds(filled) if len(filled) else np.full(4, np.nan)
        self.bounds = np.asarray(bounds, dtype=float)
        for array in (self.codes, self.shapes, self.numbers, self.bounds):
            array.setflags(write=False)
        self._limits: tuple[float, float, float, float] = tuple(self.bounds.tolist())
        self._tree = shapely.STRtree(self.shapes)
        self._workers = workers
        self._batch = batch
        _prepare(self.shapes)

    def __len__(self) -> int:
        """Return the number of codes."""
        return len(self.codes)

    def locate(self, lon: float, lat: float) -> str | None:
        """Return the code of the cell that owns a location, or None.

        Parameters
        ----------
        lon, lat
            Degrees in EPSG:4326; a number that is not finite belongs to no cell.
        """
        position = self.owner(lon, lat)
        return None if position < 0 else str(self.codes[position])

    def owner(self, lon: float, lat: float) -> int:
        """Return the owner of one location as a position in `codes`, or -1; a few microseconds.

        Parameters
        ----------
        lon, lat
            As for `locate`.
        """
        west, south, east, north = self._limits
        # Comparisons with NaN are false, so that this also drops what is not finite.
        if not (west <= lon <= east and south <= lat <= north):
            return -1
        # The tree takes an array of one sooner than a single point.
        points = shapely.points([(lon, lat)])
        rows = self._tree.query(points)[1].tolist()
        # Rows stand in the order of their codes: the first that holds the point has the lowest.
        rows.sort()
        point = points[0]
        for row in rows:
            # Not `intersects_xy`, which would prepare the cell, and not safely in many threads.
            if self.shapes[row].intersects(point):
                return int(self.numbers[row])
        return -1

    def owners(
        self, lon: ArrayLike, lat: ArrayLike, *, progress: Callable[[int, int], None] | None = None
    ) -> Integers:
        """Return the owners of many locations as positions in `codes`.

        Parameters
        ----------
        lon, lat
            Degrees in EPSG:4326, shape (n,).
        progress
            Called with the number of points done and n after each batch.

        Returns
        -------
        ndarray of int64
            Shape (n,); -1 where no cell owns the location or a number is not finite.

        Raises
        ------
        InputError
            If the two arrays are not of one length.
        """
        return self._ask(lon, lat, borders=False, progress=progress)[0]

    def owners_and_borders(
        self, lon: ArrayLike, lat: ArrayLike, *, progress: Callable[[int, int], None] | None = None
    ) -> tuple[Integers, Booleans]:
        """Return the owners of many locations, and which lie on the border of their owner.

        Parameters
        ----------
        lon, lat, progress
            As for `owners`.

        Returns
        -------
        owners : ndarray of int64
            As `owners` returns them.
        borders : ndarray of bool
            Shape (n,); true where the location is owned and not in the interior of the owner.

        Raises
        ------
        InputError
            If the two arrays are not of one length.
        """
        return self._ask(lon, lat, borders=True, progress=progress)

    def _ask(
        self, lon: ArrayLike, lat: ArrayLike, *, borders: bool, progress: Callable[[int, int], None] | None
    ) -> tuple[Integers, Booleans]:
        x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
        if x.ndim != 1 or x.shape != y.shape:
            raise InputError(
                f"Longitudes and latitudes must be two lists of one length, not {x.shape} and {y.shape}."
            )
        owners: Integers = np.full(len(x), -1, dtype=np.int64)
        edges: Booleans = np.zeros(len(x), dtype=bool)

        def work(part: slice) -> int:
            rows, edges[part] = self._rows(x[part], y[part], borders=borders)
            held = rows >= 0
            owners[part][held] = self.numbers[rows[held]]
            return len(rows)

        # Every worker gets a part, as soon as the parts are worth a thread.
        size = self._batch if len(x) < _FEW else min(self._batch, -(-len(x) // self._workers))
        parts = [slice(start, start + size) for start in range(0, len(x), size)]
        done = 0
        for count in self._spread(work, parts):
            done += count
            if progress is not None:
                progress(done, len(x))
        return owners, edges

    def _spread(self, work: Callable[[slice], int], parts: list[slice]) -> Iterator[int]:
        if len(parts) < 2 or self._workers < 2:
            yield from map(work, parts)
            return
        with ThreadPoolExecutor(self._workers) as pool:
            yield from pool.map(work, parts)

    def _rows(self, x: Floats, y: Floats, *, borders: bool) -> tuple[Integers, Booleans]:
        """Return for each point the lowest row that intersects it, or -1, and if on its border."""
        west, south, east, north = self.bounds
        rows: Integers = np.full(len(x), -1, dtype=np.int64)
        edges: Booleans = np.zeros(len(x), dtype=bool)
        # Comparisons with NaN are false, so that this also drops what is not finite.
        near = np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))
        if len(near) > 1:
            near = near[np.argsort(_morton(x[near], y[near], self.bounds), kind="stable")]
        px, py = x[near], y[near]
        for start in range(0, len(near), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            rows[near[chunk]], edges[near[chunk]] = self._lowest(px[chunk], py[chunk], borders=borders)
        return rows, edges

    def _lowest(self, x: Floats, y: Floats, *, borders: bool) -> tuple[Integers, Booleans]:
        point, row = self._tree.query(shapely.points(x, y))
        px, py, shapes = x[point], y[point], self.shapes[row]
        if borders:
            # Nearly every candidate contains its point, so that few are left for the second test.
            inner = shapely.contains_xy(shapes, px, py)
            rest = np.flatnonzero(~inner)
            hit = inner.copy()
            hit[rest] = shapely.intersects_xy(shapes[rest], px[rest], py[rest])
        else:
            hit = inner = shapely.intersects_xy(shapes, px, py)
        lowest: Integers = np.full(len(x), len(self.shapes), dtype=np.int64)
        np.minimum.at(lowest, point[hit], row[hit])
        edges: Booleans = np.zeros(len(x), dtype=bool)
        edges[point[hit & ~inner & (lowest[point] == row)]] = True
        lowest[lowest == len(self.shapes)] = -1
        return lowest, edges


def _prepare(shapes: Objects) -> None:
    """Index large cells, and ask each index once: GEOS builds it at the first question, unguarded."""
    large = shapes[shapely.get_num_coordinates(shapes) > _MANY_VERTICES]
    shapely.prepare(large)
    vertices, owner = shapely.get_coordinates(large, return_index=True)
    rows, first = np.unique(owner, return_index=True)
    shapely.intersects_xy(large[rows], vertices[first, 0], vertices[first, 1])
    shapely.contains_xy(large[rows], vertices[first, 0], vertices[first, 1])


def _morton(x: Floats, y: Floats, bounds: Floats) -> NDArray[np.uint32]:
    """Return the Z-order keys (16 bits an axis) by which points near each other stand near each other."""
    west, south, east, north = bounds
    key = np.zeros(len(x), dtype=np.uint32)
    for shift, values, low, high in ((0, x, west, east), (1, y, south, north)):
        spread = ((values - low) * (65535.0 / max(high - low, 1e-300))).astype(np.uint32)
        for step, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
            spread = (spread | (spread << np.uint32(step))) & np.uint32(mask)
        key |= spread << np.uint32(shift)
    return key
