"""`/maps/{scheme}`: the map of a scheme to keep or to print, as one HTML file, PDF or PNG.

Only the cells of the caller's area are on it, and nobody's name.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.http.dependencies import Store
from api.problems import answers
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import Ground, access
from gis.classes import Method
from gis.errors import NotFoundError

router = APIRouter(prefix="/maps", tags=["maps"])

# The file brings its scripts along. In a sandbox it is of no origin, and reaches neither session nor service.
_POLICY = (
    "sandbox allow-scripts allow-modals allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class Format(StrEnum):
    """What the map comes as."""

    html = "html"
    pdf = "pdf"
    png = "png"


class Language(StrEnum):
    """Language of the map's words."""

    zh = "zh"
    en = "en"


_MEDIA = {Format.html: "text/html; charset=utf-8", Format.pdf: "application/pdf", Format.png: "image/png"}


@router.get(
    "/{scheme}.{form}",
    summary="Draw a map",
    response_class=Response,
    responses={
        200: {
            "description": "One HTML file that loads nothing, or an A3 sheet as PDF or PNG.",
            "content": {
                "text/html": {"schema": {"type": "string"}, "example": "<!DOCTYPE html>"},
                "application/pdf": {"schema": {"type": "string", "format": "binary"}},
                "image/png": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **answers(404, 413, 422),
    },
)
@access(Right.read, Ground.filtered)
def draw(
    caller: Caller,
    store: Store,
    scheme: Annotated[str, Path(max_length=60, examples=["community"])],
    form: Annotated[Format, Path(examples=["html"])],
    at: Annotated[date | None, Query(description="The day; today when not given.")] = None,
    area: Annotated[
        str | None, Query(max_length=100, description="Only this area.", examples=["440305"])
    ] = None,
    measure: Annotated[
        str | None, Query(max_length=100, description="What to colour by.", examples=["households"])
    ] = None,
    method: Annotated[
        Method, Query(description="How the measure is divided into classes.", examples=["quantiles"])
    ] = Method.quantiles,
    classes: Annotated[int, Query(ge=1, le=9, description="The most classes.", examples=[5])] = 5,
    lang: Annotated[Language, Query(description="Language of the words.")] = Language.zh,
) -> Response:
    """Draw the cells in force on a day with leaders by number, key units, gaps and legend."""
    # A quarter of what a service would load before it answers at all; the application loads it afterwards.
    from layers.maps import Sheet, draw_sheet, make_map
    from layers.maps.map_data import UNITS_LAYER, read_map

    chosen = area or caller.area_code
    if not caller.covers(chosen):
        raise NotFoundError(f"There is no area '{area}'.")
    day = at or date.today()
    with store.read() as session:
        read = read_map(session, scheme, day, chosen)
    shown: dict[str, Any] = {
        "areas": read.areas if len(read.areas) else None,
        "gaps": read.gaps,
        "layers": {UNITS_LAYER: read.units} if len(read.units) else {},
        "base": read.base,
        "measure": measure,
        "method": method,
        "classes": classes,
        "title": read.scheme,
        "plan": read.plan,
        "date": day,
        "language": lang.value,
    }
    if form is Format.html:
        content = make_map(read.cells, **shown).encode()
    else:
        content = draw_sheet(Sheet(read.cells, **shown), "pdf" if form is Format.pdf else "png")
    name = f"{scheme}-{day}.{form.value}".encode("ascii", "replace").decode().replace('"', "")
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    if form is Format.html:
        headers["Content-Security-Policy"] = _POLICY
    return Response(content, headers=headers, media_type=_MEDIA[form])
