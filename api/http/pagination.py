"""Lists in pages, as they are asked for and answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.http.conditional import make_etag
from api.http.parameters import BboxParam, FormatParam, WholeNumber, parse_bbox, wants_geojson
from api.http.responses import list_response
from layers.db.keyset import PageRequest

Item = TypeVar("Item")

Limit = Annotated[WholeNumber, Query(ge=1, le=1000, description="Records of a page.", examples=[100])]
Cursor = Annotated[
    str | None, Query(max_length=400, description="The `next` of the page before.", examples=[None])
]


class Page(BaseModel, Generic[Item]):
    """Some records of a list; `next` leads to those that follow and is null at the end."""

    items: list[Item]
    next: str | None = Field(examples=[None])


@dataclass(frozen=True, slots=True)
class FeaturePageParams(PageRequest):
    """Which page of a list of features is asked for, and in which form.

    Attributes
    ----------
    geojson
        As GeoJSON, which has geometries in any case.
    query
        The query of the request, on which the answer depends.
    """

    geojson: bool = False
    query: str = ""

    def to_response(
        self,
        items: Sequence[dict[str, Any]],
        next_cursor: str | None,
        *,
        etag_parts: tuple[object, ...] | None = None,
        if_none_match: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Response:
        """Return the page as it is asked for; `etag_parts` is what the list depends on beside the query."""
        etag = None if etag_parts is None else make_etag(self.geojson, self.query, *etag_parts)
        return list_response(
            items, next_cursor, geojson=self.geojson, etag=etag, if_none_match=if_none_match, more=more
        )


async def _page_request(limit: Limit = 100, cursor: Cursor = None) -> PageRequest:
    return PageRequest(limit, cursor)


async def _feature_page_params(
    request: Request, box: BboxParam = None, f: FormatParam = None, limit: Limit = 100, cursor: Cursor = None
) -> FeaturePageParams:
    return FeaturePageParams(
        limit, cursor, parse_bbox(box), geojson=wants_geojson(request, f), query=request.url.query
    )


PageDep = Annotated[PageRequest, Depends(_page_request)]
"""The type of a parameter that takes `limit` and `cursor`."""

FeaturePageDep = Annotated[FeaturePageParams, Depends(_feature_page_params)]
"""The type of a parameter that takes `box`, `f`, `limit` and `cursor`."""
