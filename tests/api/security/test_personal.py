"""Masks show next to nothing, reveals are audited, and passwords are kept as they should be."""

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from api.schemas.masking import mask_personal, mask_text
from api.security.audit import Action, audit
from api.security.passwords import hash_password, verify_password
from api.security.personal import audit_reveal, open_read_session
from api.security.principal import RIGHTS, SYSTEM, Principal, Right, Role
from gis.errors import ForbiddenError, InputError
from layers.db.database import Database
from layers.models import AuditEntry

VIEWER = Principal("token", 7, "map", Role.viewer, RIGHTS[Role.viewer], "440305", frozenset(["440305"]))


def test_a_mask_keeps_the_shape_and_hides_the_value() -> None:
    personal = {
        "contact": "张伟",
        "phone": "13800001234",
        "phones": ["13800001234", ""],
        "owner": {"name": "John Smith", "id": "440305199001011234"},
        "persons": 4,
        "note": None,
    }
    assert mask_personal(personal) == {
        "contact": "张*",
        "phone": "*********34",
        "phones": ["*********34", ""],
        "owner": {"name": "J***", "id": "****************34"},
        "persons": "4*",
        "note": None,
    }


@given(st.text(min_size=1))
def test_a_mask_leaves_two_signs_at_most(text: str) -> None:
    hidden = mask_text(text)
    assert "*" in hidden
    assert len(hidden.replace("*", "")) <= 2


@pytest.mark.parametrize("role", Role)
def test_personal_data_is_for_publishers_and_administrators(role: Role, database: Database) -> None:
    principal = Principal("token", 1, "x", role, RIGHTS[role], None, None)
    permitted = (
        nullcontext()
        if role in {Role.publisher, Role.admin}
        else pytest.raises(ForbiddenError, match=f"{role} lacks the right 'reveal'")
    )
    with permitted, open_read_session(database, principal, reveal=True):
        pass
    with open_read_session(database, principal, reveal=False):
        pass
    granted = Principal("token", 1, "x", role, RIGHTS[role] | {Right.reveal}, None, None)
    with open_read_session(database, granted, reveal=True):
        pass


def test_a_reveal_is_audited_with_the_records_and_not_their_values(database: Database) -> None:
    with database.write() as session:
        audit_reveal(session, SYSTEM, "entity", [])
        audit_reveal(session, SYSTEM, "entity", range(250))
    with database.read() as session:
        (entry,) = session.scalars(select(AuditEntry))
        assert (entry.action, entry.subject, entry.actor) == (
            Action.reveal,
            "250 entity",
            "command line",
        )
        assert entry.details["count"] == 250
        assert len(entry.details["ids"]) == 100


def test_an_entry_belongs_to_the_transaction_of_its_deed(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            audit(session, VIEWER, Action.publish, "plan 1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.write() as session:
        audit(session, VIEWER, Action.publish, "plan 2")
    with database.read() as session:
        (entry,) = session.scalars(select(AuditEntry))
        assert (entry.subject, entry.area_code, entry.role) == ("plan 2", "440305", "viewer")


def test_a_principal_says_what_it_lacks() -> None:
    VIEWER.require_right(Right.read)
    VIEWER.require_area("440305")
    with pytest.raises(ForbiddenError, match="viewer lacks the right 'publish'"):
        VIEWER.require_right(Right.publish)
    # Which area it would be is not told: the caller may have named a place and not its area.
    for area_code in ("440306", None):
        with pytest.raises(ForbiddenError, match=r"^This lies outside area '440305', to which"):
            VIEWER.require_area(area_code)


def test_passwords_are_argon2id_and_compared_in_one_form() -> None:
    stored = hash_password("correct café battery", "monitor")
    assert stored.startswith("$argon2id$")
    assert verify_password(stored, "correct cafe\u0301 battery")
    assert not verify_password(stored, "correct cafe battery")
    assert not verify_password(None, "nobody has this password")
    assert not verify_password("not a hash", "correct café battery")


@pytest.mark.parametrize("password", ["", "short", "x" * 12, "x" * 257, "the-monitor1"])
def test_a_weak_password_is_refused(password: str) -> None:
    with pytest.raises(InputError):
        hash_password(password, "The-Monitor1")
