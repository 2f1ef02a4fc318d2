"""Which columns of a table hold coordinates, and what they say."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gis.arrays import FloatArray
from gis.coordinates import read_orders
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
            readings = read_orders(text)
            self.pairs += bool(readings)
            possible = [first for first, location in readings.items() if location.is_on_earth]
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
        """Return longitudes and latitudes, NaN where there is no number.

        Values that name their axes need not keep to the order of the others.
        """
        nowhere = (float("nan"), float("nan"))
        usual = self.first
        pairs = []
        for text in texts:
            readings = {} if text is None else read_orders(text)
            pairs.append(readings.get(usual) or next(iter(readings.values()), nowhere))
        lon, lat = np.array(pairs, dtype=float).reshape(-1, 2).T
        return lon, lat
