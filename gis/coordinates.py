"""Reading a location as people write or paste it: degrees or minutes, either order, letters or words."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gis.degrees import AXES, Axis, normalize_signs, parse_degrees, parse_number


class WrittenLocation(NamedTuple):
    """A location as it was written: in degrees of whatever datum, in a table also in metres."""

    lon: float
    lat: float

    @property
    def is_on_earth(self) -> bool:
        """Whether it is in degrees that exist."""
        return abs(self.lon) <= 180 and abs(self.lat) <= 90


_PLAIN = re.compile(r"\s*([+-]?\d+(?:\.\d+)?)(?:\s*[,;|/]\s*|\s+)([+-]?\d+(?:\.\d+)?)\s*", re.ASCII)
# Before the signs are normalized, which makes a degree sign of their second character.
_CHINESE_WORDS = ((re.compile("[经經]度"), " lon "), (re.compile("[纬緯]度"), " lat "))
_WORDS: Mapping[Axis, re.Pattern[str]] = {
    "lon": re.compile(r'"?\b(?:longitude|lon|lng|long|x)(?![a-z])"?\s*[:=]?', re.IGNORECASE),
    "lat": re.compile(r'"?\b(?:latitude|lat|y)(?![a-z])"?\s*[:=]?', re.IGNORECASE),
}
_GEO_URI = re.compile(r"geo:([^;?]*)", re.IGNORECASE)
_WRAPPING = re.compile(r"^\s*point\s*(?=\()|[\[\](){}<>]", re.IGNORECASE)
_TWO_DECIMAL_COMMAS = re.compile(r"([+-]?\d+,\d+),([+-]?\d+,\d+)", re.ASCII)
# From the one that nothing else is written with, to the one that may stand within a number.
_SEPARATORS = tuple(map(re.compile, (r" ?[;|/、] ?", r", | , ?", r"(?<=[EWNSewns]) ", r",")))
_LOOSE_SEPARATOR = re.compile(r" |(?<=[NSEW'\"°])(?=[NSEW\d])", re.IGNORECASE)
# Without one of these, figures with blanks between them are no minutes: 2026-01-01 12, 12 34 56.
_MARKED = re.compile(r"[°'\"NSEW]", re.IGNORECASE)


def parse_location(text: str) -> WrittenLocation | None:
    r"""Read a location in degrees from a text.

    Parameters
    ----------
    text
        As for `read_orders`.

    Returns
    -------
    WrittenLocation or None
        None if the text is no location on earth. Where letters, words and size do not tell which number is
        which, the longitude comes first.

    Examples
    --------
    >>> parse_location("22°33'N 114°03'00\"E")
    WrittenLocation(lon=114.05, lat=22.55)
    """
    return next((each for each in read_orders(text).values() if each.is_on_earth), None)


def read_orders(text: str) -> dict[Axis, WrittenLocation]:
    """Read two coordinates from a text, in each order in which they can be read.

    Parameters
    ----------
    text
        Longitude and latitude in either order: 114.05, 22.54; 22.54N 114.05E; 114°03′12″ 22°32′41″;
        东经114度3分12秒，北纬22度32分41秒; 113,9; 22,5; lat=22.54 lon=114.05; geo:22.54,114.05. Each is
        written as `gis.degrees.parse_degrees` takes it.

    Returns
    -------
    dict
        What is read when the longitude comes first, and when the latitude does; letters, words and `geo:`
        leave one of the two, and what is no pair of numbers leaves none. Numbers may be of any size.
    """
    if plain := _PLAIN.fullmatch(text):
        first, second = map(float, plain.groups())
        return {"lon": WrittenLocation(first, second), "lat": WrittenLocation(second, first)}
    for pattern, word in _CHINESE_WORDS:
        text = pattern.sub(word, text)
    text = normalize_signs(text)
    orders: tuple[Axis, ...] = AXES
    if uri := _GEO_URI.match(text):
        orders, text = ("lat",), uri[1]
    named = sorted((found.start(), axis) for axis, word in _WORDS.items() for found in word.finditer(text))
    if named:
        if {axis for _, axis in named} != set(AXES) or len(named) > len(AXES):
            return {}
        orders = (named[0][1],)
        for name in _WORDS.values():
            text = name.sub(" ", text)
    text = " ".join(_WRAPPING.sub(" ", text).split()).strip(" ,;")
    for parts in _split(text):
        readings = {first: location for first in orders if (location := _read(parts, first)) is not None}
        if readings:
            return readings
    return {}


def _split(text: str) -> Iterator[tuple[str, str]]:
    """Yield the ways in which a text may consist of two parts, the most likely first."""
    if found := _TWO_DECIMAL_COMMAS.fullmatch(text):
        yield found[1], found[2]
    for separator in _SEPARATORS:
        parts = separator.split(text)
        if len(parts) == 2:
            yield parts[0], parts[1]
    for loose in _LOOSE_SEPARATOR.finditer(text):
        pair = text[: loose.start()].strip(), text[loose.end() :].strip()
        if all(map(_MARKED.search, pair)) or all(parse_number(part) == parse_number(part) for part in pair):
            yield pair


def _read(parts: tuple[str, str], first: Axis) -> WrittenLocation | None:
    lon_text, lat_text = parts if first == "lon" else reversed(parts)
    lon, lat = parse_degrees(lon_text, "lon"), parse_degrees(lat_text, "lat")
    return WrittenLocation(lon, lat) if lon == lon and lat == lat else None
