"""What a record becomes when it is stored: which fields are personal, and the hash by which it is compared.

It owns the names of personal fields and the canonical form of a record; reading files is `layers.formats`',
and writing rows belongs to `layers.storage.ingest` and `layers.storage.entities`.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import orjson
import shapely

from gis.errors import InputError

PERSONAL_FIELDS = frozenset(
    {
        "contact",
        "contactname",
        "contactperson",
        "email",
        "fullname",
        "headofhousehold",
        "householder",
        "idcard",
        "idno",
        "idnumber",
        "identitynumber",
        "legalperson",
        "legalrepresentative",
        "mobile",
        "ownername",
        "passport",
        "personname",
        "phone",
        "phonenumber",
        "residentname",
        "tel",
        "telephone",
        "wechat",
        "姓名",
        "户主",
        "微信",
        "手机",
        "法人",
        "法定代表人",
        "电话",
        "经办人",
        "联系人",
        "负责人",
        "身份证",
        "证件号",
        "证件号码",
        "邮箱",
    }
)
"""Fields that hold names, phones and identity numbers of people: lower case, without blanks and signs."""

NAME_FIELDS = ("name", "名称")
CLASS_FIELDS = ("class_name", "类别", "分类", "class")
"""Fields that hold the name and the class of an entity, where they are not personal."""

OWN_FIELDS = frozenset({"area_code", "valid_from", "valid_to"})
"""What an export adds and an import finds out by itself: no attributes."""

# A field that ends like this is personal whatever comes before it: 联系电话, 户主姓名, owner_phone.
_PERSONAL_ENDS = (
    "姓名",
    "电话",
    "手机",
    "手机号",
    "手机号码",
    "电话号码",
    "身份证",
    "身份证号",
    "身份证号码",
    "phone",
    "phonenumber",
    "mobile",
    "telephone",
    "idcard",
    "idnumber",
)
# The name of such a record is the name of a person.
_PEOPLE = frozenset({"household", "officer", "resident", "person", "户", "居民", "人员"})
_NAMES = frozenset({"name", "名称", "nlname"})
_SIGNS = re.compile(r"[\s_\-.()（）:：]+|\d+$")


def is_personal(field: str, kind: str, also: Collection[str] = ()) -> bool:
    """Tell whether a field of an entity holds a name, phone or identity number of a person.

    Parameters
    ----------
    field
        As the file spells it.
    kind
        Of the entity: the name of a household is a person's, that of an enterprise is not.
    also
        Further fields that the user calls personal.
    """
    if field in also:
        return True
    plain = _SIGNS.sub("", field.strip().lower())
    return (
        plain in PERSONAL_FIELDS
        or plain.endswith(_PERSONAL_ENDS)
        or (plain in _NAMES and kind.lower() in _PEOPLE)
    )


def as_json(values: Mapping[str, Any]) -> str:
    """Write values as JSON in one canonical form: keys sorted, what is missing left out.

    Raises
    ------
    InputError
        If a value is an integer of more than 64 bits or text that is no Unicode.
    """
    present = {key: value for key, value in values.items() if value is not None and value == value}
    try:
        return orjson.dumps(
            present, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY
        ).decode()
    except orjson.JSONEncodeError as error:
        raise InputError(f"A value cannot be kept as JSON: {error}.") from error


def content_hash(
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


def hash_of(
    name: str | None,
    class_name: str | None,
    attributes: Mapping[str, Any],
    personal: Mapping[str, Any],
    geometry: shapely.Geometry | None,
) -> str:
    """Return the hash of one entity's content, the same that an import computes."""
    wkb = None if geometry is None else shapely.to_wkb(geometry, byte_order=1)
    return content_hash(name, class_name, as_json(attributes), as_json(personal), wkb)


def first_of(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the column that bears the earliest of some names, in whatever case."""
    lower = {column.lower(): column for column in reversed(columns)}
    return next((lower[name] for name in names if name in lower), None)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (date, datetime, time)):
        return value.isoformat()
    return str(value)
