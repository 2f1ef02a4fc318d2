"""The commands `token` and `account`, and that what they make is let in."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from api.cli import app as commands
from api.security.credentials import is_token
from layers.db.database import Database
from tests.api.conftest import Outcome
from tests.api.security.conftest import PASSWORD, Client, bearer

Run = Callable[..., Outcome]


@pytest.fixture
def run(ground: Database, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the database of the service, which the environment names."""
    monkeypatch.setenv("WANGGE_DATABASE", ground.url.render_as_string(hide_password=False))

    def call(*arguments: str, typed: str | None = None) -> Outcome:
        result = CliRunner().invoke(commands, arguments, input=typed)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return call


def test_a_token_is_printed_once_listed_without_and_revoked(run: Run, client: Client) -> None:
    made = run("token", "create", "map", "--role", "viewer", "--area", "440305", "--days", "1")
    token = made.out.strip()
    assert made.code == 0
    assert is_token(token)
    assert token not in made.err
    assert client.get("/v1/areas", headers=bearer(token)).json() == ["440305", "440305001"]
    listed = run("token", "list")
    assert token not in listed.out
    assert "1\t" + token[:9] in listed.out
    assert run("token", "revoke", token[:9]).code == 0
    (state,) = run("token", "list", "--json").summary["tokens"]
    assert (state["state"], state["area_code"], state["role"]) == ("revoked", "440305", "viewer")
    assert run("token", "revoke", "9").code == 2


def test_an_account_signs_in_until_it_is_disabled(run: Run, client: Client) -> None:
    def enters(password: str) -> bool:
        return client.post("/v1/session", json={"name": "li", "password": password}).status_code == 201

    def changed(command: str, typed: str) -> int:
        return run("account", command, "li", "--password-stdin", typed=typed).code

    create = ("account", "create", "li", "--role", "admin", "--everywhere")
    assert run(*create, typed=f"{PASSWORD}\n{PASSWORD}\n").code == 0
    assert enters(PASSWORD)
    assert run(*create, "--password-stdin", typed=f"{PASSWORD}\n").code == 2
    assert run("account", "disable", "li").code == 0
    assert "disabled" in run("account", "list").out
    assert not enters(PASSWORD)
    assert changed("password", "another horse battery\n") == 0
    assert enters("another horse battery")
    assert changed("password", "short\n") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("token", "create", "x", "--role", "viewer"), "--area CODE, or --everywhere"),
        (("token", "create", "x", "--role", "viewer", "--area", "1", "--everywhere"), "--area CODE, or"),
        (("token", "create", " ", "--role", "viewer", "--everywhere"), "1 to 100 printable"),
        (("token", "create", "x", "--role", "viewer", "--everywhere", "--personal"), "integrators only"),
        (("account", "disable", "nobody"), "no account 'nobody'"),
        (("token", "list", "--database", "sqlite:///none.gpkg"), "wangge migrate"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(run: Run, arguments: tuple[str, ...], said: str) -> None:
    outcome = run(*arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_an_area_not_yet_loaded_is_told(run: Run) -> None:
    outcome = run("token", "create", "x", "--role", "viewer", "--area", "110101")
    assert outcome.code == 0
    assert "no area '110101' yet" in outcome.err
