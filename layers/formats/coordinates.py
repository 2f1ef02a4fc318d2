"""Which columns of a table hold coordinates, and what they say."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gis.arrays import FloatArray
from gis.degrees import Axis, parse_degrees

LON_NAMES = (
    "lon",
    "lng",
    "long",
    "longitude",
    "经度",
    "x",
    "東經",
    "东经",
    "經度",
    "pointx",
    "xcoord",
    "coordx",
)
LAT_NAMES = ("lat", "latitude", "纬度", "y", "北緯", "北纬", "緯度", "pointy", "ycoord", "coordy")
WKT_NAMES = ("geometry", "wkt", "geom", "thegeom", "wktgeom")
_LAT_FIRST_NAMES = ("latlon", "latlng", "latlong", "latitudelongitude", "纬经度", "纬度经度")
_BOTH_NAMES = (
    *(
        "经纬度",
        "坐标",
        "lonlat",
        "lnglat",
        "longlat",
        "longitudelatitude",
        "经度纬度",
        "地理坐标",
        "经纬度坐标",
    ),
    *("gps坐标", "位置坐标", "坐标点", "gps", "coordinates", "coordinate", "coords", "coord", "location"),
    *("position", "point", "latlonpoint", "geopoint", "位置"),
)
# Parts of longer names, such as 企业经度 and wgs84_lon.
_LON_PARTS, _LAT_PARTS = ("经度", "經度", "longitude"), ("纬度", "緯度", "latitude")
_LON_WORDS, _LAT_WORDS = {"lon", "lng"}, {"lat"}
# What needs no closer look: nearly all coordinates.
_PLAIN = r"^-?\d{1,15}(?:\.\d{1,20})?$"
_UNIT = re.compile(r"\(.*?\)|\[.*?\]|[\s_.\-°,;/|:]")
_WORD_BREAK = re.compile(r"[\s_.\-]+")

_SEPARATORS = (
    re.compile(r"\s*[;|/]\s*"),
    re.compile(r",\s+|\s+,\s*"),
    re.compile(r"(?<=[EWNSewns东西南北])\s+"),
    re.compile(r","),
    re.compile(r"\s+"),
)
_POINT = re.compile(r"^\s*point\b", re.IGNORECASE)
_TWO_DECIMAL_COMMAS = re.compile(r"([+-]?\d+,\d+),([+-]?\d+,\d+)")


def find_pair(
    columns: Sequence[str], lon_name: str | None = None, lat_name: str | None = None
) -> tuple[int, int] | None:
    """Return the places of the columns of longitude and latitude; None if one is missing.

    Parameters
    ----------
    columns
        As they are written: 经度（°） is a longitude, and POINT_X.
    lon_name, lat_name
        The columns to take; found by their usual names when not given.
    """
    places = []
    for given, names, parts, words in (
        (lon_name, LON_NAMES, _LON_PARTS, _LON_WORDS),
        (lat_name, LAT_NAMES, _LAT_PARTS, _LAT_WORDS),
    ):
        place = find_named(columns, names) if given is None else list(columns).index(given)
        if place is None:
            similar = [
                at
                for at, name in enumerate(columns)
                if any(part in name.lower() for part in parts) or words & set(_WORD_BREAK.split(name.lower()))
            ]
            place = similar[0] if len(similar) == 1 else None
        if place is None:
            return None
        places.append(place)
    return places[0], places[1]


def find_named(columns: Sequence[str], names: Iterable[str]) -> int | None:
    """Return the place of the column that bears the earliest of some names, whatever its case and unit."""
    plain = [_UNIT.sub("", unicodedata.normalize("NFKC", column).lower()) for column in columns]
    return next((plain.index(name) for name in names if name in plain), None)


def parse_axis(texts: pa.Array | pa.ChunkedArray, axis: Axis) -> FloatArray:
    """Return the degrees of a column of text, NaN where there is no number."""
    is_plain = pc.fill_null(pc.match_substring_regex(texts, _PLAIN), False)
    plain = pc.if_else(is_plain, texts, "nan").cast(pa.float64())
    values: FloatArray = plain.to_numpy(zero_copy_only=False).copy()
    for row in np.flatnonzero(~is_plain.to_numpy(zero_copy_only=False)).tolist():
        text = texts[row].as_py()
        if text is not None:
            values[row] = parse_degrees(text, axis)
    return values


@dataclass
class CombinedColumn:
    """A column with both coordinates, such as "116.3,39.9"; which comes first is learned from its values.

    Attributes
    ----------
    place
        Of the column.
    usual
        Which comes first where the values leave it open.
    records, pairs
        Values seen, and how many of them are two numbers.
    votes
        How many values can only be read in each order.
    """

    place: int
    usual: Axis
    records: int = 0
    pairs: int = 0
    votes: dict[Axis, int] = field(default_factory=lambda: {"lon": 0, "lat": 0})

    @classmethod
    def find(cls, columns: Sequence[str]) -> "CombinedColumn | None":
        """Return the column that is named like one, if there is one."""
        orders: tuple[tuple[Sequence[str], Axis], ...] = ((_LAT_FIRST_NAMES, "lat"), (_BOTH_NAMES, "lon"))
        for names, usual in orders:
            place = find_named(columns, names)
            if place is not None:
                return cls(place, usual)
        return None

    def learn(self, texts: Iterable[str | None]) -> None:
        """Take note of values."""
        for text in texts:
            if text is None:
                continue
            self.records += 1
            parts = _split_pair(text)
            if parts is None:
                continue
            readings: dict[Axis, tuple[float, float]] = {
                "lon": _read_pair(parts[0], parts[1]),
                "lat": _read_pair(parts[1], parts[0]),
            }
            self.pairs += any(np.isfinite(pair).all() for pair in readings.values())
            possible = [first for first, (lon, lat) in readings.items() if abs(lon) <= 180 and abs(lat) <= 90]
            if len(possible) == 1:
                self.votes[possible[0]] += 1

    @property
    def is_plausible(self) -> bool:
        """Whether most values are two coordinates."""
        return self.pairs * 2 > self.records

    @property
    def first(self) -> Axis:
        """Which of the two comes first."""
        if self.votes["lon"] == self.votes["lat"]:
            return self.usual
        return max(self.votes, key=lambda axis: self.votes[axis])

    def parse(self, texts: Iterable[str | None]) -> tuple[FloatArray, FloatArray]:
        """Return longitudes and latitudes, NaN where there is no number."""
        pairs = [(None if text is None else _split_pair(text)) or ("", "") for text in texts]
        lon_place: Literal[0, 1] = 0 if self.first == "lon" else 1
        return (
            parse_axis(pa.array([pair[lon_place] for pair in pairs], pa.string()), "lon"),
            parse_axis(pa.array([pair[1 - lon_place] for pair in pairs], pa.string()), "lat"),
        )


def _read_pair(lon_text: str, lat_text: str) -> tuple[float, float]:
    return parse_degrees(lon_text, "lon"), parse_degrees(lat_text, "lat")


def _split_pair(text: str) -> tuple[str, str] | None:
    plain = unicodedata.normalize("NFKC", text.replace("、", ","))
    plain = _POINT.sub("", plain).strip(" \t()[]{}")
    if found := _TWO_DECIMAL_COMMAS.fullmatch(plain):
        return found[1], found[2]
    for separator in _SEPARATORS:
        parts = separator.split(plain)
        if len(parts) == 2:
            return parts[0], parts[1]
    return None
