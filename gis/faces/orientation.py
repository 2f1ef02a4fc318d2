"""The turn of three vertices, exactly: the predicate on which the arrangement of lines rests."""

from gis.compiled import compiled

_FILTER = 4e-16
"""Above the relative error of a determinant of two rounded products."""

_SPLITTER = 134_217_729.0
"""2^27 + 1, which halves the digits of a number (Dekker 1971)."""


@compiled
def turn(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> float:
    """Return a number above zero if a, b, c turn left, below if right, zero if they lie on one line.

    Differences of the coordinates must be exact, as they are on a binary grid.
    """
    left, right = (bx - ax) * (cy - ay), (by - ay) * (cx - ax)
    if abs(left - right) > _FILTER * (abs(left) + abs(right)):
        return left - right
    return determinant(bx - ax, by - ay, cx - ax, cy - ay)


@compiled
def determinant(a: float, b: float, c: float, d: float) -> float:
    """Return a·d - b·c, exact to the last digits even where the products are nearly equal."""
    left, right = a * d, b * c
    return (left - right) + (_product_error(a, d, left) - _product_error(b, c, right))


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
