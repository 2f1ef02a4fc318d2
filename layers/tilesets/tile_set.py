"""A tile set: named layers of features with their attributes, who may see them, and at which zooms."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from layers.tiles import Tile
from layers.tiles.merge_layers import merge_layers

MAXZOOM = 16
"""The highest zoom that is drawn; clients magnify its tiles."""

VisibleAreas = frozenset[str] | None
"""The codes of the areas whose features a caller may see; None for all, including those in no area."""

_ENCODING_VERSION = b"2"
# Raise it when the same rows are to be drawn in another way, so that no browser keeps the former tiles.

_CHUNK = 16_384
_MAX_CACHED_MASKS = 256
_MAX_CACHED_ETAGS = 50_000


class VectorLayer(Protocol):
    """Geometry as `layers.tiles` holds it."""

    def query(self, tile: Tile) -> IntArray:
        """Return the rows that touch a tile."""

    def encode(
        self,
        name: str,
        tile: Tile,
        properties: Mapping[str, Any],
        mask: BoolArray | None = None,
    ) -> bytes:
        """Encode what lies in a tile."""


Encoder = Callable[[str, Tile, Mapping[str, Any], BoolArray | None], bytes]


@dataclass(frozen=True, eq=False)
class LayerPart:
    """Features of one sort within a layer; parts of one layer are drawn together.

    Attributes
    ----------
    layer
        The layer's name in the tile.
    source
        The geometry of n features.
    columns
        The attributes: n values for each key, or what `encode` requires.
    digests
        uint64, shape (n,): equal in two states only if the feature has the same geometry and attributes.
    bounds
        West, south, east, north of each feature in degrees, shape (n, 4).
    area_codes
        The area of each, None where in none, shape (n,); None if all callers may see everything.
    further_areas
        Row and area of features that lie in further areas too.
    minzoom, maxzoom
        The zooms at which the part is drawn.
    feature_minzooms
        The first zoom of each feature, shape (n,), where they differ.
    encode
        Draws in place of `source.encode`.
    extra_fields
        Keys that `encode` adds.
    """

    layer: str
    source: VectorLayer
    columns: Mapping[str, Any]
    digests: NDArray[np.uint64]
    bounds: FloatArray
    area_codes: ObjectArray | None = None
    further_areas: Sequence[tuple[int, str | None]] = ()
    minzoom: int = 0
    maxzoom: int = MAXZOOM
    feature_minzooms: IntArray | None = None
    encode: Encoder | None = None
    extra_fields: Mapping[str, str] = field(default_factory=dict)
    _areas: tuple[IntArray, list[str | None]] = field(init=False, repr=False)
    _masks: dict[VisibleAreas, BoolArray] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        codes = object_array([]) if self.area_codes is None else self.area_codes
        numbers, found = pd.factorize(codes)
        object.__setattr__(self, "_areas", (numbers.astype(np.int64), found.tolist()))

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.digests)

    def visible_mask(self, scope: VisibleAreas) -> BoolArray | None:
        """Return which features a caller may see, shape (n,); None for all."""
        if scope is None or self.area_codes is None:
            return None
        mask = self._masks.get(scope)
        if mask is None:
            numbers, codes = self._areas
            # The last element stands for -1, no area.
            mask = np.array([code in scope for code in codes] + [False])[numbers]
            mask[[row for row, code in self.further_areas if code in scope]] = True
            if len(self._masks) >= _MAX_CACHED_MASKS:
                self._masks.clear()
            self._masks[scope] = mask
        return mask

    def drawn_mask(self, zoom: int, scope: VisibleAreas) -> BoolArray | None:
        """Return which features are drawn for a caller at a zoom, shape (n,); None for all."""
        mask = self.visible_mask(scope)
        if self.feature_minzooms is None:
            return mask
        due = self.feature_minzooms <= zoom
        return due if mask is None else due & mask

    def encode_tile(self, tile: Tile, scope: VisibleAreas) -> bytes:
        """Encode what a caller may see in a tile."""
        encode = self.source.encode if self.encode is None else self.encode
        return encode(self.layer, tile, self.columns, self.drawn_mask(tile.z, scope))


class TileSet:
    """An immutable set of layers that are served as tiles under one name; safe in many threads at once.

    Parameters
    ----------
    name
        Of the set.
    parts
        What is drawn, in drawing order.
    """

    def __init__(self, name: str, parts: Sequence[LayerPart]) -> None:
        self.name = name
        self.parts = tuple(parts)
        self._etags: dict[tuple[int, int, int, VisibleAreas], str | None] = {}

    def etag(self, tile: Tile, scope: VisibleAreas) -> str | None:
        """Return the digest of what a caller sees in a tile; None where there is nothing.

        It follows from the rows alone: any state, process or caller with the same content has the same
        digest.
        """
        key = (tile.z, tile.x, tile.y, scope)
        try:
            return self._etags[key]
        except KeyError:
            pass
        found = self._compute_etag(tile, scope)
        if len(self._etags) >= _MAX_CACHED_ETAGS:
            self._etags.clear()
        self._etags[key] = found
        return found

    def cached_etag(self, tile: Tile, scope: VisibleAreas) -> tuple[str | None] | None:
        """Return the etag of a tile if it has been requested before, else None; without work."""
        key = (tile.z, tile.x, tile.y, scope)
        return (self._etags[key],) if key in self._etags else None

    def encode_tile(self, tile: Tile, scope: VisibleAreas) -> bytes:
        """Return a tile, not compressed; empty where there is nothing."""
        layers: dict[str, list[bytes]] = {}
        for part in self._parts_at(tile.z):
            layers.setdefault(part.layer, []).append(part.encode_tile(tile, scope))
        return b"".join(merge_layers(each) for each in layers.values())

    def is_ready(self, zoom: int) -> bool:  # noqa: ARG002
        """Return whether a tile of a zoom is drawn without waiting for more than itself."""
        return True

    def bounds(self, scope: VisibleAreas) -> tuple[float, float, float, float] | None:
        """Return west, south, east, north of what a caller may see, in degrees; None for nothing."""
        bboxes = []
        for part in self.parts:
            mask = part.visible_mask(scope)
            bboxes.append(part.bounds if mask is None else part.bounds[mask])
        found = np.concatenate(bboxes) if bboxes else np.empty((0, 4))
        found = found[np.isfinite(found).all(axis=1)]
        if not len(found):
            return None
        west, south = found[:, :2].min(axis=0).tolist()
        east, north = found[:, 2:].max(axis=0).tolist()
        return west, south, east, north

    def vector_layers(self) -> list[dict[str, Any]]:
        """Describe the layers as TileJSON's vector_layers."""
        listed: dict[str, dict[str, Any]] = {}
        for part in self.parts:
            fields = {key: _field_type(column) for key, column in part.columns.items()} | dict(
                part.extra_fields
            )
            known = listed.setdefault(
                part.layer, {"id": part.layer, "fields": {}, "minzoom": part.minzoom, "maxzoom": part.maxzoom}
            )
            known["fields"] |= fields
            known["minzoom"] = min(known["minzoom"], part.minzoom)
            known["maxzoom"] = max(known["maxzoom"], part.maxzoom)
        return list(listed.values())

    def _parts_at(self, zoom: int) -> list[LayerPart]:
        return [part for part in self.parts if part.minzoom <= zoom <= part.maxzoom]

    def _compute_etag(self, tile: Tile, scope: VisibleAreas) -> str | None:
        place = f"{self.name} {tile.z} {tile.x} {tile.y}"
        digest = hashlib.blake2b(_ENCODING_VERSION + place.encode(), digest_size=12)
        anything = False
        for part in self._parts_at(tile.z):
            rows = part.source.query(tile)
            shown = part.drawn_mask(tile.z, scope)
            if shown is not None:
                rows = rows[shown[rows]]
            anything = anything or len(rows) > 0
            digest.update(part.layer.encode() + len(rows).to_bytes(8, "little"))
            digest.update(part.digests[rows].tobytes())
        return digest.hexdigest() if anything else None


