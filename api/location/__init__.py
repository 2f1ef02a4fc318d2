"""Answering which cell owns a location: the question, its points in four forms, the answer in the same form.

It owns the contract of `/v1/locate`; ownership itself is `gis.locate`'s, and the state it is asked of
`layers.snapshot`'s.
"""

from api.location.answers import MEDIA_TYPES, write_answer
from api.location.ownership import Ownership, find_owners, owner_answer, to_wgs84
from api.location.points import MOST_POINTS, Form, Points, read_points
from api.location.question import Parameters, Question, parameters, single

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
