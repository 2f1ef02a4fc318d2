"""Accounts and tokens: the bounds of names and lifetimes, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from api.security.accounts import (
    MAX_LIFETIME,
    change_password,
    create_account,
    create_token,
    disable_account,
    list_accounts,
    list_tokens,
    revoke_token,
)
from api.security.audit import Action
from api.security.principal import SYSTEM, Role
from api.security.sign_in_links import MAX_LIFETIME as MAX_LINK_LIFETIME
from api.security.sign_in_links import create_link
from gis.errors import ConflictError, InputError, NotFoundError
from layers.db.database import Database
from layers.jobs.queue import claim, enqueue, find_job
from layers.models import AuditEntry, JobState, Token
from tests.api.security.conftest import PASSWORD

DAY = timedelta(days=1)
TICK = timedelta(milliseconds=1)


def test_a_token_lasts_at_least_a_moment_and_at_most_ten_years(database: Database) -> None:
    with database.write() as session:
        for lifetime in (TICK, MAX_LIFETIME):
            before = datetime.now(UTC)
            made = create_token(session, SYSTEM, "test", Role.viewer, None, lifetime)[0]
            assert before <= made.expires_at - lifetime <= datetime.now(UTC)
        for lifetime in (timedelta(0), -TICK, MAX_LIFETIME + TICK):
            with pytest.raises(InputError, match="at least a moment and at most 3650 days"):
                create_token(session, SYSTEM, "test", Role.viewer, None, lifetime)


def test_a_link_lasts_at_least_a_moment_and_at_most_seven_days(ground: Database, monitor: str) -> None:
    with ground.write() as session:
        for lifetime in (TICK, MAX_LINK_LIFETIME):
            made = create_link(session, SYSTEM, monitor, lifetime)[0]
            assert made.expires_at - made.created_at == lifetime
        for lifetime in (timedelta(0), MAX_LINK_LIFETIME + TICK):
            with pytest.raises(InputError, match="at least a moment and at most 7 days"):
                create_link(session, SYSTEM, monitor, lifetime)


@pytest.mark.parametrize("name", ["", " ", "a" * 101, "a\nb"])
def test_a_name_out_of_bounds_is_refused(database: Database, name: str) -> None:
    with database.write() as session:
        with pytest.raises(InputError, match="1 to 100 printable characters"):
            create_token(session, SYSTEM, name, Role.viewer, None, DAY)
        with pytest.raises(InputError, match="1 to 100 printable characters"):
            create_account(session, SYSTEM, name, Role.viewer, None, PASSWORD)


def test_the_shortest_and_the_longest_name_are_kept_without_the_space_around_them(database: Database) -> None:
    with database.write() as session:
        for name in ("a", "b" * 100):
            assert create_token(session, SYSTEM, f" {name} ", Role.viewer, None, DAY)[0].name == name
            assert create_account(session, SYSTEM, f" {name} ", Role.viewer, None, PASSWORD).name == name
        assert [each.name for each in list_accounts(session, SYSTEM)] == ["a", "b" * 100]
        assert [each.name for each in list_tokens(session, SYSTEM)] == ["a", "b" * 100]


def test_a_name_is_taken_however_it_is_composed(database: Database) -> None:
    with database.write() as session:
        create_account(session, SYSTEM, "li1", Role.viewer, None, PASSWORD)
        with pytest.raises(ConflictError, match="an account 'li1' already"):
            create_account(session, SYSTEM, "li１", Role.viewer, None, PASSWORD)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.integrator])
def test_personal_data_is_granted_to_integrators_only(database: Database, role: Role) -> None:
    with database.write() as session:
        with pytest.raises(InputError, match="integrators only"):
            create_token(session, SYSTEM, "test", role, None, DAY, personal=True)
        assert create_token(session, SYSTEM, "test", Role.integrator, None, DAY, personal=True)[0].personal
        assert not create_token(session, SYSTEM, "test", role, None, DAY)[0].personal


def test_a_token_is_revoked_by_number_or_prefix_once(database: Database) -> None:
    with database.write() as session:
        first, second, third = (
            create_token(session, SYSTEM, name, Role.viewer, None, DAY)[0] for name in "abc"
        )
        revoked_at = revoke_token(session, SYSTEM, str(second.id)).revoked_at
        assert revoked_at is not None
        assert revoke_token(session, SYSTEM, second.prefix).revoked_at == revoked_at
        assert (first.revoked_at, third.revoked_at) == (None, None)
        third.prefix = first.prefix
        session.flush()
        with pytest.raises(ConflictError, match="Several tokens"):
            revoke_token(session, SYSTEM, first.prefix)
        with pytest.raises(NotFoundError):
            revoke_token(session, SYSTEM, "99")
        assert session.get_one(Token, first.id).revoked_at is None


def test_a_disabled_account_stays_so_until_it_has_another_password(database: Database) -> None:
    with database.write() as session:
        account = create_account(session, SYSTEM, "li", Role.viewer, None, PASSWORD)
        changed_at, hashed = account.password_changed_at, account.password_hash
        disabled_at = disable_account(session, SYSTEM, "li").disabled_at
        assert disabled_at is not None
        assert disable_account(session, SYSTEM, "li").disabled_at == disabled_at
        change_password(session, SYSTEM, "li", "another horse battery")
        assert account.disabled_at is None
        assert account.password_changed_at >= changed_at
        assert account.password_hash != hashed


def test_the_jobs_of_a_caller_end_with_its_access_and_no_others(ground: Database, monitor: str) -> None:
    with ground.write() as session:
        token = create_token(session, SYSTEM, "t", Role.integrator, None, DAY)[0]
        numbers = [
            enqueue(session, "publish", {}, created_by=by, area_code=None).id
            for by in (
                f"token {token.id} t",
                "account 1 monitor",
                "account 11 monitor",
                f"token {token.id} t",
            )
        ]
        assert claim(session) is not None
    with ground.write() as session:
        revoke_token(session, SYSTEM, str(token.id))
        disable_account(session, SYSTEM, monitor)
    with ground.read() as session:
        jobs = [find_job(session, number) for number in numbers]
        assert [(each.state, each.cancel_asked) for each in jobs] == [
            # The worker ends what runs.
            (JobState.running, True),
            (JobState.cancelled, True),
            (JobState.queued, False),
            (JobState.cancelled, True),
        ]
        ended = session.scalars(select(AuditEntry).where(AuditEntry.details["cancelled_jobs"].is_not(None)))
        assert {each.action for each in ended} >= {Action.token_revoke, Action.account_disable}
