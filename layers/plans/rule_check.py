"""The check of the rules that a scheme sets for its cells: what breaks them, and what of that is waived."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from gis.arrays import FloatArray, IntArray
from gis.cell_rules import CELL_RULES, CellFacts, find_broken_rules
from gis.crs import LONLAT
from gis.errors import ConflictError
from gis.locate import PointLocator
from gis.measures import count_keys
from gis.text import Text
from layers.db.bbox import BBox, bbox_intersects
from layers.db.bulk import decode_geometries, raw_geometry, read_rows, text_in
from layers.db.content_hash import canonical_json
from layers.models import Cell, Entity, Plan, Scheme, Waiver
from layers.plans.cells import read_cells, select_plan_cells
from layers.plans.post_proposals import propose_posts
from layers.plans.schemes import cell_rules
from layers.plans.units import members_by_code

MAX_STORED_BROKEN = 1_000
"""How many cells that break rules a check stores, with their figures; all are counted."""


class RuleCheck(NamedTuple):
    """What a check found of the rules for cells.

    Attributes
    ----------
    asked
        The rules as they were, in one form by which they compare.
    counts
        How many cells break each rule.
    broken
        The first `MAX_STORED_BROKEN` as they are stored; `hash` is that of the cell.
    """

    asked: str
    counts: dict[str, int]
    broken: list[dict[str, Any]]


class RuleFinding(NamedTuple):
    """A cell that breaks a rule of its scheme, and the waiver by which it may; None where there is none."""

    rule: str
    code: str
    figure: float | None
    limit: float | None
    words: Text
    waiver: Waiver | None


def examine_rules(session: Session, plan: Plan, cells: gpd.GeoDataFrame, on: date) -> RuleCheck:
    """Find the cells of a plan that break the rules of its scheme, and store nothing.

    Parameters
    ----------
    cells
        As `layers.plans.cells.plan_cells` reads them.
    on
        The day for which the plan might be published: those who would answer for its cells then count.
        Entities count where they lie today.
    """
    scheme = session.get_one(Scheme, plan.scheme_id)
    rules = cell_rules(scheme)
    if not rules:
        return RuleCheck(_asked(scheme), {}, [])
    units: IntArray | None = None
    if plan.units_on is not None:
        made_of = members_by_code(session, cells)["cell"].value_counts()
        units = np.asarray(made_of.reindex(cells["code"], fill_value=0), dtype=np.int64)
    posts: list[Counter[tuple[str, str]]] = []
    if any(rule.asks_for_posts for rule in rules):
        # One proposal for each cell, in the order of their codes as the cells are.
        posts = [
            Counter((post["duty"], post["rank"]) for post in each.posts)
            for each in propose_posts(session, plan, on)
        ]
    facts = CellFacts(
        codes=cells["code"].tolist(),
        kinds=cells["kind"].tolist(),
        area_m2=cells["area_m2"].to_numpy(),
        loads=_read_loads(session, cells, {load for rule in rules for load in rule.loads}),
        units=units,
        posts=posts,
    )
    broken = find_broken_rules(rules, facts)
    kept = broken[:MAX_STORED_BROKEN]
    hashes = hash_cells(cells[cells["code"].isin({each.code for each in kept})])
    stored = [{**each._asdict(), "words": each.words._asdict(), "hash": hashes[each.code]} for each in kept]
    return RuleCheck(_asked(scheme), dict(Counter(each.rule for each in broken)), stored)


def hash_cells(cells: gpd.GeoDataFrame) -> dict[str, str]:
    """Return by its code a digest of what a waiver was given for: the kind, the area and the ground."""
    shapes = shapely.to_wkb(shapely.normalize(cells.geometry.to_numpy()), byte_order=1)
    return {
        code: hashlib.blake2b(f"{kind}\n{area}\n".encode() + wkb, digest_size=16).hexdigest()
        for code, kind, area, wkb in zip(
            cells["code"], cells["kind"], cells["area_code"], shapes, strict=True
        )
    }


def read_rule_findings(session: Session, plan: Plan) -> list[RuleFinding]:
    """Return the cells that broke rules when a plan was checked, with their waivers.

    A waiver that was given in another plan counts once that plan has been published.
    """
    broken = [] if plan.findings is None else plan.findings.get("rules", [])
    waivers = holding_waivers(session, plan, {each["code"] for each in broken})
    by_cell = {(each.rule, each.cell_code, each.content_hash): each for each in waivers}
    return [
        RuleFinding(
            each["rule"],
            each["code"],
            each["figure"],
            each["limit"],
            Text(**each["words"]),
            by_cell.get((each["rule"], each["code"], each["hash"])),
        )
        for each in broken
    ]


def read_rule_shapes(
    session: Session, plan: Plan, findings: Sequence[RuleFinding]
) -> list[tuple[RuleFinding, shapely.Geometry | None]]:
    """Return what breaks rules with the polygon of its cell in EPSG:4326, None for one that is no more."""
    codes = {each.code for each in findings}
    chosen = select_plan_cells(plan).where(text_in(session, Cell.code, codes))
    cells = read_cells(session, chosen, ("code",)).set_index("code").geometry
    return [(each, cells.get(each.code)) for each in findings]


def holding_waivers(session: Session, plan: Plan, codes: Collection[str]) -> Sequence[Waiver]:
    """Return the waivers for cells with some codes that were given for a plan or before it, and not ended."""
    if not codes:
        return []
    chosen = (
        select(Waiver)
        .join(Plan, Plan.id == Waiver.plan_id)
        .where(
            Waiver.scheme_id == plan.scheme_id,
            Waiver.ended_at.is_(None),
            text_in(session, Waiver.cell_code, codes),
            or_(Waiver.plan_id == plan.id, Plan.published_at.is_not(None)),
        )
    )
    return session.scalars(chosen.order_by(Waiver.id)).all()


def require_rules_kept(session: Session, plan: Plan) -> None:
    """Refuse a plan whose cells break rules of its scheme that are not waived.

    Raises
    ------
    ConflictError
        With the first of them, or if the rules have changed since its check.
    """
    stored = plan.findings or {}
    if stored.get("rules_asked", "{}") != _asked(session.get_one(Scheme, plan.scheme_id)):
        raise ConflictError(
            f"The rules of the scheme of plan {plan.id} have changed since its check; check again."
        )
    left = [each for each in read_rule_findings(session, plan) if each.waiver is None]
    total = sum(stored.get("rule_counts", {}).values())
    if total > MAX_STORED_BROKEN:
        raise ConflictError(
            f"The cells of plan {plan.id} break rules of its scheme {total:,} times, "
            "more than can be waived; mend them and check again."
        )
    if left:
        where = left[0].code
        figure, limit = left[0].figure, left[0].limit
        if figure is not None and limit is not None:
            where += f" ({figure:g} {'>' if figure > limit else '<'} {limit:g})"
        raise ConflictError(
            f"Plan {plan.id} breaks rules of its scheme {len(left):,} times, first {left[0].rule} in cell "
            f"{where}; mend it and check again, or let a publisher waive it."
        )


def _asked(scheme: Scheme) -> str:
    return canonical_json({name: scheme.rules[name] for name in CELL_RULES if name in scheme.rules})


def _read_loads(session: Session, cells: gpd.GeoDataFrame, names: Iterable[str]) -> dict[str, FloatArray]:
    """Return what each cell carries by name: entities on its ground, or a number among its attributes."""
    kind_of = {key: kind for kind, key in count_keys().items()} | {kind: kind for kind in count_keys()}
    counted = _count_entities(session, cells, {kind_of[name] for name in names if name in kind_of})
    loads = {}
    for name in names:
        given = [attributes.get(name) for attributes in cells["attributes"]]
        own = pd.to_numeric(pd.Series(given, dtype=object), errors="coerce").to_numpy(dtype=float)
        numbers = counted.get(kind_of.get(name, ""))
        # Where no entities are kept, the cells may bring their number along.
        loads[name] = own if numbers is None or (not numbers.any() and np.isfinite(own).any()) else numbers
    return loads


def _count_entities(
    session: Session, cells: gpd.GeoDataFrame, kinds: Collection[str]
) -> dict[str, FloatArray]:
    """Return how many of the present entities of each kind lie in each cell, by a point within them."""
    if not kinds:
        return {}
    chosen = select(Entity.kind, raw_geometry(session, Entity.geometry)).where(
        Entity.kind.in_(kinds),
        Entity.valid_to.is_(None),
        bbox_intersects(session, Entity, BBox(*map(float, cells.total_bounds))),
    )
    rows = read_rows(session, chosen)
    points = shapely.point_on_surface(decode_geometries(session, [row[1] for row in rows]))
    locator = PointLocator(gpd.GeoDataFrame(cells[["code"]], geometry=cells.geometry, crs=LONLAT))
    owners = locator.find_owners(shapely.get_x(points), shapely.get_y(points))
    place = pd.Index(cells["code"]).get_indexer(pd.Index(locator.codes))
    kind = np.array([row[0] for row in rows], dtype=object)
    return {
        name: np.bincount(place[owners[(kind == name) & (owners >= 0)]], minlength=len(cells)).astype(float)
        for name in kinds
    }
