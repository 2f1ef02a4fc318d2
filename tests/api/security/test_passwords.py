"""Passwords: the bounds of what is accepted, and what a hash is of use for."""

import pytest
from argon2 import PasswordHasher, Type, extract_parameters

from api.security.passwords import (
    MAX_LENGTH,
    MIN_LENGTH,
    hash_password,
    needs_rehash,
    rehash_password,
    verify_password,
)
from gis.errors import InputError


@pytest.mark.parametrize("length", [MIN_LENGTH, MAX_LENGTH])
def test_the_shortest_and_the_longest_password_are_accepted(length: int) -> None:
    password = ("abcdefgh" * MAX_LENGTH)[:length]
    stored = hash_password(password, "li")
    assert verify_password(stored, password)
    assert not verify_password(stored, password[:-1])
    assert not verify_password(None, password)


@pytest.mark.parametrize("length", [0, MIN_LENGTH - 1, MAX_LENGTH + 1])
def test_a_shorter_and_a_longer_password_are_refused(length: int) -> None:
    password = ("abcdefgh" * MAX_LENGTH)[:length]
    with pytest.raises(InputError, match="12 to 256 characters"):
        hash_password(password, "li")
    assert not verify_password(rehash_password(password), password) or length < MIN_LENGTH


def test_four_different_characters_are_enough_and_three_are_not() -> None:
    assert verify_password(hash_password("abcdabcdabcd", "li"), "abcdabcdabcd")
    with pytest.raises(InputError, match="too easily guessed"):
        hash_password("abcabcabcabc", "li")


def test_the_name_is_no_password() -> None:
    with pytest.raises(InputError, match="too easily guessed"):
        hash_password("Administrator", "administrator")


def test_another_keyboard_composes_the_same_password() -> None:
    # The ligature and the full width digits are what NFKC takes apart.
    stored = hash_password("eﬃcient １２３", "li")
    assert verify_password(stored, "efficient 123")
    assert verify_password(rehash_password("eﬃcient １２３"), "efficient 123")


def test_a_hash_of_other_parameters_is_to_be_made_anew() -> None:
    assert needs_rehash(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("abcdabcdabcd"))
    assert not needs_rehash(hash_password("abcdabcdabcd", "li"))


def test_a_hash_takes_the_time_and_the_memory_of_rfc_9106(costly_hasher: PasswordHasher) -> None:
    used = extract_parameters(costly_hasher.hash("abcdabcdabcd"))
    assert (used.type, used.time_cost, used.memory_cost, used.parallelism) == (Type.ID, 3, 64 * 1024, 1)


def test_what_is_no_hash_belongs_to_no_password() -> None:
    assert not verify_password("no hash", "abcdabcdabcd")
