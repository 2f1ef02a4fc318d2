"""Reading a location as people write or paste it: degrees or minutes, either order, letters or words."""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from gis.degrees import Axis, parse_degrees


class WrittenLocation(NamedTuple):
    """A location in degrees, in whatever datum it was written."""

    lon: float
    lat: float


# Names of the axes, which stand for a hemisphere; the others are read by `parse_degrees`.
_WORDS = (
    (re.compile(r'"?(?:经度|經度|\b(?:longitude|lon|lng|long|x)(?![a-z]))"?\s*[:=]?', re.IGNORECASE), " E"),
    (re.compile(r'"?(?:纬度|緯度|\b(?:latitude|lat|y)(?![a-z]))"?\s*[:=]?', re.IGNORECASE), " N"),
)
_WRAPPING = re.compile(r"^(?:geo:|point\s*(?=\())|[\[\](){}<>]", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*[,;|/、，；]\s*")
_LOOSE_SEPARATOR = re.compile(r"\s+|(?<=[NSEW'\"°′″秒分度])(?=[NSEW\d东西南北])", re.IGNORECASE)
_DECIMAL = re.compile(r"[-+−]?\d{1,3}(?:\.\d+)?")
# Without one of these, figures with blanks or dashes between them are no minutes: 2026-01-01, 12 34 56.
_MARKED = re.compile(r"[°'\"′″º˚度NSEW东西南北]", re.IGNORECASE)


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
    >>> parse_location("22°33'N 114°03'00\"E")
    WrittenLocation(lon=114.05, lat=22.55)
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    orders: list[tuple[Axis, Axis]] = [("lon", "lat"), ("lat", "lon")]
    if plain.lower().startswith("geo:"):
        orders.reverse()
    plain = _WRAPPING.sub(" ", plain)
    for pattern, letter in _WORDS:
        plain = pattern.sub(letter, plain)
    for parts in _split(plain.strip(" ,;")):
        if all(map(_DECIMAL.fullmatch, parts)) or all(map(_MARKED.search, parts)):
            for axes in orders:
                # Nine decimals hide what binary fractions add to minutes and seconds.
                read = [round(parse_degrees(part, axis), 9) for part, axis in zip(parts, axes, strict=True)]
                lon, lat = read if axes[0] == "lon" else reversed(read)
                if abs(lon) <= 180 and abs(lat) <= 90:
                    return WrittenLocation(lon, lat)
    return None


def _split(text: str) -> Iterator[tuple[str, str]]:
    """Yield the ways in which a text may consist of two parts: at its one separator, or else anywhere."""
    separators = list(_SEPARATOR.finditer(text))
    for found in separators or _LOOSE_SEPARATOR.finditer(text):
        if len(separators) < 2:
            yield text[: found.start()].strip(), text[found.end() :].strip()
