"""Locating: which cell owns a location, for one point or many in several formats.

This is the contract of `/v1/locate`; ownership is decided by `gis.locate` on the state of `layers.snapshot`.
"""

from api.locate.officers import officers_above, read_officers
from api.locate.ownership import Ownership, find_owners, serialize_owner, to_wgs84
from api.locate.points import MAX_POINTS, Points, PointsFormat, read_points
from api.locate.query import LocateQuery, QueryParams, parse_query_string, single_value
from api.locate.responses import ENCODING_HEADER, MEDIA_TYPES, write_response

__all__ = [
    "ENCODING_HEADER",
    "MAX_POINTS",
    "MEDIA_TYPES",
    "LocateQuery",
    "Ownership",
    "Points",
    "PointsFormat",
    "QueryParams",
    "find_owners",
    "officers_above",
    "parse_query_string",
    "read_officers",
    "read_points",
    "serialize_owner",
    "single_value",
    "to_wgs84",
    "write_response",
]
