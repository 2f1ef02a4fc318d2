"""Division of the ground of the database into the cells of a plan to be drafted, one module for each method.

What the methods share: the areas (`ground`), the units of other schemes with their loads (`units`), streets
and buildings of the base map (`linework`).
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gis.errors import ParameterError
from layers.divisions import balanced, blocks, rebalance, square, unify
from layers.divisions.method import Division, DivisionMethod
from layers.models import Scheme

METHODS: Mapping[str, DivisionMethod] = {
    "square": square.divide,
    "blocks": blocks.divide,
    "balanced": balanced.divide,
    "rebalance": rebalance.divide,
    "unify": unify.divide,
}
"""The methods of division by name."""

__all__ = ["METHODS", "Division", "divide_areas"]


def divide_areas(
    session: Session, scheme: Scheme, area_code: str | None = None, *, method: str = "square", **options: Any
) -> Division:
    """Divide the ground of an area by a method.

    Parameters
    ----------
    area_code
        The area to divide; all areas when not given.
    method
        One of `METHODS`.
    options
        Those of the method.

    Raises
    ------
    InputError
        If there is no such method, or as the method says.
    NotFoundError
        If there is no such area.
    """
    if method not in METHODS:
        raise ParameterError(f"There is no method '{method}' of division; it is one of {', '.join(METHODS)}.")
    return METHODS[method](session, scheme, area_code, **options)
