"""The features of the base map: a kind of them is replaced whole, or stays as it is."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.orm import Session

from gis.errors import InputError
from layers.db import geopackage
from layers.db.bulk import is_postgresql
from layers.db.database import Database, bump_revision
from layers.models import BaseFeature

KINDS = ("roads", "railway", "water", "green", "buildings")
"""What a base map is made of."""

_LINES, _POLYGONS = frozenset({1, 2, 5}), frozenset({3, 6})
_DIMENSIONS: Mapping[str, frozenset[int]] = {
    "roads": _LINES,
    "railway": _LINES,
    # A brook is a line, a lake is not.
    "water": _LINES | _POLYGONS,
    "green": _POLYGONS,
    "buildings": _POLYGONS,
}
_PAGE = 20_000


class BaseSummary(NamedTuple):
    """What was done to one kind: features stored, features of before taken away, records left out."""

    stored: int
    replaced: int
    unfit: int


def replace_base(database: Database, frames: Mapping[str, gpd.GeoDataFrame]) -> dict[str, BaseSummary]:
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
    with database.write() as session, _indexed_once(session):
        for kind, frame in frames.items():
            shapes, fit = _fit(np.array(frame.geometry, dtype=object), _DIMENSIONS[kind])
            if not fit.any():
                raise InputError(f"No record has a shape that {kind} can have; name the right layer or kind.")
            first = _next_id(session)
            gone = session.execute(delete(BaseFeature).where(BaseFeature.kind == kind))
            for page in _pages(kind, frame[fit], shapes[fit], first):
                session.execute(insert(BaseFeature), page)
            stored = int(fit.sum())
            done[kind] = BaseSummary(stored, getattr(gone, "rowcount", 0), len(frame) - stored)
        bump_revision(session)
    return done


def _fit(shapes: NDArray[np.object_], types: frozenset[int]) -> tuple[NDArray[np.object_], NDArray[np.bool_]]:
    """Mend polygons; tell which shapes a kind takes."""
    mended = shapes.copy()
    broken = np.isin(shapely.get_type_id(shapes), list(_POLYGONS)) & ~shapely.is_valid(shapes)
    mended[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    usable = np.isin(shapely.get_type_id(mended), list(types)) & ~shapely.is_empty(mended)
    return mended, usable & np.isfinite(shapely.bounds(mended)).all(axis=1)


def _pages(
    kind: str, frame: gpd.GeoDataFrame, shapes: NDArray[np.object_], first: int | None
) -> Iterator[list[dict[str, Any]]]:
    classes, names = (
        frame[column].astype(object).where(frame[column].notna(), None).to_numpy()
        for column in ("class_name", "name")
    )
    for start in range(0, len(shapes), _PAGE):
        part = slice(start, start + _PAGE)
        rows = [
            {"kind": kind, "class_name": class_name, "name": name, "geometry": shape}
            for class_name, name, shape in zip(classes[part], names[part], shapes[part], strict=True)
        ]
        yield (
            rows
            if first is None
            else [{"id": number, **row} for number, row in enumerate(rows, first + start)]
        )


def _next_id(session: Session) -> int | None:
    """Return a number that no feature has had: SQLite would give those of deleted ones again."""
    if is_postgresql(session):
        return None
    return (session.scalar(select(func.max(BaseFeature.id))) or 0) + 1


@contextmanager
def _indexed_once(session: Session) -> Iterator[None]:
    connection: Connection = session.connection()
    embedded = connection.dialect.name == "sqlite"
    with geopackage.bulk(connection, BaseFeature.__tablename__) if embedded else nullcontext():
        yield
        session.flush()
