"""The features of the base map: a kind of them is replaced whole, or stays as it is."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.orm import Session

from gis.arrays import BoolArray, ObjectArray
from gis.crs import LONLAT
from gis.errors import InputError
from layers.db import geopackage
from layers.db.bbox import BBox, bbox_intersects
from layers.db.bulk import decode_geometries, is_postgresql, raw_geometry, read_rows
from layers.db.database import Database, bump_revision
from layers.db.text_match import contains_words, match_rank
from layers.models import BasemapFeature

BASEMAP_KINDS = ("roads", "railway", "water", "green", "buildings")
"""What a base map is made of."""

_LINES, _POLYGONS = frozenset({1, 2, 5}), frozenset({3, 6})
_GEOMETRY_TYPES: Mapping[str, frozenset[int]] = {
    "roads": _LINES,
    "railway": _LINES,
    # A brook is a line, a lake is not.
    "water": _LINES | _POLYGONS,
    "green": _POLYGONS,
    "buildings": _POLYGONS,
}
_PAGE_SIZE = 20_000


class BasemapSummary(NamedTuple):
    """What was done to one kind: features stored, features of before taken away, records left out."""

    stored: int
    replaced: int
    unfit: int


def replace_basemap(database: Database, frames: Mapping[str, gpd.GeoDataFrame]) -> dict[str, BasemapSummary]:
    """Put features in the place of all of their kind, in one transaction; other kinds stay.

    Parameters
    ----------
    database
        Migrated.
    frames
        By kind: EPSG:4326 with class_name and name (str or None) and geometry. Roads and railways are lines,
        green and buildings polygons, water is either; a record of another shape, or of none, is left out and
        counted as unfit. Polygons that are not valid are mended.

    Returns
    -------
    dict
        What was done, by kind.

    Raises
    ------
    InputError
        If no record of a kind has a shape that fits; nothing is changed then.
    """
    done = {}
    with database.write() as session, _rebuilding_rtree(session):
        for kind, frame in frames.items():
            geometries, is_usable = _repair_geometries(
                np.array(frame.geometry, dtype=object), _GEOMETRY_TYPES[kind]
            )
            if not is_usable.any():
                raise InputError(f"No record has a shape that {kind} can have; name the right layer or kind.")
            first = _next_id(session)
            deleted = session.execute(delete(BasemapFeature).where(BasemapFeature.kind == kind))
            for page in _make_pages(kind, frame[is_usable], geometries[is_usable], first):
                session.execute(insert(BasemapFeature), page)
            stored = int(is_usable.sum())
            done[kind] = BasemapSummary(stored, getattr(deleted, "rowcount", 0), len(frame) - stored)
        bump_revision(session)
    return done


def _repair_geometries(geometries: ObjectArray, types: frozenset[int]) -> tuple[ObjectArray, BoolArray]:
    """Mend polygons; tell which shapes a kind takes."""
    repaired = geometries.copy()
    is_invalid = np.isin(shapely.get_type_id(geometries), list(_POLYGONS)) & ~shapely.is_valid(geometries)
    repaired[is_invalid] = shapely.make_valid(
        geometries[is_invalid], method="structure", keep_collapsed=False
    )
    usable = np.isin(shapely.get_type_id(repaired), list(types)) & ~shapely.is_empty(repaired)
    return repaired, usable & np.isfinite(shapely.bounds(repaired)).all(axis=1)


def _make_pages(
    kind: str, frame: gpd.GeoDataFrame, geometries: ObjectArray, first_id: int | None
) -> Iterator[list[dict[str, Any]]]:
    classes, names = (
        frame[column].astype(object).where(frame[column].notna(), None).to_numpy()
        for column in ("class_name", "name")
    )
    for start in range(0, len(geometries), _PAGE_SIZE):
        part = slice(start, start + _PAGE_SIZE)
        rows = [
            {"kind": kind, "class_name": class_name, "name": name, "geometry": geometry}
            for class_name, name, geometry in zip(classes[part], names[part], geometries[part], strict=True)
        ]
        yield (
            rows
            if first_id is None
            else [{"id": number, **row} for number, row in enumerate(rows, first_id + start)]
        )


def _next_id(session: Session) -> int | None:
    """Return a number that no feature has had: SQLite would give those of deleted ones again."""
    if is_postgresql(session):
        return None
    return (session.scalar(select(func.max(BasemapFeature.id))) or 0) + 1


@contextmanager
def _rebuilding_rtree(session: Session) -> Iterator[None]:
    connection: Connection = session.connection()
    embedded = connection.dialect.name == "sqlite"
    with geopackage.rebuilding_rtree(connection, BasemapFeature.__tablename__) if embedded else nullcontext():
        yield
        session.flush()


def read_features(session: Session, kinds: Collection[str], bbox: BBox) -> gpd.GeoDataFrame:
    """Return the features of some kinds whose boxes meet a box: kind, class_name, name, geometry.

    Parameters
    ----------
    kinds
        Of `BASEMAP_KINDS`.
    bbox
        West, south, east and north in degrees.
    """
    columns = ("kind", "class_name", "name")
    chosen = select(
        *(getattr(BasemapFeature, column) for column in columns),
        raw_geometry(session, BasemapFeature.geometry),
    ).where(BasemapFeature.kind.in_(sorted(kinds)), bbox_intersects(session, BasemapFeature, bbox))
    rows = read_rows(session, chosen.order_by(BasemapFeature.id))
    return gpd.GeoDataFrame(
        {column: [row[place] for row in rows] for place, column in enumerate(columns)},
        geometry=decode_geometries(session, [row[-1] for row in rows]),
        crs=LONLAT,
    )


_MAX_PARTS = 1_000
"""The most features that are looked at to say where a name is."""


class NamedPlace(NamedTuple):
    """All features of one kind that bear one name, such as the parts of a road.

    Attributes
    ----------
    rank
        How well the name fits (`match_rank`).
    kind, name
        What it is.
    lon, lat
        A place on its largest part.
    bbox
        Of all parts.
    """

    rank: int
    kind: str
    name: str
    lon: float
    lat: float
    bbox: BBox


def search_basemap(session: Session, text: str, limit: int) -> list[NamedPlace]:
    """Return the roads, buildings, waters and greens whose names fit words best.

    Parameters
    ----------
    text
        Words of the name.
    limit
        The most names.
    """
    rank = match_rank(text, BasemapFeature.name, [])
    names = (
        select(rank.label("rank"), BasemapFeature.kind, BasemapFeature.name)
        .where(BasemapFeature.name.is_not(None), contains_words(session, text, [BasemapFeature.name]))
        .distinct()
        .order_by("rank", BasemapFeature.name, BasemapFeature.kind)
        .limit(limit)
    )
    return [_find_place(session, *row) for row in session.execute(names).all()]


def _find_place(session: Session, rank: int, kind: str, name: str | None) -> NamedPlace:
    parts = (
        select(raw_geometry(session, BasemapFeature.geometry))
        .where(BasemapFeature.kind == kind, BasemapFeature.name == name)
        .order_by(BasemapFeature.id)
        .limit(_MAX_PARTS)
    )
    geometries = decode_geometries(session, list(session.scalars(parts)))
    largest = geometries[np.lexsort((shapely.length(geometries), shapely.area(geometries)))[-1]]
    if largest.geom_type == "LineString":
        place = shapely.line_interpolate_point(largest, 0.5, normalized=True)
    else:
        place = shapely.point_on_surface(largest)
    bbox = BBox(*shapely.total_bounds(geometries).tolist())
    return NamedPlace(rank, kind, name or "", place.x, place.y, bbox)
