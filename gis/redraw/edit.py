"""An edit: which cells it takes away and which it puts in their place, and back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import shapely
from pyproj import CRS

from gis.antimeridian import project_joined
from gis.arrays import Geometries
from gis.crs import LONLAT
from gis.errors import ConflictError, RefusedError
from gis.redraw.cell_set import Cell, CellSet, geometries_of

_AREA_TOLERANCE_M2 = 0.01
_TOLERANCE_PER_M = 1e-7


@dataclass(frozen=True)
class Descent:
    """Ground that went from one cell to another, or stayed.

    Attributes
    ----------
    source, target
        Codes before and after.
    area_m2
        Of the ground in the working CRS.
    share
        Of the source.
    """

    source: str
    target: str
    area_m2: float
    share: float


class CellSize(NamedTuple):
    """The ground and the border of a cell in m² and metres."""

    area_m2: float
    perimeter_m: float


@dataclass(frozen=True, eq=False)
class Edit:
    """What a command changes, on its own: applying its inverse gives the very same polygons back.

    Attributes
    ----------
    command
        The name of the command.
    before, after
        Cells in the order of their codes. A neighbour that only gets a vertex on its border is among them.
    heirs
        By the code of a cell after it the code under which the same cell went before, where that is another.
    """

    command: str
    before: tuple[Cell, ...]
    after: tuple[Cell, ...]
    heirs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        command: str,
        before: Iterable[Cell],
        after: Iterable[Cell],
        *,
        heirs: Mapping[str, str] | None = None,
    ) -> "Edit":
        """Make an edit from cells, of which those that stay as they are do not count."""
        old, new = {cell.code: cell for cell in before}, {cell.code: cell for cell in after}
        kept = {code for code in old.keys() & new.keys() if _is_same(old[code], new[code])}
        first, second = (
            tuple(cell for code, cell in sorted(cells.items()) if code not in kept) for cells in (old, new)
        )
        return cls(command, first, second, heirs or {})

    @property
    def changes_nothing(self) -> bool:
        """Whether all stays as it is."""
        return not self.before and not self.after

    def inverse(self) -> "Edit":
        """Return the edit that undoes this one."""
        former = {old: new for new, old in self.heirs.items()}
        return Edit(self.command, self.after, self.before, former)

    def apply(self, cells: CellSet) -> CellSet:
        """Return the cells after the edit.

        Raises
        ------
        ConflictError
            If a cell is not what the edit was made for any more, or a new code is taken.
        """
        for cell in self.before:
            present = cells.cells.get(cell.code)
            if present is None or not _is_same(present, cell):
                raise ConflictError(
                    f"Cell '{cell.code}' has changed since this edit; undo what was built upon it first."
                )
        own = {cell.code for cell in self.before}
        for cell in self.after:
            if cell.code in cells and cell.code not in own:
                raise ConflictError(f"There is another cell '{cell.code}' meanwhile; undo that first.")
        return cells.replace(self.before, self.after)

    def sizes(self, crs: CRS) -> tuple[list[CellSize], list[CellSize]]:
        """Return the sizes of the cells before and after in the working CRS."""
        before, after = (_projected(cells, crs) for cells in (self.before, self.after))
        return _sizes(before), _sizes(after)

    def descents(self, crs: CRS) -> list[Descent]:
        """Return which ground went from which cell to which in the working CRS, in the order of the codes."""
        old, new = _projected(self.before, crs), _projected(self.after, crs)
        first, second = shapely.STRtree(new).query(old, predicate="intersects")
        shared = shapely.area(shapely.intersection(old[first], new[second]))
        whole = shapely.area(old)
        found = [
            Descent(self.before[i].code, self.after[j].code, float(size), float(size / whole[i]))
            for i, j, size in zip(first.tolist(), second.tolist(), shared.tolist(), strict=True)
            if size > _AREA_TOLERANCE_M2
        ]
        return sorted(found, key=lambda each: (each.source, each.target))


def require_sound(edit: Edit, cells: CellSet, *, allow_parts: bool = False) -> Edit:
    """Refuse an edit after which the cells would be no coverage of the same ground.

    Looked at are the cells of the edit and those around them, so that the cost does not grow with the plan.

    Raises
    ------
    RefusedError
        With the cell, and what would be wrong with it.
    """
    after = geometries_of(edit.after)
    before_m, after_m = _projected(edit.before, cells.crs), _projected(edit.after, cells.crs)
    for cell, geometry, projected in zip(edit.after, after, after_m, strict=True):
        if shapely.is_empty(geometry):
            raise RefusedError(f"Nothing of cell '{cell.code}' would remain; merge it instead.")
        if geometry.geom_type != "Polygon" and not allow_parts and not _was_in_parts(cell, edit):
            raise RefusedError(
                f"Cell '{cell.code}' would fall into {len(geometry.geoms)} parts; "
                "take in the ground between them."
            )
        if not (shapely.is_valid(geometry) and shapely.is_valid(projected)):
            raise RefusedError(f"The border of cell '{cell.code}' would cross or touch itself.")
    _require_same_ground(edit, before_m, after_m)
    _require_unmoved_locks(edit, cells, before_m, after_m)
    around = geometries_of(
        each for each in cells.neighbours(edit.before) if each.code not in {cell.code for cell in edit.before}
    )
    lonlat = np.concatenate([after, around])
    projected = np.concatenate([after_m, project_joined(around, LONLAT, cells.crs)])
    if not (shapely.coverage_is_valid(lonlat) and shapely.coverage_is_valid(projected)):
        raise RefusedError(
            "The new border comes nearer to a vertex than coordinates can tell apart; "
            "draw it a little elsewhere."
        )
    return edit


def _require_same_ground(edit: Edit, before_m: Geometries, after_m: Geometries) -> None:
    for area_code in sorted({cell.area_code for cell in (*edit.before, *edit.after)}):
        old = before_m[[cell.area_code == area_code for cell in edit.before]]
        new = after_m[[cell.area_code == area_code for cell in edit.after]]
        moved = float(
            shapely.area(shapely.symmetric_difference(shapely.union_all(old), shapely.union_all(new)))
        )
        allowed = _AREA_TOLERANCE_M2 + _TOLERANCE_PER_M * float(shapely.length(old).sum())
        if moved > allowed:
            raise RefusedError(
                f"The ground of area '{area_code}' would change by {moved:.2f} m²; keep to its border."
            )


def require_unlocked(edit: Edit, cells: CellSet) -> Edit:
    """Refuse an edit that changes a locked cell: its ground, what it is called, or whether there is one.

    Raises
    ------
    RefusedError
        If it does; another vertex on its border changes nothing.
    """
    if any(cell.code in cells.locked for cell in edit.before):
        _require_unmoved_locks(
            edit, cells, _projected(edit.before, cells.crs), _projected(edit.after, cells.crs)
        )
    return edit


def _require_unmoved_locks(edit: Edit, cells: CellSet, before_m: Geometries, after_m: Geometries) -> None:
    new = {cell.code: (cell, shape) for cell, shape in zip(edit.after, after_m, strict=True)}
    for cell, shape in zip(edit.before, before_m, strict=True):
        if cell.code not in cells.locked:
            continue
        left, ground = new.get(cell.code, (None, None))
        is_same = left is not None and left[:-1] == cell[:-1]
        if not is_same or shapely.area(shapely.symmetric_difference(shape, ground)) > _AREA_TOLERANCE_M2:
            raise RefusedError(f"Cell '{cell.code}' is locked; unlock it first.")


def _was_in_parts(cell: Cell, edit: Edit) -> bool:
    former = next((each for each in edit.before if each.code == cell.code), None)
    return former is not None and shapely.get_num_geometries(former.geometry) >= shapely.get_num_geometries(
        cell.geometry
    )


def _projected(cells: Iterable[Cell], crs: CRS) -> Geometries:
    return project_joined(geometries_of(cells), LONLAT, crs)


def _sizes(polygons: Geometries) -> list[CellSize]:
    return list(map(CellSize, shapely.area(polygons).tolist(), shapely.length(polygons).tolist()))


def _is_same(one: Cell, other: Cell) -> bool:
    return one[:-1] == other[:-1] and bool(shapely.equals_identical(one.geometry, other.geometry))
