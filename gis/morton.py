"""Morton's curve (Z-order) over a square of whole numbers, along which what is near lies near."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Code = TypeVar("Code", np.uint32, np.int64)

BITS = 31
"""Bits of a coordinate of int64."""

SHORT_BITS = 16
"""Bits of a coordinate of uint32, whose codes are sorted in half of the time."""

_STEPS = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def morton_codes(x: NDArray[Code], y: NDArray[Code]) -> NDArray[Code]:
    """Return places along the curve, of the type and shape of the coordinates.

    Parameters
    ----------
    x, y
        Whole numbers from 0: of `BITS` bits in int64, or of `SHORT_BITS` in uint32.
    """
    codes: NDArray[Code] = _spread_bits(y)
    codes <<= 1
    codes |= _spread_bits(x)
    return codes


def _spread_bits(values: NDArray[Any]) -> NDArray[Any]:
    """Put a zero before each bit."""
    bits = 8 * values.dtype.itemsize
    for shift, mask in _STEPS:
        if 2 * shift < bits:
            spread = values << shift
            spread |= values
            spread &= mask & (1 << bits) - 1
            values = spread
    return values
