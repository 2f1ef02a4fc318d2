"""The read model of published plans: what is in force, held in memory whole and replaced whole.

It owns reading, holding and following; plans are changed by `layers.plans`, and who may see what is decided
in `api`.
"""

from layers.snapshot.areas import AreaLabel, AreaTree
from layers.snapshot.cells import CellsInForce, CellVersions
from layers.snapshot.follow import follow_database
from layers.snapshot.holder import SnapshotHealth, SnapshotHolder
from layers.snapshot.snapshot import SchemeTimeline, Snapshot

__all__ = [
    "AreaLabel",
    "AreaTree",
    "CellVersions",
    "CellsInForce",
    "SchemeTimeline",
    "Snapshot",
    "SnapshotHealth",
    "SnapshotHolder",
    "follow_database",
]
