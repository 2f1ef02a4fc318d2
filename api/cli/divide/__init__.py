"""The command `divide`, one module for each method of division.

A method brings its options, its run and what it says (`method.FileMethod`) and is listed in `catalogue`.
"""

from api.cli.divide.command import divide

__all__ = ["divide"]
