"""The rules that a scheme sets for its cells: what they carry, of which kind and size they are, who is there.

Whether cells are a coverage is no such rule: that is judged by `gis.topology`, and nothing excuses it.
"""

from gis.cell_rules.catalogue import CELL_RULES, find_broken_rules, read_cell_rules
from gis.cell_rules.cell_rule import BrokenRule, CellFacts, CellRule

__all__ = ["CELL_RULES", "BrokenRule", "CellFacts", "CellRule", "find_broken_rules", "read_cell_rules"]
