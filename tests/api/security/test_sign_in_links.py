"""Links that sign in once: by command line and HTTP, used, expired, void, guessed and raced for."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from api.cli import app as commands
from api.security.accounts import change_password, disable_account
from api.security.audit import Action
from api.security.credentials import new_session_id
from api.security.principal import SYSTEM
from api.security.sign_in import TooManyAttemptsError
from api.security.sign_in_links import MAX_LIFETIME, create_link, sign_in_by_link
from gis.errors import ConflictError, InputError, NotFoundError, UnauthorizedError
from layers.db.database import Database
from layers.models import AuditEntry, SignInFailure, SignInLink
from tests.api.conftest import Outcome
from tests.api.security.conftest import PASSWORD, Client, MakeClient

LASTING = timedelta(hours=1)
Make = Callable[..., str]


@pytest.fixture
def link(ground: Database, monitor: str) -> Make:
    """Make a link of the account `monitor` and return its secret."""

    def make(lasting: timedelta = LASTING) -> str:
        with ground.write() as session:
            return create_link(session, SYSTEM, monitor, lasting)[1]

    return make


def enter(client: Client, secret: str, **headers: str) -> int:
    return client.post("/v1/session/link", json={"secret": secret}, headers=headers).status_code


def test_a_link_signs_in_once_as_a_password_does(client: Client, link: Make, ground: Database) -> None:
    secret = link()
    answer = client.post("/v1/session/link", json={"secret": secret})
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["name"], told["role"], told["area_code"]) == ("monitor", "viewer", "440305")
    (cookie,) = answer.headers.get_list("set-cookie")
    assert {"HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
    assert client.get("/v1/areas").json() == ["440305", "440305001"]
    csrf = {"X-CSRF-Token": told["csrf_token"]}
    assert client.delete("/v1/session").status_code == 403
    assert client.delete("/v1/session", headers=csrf).status_code == 204
    assert enter(client, secret) == 401
    assert client.get("/v1/areas").status_code == 401
    with ground.read() as session:
        kept = session.scalars(select(SignInLink)).one()
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        written = [(each.action, each.details.get("by")) for each in entries]
        assert all(secret not in str(vars(each)) for each in (kept, *entries))
    assert written == [
        (Action.account_create, None), (Action.link_create, None), (Action.sign_in, "link"),
        (Action.sign_out, None), (Action.sign_in_failed, "link"),
    ]  # fmt: skip


def test_a_link_whose_time_is_over_signs_nobody_in(client: Client, link: Make, ground: Database) -> None:
    secret = link()
    with ground.write() as session:
        session.execute(update(SignInLink).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    assert enter(client, secret) == 401


@pytest.mark.parametrize("deed", ["disable", "password"])
def test_disabling_and_a_new_password_make_links_void(
    client: Client, link: Make, ground: Database, deed: str
) -> None:
    secret = link()
    with ground.write() as session:
        if deed == "disable":
            disable_account(session, SYSTEM, "monitor")
        else:
            change_password(session, SYSTEM, "monitor", PASSWORD)
    assert enter(client, secret) == 401
    if deed == "disable":
        with pytest.raises(ConflictError, match="disabled"):
            link()


@pytest.mark.parametrize("secret", ["x", "0" * 43, "é" * 43, "wg_" + "0" * 43, " " * 100])
def test_what_is_no_secret_is_refused_and_told_alike(client: Client, link: Make, secret: str) -> None:
    link()
    refused = client.post("/v1/session/link", json={"secret": secret})
    assert refused.status_code == 401
    assert secret not in refused.json()["detail"] or secret == "x"
    assert refused.json()["detail"].startswith("The link has been used")


@pytest.mark.parametrize("body", [{}, {"secret": ""}, {"secret": "a" * 101}, {"secret": 7}, {"link": "a"}])
def test_what_is_no_question_is_not_echoed(client: Client, body: dict[str, object]) -> None:
    refused = client.post("/v1/session/link", json=body)
    assert refused.status_code == 422
    assert "a" * 101 not in refused.text


def test_another_site_cannot_use_up_a_link(client: Client, link: Make) -> None:
    secret = link()
    assert enter(client, secret, **{"Sec-Fetch-Site": "cross-site"}) == 403
    assert enter(client, secret, **{"Sec-Fetch-Site": "same-origin"}) == 201


def test_of_many_at_once_one_comes_in(ground: Database, link: Make) -> None:
    secret = link()

    def use(number: int) -> bool:
        try:
            sign_in_by_link(ground, secret, f"192.0.2.{number}", LASTING)
        except UnauthorizedError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(use, range(6))) == 1


def test_guessing_is_slowed_from_one_address(make_client: MakeClient, link: Make, ground: Database) -> None:
    secret = link()
    for _ in range(20):
        with pytest.raises(UnauthorizedError):
            sign_in_by_link(ground, new_session_id(), "192.0.2.1", LASTING)
    with ground.write() as session:
        # Four more failures make the wait long enough for a slow machine: 16 s.
        session.execute(update(SignInFailure).values(failures=24, last_at=datetime.now(UTC)))
    with pytest.raises(TooManyAttemptsError):
        sign_in_by_link(ground, secret, "192.0.2.1", LASTING)
    slowed = make_client().post("/v1/session/link", json={"secret": secret})
    assert slowed.status_code == 429
    assert 1 <= int(slowed.headers["retry-after"]) <= 16
    assert enter(make_client(address="198.51.100.1"), secret) == 201


def test_a_right_link_takes_its_own_attempt_back(ground: Database, link: Make) -> None:
    sign_in_by_link(ground, link(), "192.0.2.1", LASTING)
    with ground.read() as session:
        # The address without failures, and the note that it is known.
        assert session.scalars(select(SignInFailure.failures)).all() == [0, 0]


@pytest.mark.parametrize("lasting", [timedelta(0), timedelta(days=-1), MAX_LIFETIME * 1.001])
def test_the_life_of_a_link_is_bounded(link: Make, lasting: timedelta) -> None:
    with pytest.raises(InputError, match="at most 7 days"):
        link(lasting)


def test_links_that_are_over_are_cleared_away(ground: Database, link: Make) -> None:
    sign_in_by_link(ground, link(), "192.0.2.1", LASTING)
    link()
    link()
    with ground.write() as session:
        assert session.scalars(select(SignInLink.used_at)).all() == [None, None]
        session.execute(update(SignInLink).values(expires_at=datetime.now(UTC) - LASTING))
    link()
    with ground.read() as session:
        assert len(session.scalars(select(SignInLink.id)).all()) == 1


def test_a_caller_makes_links_in_its_own_area_alone(ground: Database, monitor: str) -> None:
    from dataclasses import replace

    bound = replace(SYSTEM, area_code="440306", covered=frozenset({"440306", "MC-LC"}))
    with ground.write() as session, pytest.raises(NotFoundError):
        create_link(session, bound, monitor, LASTING)


@pytest.mark.parametrize(
    ("host", "page"),
    [("127.0.0.1", "http://127.0.0.1:8123/"), ("0.0.0.0", "http://127.0.0.1:8123/"), ("::", "http://[::1]:8123/")],
)  # fmt: skip
def test_the_command_prints_a_link_that_opens(
    ground: Database, monitor: str, client: Client, monkeypatch: pytest.MonkeyPatch, host: str, page: str
) -> None:
    monkeypatch.setenv("WANGGE_DATABASE", ground.url.render_as_string(hide_password=False))
    monkeypatch.setenv("WANGGE_HOST", host)
    monkeypatch.setenv("WANGGE_PORT", "8123")

    def run(*arguments: str) -> Outcome:
        result = CliRunner().invoke(commands, ["account", "link", *arguments])
        return Outcome(result.exit_code, result.stdout, result.stderr)

    made = run(monitor)
    assert made.code == 0
    address, _, secret = made.out.strip().partition("#link=")
    assert address == page
    assert secret not in made.err
    assert enter(client, secret) == 201
    elsewhere = run(monitor, "--address", "https://grid.example/", "--minutes", "1", "--json").summary
    assert elsewhere["link"].startswith("https://grid.example/#link=")
    assert datetime.fromisoformat(elsewhere["expires_at"]) < datetime.now(UTC) + timedelta(minutes=1)
    unknown = run("nobody")
    assert (unknown.code, "no account 'nobody'" in unknown.err) == (2, True)
