"""Encoding of one layer of a Mapbox Vector Tile 2.1, with array operations."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.arrays import BoolArray, IntArray
from gis.errors import InputError
from layers.tiles.rings import expand_runs
from layers.tiles.tile import EXTENT

POINT, LINE, POLYGON = 1, 2, 3
"""The numbers of geometry types in the format."""

UnsignedIntegers = NDArray[np.uint64]
Column = NDArray[Any] | Sequence[Any]

_MOVE_TO, _LINE_TO, _CLOSE_PATH = 1, 2, 7
_TEXT = {str, type(None)}
# Protobuf: the field's number, shifted by three, and its wire type.
_LAYER, _NAME, _FEATURE, _KEY, _VALUE, _EXTENT, _VERSION = 0x1A, 0x0A, 0x12, 0x1A, 0x22, 0x28, 0x78
_ID, _TAGS, _TYPE, _GEOMETRY = 0x08, 0x12, 0x18, 0x22
_STRING, _FLOAT, _DOUBLE, _UNSIGNED, _SIGNED, _BOOLEAN = 0x0A, 0x15, 0x19, 0x28, 0x30, 0x38
_SHORT = [bytes((value,)) for value in range(0x80)]
# The prefixes of a text and of a number in the table of values.
_TEXT_HEADS = [bytes((_VALUE, size + 2, _STRING, size)) for size in range(0x7E)]
_DOUBLE_HEAD = bytes((_VALUE, 9, _DOUBLE))
_LIMITS = np.array([1 << 7 * count for count in range(1, 10)], dtype=np.uint64)


class Paths(NamedTuple):
    """Geometries of one type in a tile, as runs of vertices.

    `xy` has shape (v, 2): units from the tile's north-western corner, y to the south. `starts`, shape (p +
    1,), is where the vertices of each path begin; `owners`, shape (p,), ascending from 0, the feature it
    belongs to. A path is a ring without its closing vertex (outer rings clockwise as seen, each followed by
    its holes, the other way round), a line, or the points of one feature.
    """

    xy: IntArray
    starts: IntArray
    owners: IntArray


def encode_layer(
    name: str,
    geometry_type: int,
    paths: Paths,
    ids: IntArray,
    properties: Mapping[str, Column],
    *,
    identified: BoolArray | None = None,
) -> bytes:
    """Encode a layer as a complete tile; tiles are concatenated layers.

    Parameters
    ----------
    name
        The layer's name, unique in its tile.
    geometry_type
        `POINT`, `LINE` or `POLYGON`.
    paths
        The geometries; each feature has at least one path.
    ids
        Identifiers of the features, shape (n,), not negative.
    properties
        A column of n values for each key: text, integers, floats, booleans. A feature lacks the attribute
        where the value is missing (None, NaN).
    identified
        Which features carry their id, shape (n,); all if None.

    Returns
    -------
    bytes
        Empty where there is no feature.

    Raises
    ------
    InputError
        If an id is negative, a column has another length than `ids` or holds what a tile cannot.
    """
    count = len(ids)
    if not count:
        return b""
    if ids.min() < 0:
        raise InputError(f"A feature of a tile cannot have the id {ids.min()}: it is negative.")
    tags, tag_counts, tables = _attributes(properties, count)
    commands, command_counts = _commands(geometry_type, paths, count)
    if identified is None:
        identified = np.ones(count, dtype=bool)
    features = _features(geometry_type, ids, identified, tags, tag_counts, commands, command_counts)
    body = b"".join(
        (
            bytes((_VERSION, 2)),
            _field(_NAME, name.encode()),
            features,
            tables,
            bytes((_EXTENT,)) + _varint(EXTENT),
        )
    )
    return _field(_LAYER, body)


def _features(
    geometry_type: int,
    ids: IntArray,
    identified: BoolArray,
    tags: UnsignedIntegers,
    tag_counts: IntArray,
    commands: UnsignedIntegers,
    command_counts: IntArray,
) -> bytes:
    """Encode all features as one run of varints: every part of a feature is one."""
    numbers = ids.astype(np.uint64)
    tag_bytes = _sum_runs(_varint_sizes(tags), tag_counts)
    command_bytes = _sum_runs(_varint_sizes(commands), command_counts)
    tagged = tag_counts > 0
    length = (
        np.where(identified, 1 + _varint_sizes(numbers), 0)
        + np.where(tagged, 1 + _varint_sizes(tag_bytes.astype(np.uint64)) + tag_bytes, 0)
        + 2
        + 1
        + _varint_sizes(command_bytes.astype(np.uint64))
        + command_bytes
    )
    heads = 2 + 2 * identified + 2 * tagged + tag_counts
    first = np.cumsum(heads + 4 + command_counts) - (heads + 4 + command_counts)
    out = np.empty(int((heads + 4 + command_counts).sum()), dtype=np.uint64)
    out[first] = _FEATURE
    out[first + 1] = length
    at = first + 2
    out[at[identified]] = _ID
    out[at[identified] + 1] = numbers[identified]
    at = at + 2 * identified
    out[at[tagged]] = _TAGS
    out[at[tagged] + 1] = tag_bytes[tagged]
    out[expand_runs(at + 2, tag_counts)] = tags
    at = first + heads
    out[at] = _TYPE
    out[at + 1] = geometry_type
    out[at + 2] = _GEOMETRY
    out[at + 3] = command_bytes
    out[expand_runs(at + 4, command_counts)] = commands
    return _varints(out)


def _commands(geometry_type: int, paths: Paths, count: int) -> tuple[UnsignedIntegers, IntArray]:
    """Return the commands of all features, concatenated, and how many words each has."""
    sizes = np.diff(paths.starts)
    firsts = paths.starts[:-1]
    opens = np.ones(len(paths.owners), dtype=bool)
    opens[1:] = paths.owners[1:] != paths.owners[:-1]
    deltas = paths.xy.copy()
    deltas[1:] -= paths.xy[:-1]
    # The cursor of a feature starts at the tile's corner; closing a ring does not move it.
    deltas[firsts[opens]] = paths.xy[firsts[opens]]
    zigzag = ((deltas << 1) ^ (deltas >> 63)).view(np.uint64)
    lengths = 2 * sizes + {POINT: 1, LINE: 2, POLYGON: 3}[geometry_type]
    at = np.cumsum(lengths) - lengths
    commands = np.empty(int(lengths.sum()), dtype=np.uint64)
    commands[at] = (sizes << 3 | _MOVE_TO) if geometry_type == POINT else (1 << 3 | _MOVE_TO)
    places = expand_runs(at + 1, 2 * sizes)
    if geometry_type != POINT:
        # The command for the other vertices follows the first one.
        behind = np.ones(len(deltas), dtype=bool)
        behind[firsts] = False
        places = places + np.repeat(behind, 2)
        commands[at + 3] = (sizes - 1) << 3 | _LINE_TO
    commands[places] = zigzag.ravel()
    if geometry_type == POLYGON:
        commands[at + lengths - 1] = 1 << 3 | _CLOSE_PATH
    return commands, np.bincount(paths.owners, weights=lengths, minlength=count).astype(np.int64)


def _attributes(properties: Mapping[str, Column], count: int) -> tuple[UnsignedIntegers, IntArray, bytes]:
    """Return the tags of all features, how many words each has, and the tables of keys and values."""
    values: dict[bytes, int] = {}
    keys: list[bytes] = []
    table = np.full((count, len(properties)), -1, dtype=np.int64)
    for number, (key, column) in enumerate(properties.items()):
        codes, entries = _dictionary_encode(key, column, count)
        known = np.array([values.setdefault(entry, len(values)) for entry in entries] + [-1])
        # Missing values are numbered -1, which is the last.
        table[:, number] = known[codes]
        keys.append(_field(_KEY, key.encode()))
    there = table >= 0
    rows, columns = np.nonzero(there)
    tags = np.column_stack((columns, table[rows, columns])).ravel().astype(np.uint64)
    tables = b"".join((*keys, *values))
    return tags, 2 * there.sum(axis=1), tables


def _dictionary_encode(key: str, column: Column, count: int) -> tuple[IntArray, list[bytes]]:
    """Return the index of each value in a column, -1 where it is missing, and the encoded table entries."""
    array = column if isinstance(column, np.ndarray) else pd.Series(column, dtype=object).to_numpy()
    if array.shape != (count,):
        raise InputError(f"The column {key} has {len(array)} values for {count} features of a tile.")
    if array.dtype.kind == "O" and not {type(value) for value in array.tolist()} <= _TEXT:
        # In Python 1, 1.0 and True are equal; in a tile they differ.
        entries = [None if _is_missing(value) else _encode_value(key, value) for value in array.tolist()]
        codes, found = pd.factorize(np.array(entries, dtype=object))
        return codes, found.tolist()
    codes, found = pd.factorize(array)
    if array.dtype == np.float64:
        packed = found.astype("<f8").tobytes()
        return codes, [_DOUBLE_HEAD + packed[at : at + 8] for at in range(0, len(packed), 8)]
    # Python's own numbers are distinguished faster; they are never single precision.
    listed = found.tolist() if array.dtype.kind in "biu" else found
    return codes, [_encode_value(key, value) for value in listed]


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float | np.floating) and value != value)


def _encode_value(key: str, value: object) -> bytes:
    """Return the entry of a value in the table of values."""
    if isinstance(value, str):
        text = value.encode()
        if len(text) < len(_TEXT_HEADS):
            return _TEXT_HEADS[len(text)] + text
        return _field(_VALUE, _field(_STRING, text))
    if isinstance(value, bool | np.bool_):
        return _field(_VALUE, bytes((_BOOLEAN, int(value))))
    if isinstance(value, int | np.integer):
        number = int(value)
        if 0 <= number < 1 << 64:
            return _field(_VALUE, bytes((_UNSIGNED,)) + _varint(number))
        if -(1 << 63) <= number < 0:
            return _field(_VALUE, bytes((_SIGNED,)) + _varint((-number << 1) - 1))
    if isinstance(value, np.float32):
        return _field(_VALUE, bytes((_FLOAT,)) + struct.pack("<f", value))
    if isinstance(value, float | np.floating):
        return _field(_VALUE, bytes((_DOUBLE,)) + struct.pack("<d", value))
    raise InputError(f"The column {key} holds a {type(value).__name__} that a tile cannot hold.")


def _field(key: int, content: bytes) -> bytes:
    """Return a field that begins with the length of its content."""
    size = len(content)
    if size < len(_SHORT):
        return _SHORT[key] + _SHORT[size] + content
    return _SHORT[key] + _varint(size) + content


def _sum_runs(sizes: IntArray, counts: IntArray) -> IntArray:
    """Add up runs of `sizes` that are `counts` long; an empty run gives 0."""
    total = np.concatenate(([0], np.cumsum(sizes)))
    ends = np.cumsum(counts)
    summed: IntArray = total[ends] - total[ends - counts]
    return summed


def _varint_sizes(values: UnsignedIntegers) -> IntArray:
    """Return how many bytes each value takes as a varint."""
    sizes: IntArray = np.searchsorted(_LIMITS, values, side="right") + 1
    return sizes


def _varints(values: UnsignedIntegers) -> bytes:
    """Encode values one after another."""
    sizes = _varint_sizes(values)
    ends = np.cumsum(sizes)
    out = np.empty(int(ends[-1]), dtype=np.uint8)
    at = ends - sizes
    seven, more = np.uint64(7), np.uint64(0x80)
    while len(values):
        last = values < more
        out[at] = np.where(last, values, values & np.uint64(0x7F) | more).astype(np.uint8)
        on = ~last
        at, values = at[on] + 1, values[on] >> seven
    return out.tobytes()


def _varint(value: int) -> bytes:
    """Encode one value."""
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
