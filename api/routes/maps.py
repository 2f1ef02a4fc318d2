"""`/maps/{scheme}`: the map of a scheme to keep or to print, as one HTML file, PDF or PNG."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api.http.caller_slots import CallerSlots
from api.http.dependencies import DatabaseDep
from api.http.parameters import WholeNumber
from api.http.responses import content_disposition
from api.problems import problem_responses
from api.security.caller import Caller
from api.security.principal import Right
from api.security.requirements import AreaPolicy, requires
from gis.classes import ClassificationMethod
from gis.errors import NotFoundError
from layers.areas.queries import find_area

router = APIRouter(prefix="/maps", tags=["maps"])

# The file brings its scripts along. In a sandbox it is of no origin, and reaches neither session nor service.
_CONTENT_SECURITY_POLICY = (
    "sandbox allow-scripts allow-modals allow-downloads; default-src 'none'; script-src 'unsafe-inline'; "
    "style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


class MapFormat(StrEnum):
    """What the map comes as."""

    html = "html"
    pdf = "pdf"
    png = "png"


class Language(StrEnum):
    """Language of the map's words."""

    zh = "zh"
    en = "en"


MAPS_AT_ONCE = 2
"""How many maps a caller may have drawn at once: each keeps a thread busy for seconds."""

_MEDIA_TYPES = {
    MapFormat.html: "text/html; charset=utf-8",
    MapFormat.pdf: "application/pdf",
    MapFormat.png: "image/png",
}


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
        **problem_responses(404, 413, 422),
    },
)
@requires(Right.read, AreaPolicy.filtered)
def draw_map(
    request: Request,
    caller: Caller,
    database: DatabaseDep,
    scheme: Annotated[str, Path(max_length=60, examples=["community"])],
    form: Annotated[MapFormat, Path(examples=["html"])],
    at: Annotated[date | None, Query(description="The day; today when not given.")] = None,
    area: Annotated[
        str | None, Query(max_length=100, description="Only this area.", examples=["440305"])
    ] = None,
    measure: Annotated[
        str | None, Query(max_length=100, description="What to colour by.", examples=["households"])
    ] = None,
    method: Annotated[
        ClassificationMethod,
        Query(description="How the measure is divided into classes.", examples=["quantiles"]),
    ] = ClassificationMethod.quantiles,
    classes: Annotated[WholeNumber, Query(ge=1, le=9, description="The most classes.", examples=[5])] = 5,
    lang: Annotated[Language, Query(description="Language of the words.")] = Language.zh,
) -> Response:
    """Draw the caller's cells in force on a day, with leaders by number, key units, gaps and legend."""
    # A quarter of what a service would load before it answers at all; the application loads it afterwards.
    from layers.maps import PrintMap, render_html_map, render_print_map
    from layers.maps.map_data import KEY_ENTITY_LAYER, read_map_data

    area_code = area or caller.area_code
    if not caller.covers(area_code):
        raise NotFoundError(f"There is no area '{area}'.")
    day = at or date.today()
    own_name = f"{scheme}-{day}"
    slots: CallerSlots = request.app.state.map_slots
    with slots.take(caller.label):
        with database.read() as session:
            if area_code is not None:
                # A street's map is kept beside those of others.
                own_name = f"{scheme}-{find_area(session, area_code).name}-{area_code}-{day}"
            map_data = read_map_data(session, scheme, day, area_code, scope=caller.area_code)
        map_options: dict[str, Any] = {
            "areas": map_data.areas if len(map_data.areas) else None,
            "units": map_data.units,
            "border": map_data.border,
            "gaps": map_data.gaps,
            "gap_analysis": map_data.gap_analysis,
            "layers": {KEY_ENTITY_LAYER: map_data.key_entities} if len(map_data.key_entities) else {},
            "base": map_data.base,
            "measure": measure,
            "method": method,
            "classes": classes,
            "title": map_data.scheme,
            "plan": map_data.plan,
            "date": day,
            "language": lang.value,
        }
        if form is MapFormat.html:
            content = render_html_map(map_data.cells, **map_options).encode()
        else:
            content = render_print_map(
                PrintMap(map_data.cells, **map_options), "pdf" if form is MapFormat.pdf else "png"
            )
    headers = {"Content-Disposition": content_disposition("inline", f"{own_name}.{form.value}")}
    if form is MapFormat.html:
        headers["Content-Security-Policy"] = _CONTENT_SECURITY_POLICY
    return Response(content, headers=headers, media_type=_MEDIA_TYPES[form])
