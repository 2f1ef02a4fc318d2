"""The live index of entities in memory: the nearest ones, those in a box, and every change as it comes."""

from collections.abc import Collection, Iterable, Iterator
from sys import intern
from threading import Lock
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from rtree.index import Index
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gis.errors import InputError
from layers.db.bulk import among, decode, raw
from layers.models import Entity

Floats = NDArray[np.float64]

MOST_NEAREST = 1_000
"""Entities that one question for the nearest may ask for."""

_GEOD = Geod(ellps="WGS84")
# A degree of latitude is nowhere shorter; the longitude's is this times the cosine, within 0.7 %.
_METRES_A_DEGREE = 110_500.0
_MARGIN = 1.02
_BATCH = 20_000
_BLOCK = 1_000
# Keys of entities that are looked at together for changes.
_AROUND = 4
# Areas around a place whose entities tell how far the nearest can be at most.


class Indexed(NamedTuple):
    """An entity in the index: its key, kind, version, geometry in EPSG:4326 and the area it lies in."""

    id: int
    kind: str
    version: int
    geometry: shapely.Geometry
    area_code: str | None = None


_Key = tuple[str, str | None]
# A kind and an area.
_Block = tuple[int, int]
# How many entities a block of keys has, and the sum of their versions.


class _Tree(NamedTuple):
    """The entities of one kind in one area, and a box that holds them all."""

    rtree: Index
    bounds: Floats


class Near(NamedTuple):
    """An entity found, and its distance in metres along the ellipsoid."""

    id: int
    kind: str
    distance_m: float


