"""How functions are compiled: once for each machine, kept on disk where that can be written."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile a function of numbers and arrays to machine code when it is first called.

    Division by zero gives infinity, as in numpy, because the check would cost as much as the division.
    """
    try:
        made: Callable[_P, _R] = numba.njit(cache=True, error_model="numpy")(function)
    except RuntimeError:
        # Neither the folder of the package nor the user's cache can be written: compile for this process.
        made = numba.njit(error_model="numpy")(function)
    return made
