"""The read model of published plans: what is in force, held in memory whole and replaced whole.

It owns reading, holding and following; plans are changed by `layers.storage`, and who may see what is decided
in `api`.
"""

from layers.snapshot.areas import AreaName, AreaTree
from layers.snapshot.cells import CellsInForce, Versions
from layers.snapshot.follow import follow
from layers.snapshot.holder import Health, SnapshotHolder
from layers.snapshot.snapshot import SchemeChanges, Snapshot

__all__ = [
    "AreaName",
    "AreaTree",
    "CellsInForce",
    "Health",
    "SchemeChanges",
    "Snapshot",
    "SnapshotHolder",
    "Versions",
    "follow",
]
