"""A tile set: named layers of features with what they tell, who may see them, and at which zooms."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from layers.tiles import Address
from layers.tiles.merge_layers import join

MAXZOOM = 16
"""The deepest zoom that is drawn; clients magnify its tiles."""

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Objects = NDArray[np.object_]
Scope = frozenset[str] | None
"""The codes of the areas whose features a caller may see; None for all, also those that lie in no area."""

_FORMAT = b"2"
# Counted up when the same rows shall be drawn in another way, so that no browser keeps the former tiles.

_CHUNK = 16_384
_KEPT_SCOPES = 256
_KEPT_TAGS = 50_000


class Drawn(Protocol):
    """Geometry as `layers.tiles` holds it."""

    def rows(self, address: Address) -> Integers:
        """Return the rows that touch a tile."""

    def encode(
        self,
        name: str,
        address: Address,
        properties: Mapping[str, Any],
        rows: Booleans | None = None,
    ) -> bytes:
        """Encode what lies in a tile."""


Encode = Callable[[str, Address, Mapping[str, Any], Booleans | None], bytes]


@dataclass(frozen=True, eq=False)
class Part:
    """Features of one sort within a layer; parts of one layer are drawn together.

    Attributes
    ----------
    layer
        The layer's name in the tile.
    drawn
        The geometry of n features.
    columns
        What each feature tells: n values per key, or what `encode` asks for.
    digests
        uint64, shape (n,): equal in two states only if the feature looks and tells the same.
    bounds
        West, south, east, north of each feature in degrees, shape (n, 4).
    area_codes
        The area each lies in, None where in none, shape (n,); None where everybody may see all.
    minzoom, maxzoom
        Where the part is drawn.
    from_zoom
        The first zoom of each feature, shape (n,), where they differ.
    encode
        Draws in place of `drawn.encode`.
    told
        Keys that `encode` adds.
    """

    layer: str
    drawn: Drawn
    columns: Mapping[str, Any]
    digests: NDArray[np.uint64]
    bounds: NDArray[np.float64]
    area_codes: Objects | None = None
    minzoom: int = 0
    maxzoom: int = MAXZOOM
    from_zoom: Integers | None = None
    encode: Encode | None = None
    told: Mapping[str, str] = field(default_factory=dict)
    _areas: tuple[Integers, list[str | None]] = field(init=False, repr=False)
    _masks: dict[Scope, Booleans] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        codes = texts([]) if self.area_codes is None else self.area_codes
        numbers, found = pd.factorize(codes)
        object.__setattr__(self, "_areas", (numbers.astype(np.int64), found.tolist()))

    def __len__(self) -> int:
        """Return the number of features."""
        return len(self.digests)

    def visible(self, scope: Scope) -> Booleans | None:
        """Return which features a caller may see, shape (n,); None for all."""
        if scope is None or self.area_codes is None:
            return None
        mask = self._masks.get(scope)
        if mask is None:
            numbers, codes = self._areas
            # The last place answers for -1, no area.
            mask = np.array([code in scope for code in codes] + [False])[numbers]
            if len(self._masks) >= _KEPT_SCOPES:
                self._masks.clear()
            self._masks[scope] = mask
        return mask

    def shown(self, zoom: int, scope: Scope) -> Booleans | None:
        """Return which features are drawn for a caller at a zoom, shape (n,); None for all."""
        mask = self.visible(scope)
        if self.from_zoom is None:
            return mask
        due = self.from_zoom <= zoom
        return due if mask is None else due & mask

    def tile(self, address: Address, scope: Scope) -> bytes:
        """Encode what a caller may see in a tile."""
        encode = self.drawn.encode if self.encode is None else self.encode
        return encode(self.layer, address, self.columns, self.shown(address.z, scope))


class TileSet:
    """An immutable set of layers that are served as tiles under one name; safe in many threads at once.

    Parameters
    ----------
    name
        Of the set.
    parts
        What is drawn, in the order of drawing.
    """

    def __init__(self, name: str, parts: Sequence[Part]) -> None:
        self.name = name
        self.parts = tuple(parts)
        self._tags: dict[tuple[int, int, int, Scope], str | None] = {}

    def tag(self, address: Address, scope: Scope) -> str | None:
        """Return the fingerprint of what a caller sees in a tile; None where there is nothing.

        It follows from the rows alone: another state, process or caller who shows the same has the same.
        """
        key = (address.z, address.x, address.y, scope)
        try:
            return self._tags[key]
        except KeyError:
            pass
        found = self._fingerprint(address, scope)
        if len(self._tags) >= _KEPT_TAGS:
            self._tags.clear()
        self._tags[key] = found
        return found

    def known_tag(self, address: Address, scope: Scope) -> tuple[str | None] | None:
        """Return the tag of a tile if it has been asked for before, else None; without work."""
        key = (address.z, address.x, address.y, scope)
        return (self._tags[key],) if key in self._tags else None

    def tile(self, address: Address, scope: Scope) -> bytes:
        """Return a tile, not compressed; empty where there is nothing."""
        layers: dict[str, list[bytes]] = {}
        for part in self._at(address.z):
            layers.setdefault(part.layer, []).append(part.tile(address, scope))
        return b"".join(join(each) for each in layers.values())

    def ready(self, zoom: int) -> bool:  # noqa: ARG002
        """Tell whether a tile of a zoom is drawn without waiting for more than itself."""
        return True

    def bounds(self, scope: Scope) -> tuple[float, float, float, float] | None:
        """Return west, south, east, north of what a caller may see, in degrees; None for nothing."""
        boxes = []
        for part in self.parts:
            mask = part.visible(scope)
            boxes.append(part.bounds if mask is None else part.bounds[mask])
        found = np.concatenate(boxes) if boxes else np.empty((0, 4))
        found = found[np.isfinite(found).all(axis=1)]
        if not len(found):
            return None
        west, south = found[:, :2].min(axis=0).tolist()
        east, north = found[:, 2:].max(axis=0).tolist()
        return west, south, east, north

    def layers(self) -> list[dict[str, Any]]:
        """Describe the layers as TileJSON's vector_layers."""
        listed: dict[str, dict[str, Any]] = {}
        for part in self.parts:
            fields = {key: _type_of(column) for key, column in part.columns.items()} | dict(part.told)
            known = listed.setdefault(
                part.layer, {"id": part.layer, "fields": {}, "minzoom": part.minzoom, "maxzoom": part.maxzoom}
            )
            known["fields"] |= fields
            known["minzoom"] = min(known["minzoom"], part.minzoom)
            known["maxzoom"] = max(known["maxzoom"], part.maxzoom)
        return list(listed.values())

    def _at(self, zoom: int) -> list[Part]:
        return [part for part in self.parts if part.minzoom <= zoom <= part.maxzoom]

    def _fingerprint(self, address: Address, scope: Scope) -> str | None:
        place = f"{self.name} {address.z} {address.x} {address.y}"
        seen = hashlib.blake2b(_FORMAT + place.encode(), digest_size=12)
        anything = False
        for part in self._at(address.z):
            rows = part.drawn.rows(address)
            shown = part.shown(address.z, scope)
            if shown is not None:
                rows = rows[shown[rows]]
            anything = anything or len(rows) > 0
            seen.update(part.layer.encode() + len(rows).to_bytes(8, "little"))
            seen.update(part.digests[rows].tobytes())
        return seen.hexdigest() if anything else None


