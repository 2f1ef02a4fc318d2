"""Browser sessions: sign in, see who one is, sign out."""

from datetime import datetime
from typing import Annotated

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.problems import problem_responses
from api.security.auth_middleware import cookie_name, session_id_from_cookie
from api.security.caller import Caller, client_address, require_own_site
from api.security.credential_cache import CredentialCache
from api.security.credentials import csrf_token
from api.security.principal import RIGHTS, Principal, Right, Role
from api.security.requirements import AreaPolicy, public, requires
from api.security.setup import SESSION_LIFETIME
from api.security.sign_in import StartedSession, sign_in, sign_out
from api.security.sign_in_links import sign_in_by_link
from layers.db.database import Database

# A hash takes 64 MiB and a tenth of a second: two at once are enough for people, and bound what an attack
# takes. Others wait outside of the threads that the routes share.
_limiter = anyio.CapacityLimiter(2)

router = APIRouter(prefix="/v1/session", tags=["session"])


class Credentials(BaseModel):
    """What a person types in."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=100, examples=["monitor"])]
    password: Annotated[SecretStr, Field(max_length=256, examples=["correct horse battery"])]


class SignInSecret(BaseModel):
    """What stands behind ``#link=`` in the address that a person was given."""

    model_config = ConfigDict(extra="forbid")

    secret: Annotated[
        SecretStr,
        Field(min_length=1, max_length=100, examples=["0dtFi2YSpWzqHnmU5bJ2EYSJhYQd8bJfn3bR6Tn1Xkq"]),
    ]


class SessionInfo(BaseModel):
    """Who one is, and what one may do."""

    name: str = Field(examples=["monitor"])
    kind: str = Field(examples=["account"])
    role: Role = Field(examples=["viewer"])
    rights: list[Right] = Field(examples=[["enter", "read"]])
    area_code: str | None = Field(examples=["440305"])
    csrf_token: str | None = Field(
        default=None,
        description="Goes into X-CSRF-Token of every request of this browser session that changes something.",
    )
    expires_at: datetime | None = Field(default=None, description="When the session ends at the latest.")


@router.post(
    "",
    summary="Sign in",
    status_code=201,
    response_model=SessionInfo,
    responses=problem_responses(401, 403, 422, 429),
)
@public
async def begin(credentials: Credentials, request: Request, response: Response) -> SessionInfo:
    """Begin a browser session: set its cookie and return its CSRF token.

    Failures slow down what follows under the same name and from the same address: 429 with Retry-After.
    """
    database, address = _sign_in_origin(request)
    password = credentials.password.get_secret_value()
    signed_in = await anyio.to_thread.run_sync(
        sign_in, database, credentials.name, password, address, SESSION_LIFETIME, limiter=_limiter
    )
    return _session_response(signed_in, request, response)


@router.post(
    "/link",
    summary="Sign in by a link",
    status_code=201,
    response_model=SessionInfo,
    responses=problem_responses(401, 403, 422, 429),
)
@public
async def begin_by_link(link: SignInSecret, request: Request, response: Response) -> SessionInfo:
    """Begin a browser session by the secret of a one-time link, which is used up.

    `wangge account link NAME` makes one; what follows ``#link=`` in it never reaches a server in an address.
    """
    database, address = _sign_in_origin(request)
    signed_in = await anyio.to_thread.run_sync(
        sign_in_by_link, database, link.secret.get_secret_value(), address, SESSION_LIFETIME, limiter=_limiter
    )
    return _session_response(signed_in, request, response)


@router.get("", summary="Who one is", response_model=SessionInfo, responses=problem_responses())
@requires(Right.enter, AreaPolicy.none)
async def read_session(caller: Caller, request: Request) -> SessionInfo:
    """Return who the caller is, by token or by browser session, and the latter's CSRF token."""
    session_id = _browser_session_id(request, caller)
    return SessionInfo(
        name=caller.name,
        kind=caller.kind,
        role=caller.role,
        rights=sorted(caller.rights),
        area_code=caller.area_code,
        csrf_token=csrf_token(session_id) if session_id is not None else None,
    )


@router.delete("", summary="Sign out", status_code=204, responses=problem_responses())
@requires(Right.enter, AreaPolicy.none)
def end(caller: Caller, request: Request, response: Response) -> None:
    """End the browser session and take back its cookie; a token stays as it is."""
    session_id = _browser_session_id(request, caller)
    if session_id is not None:
        database: Database = request.app.state.database
        sign_out(database, session_id, caller)
        identities: CredentialCache = request.app.state.credentials
        identities.invalidate(session_id)
    response.delete_cookie(
        cookie_name(request.scope),
        path="/",
        secure=request.scope["scheme"] == "https",
        httponly=True,
        samesite="strict",
    )


def _sign_in_origin(request: Request) -> tuple[Database, str]:
    """Return where accounts are and where a sign-in comes from; refuse one that another site has begun."""
    require_own_site(request.scope)
    database: Database = request.app.state.database
    return database, client_address(request.scope)


def _session_response(signed_in: StartedSession, request: Request, response: Response) -> SessionInfo:
    """Set the cookie of a session that has begun, and return whose it is."""
    response.set_cookie(
        cookie_name(request.scope),
        signed_in.session_id,
        path="/",
        secure=request.scope["scheme"] == "https",
        httponly=True,
        samesite="strict",
    )
    account = signed_in.account
    role = Role(account.role)
    return SessionInfo(
        name=account.name,
        kind="account",
        role=role,
        rights=sorted(RIGHTS[role]),
        area_code=account.area_code,
        csrf_token=csrf_token(signed_in.session_id),
        expires_at=signed_in.expires_at,
    )


def _browser_session_id(request: Request, caller: Principal) -> str | None:
    return session_id_from_cookie(request.scope) if caller.kind == "account" else None
