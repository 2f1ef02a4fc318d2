"""Records are what their schemas describe: no field more, none less, each of its type."""

from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
import shapely
from pydantic import BaseModel

from api import schemas
from api.schemas.areas import area_record
from api.schemas.audit import audit_record
from api.schemas.entities import entity_owner_record, entity_record, nearby_entity_record
from api.schemas.jobs import job_record
from api.schemas.posts import post_record
from api.schemas.staff import officer_record
from layers import models
from layers.entities.history import EntityOwner
from layers.staff.posts import SchemePost

DAY, NOW = date(2026, 1, 1), datetime(2026, 1, 1, 12, tzinfo=UTC)
AREA = models.Area(
    id=1,
    code="440305",
    name="南山区",
    level="county",
    parent="4403",
    change="recorded",
    geometry=shapely.box(114, 22.5, 114.1, 22.6),
)
ENTITY = models.Entity(
    id=17, kind="enterprise", external_id="E1", name="Bakery", class_name="A", area_code="440305",
    attributes={"employees": 12}, personal={"contact": "张伟"}, valid_from=DAY, valid_to=None, version=2,
    geometry=shapely.Point(114.05, 22.55),
)  # fmt: skip
FORMER = models.EntityVersion(
    id=3, entity_id=17, name=None, class_name=None, area_code=None, attributes={},
    personal={"contact": "李雷"}, valid_from=DAY, valid_to=DAY, version=1, geometry=None,
)  # fmt: skip
ASSIGNMENT = models.Assignment(
    id=4, entity_id=17, scheme_id=2, cell_code="C1", share=1.0, method="inside", distance_m=None, reason=None,
    valid_from=DAY, valid_to=None,
)  # fmt: skip
OWNER = EntityOwner(ASSIGNMENT, "community", is_forbidden=False)
OFFICER = models.Officer(
    id=5, external_id="G-0005", area_code="440305", personal={"phone": "13800001234"}, attributes={"team": 3},
    valid_from=DAY, valid_to=None, version=1,
)  # fmt: skip
POST = models.Post(
    id=9, officer_id=5, scheme_id=2, cell_code="C1", duty="leader", rank="A", part_time=False,
    held_since=DAY, valid_from=DAY, valid_to=DAY, version=2,
)  # fmt: skip
JOB = models.Job(
    id=3, kind="divide", state="done", area_code=None, created_by="account 1 planner", created_at=NOW,
    started_at=NOW, ended_at=None, heartbeat_at=NOW, cancel_asked=False, done=1, total=None,
    parameters={"file": "secret"}, result={"rows": 1}, error=None, version=3,
)  # fmt: skip
ENTRY = models.AuditEntry(
    id=1, at=NOW, actor="account 1 planner", role="planner", action="exported", subject="job 3",
    area_code="440305", details={"layer": "cells"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("record", "schema"),
    [
        (area_record(AREA, geometry=True), schemas.Area),
        (entity_record(ENTITY, ENTITY), schemas.Entity),
        (entity_record(FORMER, ENTITY), schemas.Entity),
        (nearby_entity_record(ENTITY, 41.30049), schemas.NearbyEntity),
        (entity_owner_record(OWNER), schemas.EntityOwner),
        (entity_owner_record(OWNER._replace(is_forbidden=True)), schemas.EntityOwner),
        (officer_record(OFFICER), schemas.Officer),
        (post_record(SchemePost(POST, "community", "440305")), schemas.Post),
        (post_record(SchemePost(POST, "community", "440305", visible=False)), schemas.Post),
        (job_record(JOB), schemas.Job),
        (audit_record(ENTRY), schemas.AuditEntry),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_record_is_what_its_schema_describes(record: dict[str, Any], schema: type[BaseModel]) -> None:
    sent = orjson.loads(orjson.dumps(record))
    described = schema.model_validate(sent, strict=False).model_dump(mode="json")
    assert list(sent) == list(schema.model_fields)
    # Times are written with their offset in two ways.
    for name, value in described.items():
        assert sent[name] == value or datetime.fromisoformat(sent[name]) == datetime.fromisoformat(value)


def test_an_area_of_a_list_has_no_geometry() -> None:
    assert area_record(AREA, geometry=False) == {
        "id": 1,
        "code": "440305",
        "name": "南山区",
        "level": "county",
        "parent": "4403",
        "valid_from": None,
        "valid_to": None,
        "change": "recorded",
    }


def test_a_former_state_keeps_the_identity_of_its_entity() -> None:
    record = entity_record(FORMER, ENTITY)
    assert (record["id"], record["kind"], record["external_id"]) == (17, "enterprise", "E1")
    assert (record["name"], record["version"], record["valid_to"]) == (None, 1, DAY)


def test_personal_values_are_masked_unless_they_are_to_be_plain() -> None:
    assert entity_record(ENTITY, ENTITY)["personal"] == {"contact": "张*"}
    assert entity_record(FORMER, ENTITY)["personal"] == {"contact": "李*"}
    assert entity_record(ENTITY, ENTITY, plain=True)["personal"] == {"contact": "张伟"}
    assert nearby_entity_record(ENTITY, 1.0)["personal"] == {"contact": "张*"}
    assert officer_record(OFFICER)["personal"] == {"phone": "*********34"}
    assert officer_record(OFFICER, plain=True)["personal"] == {"phone": "13800001234"}


def test_a_cell_elsewhere_is_told_by_nothing_of_its_own() -> None:
    record = entity_owner_record(OWNER._replace(is_forbidden=True))
    assert {key: record[key] for key in ("cell_code", "share", "method", "distance_m", "reason")} == {
        "cell_code": None, "share": 0.0, "method": "none", "distance_m": None, "reason": "forbidden",
    }  # fmt: skip


def test_distances_are_given_to_the_millimetre() -> None:
    assert nearby_entity_record(ENTITY, 41.30049)["distance_m"] == 41.3
