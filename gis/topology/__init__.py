"""Topology of cells: the check whether they are a coverage, and its repair.

The check reports and changes nothing; the repair returns corrected copies or refuses.
"""

from gis.topology.check import TopologyReport, check_topology
from gis.topology.repair import RepairResult, repair_topology

__all__ = ["RepairResult", "TopologyReport", "check_topology", "repair_topology"]