def digests_of(shapes: Objects, columns: Mapping[str, Any]) -> NDArray[np.uint64]:
    """Return a number for each feature that tells it from others; the same in every process.

    Parameters
    ----------
    shapes
        Geometries in EPSG:4326, shape (n,).
    columns
        What the features tell.
    """
    table = pd.DataFrame({key: _hashable(column) for key, column in columns.items()})
    made = [np.empty(0, dtype=np.uint64)]
    # Shapes as bytes once more would take much memory.
    for first in range(0, len(shapes), _CHUNK):
        some = table.iloc[first : first + _CHUNK].reset_index(drop=True)
        some.insert(0, "geometry", pd.Series(shapely.to_wkb(shapes[first : first + _CHUNK]), dtype=object))
        made.append(frame_digests(some))
    return np.concatenate(made)


def frame_digests(frame: pd.DataFrame) -> NDArray[np.uint64]:
    """Return a number for each row of a table that tells it from others; the same in every process."""
    return np.asarray(pd.util.hash_pandas_object(frame, index=False), dtype=np.uint64)


def texts(values: Sequence[Any] | Objects) -> Objects:
    """Return text as an array of objects; an array of another type would cost time for every tile."""
    result: Objects = np.empty(len(values), dtype=object)
    result[:] = values
    return result


def _hashable(column: Any) -> "pd.Series[Any]":
    return pd.Series(column, dtype=object if np.asarray(column).dtype.kind == "O" else None)


def _type_of(column: Any) -> str:
    return "String" if np.asarray(column).dtype.kind == "O" else "Number"
