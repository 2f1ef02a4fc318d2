"""Browser sessions: the cookie, the CSRF token, expiry, and the slowing of those who guess."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.cli.serve import server_config
from api.security.accounts import change_password, disable_account
from api.security.audit import Action
from api.security.credentials import csrf_token, new_session_id
from api.security.principal import SYSTEM, Role
from api.security.sign_in import (
    FAILURE_RETENTION,
    KNOWN_RETENTION,
    Attempt,
    TooManyAttemptsError,
    backoff_s,
    sign_in,
)
from api.security.sign_in_links import create_link, sign_in_by_link
from api.settings import ServiceSettings
from gis.errors import UnauthorizedError
from layers.db.database import Database
from layers.models import AuditEntry, BrowserSession, SignInFailure
from tests.api.security.conftest import PASSWORD, Client, MakeClient, Token, bearer

LASTING = timedelta(hours=1)


def enter(client: Client, name: str, password: str = PASSWORD) -> dict[str, str]:
    answer = client.post("/v1/session", json={"name": name, "password": password})
    assert answer.status_code == 201, answer.text
    return {"X-CSRF-Token": answer.json()["csrf_token"]}


def later(database: Database, **moved: timedelta) -> None:
    """Let time pass by moving what is stored into the past."""
    with database.write() as session:
        for row in session.scalars(select(BrowserSession)):
            for column, by in moved.items():
                setattr(row, column, getattr(row, column) - by)
        for failure in session.scalars(select(SignInFailure)):
            failure.last_at -= max(moved.values())


def test_a_session_lasts_from_sign_in_to_sign_out(client: Client, monitor: str, ground: Database) -> None:
    csrf = enter(client, monitor)
    told = client.get("/v1/session").json()
    assert (told["name"], told["role"], told["area_code"]) == ("monitor", "viewer", "440305")
    assert told["csrf_token"] == csrf["X-CSRF-Token"]
    assert client.get("/v1/areas").json() == ["440305", "440305001"]
    kept = dict(client.cookies)
    assert client.delete("/v1/session", headers=csrf).status_code == 204
    assert not dict(client.cookies)
    client.cookies.update(kept)
    assert client.get("/v1/areas").status_code == 401
    with ground.read() as session:
        assert session.scalar(select(func.count()).select_from(BrowserSession)) == 0
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions == [Action.account_create, Action.sign_in, Action.sign_out]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    make_client: MakeClient, monitor: str, scheme: str, ground: Database
) -> None:
    client = make_client(base_url=f"{scheme}://localhost")
    answer = client.post("/v1/session", json={"name": monitor, "password": PASSWORD})
    (cookie,) = answer.headers.get_list("set-cookie")
    value, *attributes = cookie.split("; ")
    name, _, session_id = value.partition("=")
    assert {"HttpOnly", "Path=/", "SameSite=strict"} <= set(attributes)
    assert ("Secure" in attributes) == (scheme == "https")
    assert name == ("__Host-wangge_session" if scheme == "https" else "wangge_session")
    assert not any(each.startswith(("Domain", "Expires", "Max-Age")) for each in attributes)
    with ground.read() as session:
        assert session.scalars(select(BrowserSession)).one().sha256 != session_id
    assert client.get("/v1/areas").status_code == 200


def test_a_change_needs_the_csrf_token_of_the_same_session(client: Client, monitor: str) -> None:
    csrf = enter(client, monitor)
    wrong = [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": csrf_token(new_session_id())},
             {**csrf, "Sec-Fetch-Site": "cross-site"}, {**csrf, "Sec-Fetch-Site": "same-site"}]  # fmt: skip
    for headers in wrong:
        assert client.delete("/v1/session", headers=headers).status_code == 403
    assert client.get("/v1/session").status_code == 200
    assert client.delete("/v1/session", headers={**csrf, "Sec-Fetch-Site": "same-origin"}).status_code == 204


def test_another_site_cannot_sign_somebody_in(client: Client, monitor: str) -> None:
    given = {"name": monitor, "password": PASSWORD}
    crossed = client.post("/v1/session", json=given, headers={"Sec-Fetch-Site": "cross-site"})
    assert crossed.status_code == 403
    assert client.post("/v1/session", data=given).status_code == 422


@pytest.mark.parametrize(
    "moved",
    [{"seen_at": timedelta(hours=2, seconds=1)}, {"expires_at": timedelta(hours=12, seconds=1)}],
    ids=["idle", "absolute"],
)
def test_a_session_ends_when_idle_and_at_the_latest_after_its_time(
    client: Client, monitor: str, ground: Database, moved: dict[str, timedelta]
) -> None:
    enter(client, monitor)
    later(ground, **moved)
    assert client.get("/v1/areas").status_code == 401


def test_use_keeps_a_session_from_being_idle(client: Client, monitor: str, ground: Database) -> None:
    enter(client, monitor)
    later(ground, seen_at=timedelta(hours=1, minutes=59))
    assert client.get("/v1/areas").status_code == 200
    for _ in range(1000):
        client.get("/v1/areas")
        with ground.read() as session:
            seen_at = session.scalars(select(BrowserSession.seen_at)).one()
        if datetime.now(UTC) - seen_at < timedelta(minutes=1):
            return
        time.sleep(0.02)
    raise AssertionError(seen_at)


@pytest.mark.parametrize("deed", ["disable", "password"])
def test_disabling_and_a_new_password_end_what_is_open(
    client: Client, monitor: str, ground: Database, deed: str
) -> None:
    enter(client, monitor)
    with ground.write() as session:
        if deed == "disable":
            disable_account(session, SYSTEM, monitor)
        else:
            change_password(session, SYSTEM, monitor, "another horse battery")
    assert client.get("/v1/areas").status_code == 401
    answer = client.post("/v1/session", json={"name": monitor, "password": PASSWORD})
    assert answer.status_code == 401


def test_an_unknown_name_answers_as_a_wrong_password_does(
    client: Client, monitor: str, ground: Database
) -> None:
    answers = [
        client.post("/v1/session", json={"name": name, "password": "wrong horse battery"})
        for name in (monitor, "nobody")
    ]
    assert {each.status_code for each in answers} == {401}
    assert answers[0].json() == answers[1].json()
    with ground.read() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == Action.sign_in_failed)).all()
        sources = session.scalars(select(SignInFailure.source)).all()
        written = [(each.actor, each.subject is None, sorted(each.details)) for each in entries]
    # The name as typed, which may be a password, is written nowhere.
    assert written == [("nobody", False, ["address"]), ("nobody", True, ["address"])]
    assert all(len(source) == 64 for source in sources)


def guess(database: Database, name: str, address: str, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(UnauthorizedError):
            sign_in(database, name, "x" * 300, address, LASTING)


def make_worse(database: Database, failures: int) -> None:
    """Make what has failed so often fail four times more, which a slow machine takes for 16 s."""
    with database.write() as session:
        session.execute(
            update(SignInFailure)
            .where(SignInFailure.failures == failures)
            .values(failures=failures + 4, last_at=datetime.now(UTC))
        )


def test_guessing_a_name_is_slowed_where_it_comes_from_and_not_for_its_owner(
    make_client: MakeClient, monitor: str, ground: Database
) -> None:
    guess(ground, monitor, "192.0.2.1", 3)
    make_worse(ground, 3)
    given = {"name": "Monitor ", "password": PASSWORD}
    slowed = make_client(address="192.0.2.1").post("/v1/session", json=given)
    assert slowed.status_code == 429
    assert 1 <= int(slowed.headers["retry-after"]) <= 16
    enter(make_client(address="198.51.100.1"), monitor)
    guess(ground, "another name", "192.0.2.1")
    later(ground, seen_at=timedelta(seconds=17))
    enter(make_client(address="192.0.2.1"), monitor)


@pytest.mark.parametrize("by", ["password", "link"])
def test_guessing_a_name_from_many_addresses_is_slowed_except_where_its_owner_is_known(
    ground: Database, monitor: str, by: str
) -> None:
    if by == "password":
        sign_in(ground, monitor, PASSWORD, "198.51.100.1", LASTING)
    else:
        with ground.write() as session:
            _, secret = create_link(session, SYSTEM, monitor, LASTING)
        sign_in_by_link(ground, secret, "198.51.100.1", LASTING)
    for attempt in range(30):
        guess(ground, monitor, f"192.0.2.{attempt}")
    make_worse(ground, 30)
    with pytest.raises(TooManyAttemptsError):
        sign_in(ground, monitor, PASSWORD, "203.0.113.9", LASTING)
    sign_in(ground, monitor, PASSWORD, "198.51.100.1", LASTING)
    # The others have no new guesses by that, and guesses count where the owner is known, too.
    with pytest.raises(TooManyAttemptsError):
        sign_in(ground, monitor, "x", "203.0.113.9", LASTING)
    guess(ground, monitor, "198.51.100.1", 3)
    with pytest.raises(TooManyAttemptsError):
        sign_in(ground, monitor, PASSWORD, "198.51.100.1", LASTING)


def test_an_owner_known_at_an_address_is_not_delayed_by_others_who_share_it(
    ground: Database, monitor: str
) -> None:
    sign_in(ground, monitor, PASSWORD, "192.0.2.7", LASTING)
    for attempt in range(20):
        guess(ground, f"name {attempt}", "192.0.2.7")
    make_worse(ground, 20)
    with pytest.raises(TooManyAttemptsError):
        sign_in(ground, "one more", "x", "192.0.2.7", LASTING)
    sign_in(ground, monitor, PASSWORD, "192.0.2.7", LASTING)


def test_a_known_address_is_forgotten_when_it_was_not_used_for_long(ground: Database, monitor: str) -> None:
    sign_in(ground, monitor, PASSWORD, "192.0.2.7", LASTING)
    for passed, kept in ((KNOWN_RETENTION * 0.99, True), (KNOWN_RETENTION * 1.01, False)):
        known = Attempt.of(monitor, "192.0.2.7").known
        with ground.write() as session:
            session.execute(update(SignInFailure).values(last_at=datetime.now(UTC) - passed))
        guess(ground, "another", "203.0.113.9")
        with ground.read() as session:
            assert (known in session.scalars(select(SignInFailure.source)).all()) == kept


def test_guessing_names_is_slowed_from_one_address(ground: Database) -> None:
    for attempt in range(20):
        with pytest.raises(UnauthorizedError):
            sign_in(ground, f"name {attempt}", "x" * 300, f"2001:db8::{attempt}", LASTING)
    with pytest.raises(TooManyAttemptsError):
        sign_in(ground, "another", "x" * 300, "2001:db8::ffff", LASTING)
    with pytest.raises(UnauthorizedError):
        sign_in(ground, "another", "x" * 300, "2001:db9::1", LASTING)


def test_signing_in_oneself_does_not_clear_an_address(ground: Database, monitor: str) -> None:
    for attempt in range(19):
        with pytest.raises(UnauthorizedError):
            sign_in(ground, f"name {attempt}", "x" * 300, "192.0.2.7", LASTING)
    sign_in(ground, monitor, PASSWORD, "192.0.2.7", LASTING)
    with pytest.raises(UnauthorizedError):
        sign_in(ground, "one more", "x" * 300, "192.0.2.7", LASTING)
    with pytest.raises(TooManyAttemptsError):
        sign_in(ground, "and another", "x" * 300, "192.0.2.7", LASTING)


def test_many_guesses_at_once_count_each(ground: Database, monitor: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def guess(number: int) -> type[Exception]:
        try:
            sign_in(ground, monitor, f"guess number {number}", "192.0.2.1", LASTING)
        except (UnauthorizedError, TooManyAttemptsError) as error:
            return type(error)
        raise AssertionError(number)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(guess, range(8)))
    assert outcomes.count(UnauthorizedError) <= 4
    assert outcomes.count(TooManyAttemptsError) >= 4


def test_failures_are_forgotten_after_a_day(ground: Database, monitor: str) -> None:
    for _ in range(3):
        with pytest.raises(UnauthorizedError):
            sign_in(ground, monitor, "x" * 300, "192.0.2.7", LASTING)
    with ground.write() as session:
        session.execute(update(SignInFailure).values(last_at=datetime.now(UTC) - FAILURE_RETENTION * 1.01))
    sign_in(ground, monitor, PASSWORD, "192.0.2.7", LASTING)
    with ground.read() as session:
        # The name with its address, each by itself, and the note that the address is known.
        assert session.scalars(select(SignInFailure.failures)).all() == [0, 0, 0, 0]


def test_waits_double_up_to_five_minutes() -> None:
    assert [backoff_s(failures, 3) for failures in (0, 2, 3, 4, 5, 10, 12, 10_000)] == [
        0, 0, 1, 2, 4, 128, 300, 300]  # fmt: skip


def test_an_address_counts_as_one_subscriber_however_it_is_written() -> None:
    def key(address: str) -> set[str]:
        return set(Attempt.of(None, address).wide)

    # An IPv4 address within IPv6 is that address, and not all of its network.
    assert key("::ffff:192.0.2.7") == key("192.0.2.7") != key("::ffff:192.0.2.8")
    assert key("2001:db8::1") == key("2001:db8::ffff:1") != key("2001:db8:0:1::1")
    # A name counts beside the address, alike however it is written.
    assert Attempt.of("Li ", "192.0.2.7") == Attempt.of("li", "192.0.2.7")
    assert set(Attempt.of("li", "192.0.2.7").wide) > key("192.0.2.7")
    assert sorted(Attempt.of("li", "192.0.2.7").wide.values()) == [20, 30]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("x" * 8000, "unknown"),
        ("198.51.100.1' OR 1", "unknown"),
        ("999.1.1.1", "unknown"),
        ("", "unknown"),
        ("host.example", "unknown"),
    ],
)
def test_the_audit_holds_an_address_or_none(
    make_client: MakeClient, ground: Database, given: str, written: str
) -> None:
    make_client(address=given).post("/v1/session", json={"name": "nobody", "password": "x"})
    with ground.read() as session:
        assert session.scalars(select(AuditEntry)).one().details == {"address": written}


def test_another_site_cannot_have_personal_data_revealed(client: Client, monitor: str, token: Token) -> None:
    enter(client, monitor)
    for site, query, status in (
        ("cross-site", "reveal=true", 403),
        ("same-site", "reveal=true", 403),
        ("same-site", "%72eveal=1", 403),
        ("same-site", "a=b&reveal=on", 403),
        ("same-site", "", 200),
        ("same-origin", "reveal=true", 200),
        ("none", "reveal=true", 200),
    ):
        assert client.get(f"/v1/areas?{query}", headers={"Sec-Fetch-Site": site}).status_code == status
    # A token is not sent by itself.
    headers = {**bearer(token(Role.viewer)), "Sec-Fetch-Site": "cross-site"}
    assert client.get("/v1/areas?reveal=true", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("proxies", "forwarded", "written"),
    [
        # By default nobody is believed, not even somebody on this machine.
        ((), "198.51.100.1", "127.0.0.1"),
        (("10.0.0.0/8",), "198.51.100.1", "127.0.0.1"),
        (("127.0.0.1",), "198.51.100.1", "198.51.100.1"),
        (("127.0.0.0/8", "10.0.0.0/8"), "192.0.2.66, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
        (("127.0.0.1",), "<script>" + "x" * 9000, "unknown"),
        (("127.0.0.1",), "", "127.0.0.1"),
    ],
)
@pytest.mark.parametrize("copy_of", ["sqlite"], indirect=True)
def test_a_proxy_that_is_named_alone_says_where_a_sign_in_comes_from(
    app: FastAPI, ground: Database, proxies: tuple[str, ...], forwarded: str, written: str
) -> None:
    config = server_config(ServiceSettings(proxies=proxies))
    client = Client(ProxyHeadersMiddleware(app, config.forwarded_allow_ips), address="127.0.0.1")
    client.post(
        "/v1/session",
        json={"name": "nobody", "password": "x"},
        headers={"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"},
    )
    client.close()
    with ground.read() as session:
        assert session.scalars(select(AuditEntry)).one().details == {"address": written}
