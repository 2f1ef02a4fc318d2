"""The commands `token` and `account`: who may use the service."""

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options
from api.cli.console import handle_errors, print_message, print_result
from api.cli.open_database import open_database

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from api.security.principal import Role as PrincipalRole
    from layers.models import Account, Token

_HELP = {"help_option_names": ["-h", "--help"]}
token = typer.Typer(
    help="Tokens by which programs use the service.",
    rich_markup_mode=None,
    context_settings=_HELP,
)
account = typer.Typer(
    help="Accounts by which people sign in.",
    rich_markup_mode=None,
    context_settings=_HELP,
)


class Role(enum.StrEnum):
    """The roles; `api.security.principal` says what each may do."""

    viewer = "viewer"
    integrator = "integrator"
    planner = "planner"
    publisher = "publisher"
    admin = "admin"


RoleOption = Annotated[Role, typer.Option(help="What it may do.", show_default=False)]
AreaOption = Annotated[
    str | None,
    typer.Option(
        help="Code of the area it is bound to; it sees and edits only that area and those beneath it."
    ),
]
EverywhereOption = Annotated[bool, typer.Option("--everywhere", help="Bind it to no area.")]
OfficerOption = Annotated[
    str | None, typer.Option(help="Number of the officer whose it is, and with whom it ends.")
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, not the terminal.")
]


