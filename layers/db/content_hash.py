"""The canonical form of a record as JSON, and the hash by which imports compare records."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import orjson
import shapely

from gis.errors import InputError

ENTITY_NAME_FIELDS = ("name", "名称")
ENTITY_CLASS_FIELDS = ("class_name", "类别", "分类", "class")
"""Fields that hold the name and the class of an entity, where they are not personal."""

_BEYOND_64_BITS = 2**63

DERIVED_FIELDS = frozenset({"area_code", "valid_from", "valid_to"})
"""What an export adds and an import finds out by itself: no attributes."""


def canonical_json(values: Mapping[str, Any]) -> str:
    """Write values as JSON in the form by which records compare: keys sorted, what is missing left out.

    Raises
    ------
    InputError
        If a value is an integer of more than 64 bits or text that is no Unicode.
    """
    return ordered_json(values, sort_keys=True)


def ordered_json(values: Mapping[str, Any], *, sort_keys: bool = False) -> str:
    """Write values as JSON that keeps their order; otherwise, and in its errors, as `canonical_json` does."""
    present = {key: value for key, value in values.items() if value is not None and value == value}
    try:
        option = orjson.OPT_SERIALIZE_NUMPY | (orjson.OPT_SORT_KEYS if sort_keys else 0)
        return orjson.dumps(present, default=_json_default, option=option).decode()
    except orjson.JSONEncodeError as error:
        raise InputError(f"A value cannot be kept as JSON: {error}.") from error


def hash_content(
    name: str | None,
    class_name: str | None,
    attributes: str,
    personal: str,
    wkb: bytes | None,
) -> str:
    """Return the hash of what an import compares.

    The area, which follows from the location, and the dates are no part of it.

    Parameters
    ----------
    name, class_name
        Of the entity.
    attributes, personal
        As `as_json` writes them.
    wkb
        Little-endian WKB of the geometry.
    """
    texts = (name, class_name, attributes, personal)
    head = b"".join(
        b"-" if text is None else b"%d:%b" % (len(found := text.encode()), found) for text in texts
    )
    return hashlib.blake2b(head + (b"-" if wkb is None else b"+" + wkb), digest_size=16).hexdigest()


def hash_entity(
    name: str | None,
    class_name: str | None,
    attributes: Mapping[str, Any],
    personal: Mapping[str, Any],
    geometry: shapely.Geometry | None,
) -> str:
    """Return the hash of one entity's content, the same that an import computes."""
    wkb = None if geometry is None else shapely.to_wkb(geometry, byte_order=1)
    return hash_content(name, class_name, canonical_json(attributes), canonical_json(personal), wkb)


def _json_default(value: object) -> object:
    if isinstance(value, Decimal):
        return _plain_decimal(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    return str(value)


def _plain_decimal(value: Decimal) -> int | float | str:
    """Return a decimal as a number of JSON that says the same, as text where there is none."""
    if value == value.to_integral_value() and abs(value) < _BEYOND_64_BITS:
        return int(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)
