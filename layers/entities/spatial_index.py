"""The index of entities in memory: it finds the nearest, and follows the changes of the database."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from sys import intern
from threading import Lock
from typing import NamedTuple

import numpy as np
import shapely
from pyproj import Geod
from rtree.index import Index
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gis.arrays import FloatArray
from gis.errors import InputError
from layers.db.bulk import decode_geometries, id_in, raw_geometry
from layers.models import Entity

MAX_NEAREST = 1_000
"""Entities that one question for the nearest may ask for."""

_GEOD = Geod(ellps="WGS84")
# A degree of latitude is nowhere shorter; the longitude's is this times the cosine, within 0.7 %.
_METRES_PER_DEGREE = 110_500.0
_MARGIN = 1.02
_BATCH_SIZE = 20_000
_BLOCK_SIZE = 1_000
"""Keys of entities that are looked at together for changes."""

_MIN_TREES_VISITED = 4
"""Areas around a place whose entities bound how far the nearest can be."""


class IndexedEntity(NamedTuple):
    """An entity in the index: its key, kind, version, geometry in EPSG:4326 and the area it lies in."""

    id: int
    kind: str
    version: int
    geometry: shapely.Geometry
    area_code: str | None = None


_TreeKey = tuple[str, str | None]
"""A kind and an area."""

_BlockSums = tuple[int, int]
"""How many entities a block of keys has, and the sum of their versions."""


class _Tree(NamedTuple):
    """The entities of one kind in one area, and a box that holds them all."""

    rtree: Index
    bounds: FloatArray


class NearestEntity(NamedTuple):
    """An entity found, and its distance in metres along the ellipsoid."""

    id: int
    kind: str
    distance_m: float


class EntityIndex:
    """Entities by location; safe in many threads at once.

    Parameters
    ----------
    entities
        What it holds at first; entities without a location are left out.
    """

    def __init__(self, entities: Iterable[IndexedEntity] = ()) -> None:
        self._lock = Lock()
        self._entities: dict[int, IndexedEntity] = {}
        self._trees: dict[_TreeKey, _Tree] = {}
        self._tree_list: list[_Tree] = []
        self._bounds: FloatArray = np.empty((0, 4))
        self._blocks: dict[int, _BlockSums] = {}
        self._build(list(entities))

    @classmethod
    def load(cls, session: Session, kinds: Collection[str] | None = None) -> "EntityIndex":
        """Read the current entities of some kinds, or of all."""
        statement = select(Entity.id).where(Entity.valid_to.is_(None), Entity.geometry.is_not(None))
        if kinds is not None:
            statement = statement.where(Entity.kind.in_(kinds))
        index = cls(_read_entities(session, session.scalars(statement).all()))
        index._blocks = _sum_blocks(session, kinds)
        return index

    def __len__(self) -> int:
        """Return the number of entities held."""
        return len(self._entities)

    def apply(self, updated: Iterable[IndexedEntity] = (), removed: Mapping[int, int] | None = None) -> None:
        """Bring in changes as they were committed.

        Parameters
        ----------
        updated
            Entities that were added or moved; a version older than the one held is ignored.
        removed
            Entities that are there no more, by id the version that was held; a newer one stays.
        """
        with self._lock:
            for number, version in (removed or {}).items():
                held = self._entities.get(number)
                if held is not None and held.version == version:
                    self._remove(number)
            for entity in updated:
                self._put(entity)

    def catch_up(self, session: Session, kinds: Collection[str] | None = None) -> int:
        """Bring the index to what a session sees, reading only what has changed.

        Parameters
        ----------
        session
            One that has read nothing yet: it must not see less than what has been applied.
        kinds
            The kinds with which it was loaded.

        Returns
        -------
        int
            How many entities were added, moved or taken out.
        """
        blocks = _sum_blocks(session, kinds)
        changed_blocks = {number for number, block in blocks.items() if self._blocks.get(number) != block}
        # Read before the database is, so that what another thread puts meanwhile is not removed as unknown.
        with self._lock:
            known = {
                number: indexed.version
                for number, indexed in self._entities.items()
                if number // _BLOCK_SIZE in changed_blocks
            }
        current = dict(_read_versions(session, kinds, changed_blocks))
        changed = [number for number, version in current.items() if known.get(number) != version]
        updated = _read_entities(session, changed)
        removed = {number: version for number, version in known.items() if number not in current}
        self.apply(updated, removed)
        self._blocks = blocks
        return len(updated) + len(removed)

    def nearest(
        self,
        lon: float,
        lat: float,
        count: int = 1,
        *,
        kind: str | None = None,
        within_m: float | None = None,
        area_codes: Collection[str] | None = None,
    ) -> list[NearestEntity]:
        """Return the nearest entities, nearest first, and by key where they are equally near.

        Parameters
        ----------
        lon, lat
            Degrees in EPSG:4326.
        count
            How many, at most `MAX_NEAREST`; fewer come where there are not so many.
        kind
            Only of this kind.
        within_m
            Only up to this distance.
        area_codes
            Only in these areas, by their codes.

        Returns
        -------
        list of NearestEntity
            Distances are geodesic on the WGS 84 ellipsoid, to the nearest place of a line or polygon (found
            in the plane at that location, good to 1 % up to some kilometres), 0 inside a polygon.

        Raises
        ------
        InputError
            If the location or the count make no sense.

        Notes
        -----
        The search does not cross the antimeridian.
        """
        if not (abs(lon) <= 180.0 and abs(lat) <= 90.0):
            raise InputError(f"{lon:g}, {lat:g} is no longitude, latitude in degrees.")
        if not 1 <= count <= MAX_NEAREST:
            raise InputError(f"The nearest {count} cannot be found; ask for 1 to {MAX_NEAREST}.")
        if within_m is not None and not 0 <= within_m < np.inf:
            raise InputError(f"{within_m:g} is no distance in metres.")
        with self._lock:
            candidates = self._candidates(lon, lat, count, kind, within_m, area_codes)
        distances = _geodesic_distances(lon, lat, candidates)
        order = sorted(range(len(candidates)), key=lambda row: (distances[row], candidates[row].id))
        found = [
            NearestEntity(candidates[row].id, candidates[row].kind, float(distances[row]))
            for row in order[:count]
        ]
        return [near for near in found if within_m is None or near.distance_m <= within_m]

    def _candidates(
        self,
        lon: float,
        lat: float,
        count: int,
        kind: str | None,
        within_m: float | None,
        area_codes: Collection[str] | None,
    ) -> list[IndexedEntity]:
        """Return entities among which the nearest are for certain."""
        trees = self._matching_trees(kind, area_codes)
        reach = within_m
        if reach is None:
            # The nearest in degrees may not be the nearest in metres, but bound their distance.
            near = self._nearest_in_degrees(lon, lat, count, trees)
            if not near:
                return []
            distances = np.sort(_geodesic_distances(lon, lat, near))
            reach = float(distances[min(count, len(distances)) - 1])
        lat_margin = reach * _MARGIN / _METRES_PER_DEGREE + 1e-9
        poleward = min(abs(lat) + lat_margin, 90.0)
        cosine = np.cos(np.radians(poleward))
        lon_margin = lat_margin / cosine if cosine > 1e-6 else 360.0
        return self._intersecting(
            (lon - lon_margin, lat - lat_margin, lon + lon_margin, lat + lat_margin), trees
        )

    def _matching_trees(self, kind: str | None, area_codes: Collection[str] | None) -> list[int]:
        """Return which trees hold entities of a kind in some areas."""
        if len(self._bounds) != len(self._trees):
            self._tree_list = list(self._trees.values())
            self._bounds = np.array([each.bounds for each in self._tree_list]).reshape(-1, 4)
        return [
            row
            for row, (each, area) in enumerate(self._trees)
            if kind in (None, each) and (area_codes is None or area in area_codes)
        ]

    def _nearest_in_degrees(
        self, lon: float, lat: float, count: int, trees: list[int]
    ) -> list[IndexedEntity]:
        """Return at least `count` entities that are near in degrees, or all there are."""
        west, south, east, north = self._bounds[trees].T
        distances = np.hypot(
            np.maximum(np.maximum(west - lon, lon - east), 0),
            np.maximum(np.maximum(south - lat, lat - north), 0),
        )
        found: list[IndexedEntity] = []
        for visited, position in enumerate(np.argsort(distances, kind="stable").tolist()):
            if len(found) >= count and visited >= _MIN_TREES_VISITED:
                break
            tree = self._tree_list[trees[position]].rtree
            found += [self._entities[number] for number in tree.nearest((lon, lat, lon, lat), count)]
        return found

    def _intersecting(self, bbox: tuple[float, float, float, float], trees: list[int]) -> list[IndexedEntity]:
        """Return the entities of some trees whose boxes meet a box."""
        west, south, east, north = self._bounds[trees].T
        meets = (west <= bbox[2]) & (east >= bbox[0]) & (south <= bbox[3]) & (north >= bbox[1])
        return [
            self._entities[number]
            for position in np.flatnonzero(meets).tolist()
            for number in self._tree_list[trees[position]].rtree.intersection(bbox)
        ]

    def _build(self, entities: list[IndexedEntity]) -> None:
        located = {each.id: each for each in entities if not shapely.is_empty(each.geometry)}
        grouped: dict[_TreeKey, list[IndexedEntity]] = {}
        for entity in located.values():
            grouped.setdefault((entity.kind, entity.area_code), []).append(entity)
        for key, listed in grouped.items():
            bounds = shapely.bounds(np.array([each.geometry for each in listed], dtype=object))
            keys = np.array([each.id for each in listed], dtype=np.int64)
            lower, upper = bounds[:, :2].copy(), bounds[:, 2:].copy()
            self._trees[key] = _Tree(
                Index((keys, lower, upper)), np.concatenate([lower.min(axis=0), upper.max(axis=0)])
            )
        self._entities = located

    def _put(self, entity: IndexedEntity) -> None:
        current = self._entities.get(entity.id)
        if current is not None and current.version > entity.version:
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
        # Collected again at the next question.
        self._bounds = np.empty((0, 4))
        self._entities[entity.id] = entity

    def _remove(self, entity_id: int) -> None:
        current = self._entities.pop(entity_id, None)
        if current is not None:
            tree = self._trees[current.kind, current.area_code]
            tree.rtree.delete(entity_id, shapely.bounds(current.geometry))


def _read_entities(session: Session, ids: Collection[int]) -> list[IndexedEntity]:
    numbers = list(ids)
    found: list[IndexedEntity] = []
    for start in range(0, len(numbers), _BATCH_SIZE):
        part = numbers[start : start + _BATCH_SIZE]
        statement = select(
            Entity.id, Entity.kind, Entity.version, Entity.area_code, raw_geometry(session, Entity.geometry)
        ).where(id_in(session, Entity.id, part))
        rows = session.execute(statement).all()
        geometries = decode_geometries(session, [row[-1] for row in rows])
        found += [
            # A few texts are shared by many.
            IndexedEntity(number, intern(kind), version, geometry, None if area is None else intern(area))
            for (number, kind, version, area, _), geometry in zip(rows, geometries, strict=True)
            if geometry is not None
        ]
    return found


def _sum_blocks(session: Session, kinds: Collection[str] | None) -> dict[int, _BlockSums]:
    """Sum up the entities of some kinds, ended ones too, by blocks of keys.

    Rows are never deleted and versions only grow: a block with the same sums has not changed.
    """
    block = Entity.id.op("/")(_BLOCK_SIZE).label("block")
    chosen = select(block, func.count(), func.sum(Entity.version)).group_by("block")
    if kinds is not None:
        chosen = chosen.where(Entity.kind.in_(kinds))
    return {int(number): (int(count), int(total)) for number, count, total in session.execute(chosen)}


def _read_versions(
    session: Session, kinds: Collection[str] | None, blocks: Collection[int]
) -> Iterator[tuple[int, int]]:
    """Read the keys and versions of the entities in some blocks that have not ended and have a location."""
    chosen = select(Entity.id, Entity.version).where(Entity.valid_to.is_(None), Entity.geometry.is_not(None))
    if kinds is not None:
        chosen = chosen.where(Entity.kind.in_(kinds))
    numbers = sorted(blocks)
    for start in range(0, len(numbers), _BATCH_SIZE // _BLOCK_SIZE):
        part = numbers[start : start + _BATCH_SIZE // _BLOCK_SIZE]
        keys = [key for number in part for key in range(number * _BLOCK_SIZE, (number + 1) * _BLOCK_SIZE)]
        yield from session.execute(chosen.where(id_in(session, Entity.id, keys)))


def _geodesic_distances(lon: float, lat: float, entities: list[IndexedEntity]) -> FloatArray:
    """Return metres from a location to entities."""
    if not entities:
        return np.empty(0)
    geometries = np.array([each.geometry for each in entities], dtype=object)
    x, y = shapely.get_x(geometries), shapely.get_y(geometries)
    extended = np.flatnonzero(shapely.get_type_id(geometries) != shapely.GeometryType.POINT)
    if len(extended):
        # In a plane with axes of equal scale here, the nearest point is that on the ground.
        cosine = max(float(np.cos(np.radians(lat))), 1e-6)
        scaled = shapely.transform(geometries[extended], lambda vertices: vertices * (cosine, 1.0))
        lines = shapely.shortest_line(scaled, shapely.Point(lon * cosine, lat))
        nearest_points = shapely.get_coordinates(shapely.get_point(lines, 0))
        x[extended], y[extended] = nearest_points[:, 0] / cosine, nearest_points[:, 1]
        inside = extended[shapely.intersects_xy(geometries[extended], lon, lat)]
        x[inside], y[inside] = lon, lat
    _, _, metres = _GEOD.inv(np.full(len(x), lon), np.full(len(x), lat), x, y)
    return np.asarray(metres, dtype=float)
