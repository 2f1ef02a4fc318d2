"""The records of the HTTP interface as they are described and sent, a module for each subject."""

from api.schemas.areas import Area, AreaAdjustment, AreaHistory, AreaReference
from api.schemas.audit import AuditEntry
from api.schemas.base import RequestModel
from api.schemas.cells import Cell, CellAbove, CellOfficer, CellSheet
from api.schemas.certificates import Certificate
from api.schemas.edits import EditAnswer, EditPreview, EditStep
from api.schemas.entities import Entity, EntityOwner, NearbyEntity
from api.schemas.gap_analysis import GapGroupList
from api.schemas.gaps import Gap, GapDifference, GapKindList, GapPage, GapRun, PersistentGap
from api.schemas.jobs import Job
from api.schemas.plan_changes import PlanDifference
from api.schemas.plan_history import PlanStep
from api.schemas.plan_rules import BrokenRule, CellLock, LockAnswer, Waiver, WaiverAnswer
from api.schemas.plans import (
    CellChanges,
    EffectiveDates,
    Finding,
    Plan,
    PlanCheck,
    PublishResult,
    UnitOfPlan,
)
from api.schemas.posts import Absence, CellGroup, EntityOfficers, LevelOfficers, Post
from api.schemas.schemes import Scheme
from api.schemas.staff import EndedOfficer, Officer, OfficerHandover, PlanHandover, PlanOfficers

__all__ = [
    "Absence",
    "Area",
    "AreaAdjustment",
    "AreaHistory",
    "AreaReference",
    "AuditEntry",
    "BrokenRule",
    "Cell",
    "CellAbove",
    "CellChanges",
    "CellGroup",
    "CellLock",
    "CellOfficer",
    "CellSheet",
    "Certificate",
    "EditAnswer",
    "EditPreview",
    "EditStep",
    "EffectiveDates",
    "EndedOfficer",
    "Entity",
    "EntityOfficers",
    "EntityOwner",
    "Finding",
    "Gap",
    "GapDifference",
    "GapGroupList",
    "GapKindList",
    "GapPage",
    "GapRun",
    "Job",
    "LevelOfficers",
    "LockAnswer",
    "NearbyEntity",
    "Officer",
    "OfficerHandover",
    "PersistentGap",
    "Plan",
    "PlanCheck",
    "PlanDifference",
    "PlanHandover",
    "PlanOfficers",
    "PlanStep",
    "Post",
    "PublishResult",
    "RequestModel",
    "Scheme",
    "UnitOfPlan",
    "Waiver",
    "WaiverAnswer",
]
