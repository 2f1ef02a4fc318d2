"""Relations of an OpenStreetMap extract that lack parts, so that GDAL cannot make their polygons."""

import json
import re
import xml.etree.ElementTree as ET
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyogrio

from gis.progress import Note

_AREAL_TYPES = {"multipolygon", "boundary"}
_MAX_LISTED = 5
_MAX_HEADER_BYTES = 64 << 10
_MAX_BLOCK_BYTES = 64 << 20
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WAY = 1

_QUOTED = re.compile(r"""'(?:[^']|'')*'|"([^"]+)\"""")
"""Texts and quoted names of SQL; the names are found."""

Fields = Iterator[tuple[int, int | bytes]]
"""Number and value of each field of a Protocol Buffers message."""


class _Relation(NamedTuple):
    number: int
    tags: dict[str, str]
    ways: list[int]


def find_tags_in(where: str, path: Path, layer: str | None) -> str:
    """Return a condition in SQL in which quoted names that are no fields stand for tags in `other_tags`.

    Raises
    ------
    RuntimeError
        As GDAL raises it.
    """
    if not any(match[1] for match in _QUOTED.finditer(where)):
        return where
    fields = {str(name).lower() for name in pyogrio.read_info(path, layer=layer)["fields"]}

    def found(match: re.Match[str]) -> str:
        name = match[1]
        if not name or name.lower() in fields:
            return match[0]
        escaped = name.replace("'", "''")
        return f"HSTORE_GET_VALUE(other_tags, '{escaped}')"

    return _QUOTED.sub(found, where)


def tell_incomplete_relations(
    path: Path, fields: Sequence[str], where: str | None, made: Collection[str], note: Note
) -> None:
    """Tell which relations with polygons GDAL left out, and what of them is missing.

    Parameters
    ----------
    path
        An extract, .osm or .pbf.
    fields
        The fields that GDAL has for its layer of polygons; the other tags are in `other_tags`.
    where
        The condition in SQL that the polygons had to meet.
    made
        The numbers of the relations of which GDAL made polygons.
    note
        Told in one sentence.
    """
    try:
        relations = [each for each in _relations(path) if each.tags.get("type") in _AREAL_TYPES and each.ways]
        present = _ways(path, {way for each in relations for way in each.ways})
    except (ET.ParseError, zlib.error, LookupError, ValueError):
        note(f"{path} is damaged or of a make that only GDAL reads; relations may be missing")
        return
    found = _those_that_meet([each for each in relations if str(each.number) not in made], fields, where)
    if not found:
        return
    listed = "; ".join(_describe(each, present) for each in found[:_MAX_LISTED])
    more = f"; and {len(found) - _MAX_LISTED:,} more" if len(found) > _MAX_LISTED else ""
    subject = (
        "a relation is left out, as its border is not complete"
        if len(found) == 1
        else f"{len(found):,} relations are left out, as their borders are not complete"
    )
    note(f"{path}: {subject}: {listed}{more}")


def _describe(relation: _Relation, present: set[int]) -> str:
    name = relation.tags.get("name")
    missing = [way for way in relation.ways if way not in present]
    named = f"{relation.number} ({name})" if name else str(relation.number)
    if not missing:
        return f"{named}, whose ways do not close or lack nodes"
    example = f"way {missing[0]}" if len(missing) == 1 else f"ways {missing[0]} and {len(missing) - 1:,} more"
    return f"{named}, of whose {len(relation.ways):,} ways the file lacks {example}"