@token.command("create")
@handle_errors
def create_token(
    name: Annotated[str, typer.Argument(help="What the token is for.", show_default=False)],
    role: RoleOption,
    area: AreaOption = None,
    everywhere: EverywhereOption = False,
    days: Annotated[int, typer.Option(help="Days until it expires.", min=1, max=3650)] = 90,
    personal: Annotated[
        bool, typer.Option("--personal", help="Let an integrator see personal data; each access is audited.")
    ] = False,
    owner: Annotated[
        str | None,
        typer.Option(
            "--account",
            help="Account of the person whose own it is: what is done with it is theirs, "
            "and it ends with the account.",
            show_default="a program's",
        ),
    ] = None,
    officer: OfficerOption = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Create a token and print it, only this once: only its hash is stored."""
    from datetime import timedelta

    from api.security import accounts
    from api.security.principal import SYSTEM

    bound = _require_area_choice(area, everywhere=everywhere)
    with _write_session(database) as session:
        _warn_unknown_area(session, bound)
        made, secret = accounts.create_token(
            session,
            SYSTEM,
            name,
            _principal_role(role),
            bound,
            timedelta(days=days),
            personal=personal,
            account=owner,
            officer_id=_find_officer(session, officer),
        )
        summary = {**_serialize_token(made), "token": secret}
    print_message(
        f"token {made.id} of {made.name}: {role}, {_area_label(bound)}, until {made.expires_at:%Y-%m-%d}"
    )
    print_result([secret], summary, as_json=as_json)


@token.command("list")
@handle_errors
def list_tokens(database: options.DatabaseUrl = None, as_json: options.JsonOption = False) -> None:
    """List the tokens: number, prefix, name, role, area, state."""
    from api.security import accounts
    from api.security.principal import SYSTEM

    with _write_session(database) as session:
        found = [_serialize_token(each) for each in accounts.list_tokens(session, SYSTEM)]
    lines = [
        f"{each['id']}\t{each['prefix']}…\t{each['name']}\t{each['role']}\t{_area_label(each['area_code'])}\t"
        f"{each['state']} (until {each['expires_at']})"
        for each in found
    ]
    print_result(lines or ["no tokens"], {"tokens": found}, as_json=as_json)


@token.command("revoke")
@handle_errors
def revoke_token(
    which: Annotated[str, typer.Argument(help="Number or prefix of the token.", show_default=False)],
    database: options.DatabaseUrl = None,
) -> None:
    """Revoke a token; a running service refuses it within two seconds."""
    from api.security import accounts
    from api.security.principal import SYSTEM

    with _write_session(database) as session:
        revoked = accounts.revoke_token(session, SYSTEM, which)
    print_message(f"token {revoked.id} of {revoked.name} is revoked")


@account.command("create")
@handle_errors
def create_account(
    name: Annotated[str, typer.Argument(help="The name to sign in with.", show_default=False)],
    role: RoleOption,
    area: AreaOption = None,
    everywhere: EverywhereOption = False,
    officer: OfficerOption = None,
    password_stdin: PasswordStdin = False,
    database: options.DatabaseUrl = None,
) -> None:
    """Create an account; the password is asked for twice, or read from standard input."""
    from api.security import accounts
    from api.security.principal import SYSTEM

    bound = _require_area_choice(area, everywhere=everywhere)
    password = _read_password(from_stdin=password_stdin)
    with _write_session(database) as session:
        _warn_unknown_area(session, bound)
        made = accounts.create_account(
            session,
            SYSTEM,
            name,
            _principal_role(role),
            bound,
            password,
            officer_id=_find_officer(session, officer),
        )
    print_message(f"account {made.name}: {role}, {_area_label(bound)}")


@account.command("list")
@handle_errors
def list_accounts(database: options.DatabaseUrl = None, as_json: options.JsonOption = False) -> None:
    """List the accounts: name, role, area, state."""
    from api.security import accounts
    from api.security.principal import SYSTEM

    with _write_session(database) as session:
        found = [_serialize_account(each) for each in accounts.list_accounts(session, SYSTEM)]
    lines = [
        f"{each['name']}\t{each['role']}\t{_area_label(each['area_code'])}\t{each['state']}" for each in found
    ]
    print_result(lines or ["no accounts"], {"accounts": found}, as_json=as_json)


@account.command("officer")
@handle_errors
def link_officer(
    name: Annotated[str, typer.Argument(help="The account.", show_default=False)],
    officer: Annotated[
        str | None, typer.Argument(help="Number of the officer; nobody's when left out.", show_default=False)
    ] = None,
    database: options.DatabaseUrl = None,
) -> None:
    """Say whose account this is: it ends with the officer."""
    from api.security import accounts
    from api.security.principal import SYSTEM

    with _write_session(database) as session:
        linked = accounts.link_officer(session, SYSTEM, name, _find_officer(session, officer))
    print_message(f"account {linked.name} is {'nobody' if officer is None else officer}'s")


@account.command("disable")
@handle_errors
def disable_account(
    name: Annotated[str, typer.Argument(help="The account.", show_default=False)],
    database: options.DatabaseUrl = None,
) -> None:
    """Disable an account, end its sessions and revoke its tokens; `account password` enables it again."""
    from api.security import accounts
    from api.security.principal import SYSTEM

    with _write_session(database) as session:
        disabled = accounts.disable_account(session, SYSTEM, name)
    print_message(f"account {disabled.name} is disabled")


@account.command("password")
@handle_errors
def change_password(
    name: Annotated[str, typer.Argument(help="The account.", show_default=False)],
    password_stdin: PasswordStdin = False,
    database: options.DatabaseUrl = None,
) -> None:
    """Change the password of an account and end its browser sessions."""
    from api.security import accounts
    from api.security.principal import SYSTEM

    password = _read_password(from_stdin=password_stdin)
    with _write_session(database) as session:
        changed = accounts.change_password(session, SYSTEM, name, password)
    print_message(f"account {changed.name} has another password")


@account.command("link")
@handle_errors
def link_account(
    name: Annotated[str, typer.Argument(help="The account.", show_default=False)],
    minutes: Annotated[int, typer.Option(help="Minutes until it expires.", min=1, max=7 * 24 * 60)] = 60,
    address: Annotated[
        str | None,
        typer.Option(
            help="Address of the service as its browsers know it.", show_default="from the settings"
        ),
    ] = None,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
) -> None:
    """Print a link that signs the account in once without its password, within an hour by default."""
    from datetime import timedelta

    from api.security.principal import SYSTEM
    from api.security.sign_in_links import create_link
    from api.settings import ServiceSettings

    base = ServiceSettings().address if address is None else _parse_address(address)
    with _write_session(database) as session:
        made, secret = create_link(session, SYSTEM, name, timedelta(minutes=minutes))
        until = made.expires_at
    page = f"{base.rstrip('/')}/#link={secret}"
    print_message(f"opens the service as {name}, once, until {until.astimezone():%Y-%m-%d %H:%M}")
    summary = {"link": page, "account": name, "expires_at": until.isoformat(timespec="seconds")}
    print_result([page], summary, as_json=as_json)


@contextmanager
def _write_session(url: str | None) -> Iterator["Session"]:
    with open_database(url) as database, database.write() as session:
        yield session


def _find_officer(session: "Session", number: str | None) -> int | None:
    from layers.staff.officers import find_officer_by_number

    return None if number is None else find_officer_by_number(session, number).id


def _parse_address(text: str) -> str:
    """Return the address of a service, to which the link is appended."""
    from urllib.parse import urlsplit

    from gis.errors import ParameterError

    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.query or parts.fragment or any(each.isspace() for each in text):
        raise ParameterError(
            f"'{text}' is no address of a service; give it with --address as https://wangge.example."
        )
    return text


def _require_area_choice(code: str | None, *, everywhere: bool) -> str | None:
    from gis.errors import InputError

    if (code is not None) == everywhere:
        raise InputError("Say what it is bound to: --area CODE, or --everywhere.")
    return code


def _warn_unknown_area(session: "Session", code: str | None) -> None:
    from sqlalchemy import select

    from layers.models import Area

    if code is not None and session.scalar(select(Area.id).where(Area.code == code)) is None:
        print_message(f"note: there is no area '{code}' yet; nothing is visible until it is loaded")


def _principal_role(role: Role) -> "PrincipalRole":
    from api.security.principal import Role as PrincipalRole

    return PrincipalRole(role.value)


def _read_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return typer.get_text_stream("stdin").readline().rstrip("\r\n")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return password


def _serialize_token(found: "Token") -> dict[str, Any]:
    from datetime import UTC, datetime

    if found.revoked_at is not None:
        state = "revoked"
    else:
        state = "valid" if found.expires_at > datetime.now(UTC) else "expired"
    return {
        "id": found.id,
        "prefix": found.prefix,
        "name": found.name,
        "role": found.role,
        "area_code": found.area_code,
        "personal": found.personal,
        "account_id": found.account_id,
        "created_at": found.created_at.isoformat(timespec="seconds"),
        "created_by": found.created_by,
        "expires_at": found.expires_at.isoformat(timespec="seconds"),
        "state": state,
    }


def _serialize_account(found: "Account") -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "role": found.role,
        "area_code": found.area_code,
        "created_at": found.created_at.isoformat(timespec="seconds"),
        "created_by": found.created_by,
        "officer_id": found.officer_id,
        "state": "disabled" if found.disabled_at is not None else "enabled",
    }


def _area_label(area_code: str | None) -> str:
    return "everywhere" if area_code is None else f"area {area_code}"
