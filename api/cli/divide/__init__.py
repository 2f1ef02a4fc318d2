"""The commands `divide`, `rebalance` and `plan divide`, one module for each method of division.

A method brings its options, its run and what it says (`method.FileMethod`, `method.PlanMethod`) and is listed
in `catalogue`.
"""

from api.cli.divide.command import divide
from api.cli.divide.plan_command import divide_plan
from api.cli.divide.rebalance import rebalance

__all__ = ["divide", "divide_plan", "rebalance"]
