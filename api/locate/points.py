"""The points in the body of a request: columns, records, GeoJSON, CSV or Arrow."""

from dataclasses import dataclass
from email.message import Message
from enum import StrEnum
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from api.advice import rewrite_options
from api.locate import arrow
from gis.arrays import FloatArray
from gis.degrees import AXES
from gis.errors import InputError, LimitError
from layers.formats.coordinates import LAT_NAMES, LON_NAMES, CombinedColumn, find_pair, parse_axis
from layers.formats.delimited import open_delimited, restore_text

MAX_POINTS = 100_000
"""The most points of one request."""

MAX_ARROW_POINTS = 1_000_000
"""The most points of one request as an Arrow stream, which takes a tenth of the time and memory."""

_OPTIONS = {"encoding": "the charset of the media type"}
"""What there is here in the place of options that messages name."""

_LONLAT_CRS = [
    {"type": "name", "properties": {"name": name}}
    for name in ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "urn:ogc:def:crs:EPSG::4326")
]


class PointsFormat(StrEnum):
    """The format of a body."""

    columns = "columns"
    records = "records"
    geojson = "geojson"
    csv = "csv"
    arrow = "arrow"


@dataclass(frozen=True)
class Points:
    """The points of a request.

    Attributes
    ----------
    format
        The format of the body.
    lon, lat
        Degrees in the datum of the request, shape (n,); NaN where there is no number.
    source
        The part that the answer repeats: records as dicts, features as dicts, rows of a CSV as tuples of
        text.
    header
        The columns of a CSV.
    assumed_encoding
        In which a CSV was read, if its bytes left a choice.
    """

    format: PointsFormat
    lon: FloatArray
    lat: FloatArray
    source: list[Any]
    header: list[str]
    assumed_encoding: str | None = None

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.lon)


def read_points(body: bytes, content_type: str) -> Points:
    """Read the points of a body.

    Parameters
    ----------
    body
        ``{"lon": [...], "lat": [...]}``, ``[{"lon": ..., "lat": ..., ...}, ...]``, a GeoJSON feature
        collection of points, CSV with a header and columns of longitude and latitude, or an Arrow stream
        with such columns.
    content_type
        `text/csv` means CSV, with the encoding as `charset` where its bytes do not tell,
        `application/vnd.apache.arrow.stream` Arrow, everything else JSON.

    Raises
    ------
    InputError
        If the body has none of these formats.
    LimitError
        If there are more than `MAX_POINTS`, or `MAX_ARROW_POINTS`.
    """
    header = Message()
    header["content-type"] = content_type
    media_type = header.get_content_type()
    if media_type in {"text/csv", "application/csv"}:
        return _from_csv(body, header.get_content_charset())
    if media_type == arrow.MEDIA_TYPE:
        lon, lat = arrow.read_columns(body, (LON_NAMES, LAT_NAMES), MAX_ARROW_POINTS)
        return Points(PointsFormat.arrow, lon, lat, [], [])
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InputError(f"The body is no JSON: {error}.") from None
    if isinstance(data, list):
        return _from_records(data)
    if isinstance(data, dict) and data.get("type") == "FeatureCollection":
        return _from_features(data)
    if isinstance(data, dict) and isinstance(data.get("lon"), list) and isinstance(data.get("lat"), list):
        return _from_columns(data)
    raise InputError(
        'The body must be {"lon": [...], "lat": [...]}, a list of {"lon": ..., "lat": ...}, a GeoJSON '
        f"FeatureCollection of points, CSV as text/csv, or an Arrow stream as {arrow.MEDIA_TYPE}."
    )


def to_floats(values: list[Any]) -> FloatArray:
    """Convert JSON values to numbers; others become NaN."""
    # True is no number, but numpy takes it for one.
    if set(map(type, values)) <= {float, int}:
        return np.array(values, dtype=float)
    return np.array([value if type(value) in (float, int) else np.nan for value in values], dtype=float)


