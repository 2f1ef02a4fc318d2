"""Topology of cells: whether they are a coverage, what is wrong where, and the repair of it.

`check` reports and changes nothing; `repair` returns mended copies or refuses. Dividing areas belongs to
`gis.divide`, files and exit codes to the command line.
"""

from gis.topology.check import TopologyReport, check_topology
from gis.topology.repair import RepairResult, repair_topology

__all__ = ["RepairResult", "TopologyReport", "check_topology", "repair_topology"]
