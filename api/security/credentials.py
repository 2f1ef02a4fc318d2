"""Secrets given out: tokens, session ids and CSRF tokens, and their hashes.

A secret has 32 random bytes, so that a plain SHA-256 keeps it: there is nothing to guess.
"""

import hashlib
import hmac
import re
import secrets
import string

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BYTES = 32
_LENGTH = 43
_TOKEN_PATTERN = re.compile(r"wg_[0-9A-Za-z]{43}\Z")
_SESSION_ID_PATTERN = re.compile(r"[0-9A-Za-z]{43}\Z")
_PREFIX_LENGTH = len("wg_") + 6


def _base62(data: bytes) -> str:
    number = int.from_bytes(data)
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))


def new_token() -> str:
    """Return a new token: ``wg_`` and 32 random bytes in base 62."""
    return "wg_" + _base62(secrets.token_bytes(_BYTES))


def new_session_id() -> str:
    """Return the id of a new browser session."""
    return _base62(secrets.token_bytes(_BYTES))


def is_token(text: str) -> bool:
    """Return whether a text has the form of a token."""
    return _TOKEN_PATTERN.match(text) is not None


def is_session_id(text: str) -> bool:
    """Return whether a text has the form of a session id."""
    return _SESSION_ID_PATTERN.match(text) is not None


def token_prefix(token: str) -> str:
    """Return the part of a token that names it to people."""
    return token[:_PREFIX_LENGTH]


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret, in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_token(session_id: str) -> str:
    """Return the CSRF token of a browser session.

    It is derived from the id and bound to it; the id cannot be found from it.
    """
    return _base62(hmac.digest(session_id.encode(), b"wangge csrf", "sha256"))


def is_csrf_token(token: str, session_id: str) -> bool:
    """Return whether a CSRF token belongs to a session, in constant time."""
    return hmac.compare_digest(token.encode(), csrf_token(session_id).encode())
