"""The methods of division that the command `divide` offers."""

from api.cli.divide.balanced import BALANCED
from api.cli.divide.blocks import BLOCKS
from api.cli.divide.method import FileMethod
from api.cli.divide.square import SQUARE

METHODS: dict[str, FileMethod] = {method.name: method for method in (SQUARE, BLOCKS, BALANCED)}
"""By name."""
