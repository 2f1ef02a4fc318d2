"""Reading a location as people write or paste it: degrees or minutes, either order, letters or words."""

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple


class WrittenLocation(NamedTuple):
    """A location in degrees, in whatever datum it was written."""

    lon: float
    lat: float


class _Angle(NamedTuple):
    """An angle in degrees, and its axis where the text tells: E or N."""

    degrees: float
    axis: str | None


# What stands for a sign in other alphabets and keyboards; NFKC has made full-width characters plain before.
_SIGNS = str.maketrans(
    {"º": "°", "˚": "°", "度": "°", "′": "'", "’": "'", "‘": "'", "´": "'", "`": "'", "分": "'", "“": '"',
     "”": '"', "″": '"', "秒": '"', "−": "-", "–": "-", "、": ",", "，": ",", "；": ";"}
)  # fmt: skip
_WORDS = (
    (re.compile(r"东经|東經|经度|經度|\"?\b(?:longitude|lon|lng|long|x)(?![a-z])\"?", re.IGNORECASE), "E"),
    (re.compile(r"北纬|北緯|纬度|緯度|\"?\b(?:latitude|lat|y)(?![a-z])\"?", re.IGNORECASE), "N"),
    (re.compile(r"西经|西經"), "W"),
    (re.compile(r"南纬|南緯"), "S"),
)
_SPACED = r"\d{1,2}(?:\.\d+)?"


def _angle(number: int, *, spaced: bool) -> str:
    """Return the expression of an angle; with letters, minutes and seconds may come without their signs."""
    bare = (
        rf"|\s+(?P<bare_minutes{number}>{_SPACED})(?:\s+(?P<bare_seconds{number}>{_SPACED}))?"
        if spaced
        else ""
    )
    return (
        rf"(?P<sign{number}>[-+])?\s*(?P<degrees{number}>\d{{1,3}}(?:\.\d+)?)"
        rf"(?:\s*°(?:\s*(?P<minutes{number}>{_SPACED})(?:\s*'(?:\s*(?P<seconds{number}>{_SPACED})\s*(?:\"|'')?)?)?)?{bare})?"
    )


_LETTER = r"(?P<letter{}>[NSEW])"
_BEFORE, _AFTER = (
    [form.format(_LETTER.format(number), _angle(number, spaced=True)) for number in (1, 2)]
    for form in (r"{}\s*[:=]?\s*{}", r"{1}\s*{0}")
)
_PLAIN = [_angle(number, spaced=False) for number in (1, 2)]
_FORMS = tuple(
    re.compile(between.join(angles), re.IGNORECASE)
    for angles, between in (
        (_BEFORE, r"\s*[,;/|]?\s*"),
        (_AFTER, r"\s*[,;/|]?\s*"),
        (_PLAIN, r"(?:\s*[,;/|]\s*|\s+)"),
    )
)
_WRAPPING = re.compile(r"^(?:geo:|point\s*(?=\())|[\[\](){}<>]", re.IGNORECASE)


def parse_location(text: str) -> WrittenLocation | None:
    r"""Read a location from a text.

    Parameters
    ----------
    text
        Longitude and latitude in either order: 114.05, 22.54; 22.54N 114.05E; 114°03′12″ 22°32′41″;
        东经114度3分12秒，北纬22度32分41秒; geo:22.54,114.05.

    Returns
    -------
    WrittenLocation or None
        None if the text is no location. Where letters, words and size do not tell which number is which, the
        longitude comes first.

    Examples
    --------
    >>> parse_location("22°32.5'N 114°03'00\"E")
    WrittenLocation(lon=114.05, lat=22.541666667)
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    latitude_first = plain.lower().startswith("geo:")
    plain = _WRAPPING.sub(" ", plain)
    for pattern, letter in _WORDS:
        plain = pattern.sub(f" {letter}", plain)
    plain = plain.translate(_SIGNS).strip(" ,;")
    found = next((match for form in _FORMS if (match := form.fullmatch(plain))), None)
    if found is None:
        return None
    parts = found.groupdict()
    first, second = _read_angle(parts, 1), _read_angle(parts, 2)
    if first is None or second is None:
        return None
    return _pair(first, second, latitude_first=latitude_first)


def _read_angle(parts: Mapping[str, str | None], number: int) -> _Angle | None:
    def value(*names: str) -> float:
        return float(next((text for name in names if (text := parts.get(f"{name}{number}"))), 0))

    minutes, seconds = value("minutes", "bare_minutes"), value("seconds", "bare_seconds")
    if minutes >= 60 or seconds >= 60:
        return None
    letter = (parts.get(f"letter{number}") or "").upper()
    degrees = value("degrees") + minutes / 60 + seconds / 3600
    if parts[f"sign{number}"] == "-" or letter in ("S", "W"):
        degrees = -degrees
    # A tenth of a millimetre; hides what binary fractions add to minutes and seconds.
    return _Angle(round(degrees, 9), {"": None, "E": "E", "W": "E"}.get(letter, "N"))


def _pair(first: _Angle, second: _Angle, *, latitude_first: bool) -> WrittenLocation | None:
    orders = [(first, second), (second, first)]
    if first.axis is not None:
        if first.axis == second.axis:
            return None
        orders = [orders[first.axis == "N"]]
    elif latitude_first:
        orders.reverse()
    for lon, lat in orders:
        if abs(lon.degrees) <= 180 and abs(lat.degrees) <= 90:
            return WrittenLocation(lon.degrees, lat.degrees)
    return None
