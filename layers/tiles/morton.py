"""Morton's curve over a square of whole numbers, along which what is near lies near."""

from gis.arrays import IntArray

BITS = 31
"""Bits of a coordinate."""


_STEPS = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def morton_codes(x: IntArray, y: IntArray) -> IntArray:
    """Return places along the curve of coordinates from 0 to 2**31 - 1, of the same shape."""
    return _spread_bits(x) | _spread_bits(y) << 1


def _spread_bits(values: IntArray) -> IntArray:
    """Put a zero before each bit."""
    for shift, mask in _STEPS:
        values = (values | values << shift) & mask
    return values