class EntityIndex:
    """Entities by location; safe in many threads at once.

    Parameters
    ----------
    entities
        What it holds at first; those without a location are left out.
    """

    def __init__(self, entities: Iterable[Indexed] = ()) -> None:
        self._lock = Lock()
        self._held: dict[int, Indexed] = {}
        self._trees: dict[_Key, _Tree] = {}
        self._listed: list[_Tree] = []
        self._bounds: Floats = np.empty((0, 4))
        self._blocks: dict[int, _Block] = {}
        self._fill(list(entities))

    @classmethod
    def load(cls, session: Session, kinds: Collection[str] | None = None) -> "EntityIndex":
        """Read the current entities of some kinds, or of all."""
        statement = select(Entity.id).where(Entity.valid_to.is_(None), Entity.geometry.is_not(None))
        if kinds is not None:
            statement = statement.where(Entity.kind.in_(kinds))
        index = cls(_read(session, session.scalars(statement).all()))
        index._blocks = _blocks(session, kinds)
        return index

    def __len__(self) -> int:
        """Return the number of entities held."""
        return len(self._held)

    def put(self, entity: Indexed) -> None:
        """Add or move an entity as it was committed; a version older than the one held is ignored."""
        with self._lock:
            self._put(entity)

    def remove(self, entity_id: int) -> None:
        """Take an entity out; none happens where it is not held."""
        with self._lock:
            self._remove(entity_id)

    def catch_up(self, session: Session, kinds: Collection[str] | None = None) -> int:
        """Bring the index to what a session sees, reading only what has changed.

        Parameters
        ----------
        session
            One that has read nothing yet: it must not see less than what has been put.
        kinds
            The kinds with which it was loaded.

        Returns
        -------
        int
            How many entities were added, moved or taken out.
        """
        blocks = _blocks(session, kinds)
        changed_blocks = {number for number, block in blocks.items() if self._blocks.get(number) != block}
        # Taken before the reading, so that what is put meanwhile is not taken out for being new.
        with self._lock:
            known = {
                number: held.version
                for number, held in self._held.items()
                if number // _BLOCK in changed_blocks
            }
        current = dict(_versions(session, kinds, changed_blocks))
        changed = [number for number, version in current.items() if known.get(number) != version]
        fresh = _read(session, changed)
        gone = known.keys() - current.keys()
        with self._lock:
            for number in gone:
                if self._held.get(number) is not None and self._held[number].version == known[number]:
                    self._remove(number)
            for entity in fresh:
                self._put(entity)
            self._blocks = blocks
        return len(fresh) + len(gone)

    def in_box(
        self, west: float, south: float, east: float, north: float, kind: str | None = None
    ) -> list[int]:
        """Return the keys, ascending, of the entities that intersect a closed box in degrees.

        Raises
        ------
        InputError
            If a bound is no number, or west is east of east, or south north of north.
        """
        if not (west <= east and south <= north) or not np.isfinite([west, south, east, north]).all():
            raise InputError("A box is west, south, east, north in degrees, the smaller ones first.")
        with self._lock:
            found = self._within((west, south, east, north), self._rows(kind, None))
        shapes = np.array([each.geometry for each in found], dtype=object)
        inside = shapely.intersects(shapely.box(west, south, east, north), shapes)
        return sorted(each.id for each, meets in zip(found, inside, strict=True) if meets)

    def nearest(
        self,
        lon: float,
        lat: float,
        count: int = 1,
        *,
        kind: str | None = None,
        within_m: float | None = None,
        covered: Collection[str] | None = None,
    ) -> list[Near]:
        """Return the nearest entities, the nearest first; of equally near ones the lower key.

        Parameters
        ----------
        lon, lat
            Degrees in EPSG:4326.
        count
            How many, at most `MOST_NEAREST`; fewer come where there are not so many.
        kind
            Only of this kind.
        within_m
            Only up to this distance.
        covered
            Only in these areas, by their codes.

        Returns
        -------
        list of Near
            Distances are geodesic on the WGS 84 ellipsoid, to the nearest place of a line or polygon (found
            in the plane at that location, good to 1 % up to some kilometres), 0 inside a polygon.

        Raises
        ------
        InputError
            If the location or the count make no sense.

        Notes
        -----
        Nothing is sought across the antimeridian.
        """
        if not (abs(lon) <= 180.0 and abs(lat) <= 90.0):
            raise InputError(f"{lon:g}, {lat:g} is no longitude, latitude in degrees.")
        if not 1 <= count <= MOST_NEAREST:
            raise InputError(f"The nearest {count} cannot be told; ask for 1 to {MOST_NEAREST}.")
        if within_m is not None and not 0 <= within_m < np.inf:
            raise InputError(f"{within_m:g} is no distance in metres.")
        with self._lock:
            candidates = self._candidates(lon, lat, count, kind, within_m, covered)
        distances = _distances(lon, lat, candidates)
        order = sorted(range(len(candidates)), key=lambda row: (distances[row], candidates[row].id))
        found = [
            Near(candidates[row].id, candidates[row].kind, float(distances[row])) for row in order[:count]
        ]
        return [near for near in found if within_m is None or near.distance_m <= within_m]

    def _candidates(
        self,
        lon: float,
        lat: float,
        count: int,
        kind: str | None,
        within_m: float | None,
        covered: Collection[str] | None,
    ) -> list[Indexed]:
        """Return entities among which the nearest are for certain."""
        rows = self._rows(kind, covered)
        reach = within_m
        if reach is None:
            # Near in degrees is not near in metres, but tells how far the nearest can be at most.
            near = self._near(lon, lat, count, rows)
            if not near:
                return []
            distances = np.sort(_distances(lon, lat, near))
            reach = float(distances[min(count, len(distances)) - 1])
        high = reach * _MARGIN / _METRES_A_DEGREE + 1e-9
        poleward = min(abs(lat) + high, 90.0)
        cosine = np.cos(np.radians(poleward))
        wide = high / cosine if cosine > 1e-6 else 360.0
        return self._within((lon - wide, lat - high, lon + wide, lat + high), rows)

    def _rows(self, kind: str | None, covered: Collection[str] | None) -> list[int]:
        """Return which trees hold entities of a kind in some areas."""
        if len(self._bounds) != len(self._trees):
            self._listed = list(self._trees.values())
            self._bounds = np.array([each.bounds for each in self._listed]).reshape(-1, 4)
        return [
            row
            for row, (each, area) in enumerate(self._trees)
            if kind in (None, each) and (covered is None or area in covered)
        ]

    def _near(self, lon: float, lat: float, count: int, rows: list[int]) -> list[Indexed]:
        """Return at least so many entities that are near in degrees, or all there are."""
        west, south, east, north = self._bounds[rows].T
        apart = np.hypot(
            np.maximum(np.maximum(west - lon, lon - east), 0),
            np.maximum(np.maximum(south - lat, lat - north), 0),
        )
        found: list[Indexed] = []
        for visited, place in enumerate(np.argsort(apart, kind="stable").tolist()):
            if len(found) >= count and visited >= _AROUND:
                break
            tree = self._listed[rows[place]].rtree
            found += [self._held[number] for number in tree.nearest((lon, lat, lon, lat), count)]
        return found

    def _within(self, box: tuple[float, float, float, float], rows: list[int]) -> list[Indexed]:
        """Return the entities of some trees whose boxes meet a box."""
        west, south, east, north = self._bounds[rows].T
        meets = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
        return [
            self._held[number]
            for place in np.flatnonzero(meets).tolist()
            for number in self._listed[rows[place]].rtree.intersection(box)
        ]

    def _fill(self, entities: list[Indexed]) -> None:
        located = {each.id: each for each in entities if not shapely.is_empty(each.geometry)}
        grouped: dict[_Key, list[Indexed]] = {}
        for entity in located.values():
            grouped.setdefault((entity.kind, entity.area_code), []).append(entity)
        for key, listed in grouped.items():
            bounds = shapely.bounds(np.array([each.geometry for each in listed], dtype=object))
            keys = np.array([each.id for each in listed], dtype=np.int64)
            lower, upper = bounds[:, :2].copy(), bounds[:, 2:].copy()
            self._trees[key] = _Tree(
                Index((keys, lower, upper)), np.concatenate([lower.min(axis=0), upper.max(axis=0)])
            )
        self._held = located

    def _put(self, entity: Indexed) -> None:
        held = self._held.get(entity.id)
        if held is not None and held.version > entity.version:
            return
        self._remove(entity.id)
        if shapely.is_empty(entity.geometry):
            return
        bounds = shapely.bounds(entity.geometry)
        key = (entity.kind, entity.area_code)
        tree = self._trees.get(key)
        if tree is None:
            tree = self._trees[key] = _Tree(Index(), bounds.copy())
        tree.rtree.insert(entity.id, bounds)
        np.minimum(tree.bounds[:2], bounds[:2], out=tree.bounds[:2])
        np.maximum(tree.bounds[2:], bounds[2:], out=tree.bounds[2:])
        # Gathered anew with the next question.
        self._bounds = np.empty((0, 4))
        self._held[entity.id] = entity

    def _remove(self, entity_id: int) -> None:
        held = self._held.pop(entity_id, None)
        if held is not None:
            tree = self._trees[held.kind, held.area_code]
            tree.rtree.delete(entity_id, shapely.bounds(held.geometry))


