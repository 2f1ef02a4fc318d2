"""Values that identify a person wherever they stand: mobile, identity and card numbers, e-mail addresses."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

_SHORTEST = 6
"""Characters of the shortest text that can hold any of them."""

_LEAST_NUMBER = 10**10
"""The least number that can be any of them: those of mobiles have eleven digits."""

_SEPARATOR = r"[\s.\-–—‑·]?"
# What all of them have; most texts do not, and are looked at once.
_CANDIDATE = re.compile(rf"[0-9]{{3}}{_SEPARATOR}[0-9]{{4}}|@|[０-９＠]")

_MOBILE = re.compile(
    rf"(?<![\d.])(?:(?:\+|00)?86{_SEPARATOR})?1[3-9]\d({_SEPARATOR})\d{{4}}\1\d{{4}}(?!\d|\.\d|[A-Za-z])",
    re.ASCII,
)
_IDENTITY = re.compile(r"(?<![\d.])(\d{6})[ -]?(\d{8})[ -]?(\d{3}[\dXx])(?![0-9A-Za-z])", re.ASCII)
_CARD = re.compile(
    r"(?<![\d.])(?:\d{16,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1?\d{1,3})?)(?![0-9A-Za-z])", re.ASCII
)
_EMAIL = re.compile(r"[A-Za-z0-9_%+-]@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2}", re.ASCII)

# Of GB/T 2260 and, for residents from elsewhere, 81 to 83 and 9.
_PROVINCE_CODES = (
    "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83"
)
_PROVINCES = frozenset(_PROVINCE_CODES.split())
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_IDENTITY_CHECKS = "10X98765432"
_CREDIT_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_UNGROUPED_CARD = re.compile(r"62|9558")
# Sixteen digits of a code of city components in Gansu begin like those of a card of UnionPay.
_GANSU_CODE = re.compile(r"62(?:0[1-9]|1[0-2]|29|30)(?:0\d|[12]\d|30)\d{10}$")


def identifies_person(value: object) -> bool:
    """Return whether a single value holds a number or address by which a person is known or reached.

    Mobile numbers of China (11 digits, with or without 86), identity numbers of 18 characters with their
    check (GB 11643), numbers of bank cards (Luhn, and grouped or of a bank in China), e-mail addresses.

    Parameters
    ----------
    value
        Text or a number; anything else does not.
    """
    if isinstance(value, str):
        return len(value) >= _SHORTEST and _text_identifies(value)
    if isinstance(value, float | Decimal):
        value = float(value)
        value = int(value) if value.is_integer() else 0
    if isinstance(value, int) and not isinstance(value, bool):
        return value >= _LEAST_NUMBER and _text_identifies(str(value))
    return False


def may_identify_persons(values: Sequence[object], types: set[type]) -> bool:
    """Return whether one of many texts or numbers could identify a person: False only where none does.

    Parameters
    ----------
    values
        Texts, numbers and None.
    types
        Their types.
    """
    if str in types:
        # A candidate that two lines make together costs a closer look, no more.
        return len(types - {str, type(None)}) > 0 or _CANDIDATE.search(_lines(values)) is not None
    return any(value is not None and value >= _LEAST_NUMBER for value in values)  # type: ignore[operator]


def hold_identity_numbers(texts: Sequence[str]) -> list[bool]:
    """Return for each of many texts whether it holds an identity number of GB 11643."""
    # No identity number goes on in the next line.
    if _IDENTITY.search(_lines(texts)) is None:
        return [False] * len(texts)
    return list(map(holds_identity_number, texts))


def _lines(values: Iterable[object]) -> str:
    return "\n".join(value for value in values if isinstance(value, str))


def holds_identity_number(text: str) -> bool:
    """Return whether text holds an identity number of GB 11643."""
    return any(is_identity_number("".join(found.groups())) for found in _IDENTITY.finditer(text))


def is_identity_number(text: str) -> bool:
    """Return whether text is an identity number of GB 11643: a province, a date of birth, the right check.

    A number that begins with 9, as those of permanent residents from abroad do, is none if it is a unified
    social credit code (GB 32100).
    """
    text = text.upper()
    if len(text) != 18 or not (text[:17].isascii() and text[:17].isdigit()):
        return False
    if _IDENTITY_CHECKS[sum(map(_times, text, _IDENTITY_WEIGHTS)) % 11] != text[17]:
        return False
    if text[0] == "9":
        if text[1:3] not in _PROVINCES or _is_credit_code(text):
            return False
    elif text[:2] not in _PROVINCES:
        return False
    return _is_birthday(text[6:14])


def _text_identifies(text: str) -> bool:
    if _CANDIDATE.search(text) is None:
        return False
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return (
        _MOBILE.search(text) is not None
        or holds_identity_number(text)
        or any(_is_card(found[0], grouped=found[1] is not None) for found in _CARD.finditer(text))
        or ("@" in text and _EMAIL.search(text) is not None)
    )


def _times(digit: str, weight: int) -> int:
    return int(digit) * weight


def _is_birthday(digits: str) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return date(1880, 1, 1) <= born <= date.today()


def _is_credit_code(text: str) -> bool:
    if any(sign not in _CREDIT_SIGNS for sign in text):
        return False
    total = sum(
        _CREDIT_SIGNS.index(sign) * weight for sign, weight in zip(text[:17], _CREDIT_WEIGHTS, strict=True)
    )
    return _CREDIT_SIGNS[-total % 31] == text[17]


def _is_card(number: str, *, grouped: bool) -> bool:
    """Return whether digits are the number of a bank card.

    One in ten of all numbers passes Luhn's check, and codes of this field have as many digits: digits in one
    piece must also begin as cards of UnionPay do.
    """
    digits = re.sub(r"\D", "", number)
    if not grouped and (not _UNGROUPED_CARD.match(digits) or _GANSU_CODE.match(digits)):
        return False
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = 2 * digit if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0 and digits[0] in "3456"
