"""Parameters of requests that several subjects have: the form of an answer, a box, a geometry."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import numpy as np
import orjson
import shapely
from fastapi import Path, Query, Request
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError
from shapely.errors import ShapelyError

from api.http.responses import GEOJSON
from gis.antimeridian import cut_at_antimeridian
from gis.degrees import parse_degrees, parse_number
from gis.errors import InputError, LimitError
from layers.db.bbox import BBox


def _refuse_underscores(value: object) -> object:
    if isinstance(value, str) and "_" in value:
        raise PydanticCustomError("grouped_number", "A number is written without underscores.")
    return value


WholeNumber = Annotated[int, BeforeValidator(_refuse_underscores)]
DecimalNumber = Annotated[float, BeforeValidator(_refuse_underscores)]
"""Numbers in requests. Pydantic alone takes 1_0 for ten, as Python's own source does."""

LonParam = Annotated[
    float,
    BeforeValidator(lambda text: parse_degrees(text, "lon") if isinstance(text, str) else text),
    Query(ge=-180, le=180, allow_inf_nan=False, examples=[114.05]),
]
LatParam = Annotated[
    float,
    BeforeValidator(lambda text: parse_degrees(text, "lat") if isinstance(text, str) else text),
    Query(ge=-90, le=90, allow_inf_nan=False, examples=[22.55]),
]
PlanId = Annotated[WholeNumber, Path(ge=1, le=2**53, examples=[12])]
FormatParam = Annotated[
    Literal["json", "geojson"] | None,
    Query(description="The form of the answer; else the header Accept decides.", examples=["geojson"]),
]
DAY_IS_MEANT = "The day is meant though it is more than two years ahead or fifty past."
ConfirmField = Annotated[bool, Field(description=DAY_IS_MEANT, examples=[False])]
BboxParam = Annotated[
    str | None,
    Query(
        description="west,south,east,north in degrees.", max_length=200, examples=["113.9,22.5,114.1,22.6"]
    ),
]


def wants_geojson(request: Request, format_param: str | None) -> bool:
    """Return whether an answer is wanted as GeoJSON."""
    return format_param == "geojson" or (
        format_param is None and GEOJSON in request.headers.get("accept", "")
    )


def parse_geometry(geojson: Mapping[str, Any] | None, max_vertices: int) -> shapely.Geometry | None:
    """Read a GeoJSON geometry; a polygon that runs across the 180th meridian is cut there, as in files.

    Raises
    ------
    InputError
        If it is not a GeoJSON geometry, or encloses a pole.
    LimitError
        If it has too many vertices.
    """
    if geojson is None:
        return None
    try:
        geometry: shapely.Geometry = shapely.from_geojson(orjson.dumps(geojson))
    except (ShapelyError, orjson.JSONEncodeError, RecursionError) as error:
        raise InputError("The geometry is no GeoJSON geometry in longitude and latitude.") from error
    if shapely.get_num_coordinates(geometry) > max_vertices:
        raise LimitError(f"The geometry has more than {max_vertices:,} vertices.")
    cut: shapely.Geometry = cut_at_antimeridian(np.array([geometry, None], dtype=object)[:1], "The geometry")[
        0
    ]
    return cut


def parse_bbox(text: str | None) -> BBox | None:
    """Read a bounding box.

    Raises
    ------
    InputError
        If the text is not a bounding box.
    """
    if text is None:
        return None
    try:
        west, south, east, north = (parse_number(part) for part in text.split(","))
    except ValueError:
        raise InputError("The box is not west,south,east,north in degrees.") from None
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError("The box is not west,south,east,north in degrees.")
    return BBox(west, south, east, north)
