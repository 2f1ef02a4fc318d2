"""A layer of points: each by itself, or one for each square of the screen with the count."""

from collections.abc import Collection, Mapping

import numpy as np

from gis.arrays import BoolArray, FloatArray, IntArray
from gis.errors import InputError
from gis.morton import BITS, morton_codes
from layers.tiles.base_polygon_layer import select_rows, validate_ids
from layers.tiles.encode import POINT, Column, Paths, encode_layer
from layers.tiles.rings import expand_runs
from layers.tiles.tile import EXTENT, HALF_WORLD_M, Tile, project

CLUSTER_ZOOMS = 3
"""A tile has 2**3 squares along a side: one is 512 units, 64 pixels, room for a number that can be read."""

_BUFFER_ZOOMS = 6
_CURVE_SIDE = 1 << BITS


class PointLayer:
    """An immutable layer of points; safe in many threads at once.

    Parameters
    ----------
    lon, lat
        Degrees in EPSG:4326, shape (n,). A point with a NaN is drawn nowhere.
    ids
        Identifiers of the features, shape (n,), not negative.

    Raises
    ------
    InputError
        If the three differ in length.
    """

    def __init__(self, lon: FloatArray, lat: FloatArray, ids: IntArray) -> None:
        self.ids = validate_ids(ids, len(lon))
        if len(lat) != len(lon):
            raise InputError(f"A layer of tiles has {len(lon)} longitudes and {len(lat)} latitudes.")
        lonlat = np.column_stack((lon, lat)).astype(np.float64)
        there = np.flatnonzero(np.isfinite(lonlat).all(axis=1))
        share = (project(lonlat[there]) - (-HALF_WORLD_M, HALF_WORLD_M)) / (
            2 * HALF_WORLD_M,
            -2 * HALF_WORLD_M,
        )
        # Fractions of the world, fine enough for the deepest zoom: a unit there is 2**-34.
        xy = np.clip(share, 0.0, 1.0 - 1e-12)
        places = (xy * _CURVE_SIDE).astype(np.int64)
        curve = morton_codes(places[:, 0], places[:, 1])
        order = np.argsort(curve, kind="stable")
        self._curve, self._rows, self._xy = curve[order], there[order], xy[order]
        self._middle = self._xy.mean(axis=0) if len(order) else np.zeros(2)
        self._sums = self._cumulative_sums(self._xy)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ids)

    def query(self, tile: Tile) -> IntArray:
        """Return the rows, ascending, that lie in the tile or its buffer."""
        return np.sort(self._rows[self._positions_in_tile(tile)])

    def encode(
        self,
        name: str,
        tile: Tile,
        properties: Mapping[str, Column],
        mask: BoolArray | None = None,
    ) -> bytes:
        """Encode the points in a tile, each by itself; see `base_polygon_layer.BasePolygonLayer.encode`."""
        positions = self._positions_in_tile(tile)
        if mask is not None:
            positions = positions[mask[self._rows[positions]]]
        if not len(positions):
            return b""
        positions = positions[np.argsort(self._rows[positions])]
        features = self._rows[positions]
        columns = {key: select_rows(column, features) for key, column in properties.items()}
        paths = _point_paths(_to_tile_units(self._xy[positions], tile))
        return encode_layer(name, POINT, paths, self.ids[features], columns)

    def encode_clusters(
        self,
        name: str,
        tile: Tile,
        properties: Mapping[str, Column],
        mask: BoolArray | None = None,
        shared: Collection[str] = (),
    ) -> bytes:
        """Encode one point for each square of 64 pixels in a tile, with the attribute `count`.

        The squares are aligned to the world, not to the tile, so that neighbouring tiles agree. A point that
        is alone in its square has its id and properties; several have only their number and centre.

        Parameters
        ----------
        name
            The layer's name.
        tile
            The tile.
        properties
            A column of n values for each key, none of them `count`.
        mask
            Which rows may be counted, shape (n,); all if None.
        shared
            Keys of properties with the same value in all these rows: points for several have them, too.

        Returns
        -------
        bytes
            Empty where nothing lies in the tile.

        Raises
        ------
        InputError
            If a column cannot be encoded.
        """
        begins, stops = self._curve_ranges(*_subtiles(tile, CLUSTER_ZOOMS))
        there = begins < stops
        begins, stops = begins[there], stops[there]
        if mask is None:
            order, xy_sums = np.arange(len(self._rows)), self._sums
        else:
            members = expand_runs(begins, stops - begins)
            order = members[mask[self._rows[members]]]
            begins, stops = np.searchsorted(order, begins), np.searchsorted(order, stops)
            there = begins < stops
            begins, stops = begins[there], stops[there]
            xy_sums = self._cumulative_sums(self._xy[order])
        if not len(begins):
            return b""
        counts = stops - begins
        alone = counts == 1
        middle = self._middle + (xy_sums[stops] - xy_sums[begins]) / counts[:, np.newaxis]
        features = self._rows[order[begins]]
        columns: dict[str, Column] = {"count": counts}
        for key, column in properties.items():
            values = np.array(select_rows(column, features), dtype=object)
            if key not in shared:
                values[~alone] = None
            columns[key] = values
        return encode_layer(
            name,
            POINT,
            _point_paths(_to_tile_units(middle, tile)),
            self.ids[features],
            columns,
            identified=alone,
        )

    def _cumulative_sums(self, xy: FloatArray) -> FloatArray:
        """Return cumulative sums relative to the common centre, so that they stay small."""
        sums = np.zeros((len(xy) + 1, 2))
        np.cumsum(xy - self._middle, axis=0, out=sums[1:])
        return sums

    def _positions_in_tile(self, tile: Tile) -> IntArray:
        """Return the positions, in the order of the curve, of the points in a tile or its buffer."""
        begins, stops = self._curve_ranges(*_subtiles(tile, _BUFFER_ZOOMS))
        return expand_runs(begins, stops - begins)

    def _curve_ranges(self, zoom: int, x: IntArray, y: IntArray) -> tuple[IntArray, IntArray]:
        """Return where the points of some tiles of a zoom begin and end in the order of the curve."""
        depth = BITS - zoom
        numbers = morton_codes(x, y)
        begins = np.searchsorted(self._curve, numbers << 2 * depth)
        stops = np.searchsorted(self._curve, (numbers + 1) << 2 * depth)
        # Searched in the order of the curve, whatever the order of the tiles.
        order = np.argsort(begins, kind="stable")
        return begins[order], stops[order]


def _subtiles(tile: Tile, deeper: int) -> tuple[int, IntArray, IntArray]:
    """Return the squares of a deeper zoom in a tile and around it, one wide."""
    zoom, side = tile.z + deeper, 1 << deeper
    column = np.arange((tile.x << deeper) - 1, (tile.x << deeper) + side + 1)
    row = np.arange((tile.y << deeper) - 1, (tile.y << deeper) + side + 1)
    last = (1 << zoom) - 1
    column, row = column[(column >= 0) & (column <= last)], row[(row >= 0) & (row <= last)]
    x, y = np.meshgrid(column, row)
    return zoom, x.ravel(), y.ravel()


def _to_tile_units(xy: FloatArray, tile: Tile) -> IntArray:
    """Return positions, given as fractions of the world, in units of a tile."""
    whole = np.rint(xy * (EXTENT << tile.z)).astype(np.int64)
    local: IntArray = whole - np.array(tile.origin)
    return local


def _point_paths(xy: IntArray) -> Paths:
    """Return one path for each point."""
    return Paths(xy, np.arange(len(xy) + 1), np.arange(len(xy)))