def _those_that_meet(relations: list[_Relation], fields: Sequence[str], where: str | None) -> list[_Relation]:
    """Have GDAL select relations by a condition, as it selects the polygons."""
    if not relations or where is None:
        return relations
    features = []
    for relation in relations:
        own = {name: relation.tags.get(name) for name in fields}
        other = {key: value for key, value in relation.tags.items() if key not in own and key != "type"}
        hstore = ",".join(f'"{_escape(key)}"=>"{_escape(value)}"' for key, value in other.items())
        properties = {**own, "osm_id": str(relation.number), "other_tags": hstore or None}
        features.append({"type": "Feature", "properties": properties, "geometry": None})
    text = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    table = pyogrio.read_arrow(text, where=where, columns=["osm_id"], read_geometry=False)[1]
    numbers = set(map(str, table.column("osm_id").to_pylist()))
    return [each for each in relations if str(each.number) in numbers]


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _relations(path: Path) -> Iterator[_Relation]:
    if path.suffix.lower() == ".osm":
        for element in _elements(path, "relation"):
            tags = {tag.get("k", ""): tag.get("v", "") for tag in element.iter("tag")}
            ways = [int(one.get("ref", 0)) for one in element.iter("member") if one.get("type") == "way"]
            yield _Relation(int(element.get("id", 0)), tags, ways)
        return
    for block in _blocks(path):
        strings: list[str] = []
        groups: list[bytes] = []
        for number, value in _fields(block):
            if number == 1 and isinstance(value, bytes):
                strings = [
                    text.decode(errors="replace") for _, text in _fields(value) if isinstance(text, bytes)
                ]
            elif number == 2 and isinstance(value, bytes):
                groups.append(value)
        for group in groups:
            for message in _messages(group, 4):
                yield _relation(message, strings)


def _relation(message: bytes, strings: list[str]) -> _Relation:
    found = dict(_fields(message))
    keys, values = (_varints(found.get(number, b"")) for number in (2, 3))
    tags = {strings[key]: strings[value] for key, value in zip(keys, values, strict=False)}
    ways, reference = [], 0
    for step, kind in zip(_varints(found.get(9, b"")), _varints(found.get(10, b"")), strict=False):
        reference += (step >> 1) ^ -(step & 1)
        if kind == _WAY:
            ways.append(reference)
    number = found.get(1, 0)
    return _Relation(number if isinstance(number, int) else 0, tags, ways)


def _ways(path: Path, wanted: set[int]) -> set[int]:
    """Return which of some ways an extract holds."""
    if not wanted:
        return set()
    if path.suffix.lower() == ".osm":
        return {int(element.get("id", 0)) for element in _elements(path, "way")} & wanted
    found: set[int] = set()
    for block in _blocks(path):
        for number, group in _fields(block):
            if number == 2 and isinstance(group, bytes):
                # The number of a way is its first field.
                numbers = (next(_fields(message))[1] for message in _messages(group, 3))
                found.update(way for way in numbers if isinstance(way, int) and way in wanted)
    return found


def _elements(path: Path, name: str) -> Iterator[ET.Element]:
    events = ET.iterparse(path, events=("start", "end"))  # noqa: S314  Expat limits how entities grow
    root = next(events)[1]
    for event, element in events:
        if event == "end" and element.tag in {"node", "way", "relation"}:
            if element.tag == name:
                yield element
            root.clear()


def _blocks(path: Path) -> Iterator[bytes]:
    """Give the blocks of a .pbf file that hold data, unpacked."""
    with path.open("rb") as file:
        while len(size := file.read(4)) == 4:
            header = dict(_fields(file.read(min(int.from_bytes(size), _MAX_HEADER_BYTES))))
            length = header.get(3, 0)
            blob = file.read(length if isinstance(length, int) else 0)
            if header.get(1) != b"OSMData":
                continue
            parts = dict(_fields(blob))
            raw, packed = parts.get(1), parts.get(3)
            if isinstance(raw, bytes):
                yield raw
            elif isinstance(packed, bytes):
                yield zlib.decompressobj().decompress(packed, _MAX_BLOCK_BYTES)


def _messages(group: bytes, number: int) -> Iterator[bytes]:
    """Give the messages of one kind in a group, which as a rule has one kind alone."""
    for found, value in _fields(group):
        if found != number:
            return
        if isinstance(value, bytes):
            yield value


def _fields(message: bytes) -> Fields:
    """Give number and value of each field of a message of Protocol Buffers."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        kind = tag & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            size, place = _varint(message, place)
        else:
            size = 8 if kind == _FIXED64 else 4
        yield tag >> 3, message[place : place + size]
        place += size


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _varints(packed: int | bytes) -> list[int]:
    values, place = [], 0
    while isinstance(packed, bytes) and place < len(packed):
        value, place = _varint(packed, place)
        values.append(value)
    return values
