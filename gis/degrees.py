"""Numbers and degrees as people write them."""

import re
import unicodedata
from typing import Literal

Axis = Literal["lon", "lat"]
AXES: tuple[Axis, Axis] = ("lon", "lat")

_NAN = float("nan")
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_DECIMAL_COMMA = re.compile(r"([+-]?\d*),(\d+(?:[eE][+-]?\d+)?)", re.ASCII)
# Look-alikes that are no compatibility characters, and the Chinese words.
_SIGNS = str.maketrans(
    dict.fromkeys("º˚度", "°")
    | dict.fromkeys("′’‘´ʹ‵`分", "'")
    | dict.fromkeys("″”“ʺ〃秒", '"')
    | dict.fromkeys("−–—", "-")
    | dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff", "")
    | {"东": "E", "東": "E", "西": "W", "南": "S", "北": "N"}
)
_HEMISPHERE = re.compile(r"[EWNS][经經纬緯]?")
_SEXAGESIMAL = re.compile(
    r"([+-]?)(\d{1,3})(?: ?[°:d] ?| |-)"
    r"(\d{1,2}(?:[.,]\d*)?)(?: ?[':] ?| |-|$)"
    r"(?:(\d{1,2}(?:[.,]\d*)?) ?(?:\"|'')?)?",
    re.ASCII,
)
_LETTERS: dict[Axis, str] = {"lon": "EW", "lat": "NS"}


def normalize_signs(text: str) -> str:
    """Give the signs and digits of a text the form that they have in ASCII."""
    return " ".join(unicodedata.normalize("NFKC", text.translate(_SIGNS)).split())


def parse_number(text: str) -> float:
    """Read a decimal number.

    Parameters
    ----------
    text
        Blanks around it may be of any width, digits and signs too; the decimal sign may be a comma. Grouped
        digits (1,234.5 and 1_000), "nan" and "inf" are no numbers.

    Returns
    -------
    float
        NaN where there is no number.
    """
    if _PLAIN.fullmatch(text):
        return float(text)
    return _parse_plain(normalize_signs(text))


def parse_degrees(text: str, axis: Axis) -> float:
    """Read a longitude or latitude in degrees.

    Parameters
    ----------
    text
        As for `parse_number`, also with a degree sign or the hemisphere before or after it (E, W or N, S,
        东经, 北纬), or in degrees, minutes and seconds: 113°54'30.5"E, 113 54.5, 113:54:30, 113度54分30秒.
    axis
        Which of the two it is; another hemisphere is no number.

    Returns
    -------
    float
        Unlimited; NaN where there is no number.
    """
    if _PLAIN.fullmatch(text):
        return float(text)
    text = normalize_signs(text)
    number = _parse_plain(text)
    if number == number:
        return number
    sign = 1
    letters = _HEMISPHERE.findall(text.upper())
    if letters:
        letter = letters[0][0]
        body = _HEMISPHERE.sub("", text.upper(), count=1).strip()
        if len(letters) > 1 or letter not in _LETTERS[axis] or body.startswith(("-", "+")):
            return _NAN
        sign, text = (-1 if letter in "WS" else 1), body
    number = _parse_plain(text.removesuffix("°").strip())
    return sign * (number if number == number else _parse_sexagesimal(text.lower()))


def _parse_plain(text: str) -> float:
    if _PLAIN.fullmatch(text):
        return float(text)
    found = _DECIMAL_COMMA.fullmatch(text)
    return float(f"{found[1]}.{found[2]}") if found else _NAN


def _parse_sexagesimal(text: str) -> float:
    found = _SEXAGESIMAL.fullmatch(text)
    if found is None:
        return _NAN
    minutes, seconds = (float((part or "0").replace(",", ".")) for part in found.groups()[2:])
    if minutes >= 60 or seconds >= 60 or (found[4] is not None and minutes != int(minutes)):
        return _NAN
    # Twelve decimals hide what binary fractions add.
    degrees = round(int(found[2]) + minutes / 60 + seconds / 3600, 12)
    return -degrees if found[1] == "-" else degrees
