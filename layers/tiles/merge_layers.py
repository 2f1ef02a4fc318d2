"""Merging of encoded layers: features of different geometry types under one name.

The format is the Mapbox Vector Tile Specification 2.1, sections 4.1 and 4.4.
"""

from collections.abc import Iterator, Sequence

_LAYER = 0x1A
_FEATURE, _KEY, _VALUE = 2, 3, 4
_TAGS = 2
_VARINT, _BYTES = 0, 2


def merge_layers(layers: Sequence[bytes]) -> bytes:
    """Merge encodings of one layer.

    Parameters
    ----------
    layers
        Each a tile of one layer, all of one name and extent, or empty.

    Returns
    -------
    bytes
        A tile of one layer with the features of all in their order; empty where all are.
    """
    encoded = [each for each in layers if each]
    if len(encoded) < 2:
        return b"".join(encoded)
    head: list[bytes] = []
    features: list[bytes] = []
    keys: dict[bytes, int] = {}
    values: dict[bytes, int] = {}
    for number, each in enumerate(encoded):
        own: dict[int, list[bytes]] = {_FEATURE: [], _KEY: [], _VALUE: []}
        for key, wire, content in _fields(next(_fields(each))[2]):
            if key in own:
                own[key].append(content)
            elif number == 0:
                head.append(_field(key, wire, content))
        new_keys = [keys.setdefault(text, len(keys)) for text in own[_KEY]]
        new_values = [values.setdefault(text, len(values)) for text in own[_VALUE]]
        # The indexes of the first layer stay.
        features += (
            own[_FEATURE] if number == 0 else [_renumber_tags(f, new_keys, new_values) for f in own[_FEATURE]]
        )
    body = b"".join(
        (
            *head,
            *(_field(_FEATURE, _BYTES, each) for each in features),
            *(_field(_KEY, _BYTES, each) for each in keys),
            *(_field(_VALUE, _BYTES, each) for each in values),
        )
    )
    return bytes((_LAYER,)) + _varint(len(body)) + body


def _renumber_tags(feature: bytes, keys: list[int], values: list[int]) -> bytes:
    """Replace the indexes of a feature's keys and values by those of the merged layer."""
    parts = []
    for key, wire, content in _fields(feature):
        changed = content
        if key == _TAGS:
            numbers = list(_varints(content))
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            changed = b"".join(_varint(keys[a]) + _varint(values[b]) for a, b in pairs)
        parts.append(_field(key, wire, changed))
    return b"".join(parts)


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Iterate over the fields of a message: number, wire type, content (of a varint, its bytes)."""
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        if tag & 7 == _VARINT:
            start = at
            _, at = _read_varint(message, at)
        else:
            length, start = _read_varint(message, at)
            at = start + length
        yield tag >> 3, tag & 7, message[start:at]


def _field(key: int, wire: int, content: bytes) -> bytes:
    head = _varint(key << 3 | wire)
    return head + content if wire == _VARINT else head + _varint(len(content)) + content


def _varints(packed: bytes) -> Iterator[int]:
    at = 0
    while at < len(packed):
        number, at = _read_varint(packed, at)
        yield number


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7


def _varint(number: int) -> bytes:
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    result.append(number)
    return bytes(result)
