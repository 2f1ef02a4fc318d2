"""Writes that happen once: a request repeated with its Idempotency-Key is answered again, not done again."""

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

from api.http.conditional import version_etag
from api.http.request_scope import caller_label
from gis.errors import ConflictError, InputError
from layers.db.database import Database
from layers.models import IdempotencyKey

_RETENTION = timedelta(days=2)


@dataclass(frozen=True)
class WriteResult:
    """What a write answers; `version` becomes its ETag."""

    content: Any
    status: int = 200
    version: int | None = None
    location: str | None = None


class IdempotentWrite:
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
        self._begin_commit: Callable[[], None] = request.scope["wangge.begin_commit"]
        self._caller = caller_label(request.scope)
        self._request_identity = (request.method, request.url.path, request.headers.get("if-match"))
        self._key = key

    def __call__(self, body: BaseModel | None, handler: Callable[[Session], WriteResult]) -> Response:
        """Write in one transaction, which keeps the answer too, or repeat the answer given before.

        Parameters
        ----------
        body
            The body of the request.
        handler
            Gets a session of `Database.write`.

        Raises
        ------
        InputError
            If the key was used for another request.
        ConflictError
            If the same request is being carried out, the write meets a record made meanwhile, or the request
            was given up.
        """
        try:
            with self._database.write() as session:
                if self._key is None:
                    response = self._respond(handler(session))
                else:
                    response = self._replay_or_execute(session, self._key, body, handler)
                # From here on the request is not given up: an answer that it was would be wrong.
                self._begin_commit()
                return response
        except IntegrityError as error:
            raise ConflictError("Another request has written the same meanwhile; ask again.") from error

    def _replay_or_execute(
        self,
        session: Session,
        key: str,
        request_body: BaseModel | None,
        handler: Callable[[Session], WriteResult],
    ) -> Response:
        body = b"" if request_body is None else request_body.model_dump_json().encode()
        digest = hashlib.sha256(repr(self._request_identity).encode() + body).hexdigest()
        now = datetime.now(UTC)
        stored = session.scalar(
            select(IdempotencyKey).where(
                IdempotencyKey.caller == self._caller,
                IdempotencyKey.key == key,
                IdempotencyKey.at > now - _RETENTION,
            )
        )
        if stored is not None:
            if stored.request_sha256 != digest:
                raise InputError("This Idempotency-Key was used for another request; make a new one.")
            return _build_response(
                stored.body.encode(), stored.status, stored.etag, stored.location, replayed=True
            )
        session.execute(delete(IdempotencyKey).where(IdempotencyKey.at <= now - _RETENTION))
        stored = IdempotencyKey(
            caller=self._caller, key=key, request_sha256=digest, status=0, body="", at=now
        )
        # Written first, so that the same request at the same time waits here.
        session.add(stored)
        session.flush()
        response = self._respond(handler(session))
        stored.status, stored.body = response.status_code, bytes(response.body).decode()
        stored.etag, stored.location = response.headers.get("etag"), response.headers.get("location")
        return response

    def _respond(self, result: WriteResult) -> Response:
        etag = None if result.version is None else version_etag(self._database, result.version)
        return _build_response(orjson.dumps(result.content), result.status, etag, result.location)


def _build_response(
    body: bytes, status: int, etag: str | None, location: str | None, *, replayed: bool = False
) -> Response:
    named = {"ETag": etag, "Location": location, "Idempotency-Replayed": "true" if replayed else None}
    headers = {name: value for name, value in named.items() if value is not None}
    return Response(body, status, headers, "application/json")


async def _idempotent_write(
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
) -> IdempotentWrite:
    return IdempotentWrite(request, idempotency_key)


IdempotentWriteDep = Annotated[IdempotentWrite, Depends(_idempotent_write)]
