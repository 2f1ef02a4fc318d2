"""Two counties that hold the same things of every kind, so that what comes back from the other is found."""

from datetime import UTC, date, datetime, timedelta

import shapely

from api.security.audit import Action
from layers.db.database import Database
from layers.models import (
    Absence,
    Area,
    AreaAdjustment,
    Assignment,
    AuditEntry,
    Cell,
    CellGroup,
    CellLock,
    CellUnit,
    Entity,
    Gap,
    GapRun,
    GroupCell,
    Job,
    Officer,
    Plan,
    PlanCell,
    PlanState,
    Post,
    Scheme,
    Waiver,
)

HOME, ABROAD = "440305", "440306"
FOREIGN = "外区"
SECRET = "秘密电话13900007788"
DAY = date(2026, 1, 1)


def fill(database: Database) -> dict[str, dict[str, str]]:
    """Store the same things in two counties; return the ids of each, by the names of path parameters."""
    now = datetime.now(UTC)
    ids: dict[str, dict[str, str]] = {}
    with database.write() as session:
        session.add(Area(code="4403", name="city", level="city", geometry=shapely.box(113, 22, 115, 23)))
        scheme = Scheme(
            code="community", name="community", working_crs="EPSG:4547", rules={}, created_at=now, version=1
        )
        session.add(scheme)
        session.flush()
        report = {"changes": [], "ground": [], "effects": {}}
        adjustment = AreaAdjustment(valid_from=DAY, created_by=FOREIGN, created_at=now, report=report)
        session.add(adjustment)
        whole = gap_run(scheme.id, None, FOREIGN)
        session.add(whole)
        session.flush()
        for code, name, west in ((HOME, "本区", 113), (ABROAD, FOREIGN, 114)):
            ground = shapely.box(west, 22, west + 1, 23)
            plan = Plan(
                scheme_id=scheme.id, name=name, state=PlanState.published, area_code=code, valid_from=DAY,
                created_by="test", created_at=now, published_at=now, checked_at=now, version=1,
                findings={"valid": True, "summary": {}, "findings": []},
            )  # fmt: skip
            officer = Officer(
                external_id=f"{name} officer", area_code=code, personal={"name": SECRET}, attributes={},
                valid_from=DAY, version=1,
            )  # fmt: skip
            entity = Entity(
                kind="household", external_id=f"{name} household", name=name, area_code=code, attributes={},
                personal={"contact": SECRET}, valid_from=DAY, version=1, geometry=ground.centroid,
            )  # fmt: skip
            job = Job(
                kind="check", state="done", area_code=code, created_by=name, created_at=now,
                cancel_asked=False, done=0, parameters={"name": name}, version=1,
            )  # fmt: skip
            file = Job(
                kind="export", state="done", area_code=code, created_by=name, created_at=now,
                cancel_asked=False, done=1, version=1,
                result={"rows": 1, "expires_at": "2999-01-01T00:00:00Z"},
                parameters={"layer": "areas", "format": "csv", "place": code, "reveal": False},
            )  # fmt: skip
            entry = AuditEntry(
                at=now, actor=name, action=Action.record, subject=name, area_code=code, details={}
            )
            session.add_all([
                Area(code=code, name=name, level="county", parent="4403", geometry=ground),
                plan, officer, entity, job, file, entry,
            ])  # fmt: skip
            session.flush()
            cell = Cell(
                scheme_id=scheme.id, plan_id=plan.id, code=f"{code}000000001", name=name, kind="",
                area_code=code, area_m2=1.0, perimeter_m=1.0, attributes={}, personal={"leader": SECRET},
                valid_from=DAY, geometry=ground,
            )  # fmt: skip
            post = Post(
                officer_id=officer.id, scheme_id=scheme.id, cell_code=cell.code, duty="leader", rank="A",
                valid_from=DAY, version=1,
            )  # fmt: skip
            belongs = Assignment(
                entity_id=entity.id, scheme_id=scheme.id, cell_code=cell.code, share=1.0, method="inside",
                valid_from=DAY,
            )  # fmt: skip
            waiver = Waiver(
                scheme_id=scheme.id, plan_id=plan.id, rule="caps.households", cell_code=cell.code,
                content_hash="", reason=name, created_by=name, created_at=now,
            )  # fmt: skip
            lock = CellLock(plan_id=plan.id, cell_code=cell.code, locked_by=name, locked_at=now)
            session.add_all([cell, post, belongs, waiver, lock])
            session.flush()
            session.add(PlanCell(plan_id=plan.id, cell_id=cell.id))
            session.add(CellUnit(cell_id=cell.id, unit_code=f"{name} unit"))
            group = CellGroup(
                scheme_id=scheme.id, code=f"{code}P", name=name, area_code=code, valid_from=DAY, version=1
            )
            absence = Absence(
                officer_id=officer.id, valid_from=DAY, valid_to=DAY + timedelta(days=1),
                personal={"reason": SECRET}, created_by=name, created_at=now, version=1,
            )  # fmt: skip
            session.add_all([group, absence])
            session.flush()
            session.add(
                GroupCell(
                    group_id=group.id, scheme_id=scheme.id, cell_code=cell.code, valid_from=DAY, version=1
                )
            )
            for place in ({"group_id": group.id}, {"area_code": code}, {"entity_id": entity.id}):
                at_place = {"scheme_id": scheme.id, **place, "duty": "leader", "rank": "A"}
                published = {"published_name": name, "valid_from": DAY, "version": 1}
                session.add(Post(officer_id=officer.id, **at_place, **published))
            # Each county's gap is in a run of its own, and in the one of all ground.
            own = gap_run(scheme.id, code, name)
            session.add(own)
            session.flush()
            found = [gap(run.id, cell, name) for run in (own, whole)]
            session.add_all(found)
            session.flush()
            ids[code] = {
                "code": code, "scheme": "community", "plan_id": str(plan.id), "against": str(plan.id),
                "entity_id": str(entity.id), "officer_id": str(officer.id), "post_id": str(post.id),
                "job_id": str(job.id), "export_id": str(file.id), "run_id": str(own.id),
                "waiver_id": str(waiver.id),
                "gap_id": str(found[1].id), "form": "html",
                "group": group.code, "absence_id": str(absence.id),
                # The tile that this county fills, with a strip of the other.
                "z": "8", "x": str(int((west + 180.5) / 360 * 256)), "y": "111",
                "adjustment_id": str(adjustment.id), "measure": "households", "style": "calm",
                "lon": str(west + 0.5), "lat": "22.5", "name": "start.js",
                "cell_code": cell.code, "area_code": code,
            }  # fmt: skip
    return ids


def gap_run(scheme_id: int, area_code: str | None, name: str) -> GapRun:
    counted = {"gaps": 1, "high": 1, "medium": 0, "low": 0, "area_m2": 1.0, "households": 1, "enterprises": 1}
    summary = {"gaps": 1, "kinds": {"unassigned": counted}, "skipped": {}}
    return GapRun(
        scheme_id=scheme_id, area_code=area_code, on=DAY, rules={}, summary=summary, created_by=name,
        created_at=datetime.now(UTC),
    )  # fmt: skip


def gap(run_id: int, cell: Cell, name: str) -> Gap:
    return Gap(
        run_id=run_id, kind="unassigned", severity="high", cell_code=cell.code, area_code=cell.area_code,
        area_m2=1.0, households=1, enterprises=1, rule="", detail=name, geometry=cell.geometry,
        figures={"entity_kind": "household", "entity_id": name, "reason": "outside"},
    )  # fmt: skip