def _read(session: Session, ids: Collection[int]) -> list[Indexed]:
    numbers = list(ids)
    found: list[Indexed] = []
    for start in range(0, len(numbers), _BATCH):
        part = numbers[start : start + _BATCH]
        statement = select(
            Entity.id, Entity.kind, Entity.version, Entity.area_code, raw(session, Entity.geometry)
        ).where(among(session, Entity.id, part))
        rows = session.execute(statement).all()
        shapes = decode(session, [row[-1] for row in rows])
        found += [
            # A few texts are shared by many.
            Indexed(number, intern(kind), version, shape, None if area is None else intern(area))
            for (number, kind, version, area, _), shape in zip(rows, shapes, strict=True)
            if shape is not None
        ]
    return found


def _blocks(session: Session, kinds: Collection[str] | None) -> dict[int, _Block]:
    """Sum up the entities of some kinds, ended ones too, by blocks of keys.

    A row is never taken away and its version only grows, so that a block whose sums are the same has not
    changed.
    """
    block = Entity.id.op("/")(_BLOCK).label("block")
    chosen = select(block, func.count(), func.sum(Entity.version)).group_by("block")
    if kinds is not None:
        chosen = chosen.where(Entity.kind.in_(kinds))
    return {int(number): (int(count), int(total)) for number, count, total in session.execute(chosen)}


def _versions(
    session: Session, kinds: Collection[str] | None, blocks: Collection[int]
) -> Iterator[tuple[int, int]]:
    """Read the keys and versions of the entities in some blocks that are there and have a location."""
    chosen = select(Entity.id, Entity.version).where(Entity.valid_to.is_(None), Entity.geometry.is_not(None))
    if kinds is not None:
        chosen = chosen.where(Entity.kind.in_(kinds))
    numbers = sorted(blocks)
    for start in range(0, len(numbers), _BATCH // _BLOCK):
        part = numbers[start : start + _BATCH // _BLOCK]
        keys = [key for number in part for key in range(number * _BLOCK, (number + 1) * _BLOCK)]
        yield from session.execute(chosen.where(among(session, Entity.id, keys)))


def _distances(lon: float, lat: float, entities: list[Indexed]) -> Floats:
    """Return metres from a location to entities."""
    if not entities:
        return np.empty(0)
    shapes = np.array([each.geometry for each in entities], dtype=object)
    x, y = shapely.get_x(shapes), shapely.get_y(shapes)
    wide = np.flatnonzero(shapely.get_type_id(shapes) != shapely.GeometryType.POINT)
    if len(wide):
        # In a plane whose axes are alike here, the nearest place is the nearest.
        narrow = max(float(np.cos(np.radians(lat))), 1e-6)
        scaled = shapely.transform(shapes[wide], lambda vertices: vertices * (narrow, 1.0))
        lines = shapely.shortest_line(scaled, shapely.Point(lon * narrow, lat))
        places = shapely.get_coordinates(shapely.get_point(lines, 0))
        x[wide], y[wide] = places[:, 0] / narrow, places[:, 1]
        inside = wide[shapely.intersects_xy(shapes[wide], lon, lat)]
        x[inside], y[inside] = lon, lat
    _, _, metres = _GEOD.inv(np.full(len(x), lon), np.full(len(x), lat), x, y)
    return np.asarray(metres, dtype=float)
