"""Writes that happen once: with an Idempotency-Key the same request is answered again, not done again.

The answer is kept in the transaction of its deed, so that there is either both or neither.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import orjson
from fastapi import Depends, Header, Request
from pydantic import BaseModel
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.responses import Response

from api.security.caller import principal_in
from gis.errors import ConflictError, InputError
from layers.db.database import Database
from layers.models import KeptAnswer

_KEPT = timedelta(days=2)


@dataclass(frozen=True)
class Done:
    """What a write answers; `version` becomes its ETag."""

    content: Any
    status: int = 200
    version: int | None = None
    location: str | None = None


class Once:
    """Carries out the write of one request.

    Parameters
    ----------
    request
        The request.
    key
        Its Idempotency-Key, if it has one.
    """

    def __init__(self, request: Request, key: str | None) -> None:
        self._database: Database = request.app.state.database
        self._keep: Callable[[], None] = request.scope["wangge.keep"]
        self._caller = principal_in(request.scope).label
        self._what = (request.method, request.url.path, request.headers.get("if-match"))
        self._key = key

    def __call__(self, given: BaseModel | None, deed: Callable[[Session], Done]) -> Response:
        """Do the deed in one transaction, or repeat what was answered before.

        Parameters
        ----------
        given
            The body of the request.
        deed
            Gets a session of `Database.write`.

        Raises
        ------
        InputError
            If the key was used for another request.
        ConflictError
            If the same request is being carried out, the deed meets a record made meanwhile, or the request
            was given up.
        """
        try:
            with self._database.write() as session:
                if self._key is None:
                    answer = _response(deed(session))
                else:
                    answer = self._first(session, self._key, given, deed)
                # Whoever was told meanwhile that it takes too long was told the truth.
                self._keep()
                return answer
        except IntegrityError as error:
            raise ConflictError("Another request has written the same meanwhile; ask again.") from error

    def _first(
        self, session: Session, key: str, given: BaseModel | None, deed: Callable[[Session], Done]
    ) -> Response:
        body = b"" if given is None else given.model_dump_json().encode()
        digest = hashlib.sha256(repr(self._what).encode() + body).hexdigest()
        now = datetime.now(UTC)
        kept = session.scalar(
            select(KeptAnswer).where(
                KeptAnswer.caller == self._caller, KeptAnswer.key == key, KeptAnswer.at > now - _KEPT
            )
        )
        if kept is not None:
            if kept.request_sha256 != digest:
                raise InputError("This Idempotency-Key was used for another request; make a new one.")
            return _raw(kept.body.encode(), kept.status, kept.etag, kept.location, replayed=True)
        session.execute(delete(KeptAnswer).where(KeptAnswer.at <= now - _KEPT))
        kept = KeptAnswer(caller=self._caller, key=key, request_sha256=digest, status=0, body="", at=now)
        # Written first, so that the same request at the same time waits here.
        session.add(kept)
        session.flush()
        response = _response(deed(session))
        kept.status, kept.body = response.status_code, bytes(response.body).decode()
        kept.etag, kept.location = response.headers.get("etag"), response.headers.get("location")
        return response


def _response(done: Done) -> Response:
    etag = None if done.version is None else f'"{done.version}"'
    return _raw(orjson.dumps(done.content), done.status, etag, done.location)


def _raw(
    body: bytes, status: int, etag: str | None, location: str | None, *, replayed: bool = False
) -> Response:
    named = {"ETag": etag, "Location": location, "Idempotency-Replayed": "true" if replayed else None}
    headers = {name: value for name, value in named.items() if value is not None}
    return Response(body, status, headers, "application/json")


async def _once(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=100,
            pattern=r"^[!-~]+$",
            description="Unique to this write: sent again, it is answered again and not done again.",
            examples=["7f1b0a52"],
        ),
    ] = None,
) -> Once:
    return Once(request, idempotency_key)


Writing = Annotated[Once, Depends(_once)]
