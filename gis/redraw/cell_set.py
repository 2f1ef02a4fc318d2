"""The cells of a plan at one moment of its editing: immutable, and quick to derive the next from."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS

from gis.arrays import Geometries
from gis.crs import LONLAT, choose_working_crs, to_lonlat
from gis.errors import InputError, RefusedError

_REINDEX_AFTER = 512


class Cell(NamedTuple):
    """A cell: its attributes, and its polygon in EPSG:4326."""

    code: str
    name: str
    kind: str
    area_code: str
    geometry: Any


class _Index(NamedTuple):
    """The polygons that a set began with, by place."""

    codes: tuple[str, ...]
    tree: shapely.STRtree

    @classmethod
    def of(cls, cells: Mapping[str, Cell]) -> "_Index":
        geometries = np.array([cell.geometry for cell in cells.values()], dtype=object)
        return cls(tuple(cells), shapely.STRtree(geometries))


@dataclass(frozen=True, eq=False)
class CellSet:
    """The cells of a plan, by code.

    Attributes
    ----------
    cells
        Each code with its cell, in the order of the plan.
    crs
        The working CRS, metres, in which borders are straight and ground is measured.
    locked
        Codes of cells whose ground is not to change.
    used_codes
        Codes that were given before and have ended, or that an edit has ended: no new cell gets one.
    """

    cells: Mapping[str, Cell]
    crs: CRS
    locked: frozenset[str]
    used_codes: frozenset[str]
    _index: _Index
    # Cells that differ from those of the index, None where there is none any more.
    _changed: Mapping[str, Cell | None]

    @classmethod
    def from_frame(
        cls,
        frame: gpd.GeoDataFrame,
        *,
        crs: CRS | None = None,
        locked: Collection[str] = (),
        used_codes: Collection[str] = (),
    ) -> "CellSet":
        """Take the cells of a frame.

        Parameters
        ----------
        frame
            With `code` and polygons, a valid coverage; `name`, `kind` and `area_code` where it has them.
        crs
            The working CRS; chosen from the extent when not given.
        locked, used_codes
            As the attributes.

        Raises
        ------
        InputError
            If a code is missing or stands twice, or a locked cell is none of them.
        """
        lonlat = to_lonlat(frame)
        columns = [
            lonlat[name].tolist() if name in lonlat.columns else [""] * len(lonlat)
            for name in ("code", "name", "kind", "area_code")
        ]
        cells: dict[str, Cell] = {}
        for code, name, kind, area_code, geometry in zip(
            *columns, shapely.force_2d(np.asarray(lonlat.geometry)), strict=True
        ):
            if not isinstance(code, str) or not code or code in cells:
                raise InputError(
                    f"The code '{code}' of a cell is missing or stands twice; run wangge check first."
                )
            cells[code] = Cell(code, name or "", kind or "", area_code or "", geometry)
        absent = sorted(set(locked) - cells.keys())
        if absent:
            raise InputError(f"There is no cell '{absent[0]}' to be locked.")
        working = choose_working_crs(lonlat) if crs is None else crs
        return cls(cells, working, frozenset(locked), frozenset(used_codes), _Index.of(cells), {})

    def to_frame(self) -> gpd.GeoDataFrame:
        """Return the cells as a frame in EPSG:4326: code, name, kind, area_code, geometry."""
        columns = list(zip(*self.cells.values(), strict=True)) or [()] * len(Cell._fields)
        frame = dict(zip(Cell._fields, map(list, columns), strict=True))
        geometry = frame.pop("geometry")
        return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(geometry, crs=LONLAT), crs=LONLAT)

    def __len__(self) -> int:
        """Return how many cells there are."""
        return len(self.cells)

    def __iter__(self) -> Iterator[Cell]:
        """Iterate over the cells."""
        return iter(self.cells.values())

    def __contains__(self, code: object) -> bool:
        """Return whether there is a cell with a code."""
        return code in self.cells

    def select(self, codes: Iterable[str]) -> list[Cell]:
        """Return the cells with some codes, in the order given.

        Raises
        ------
        RefusedError
            If there is no such cell.
        """
        found = []
        for code in codes:
            if code not in self.cells:
                raise RefusedError(f"There is no cell '{code}' in this draft.")
            found.append(self.cells[code])
        return found

    def touching(self, geometry: shapely.Geometry) -> list[Cell]:
        """Return the cells that meet a geometry in EPSG:4326, in the order of codes."""
        places = self._index.tree.query(geometry, predicate="intersects")
        codes = {self._index.codes[place] for place in places.tolist()} - self._changed.keys()
        changed = [cell for cell in self._changed.values() if cell is not None]
        shapely.prepare(geometry)
        meets = shapely.intersects(geometry, np.array([cell.geometry for cell in changed], dtype=object))
        codes |= {
            cell.code for cell, does in zip(changed, np.atleast_1d(meets).tolist(), strict=True) if does
        }
        return [self.cells[code] for code in sorted(codes)]

    def neighbours(self, cells: Iterable[Cell]) -> list[Cell]:
        """Return the other cells that touch some, at a border or a corner, in the order of codes."""
        chosen = list(cells)
        own = {cell.code for cell in chosen}
        found = {each.code: each for cell in chosen for each in self.touching(cell.geometry)}
        return [cell for code, cell in sorted(found.items()) if code not in own]

    def replace(self, removed: Iterable[Cell], added: Iterable[Cell]) -> "CellSet":
        """Return the set with some cells in the place of others; a code that ends is not given again."""
        cells, changed = dict(self.cells), dict(self._changed)
        gone = {cell.code for cell in removed}
        new = {cell.code: cell for cell in added}
        for code in gone - new.keys():
            del cells[code]
            changed[code] = None
        cells.update(new)
        changed.update(new)
        index = self._index
        if len(changed) > _REINDEX_AFTER:
            index, changed = _Index.of(cells), {}
        return replace(
            self,
            cells=cells,
            locked=self.locked - (gone - new.keys()),
            used_codes=self.used_codes | gone | new.keys(),
            _index=index,
            _changed=changed,
        )


def unite(geometries: Geometries) -> Any:
    """Return the union of polygons of a coverage: every vertex of its border stays."""
    united: Any = geometries[0] if len(geometries) == 1 else shapely.coverage_union_all(geometries)
    return united.geoms[0] if united.geom_type == "GeometryCollection" and len(united.geoms) == 1 else united


def geometries_of(cells: Iterable[Cell]) -> Geometries:
    """Return the polygons of cells in EPSG:4326, shape (n,)."""
    chosen = list(cells)
    found = np.empty(len(chosen), dtype=object)
    found[:] = [cell.geometry for cell in chosen]
    return found
