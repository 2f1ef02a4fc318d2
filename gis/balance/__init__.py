"""Zones of a neighbour graph: connected, balanced by several loads, and compact.

Arrays in, arrays out: what units are, and what is said about the zones, is left to `gis.divide`.
"""

from gis.balance.loads import InfeasibleError, LoadTarget, relative_deviations, sum_loads
from gis.balance.partition import Effort, partition
from gis.balance.rebalance import ParetoPoint, Rebalance, rebalance

__all__ = [
    "Effort",
    "InfeasibleError",
    "LoadTarget",
    "ParetoPoint",
    "Rebalance",
    "partition",
    "rebalance",
    "relative_deviations",
    "sum_loads",
]