def hash_features(geometries: ObjectArray, columns: Mapping[str, Any]) -> NDArray[np.uint64]:
    """Return a digest of each feature that is the same in every process.

    Parameters
    ----------
    geometries
        Geometries in EPSG:4326, shape (n,).
    columns
        The attributes of the features.
    """
    table = pd.DataFrame({key: _hashable(column) for key, column in columns.items()})
    made = [np.empty(0, dtype=np.uint64)]
    # Holding all geometries as bytes would take much memory.
    for first in range(0, len(geometries), _CHUNK):
        some = table.iloc[first : first + _CHUNK].reset_index(drop=True)
        some.insert(
            0, "geometry", pd.Series(shapely.to_wkb(geometries[first : first + _CHUNK]), dtype=object)
        )
        made.append(hash_rows(some))
    return np.concatenate(made)


def hash_rows(frame: pd.DataFrame) -> NDArray[np.uint64]:
    """Return a digest of each row of a table that is the same in every process."""
    return np.asarray(pd.util.hash_pandas_object(frame, index=False), dtype=np.uint64)


def object_array(values: Sequence[Any] | ObjectArray) -> ObjectArray:
    """Return text as an array of objects; an array of another type would cost time for every tile."""
    result: ObjectArray = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def _hashable(column: Any) -> "pd.Series[Any]":
    return pd.Series(column, dtype=object if np.asarray(column).dtype.kind == "O" else None)


def _field_type(column: Any) -> str:
    return "String" if np.asarray(column).dtype.kind == "O" else "Number"
