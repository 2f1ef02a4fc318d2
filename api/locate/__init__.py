"""Answering which cell owns a location: the question, its points in four forms, the answer in the same form.

It owns the contract of `/v1/locate`; ownership itself is `gis.locate.point_locator`'s, and the state it is
asked of `layers.snapshot`'s.
"""

from api.locate.ownership import Ownership, find_owners, serialize_owner, to_wgs84
from api.locate.points import MAX_POINTS, Points, PointsFormat, read_points
from api.locate.query import LocateQuery, QueryParams, parse_query_string, single_value
from api.locate.responses import MEDIA_TYPES, write_response

__all__ = [
    "MAX_POINTS",
    "MEDIA_TYPES",
    "LocateQuery",
    "Ownership",
    "Points",
    "PointsFormat",
    "QueryParams",
    "find_owners",
    "parse_query_string",
    "read_points",
    "serialize_owner",
    "single_value",
    "to_wgs84",
    "write_response",
]
