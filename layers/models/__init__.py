"""The tables, one model for both databases, a module for each subject.

They own columns, keys and indexes; GeoPackage's own tables and the migrations are those of `layers.db`,
every query belongs to the subjects. Intervals are half open: valid_from ≤ date < valid_to, and valid_to is
NULL while they last.
"""

from layers.models.areas import Area, AreaAdjustment, AreaLineage
from layers.models.base import Base, KeyType, Revision
from layers.models.basemap import BasemapFeature
from layers.models.entities import Assignment, Entity, EntityVersion
from layers.models.gaps import Gap, GapRun
from layers.models.idempotency import IdempotencyKey
from layers.models.identity import Account, AuditEntry, BrowserSession, SignInFailure, SignInLink, Token
from layers.models.jobs import Job, JobState
from layers.models.plans import (
    Cell,
    CellLock,
    CellUnit,
    CoverageMode,
    Plan,
    PlanCell,
    PlanEdit,
    PlanState,
    Scheme,
    Waiver,
)
from layers.models.staff import Absence, CellGroup, GroupCell, Officer, PlanOfficers, Post

__all__ = [
    "Absence",
    "Account",
    "Area",
    "AreaAdjustment",
    "AreaLineage",
    "Assignment",
    "AuditEntry",
    "Base",
    "BasemapFeature",
    "BrowserSession",
    "Cell",
    "CellGroup",
    "CellLock",
    "CellUnit",
    "CoverageMode",
    "Entity",
    "EntityVersion",
    "Gap",
    "GapRun",
    "GroupCell",
    "IdempotencyKey",
    "Job",
    "JobState",
    "KeyType",
    "Officer",
    "Plan",
    "PlanCell",
    "PlanEdit",
    "PlanOfficers",
    "PlanState",
    "Post",
    "Revision",
    "Scheme",
    "SignInFailure",
    "SignInLink",
    "Token",
    "Waiver",
]
