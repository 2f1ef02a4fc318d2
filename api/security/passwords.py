"""Passwords: what is accepted, and their argon2id hashes."""

import functools
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gis.errors import InputError

MIN_LENGTH, MAX_LENGTH = 12, 256

# RFC 9106, second recommended option: 64 MiB, three passes. One lane, since requests are the parallelism.
_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=1)


def hash_password(password: str, name: str) -> str:
    """Return the argon2id hash of a new password.

    Raises
    ------
    InputError
        If it is shorter than 12 or longer than 256 characters, or the name of the account.
    """
    plain = _normalize(password)
    if not MIN_LENGTH <= len(plain) <= MAX_LENGTH:
        raise InputError(f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters; choose another.")
    if plain.casefold() == name.casefold() or len(set(plain)) < 4:
        raise InputError("The password is too easily guessed; choose another.")
    return _hasher.hash(plain)


def verify_password(stored: str | None, password: str) -> bool:
    """Return whether a password belongs to a hash; without a hash, return False in the same time."""
    if len(password) > MAX_LENGTH:
        return False
    try:
        _hasher.verify(stored if stored is not None else _dummy_hash(), _normalize(password))
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Return whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


def rehash_password(password: str) -> str:
    """Return the hash of a password that has just been verified, with today's parameters."""
    return _hasher.hash(_normalize(password))


def _normalize(password: str) -> str:
    """Return the one form of a password that different keyboards compose differently."""
    return unicodedata.normalize("NFKC", password)


@functools.cache
def _dummy_hash() -> str:
    return _hasher.hash("nobody has this password")