def _require_limit(count: int) -> None:
    if count > MAX_POINTS:
        raise LimitError(f"{count:,} points are more than the {MAX_POINTS:,} of one request; send several.")


def _from_columns(data: dict[str, Any]) -> Points:
    extra = sorted(set(data) - {"lon", "lat"})
    if extra:
        raise InputError(f"Columns are lon and lat alone, without '{extra[0]}'; send records to keep more.")
    if len(data["lon"]) != len(data["lat"]):
        raise InputError(f"lon has {len(data['lon'])} values and lat {len(data['lat'])}; they must pair up.")
    _require_limit(len(data["lon"]))
    return Points(PointsFormat.columns, to_floats(data["lon"]), to_floats(data["lat"]), [], [])


def _from_records(data: list[Any]) -> Points:
    _require_limit(len(data))
    for row, record in enumerate(data):
        if not isinstance(record, dict) or "lon" not in record or "lat" not in record:
            raise InputError(f"Record {row + 1} is no object with lon and lat.")
    lon, lat = ([record[key] for record in data] for key in ("lon", "lat"))
    return Points(PointsFormat.records, to_floats(lon), to_floats(lat), data, [])


def _from_features(data: dict[str, Any]) -> Points:
    features = data.get("features")
    if not isinstance(features, list):
        raise InputError("The FeatureCollection has no list 'features'.")
    _require_limit(len(features))
    crs = data.get("crs")
    if crs is not None and crs not in _LONLAT_CRS:
        raise InputError("The FeatureCollection names another crs; send longitude and latitude.")
    pairs = [_feature_point(row, feature) for row, feature in enumerate(features)]
    lon, lat = ([pair[axis] for pair in pairs] for axis in (0, 1))
    return Points(PointsFormat.geojson, to_floats(lon), to_floats(lat), features, [])


def _feature_point(row: int, feature: object) -> tuple[Any, Any]:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise InputError(f"Record {row + 1} of the features is no Feature.")
    properties, geometry = feature.get("properties"), feature.get("geometry")
    if properties is not None and not isinstance(properties, dict):
        raise InputError(f"Record {row + 1} of the features has properties that are no object.")
    if geometry is None:
        return None, None
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        raise InputError(f"Record {row + 1} of the features is no Point; only points are located.")
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list):
        raise InputError(f"Record {row + 1} of the features has no coordinates.")
    return (coordinates[0], coordinates[1]) if len(coordinates) > 1 else (None, None)


def _from_csv(body: bytes, encoding: str | None) -> Points:
    try:
        return _parse_csv(body, encoding)
    except InputError as error:
        raise InputError(rewrite_options(str(error), _OPTIONS.get, "put it right in the CSV")) from None


def _parse_csv(body: bytes, encoding: str | None) -> Points:
    text = open_delimited(body, "The CSV", encoding=encoding)
    pair, combined = find_pair(text.header), CombinedColumn.find(text.header)
    if pair is None and combined is None:
        raise InputError("The CSV has no columns lon and lat.")
    rows: list[tuple[str, ...]] = []
    for record in text.records():
        # Unlike a list, a tuple of texts need not be walked by the garbage collector.
        rows.append(tuple(map(restore_text, record)))
        if len(rows) > MAX_POINTS:
            raise LimitError(f"More than the {MAX_POINTS:,} points of one request; send several.")
    if pair is not None:
        lon, lat = (
            parse_axis(pa.array([row[place] for row in rows], pa.string()), axis)
            for place, axis in zip(pair, AXES, strict=True)
        )
    elif combined is not None:
        values = [row[combined.place] for row in rows]
        combined.learn(values)
        lon, lat = combined.parse(values)
    assumed = text.encoding.name if text.encoding.is_assumed else None
    return Points(PointsFormat.csv, lon, lat, rows, list(text.header), assumed)
