"""The routes of the service, one module for each subject.

`ROUTERS` lists what the application mounts; who may call a route is declared with
`api.security.requirements`.
"""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.types import ASGIApp

from api.routes.absences import router as absences
from api.routes.area_adjustments import router as area_adjustments
from api.routes.area_sheet import router as area_sheet
from api.routes.areas import router as areas
from api.routes.audit import router as audit
from api.routes.cell_sheet import router as cell_sheet
from api.routes.cells import router as cells
from api.routes.certificates import router as certificates
from api.routes.crosswalks import router as crosswalks
from api.routes.divisions import router as divisions
from api.routes.docs import router as docs
from api.routes.edits import router as edits
from api.routes.entities import router as entities
from api.routes.entity_officers import router as entity_officers
from api.routes.exports import router as exports
from api.routes.gaps import router as gaps
from api.routes.groups import router as groups
from api.routes.health import router as health
from api.routes.imports import IMPORT_PATHS
from api.routes.imports import router as imports
from api.routes.jobs import router as jobs
from api.routes.lists import router as lists
from api.routes.locate import locate as single_locate
from api.routes.locate import router as locate
from api.routes.maps import router as maps
from api.routes.measures import router as measures
from api.routes.nearest import router as nearest
from api.routes.officers import router as officers
from api.routes.plan_backtests import router as plan_backtests
from api.routes.plan_changes import router as plan_changes
from api.routes.plan_copies import router as plan_copies
from api.routes.plan_locks import router as plan_locks
from api.routes.plan_measures import router as plan_measures
from api.routes.plan_notices import router as plan_notices
from api.routes.plan_officers import router as plan_officers
from api.routes.plan_review import router as plan_review
from api.routes.plan_units import router as plan_units
from api.routes.plan_waivers import router as plan_waivers
from api.routes.plans import router as plans
from api.routes.posts import router as posts
from api.routes.schemes import router as schemes
from api.routes.search import router as search
from api.routes.session import router as session
from api.routes.tiles import router as tiles
from api.routes.web_page import router as page

ROUTERS: tuple[APIRouter, ...] = (
    session,
    locate,
    search,
    areas,
    area_sheet,
    area_adjustments,
    schemes,
    plans,
    plan_copies,
    plan_changes,
    plan_backtests,
    plan_notices,
    plan_review,
    plan_waivers,
    plan_measures,
    plan_officers,
    plan_units,
    crosswalks,
    certificates,
    edits,
    plan_locks,
    cells,
    cell_sheet,
    measures,
    # Before the entities, among whose numbers it would be sought.
    nearest,
    entities,
    entity_officers,
    officers,
    posts,
    absences,
    groups,
    gaps,
    lists,
    imports,
    divisions,
    jobs,
    exports,
    maps,
    tiles,
    audit,
    health,
    docs,
    page,
)
"""Every router, in the order of the documentation."""

UPLOAD_PATHS: tuple[str, ...] = IMPORT_PATHS
"""The paths that take files, whose bodies may be larger."""

SLOW_PATHS: tuple[str, ...] = (*UPLOAD_PATHS, "/check", "/publish")
"""How the paths end whose answers may take minutes: they receive files, or wait for a job that publishes."""

FAST_PATHS: Mapping[str, ASGIApp] = {"/v1/locate": single_locate}
"""The endpoints that answer GET before the router looks, by their paths there."""
