"""The turn of three vertices, exactly: the predicate on which the arrangement of lines rests."""

from gis.compiled import compiled

_FILTER = 4e-16
"""Above the relative error of a determinant of two rounded products."""

_SPLITTER = 134_217_729.0
"""2^27 + 1, which halves the digits of a number (Dekker 1971)."""


@compiled
def determinant(a: float, b: float, c: float, d: float) -> float:
    """Return a·d - b·c with the right sign, and zero only where it is zero.

    Arguments are differences of coordinates on a binary grid, so that they are exact, and their products
    neither overflow nor underflow.
    """
    left, right = a * d, b * c
    result = left - right
    if abs(result) > _FILTER * (abs(left) + abs(right)):
        return result
    return result + (_product_error(a, d, left) - _product_error(b, c, right))


@compiled
def _product_error(a: float, b: float, product: float) -> float:
    """Return what rounding took from a product."""
    big = _SPLITTER * a
    a_high = big - (big - a)
    a_low = a - a_high
    big = _SPLITTER * b
    b_high = big - (big - b)
    b_low = b - b_high
    return ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


@compiled
def turn(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> float:
    """Return a number above zero if a, b, c turn left, below if right, zero if they lie on one line."""
    return determinant(bx - ax, by - ay, cx - ax, cy - ay)
