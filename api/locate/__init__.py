"""Answering which cell owns a location: the question, its points in four forms, the answer in the same form.

It owns the contract of `/v1/locate`; ownership itself is `gis.locate.point_locator`'s, and the state it is
asked of `layers.snapshot`'s.
"""

from api.locate.ownership import Ownership, find_owners, owner_answer, to_wgs84
from api.locate.points import MOST_POINTS, Form, Points, read_points
from api.locate.query import Parameters, Question, parameters, single
from api.locate.responses import MEDIA_TYPES, write_answer

__all__ = [
    "MEDIA_TYPES",
    "MOST_POINTS",
    "Form",
    "Ownership",
    "Parameters",
    "Points",
    "Question",
    "find_owners",
    "owner_answer",
    "parameters",
    "read_points",
    "single",
    "to_wgs84",
    "write_answer",
]
