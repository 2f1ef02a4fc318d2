"""The methods of division that the command `divide` offers."""

from api.cli.divide.method import FileMethod
from api.cli.divide.square import SQUARE

METHODS: dict[str, FileMethod] = {method.name: method for method in (SQUARE,)}
"""By name."""
