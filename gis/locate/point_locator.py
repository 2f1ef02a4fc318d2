"""The point locator: an immutable index of a plan's cells that finds the owner of one location or many."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from gis.antimeridian import cut_at_antimeridian
from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.codes import require_codes
from gis.crs import LONLAT, to_lonlat
from gis.errors import InputError
from gis.morton import SHORT_BITS, morton_codes

BATCH = 1_000_000
"""Points sorted at a time: about 60 MB for each worker. More points per cell make better use of caches."""

_CHUNK = 2_000
# Python's garbage collector walks all live objects whenever many new ones survive; points created in chunks
# this small are freed before it counts them, which is four times as fast as creating a whole batch.

_MIN_POINTS_FOR_THREADS = 50_000

_PREPARE_ABOVE_VERTICES = 32
# Below this, walking the ring costs less than loading its index from memory.


class PointLocator:
    """An immutable snapshot of cells that finds which cell owns a location.

    A location belongs to a cell when the closed cell intersects it, by the exact planar predicate on the
    stored longitude and latitude; where several do (a shared border or vertex, overlapping cells) the
    lowest code in string order owns it. Answers do not depend on order, batches or threads, and a locator
    may be used by many threads at once.

    Parameters
    ----------
    cells
        Frame with `code` and polygons; transformed to EPSG:4326 where it is in another CRS, and cut at the
        180th meridian. Records that carry the same code are parts of one cell; empty geometries own nothing.
    workers
        Threads for many locations.
    batch
        Points processed at a time, which bounds memory.

    Attributes
    ----------
    bounds
        ndarray of float: west, south, east, north of all cells in degrees, NaN without any; read-only.
    codes
        ndarray of str: the codes, sorted, each once; read-only.
    geometries
        ndarray of Polygon or MultiPolygon: the cells in EPSG:4326 in the order of their codes; read-only.
    code_index
        ndarray of int64: for each of `geometries` the position of its code in `codes`; read-only.

    Raises
    ------
    InputError
        If codes are missing, a geometry is not polygonal, or the frame has no CRS.
    """

    bounds: FloatArray
    codes: ObjectArray
    geometries: ObjectArray
    code_index: IntArray

    def __init__(self, cells: gpd.GeoDataFrame, *, workers: int = 2, batch: int = BATCH) -> None:
        frame = cells if cells.crs == LONLAT else to_lonlat(cells)
        if "code" not in frame.columns:
            raise InputError("The cells have no column 'code'; name the field that holds the codes.")
        row_codes = require_codes(frame["code"])
        geometries = cut_at_antimeridian(frame.geometry.to_numpy())
        dimension = shapely.get_dimensions(geometries)
        wrong = np.flatnonzero((dimension >= 0) & (dimension < 2))
        if len(wrong):
            geometry_type = geometries[wrong[0]].geom_type
            raise InputError(
                f"Record {wrong[0] + 1} of the cells (code '{row_codes[wrong[0]]}') "
                f"is a {geometry_type}, not a polygon."
            )
        codes, code_index = np.unique(row_codes, return_inverse=True)
        order = np.argsort(code_index, kind="stable")
        # A copy, because preparing writes into the geometry object, which is the caller's.
        self.geometries = np.asarray(shapely.force_2d(geometries[order]), dtype=object)
        self.code_index = code_index[order].astype(np.int64)
        self.codes = codes
        filled = self.geometries[~(shapely.is_missing(self.geometries) | shapely.is_empty(self.geometries))]
        bounds = shapely.total_bounds(filled) if len(filled) else np.full(4, np.nan)
        self.bounds = np.asarray(bounds, dtype=float)
        for array in (self.codes, self.geometries, self.code_index, self.bounds):
            array.setflags(write=False)
        self._bounds_tuple: tuple[float, float, float, float] = tuple(self.bounds.tolist())
        self._tree = shapely.STRtree(self.geometries)
        self._workers = workers
        self._batch = batch
        _prepare_large(self.geometries)

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
        position = self.find_owner(lon, lat)
        return None if position < 0 else str(self.codes[position])

    def find_owner(self, lon: float, lat: float) -> int:
        """Return the owner of one location as a position in `codes`, or -1; a few microseconds.

        Parameters
        ----------
        lon, lat
            As for `locate`.
        """
        west, south, east, north = self._bounds_tuple
        # Comparisons with NaN are false, so that this also drops what is not finite.
        if not (west <= lon <= east and south <= lat <= north):
            return -1
        # The tree is queried faster with an array of one point than with a point.
        points = shapely.points([(lon, lat)])
        rows = self._tree.query(points)[1].tolist()
        # Rows are in the order of their codes: the first that holds the point has the lowest.
        rows.sort()
        point = points[0]
        for row in rows:
            # Not `intersects_xy`, which would prepare the cell, and that is not thread-safe.
            if self.geometries[row].intersects(point):
                return int(self.code_index[row])
        return -1

    def find_owners(
        self, lon: ArrayLike, lat: ArrayLike, *, progress: Callable[[int, int], None] | None = None
    ) -> IntArray:
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
        return self._find_all(lon, lat, borders=False, progress=progress)[0]

    def find_owners_and_borders(
        self, lon: ArrayLike, lat: ArrayLike, *, progress: Callable[[int, int], None] | None = None
    ) -> tuple[IntArray, BoolArray]:
        """Return the owners of many locations, and which lie on the border of their owner.

        Parameters
        ----------
        lon, lat, progress
            As for `find_owners`.

        Returns
        -------
        owners : ndarray of int64
            As `find_owners` returns them.
        borders : ndarray of bool
            Shape (n,); true where the location is owned and not in the interior of the owner.

        Raises
        ------
        InputError
            If the two arrays are not of one length.
        """
        return self._find_all(lon, lat, borders=True, progress=progress)

    def _find_all(
        self, lon: ArrayLike, lat: ArrayLike, *, borders: bool, progress: Callable[[int, int], None] | None
    ) -> tuple[IntArray, BoolArray]:
        x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
        if x.ndim != 1 or x.shape != y.shape:
            raise InputError(
                f"Longitudes and latitudes must be two lists of one length, not {x.shape} and {y.shape}."
            )
        owners: IntArray = np.full(len(x), -1, dtype=np.int64)
        edges: BoolArray = np.zeros(len(x), dtype=bool)

        def find_batch(part: slice) -> int:
            rows, edges[part] = self._find_rows(x[part], y[part], borders=borders)
            held = rows >= 0
            owners[part][held] = self.code_index[rows[held]]
            return len(rows)

        # Every worker gets a part once the parts are worth a thread.
        size = (
            self._batch if len(x) < _MIN_POINTS_FOR_THREADS else min(self._batch, -(-len(x) // self._workers))
        )
        batches = [slice(start, start + size) for start in range(0, len(x), size)]
        done = 0
        for count in self._map_batches(find_batch, batches):
            done += count
            if progress is not None:
                progress(done, len(x))
        return owners, edges

    def _map_batches(self, find_batch: Callable[[slice], int], batches: list[slice]) -> Iterator[int]:
        if len(batches) < 2 or self._workers < 2:
            yield from map(find_batch, batches)
            return
        with ThreadPoolExecutor(self._workers) as pool:
            yield from pool.map(find_batch, batches)

    def _find_rows(self, x: FloatArray, y: FloatArray, *, borders: bool) -> tuple[IntArray, BoolArray]:
        """Return for each point the lowest row that intersects it, or -1, and if on its border."""
        west, south, east, north = self.bounds
        rows: IntArray = np.full(len(x), -1, dtype=np.int64)
        edges: BoolArray = np.zeros(len(x), dtype=bool)
        # Comparisons with NaN are false, so that this also drops what is not finite.
        near = np.flatnonzero((x >= west) & (x <= east) & (y >= south) & (y <= north))
        if len(near) > 1:
            near = near[np.argsort(_z_order_keys(x[near], y[near], self.bounds), kind="stable")]
        px, py = x[near], y[near]
        for start in range(0, len(near), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            rows[near[chunk]], edges[near[chunk]] = self._find_lowest_rows(
                px[chunk], py[chunk], borders=borders
            )
        return rows, edges

    def _find_lowest_rows(self, x: FloatArray, y: FloatArray, *, borders: bool) -> tuple[IntArray, BoolArray]:
        point, row = self._tree.query(shapely.points(x, y))
        px, py, polygons = x[point], y[point], self.geometries[row]
        if borders:
            # Nearly every candidate contains its point, so few are left for the second test.
            inner = shapely.contains_xy(polygons, px, py)
            rest = np.flatnonzero(~inner)
            hit = inner.copy()
            hit[rest] = shapely.intersects_xy(polygons[rest], px[rest], py[rest])
        else:
            hit = inner = shapely.intersects_xy(polygons, px, py)
        lowest: IntArray = np.full(len(x), len(self.geometries), dtype=np.int64)
        np.minimum.at(lowest, point[hit], row[hit])
        edges: BoolArray = np.zeros(len(x), dtype=bool)
        edges[point[hit & ~inner & (lowest[point] == row)]] = True
        lowest[lowest == len(self.geometries)] = -1
        return lowest, edges


def _prepare_large(polygons: ObjectArray) -> None:
    """Prepare large cells and query each once: GEOS builds its index at the first query, without a lock."""
    large = polygons[shapely.get_num_coordinates(polygons) > _PREPARE_ABOVE_VERTICES]
    shapely.prepare(large)
    vertices, owner = shapely.get_coordinates(large, return_index=True)
    rows, first = np.unique(owner, return_index=True)
    shapely.intersects_xy(large[rows], vertices[first, 0], vertices[first, 1])
    shapely.contains_xy(large[rows], vertices[first, 0], vertices[first, 1])


def _z_order_keys(x: FloatArray, y: FloatArray, bounds: FloatArray) -> NDArray[np.uint32]:
    """Return the keys by which points near each other stand near each other."""
    west, south, east, north = bounds
    return morton_codes(_scale(x, west, east), _scale(y, south, north))


def _scale(values: FloatArray, low: float, high: float) -> NDArray[np.uint32]:
    """Return how far values lie from the lowest to the highest, as whole numbers of `SHORT_BITS` bits."""
    shares = values - low
    shares *= ((1 << SHORT_BITS) - 1) / max(high - low, 1e-300)
    return shares.astype(np.uint32)
