"""The records of the HTTP interface as they are described and sent, a module for each subject."""

from api.schemas.areas import Area, AreaName
from api.schemas.audit import AuditEntry
from api.schemas.base import Given
from api.schemas.cells import Cell, CellOfficer, CellSheet
from api.schemas.entities import Entity, NearEntity, Owner
from api.schemas.gaps import Gap, GapDifference, GapRun, LastingGap
from api.schemas.jobs import Job
from api.schemas.plans import Changes, Check, Days, Difference, Finding, Plan, Publication
from api.schemas.schemes import Scheme
from api.schemas.staff import Officer, Post

__all__ = [
    "Area",
    "AreaName",
    "AuditEntry",
    "Cell",
    "CellOfficer",
    "CellSheet",
    "Changes",
    "Check",
    "Days",
    "Difference",
    "Entity",
    "Finding",
    "Gap",
    "GapDifference",
    "GapRun",
    "Given",
    "Job",
    "LastingGap",
    "NearEntity",
    "Officer",
    "Owner",
    "Plan",
    "Post",
    "Publication",
    "Scheme",
]
