"""Numbering cells again, in the order in which they are read."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import shapely

from gis.antimeridian import project_joined
from gis.arrays import Geometries, IntArray
from gis.codes import number_cells
from gis.crs import LONLAT
from gis.divide.reading_order import find_square_grid, reading_rows
from gis.errors import RefusedError
from gis.profiles import Profile
from gis.redraw.cell_set import Cell, CellSet, geometries_of
from gis.redraw.edit import Edit, require_unlocked


@dataclass(frozen=True)
class Renumber:
    """Number the cells of areas again by a profile: west to east, then north to south, within each area.

    Codes that were in force stay where the numbers are in order with them. Where they are not, every cell of
    the area gets a number that none ever had, since a code names one cell for ever.

    Attributes
    ----------
    codes
        All cells of the areas.
    profile
        Whose codes they get.
    given
        Codes that were ever in force: no other cell gets one.
    only_new
        Cells whose codes were in force keep them, in order or not.
    """

    name: ClassVar[str] = "renumber"

    codes: tuple[str, ...] = field(repr=False)
    profile: Profile = field(repr=False)
    given: Collection[str] = field(default=frozenset(), repr=False)
    only_new: bool = False

    @property
    def named(self) -> tuple[str, ...]:
        """The codes of the cells that it names."""
        return self.codes

    @property
    def drawn(self) -> Any:
        """What is drawn."""
        return None

    def edit(self, cells: CellSet) -> Edit:
        """Return the edit: codes change, and names that hold the number of the code."""
        by_area: dict[str, list[Cell]] = {}
        for cell in cells.select(dict.fromkeys(self.codes)):
            by_area.setdefault(cell.area_code, []).append(cell)
        if "" in by_area:
            raise RefusedError(
                f"Cell '{by_area[''][0].code}' lies in no area, with whose code a number begins; "
                "give it a code by itself."
            )
        heirs = {}
        polygons = {area_code: _project(members, cells) for area_code, members in by_area.items()}
        together = np.concatenate(list(polygons.values()))
        grid = find_square_grid(shapely.bounds(together), shapely.area(together))
        for area_code, members in by_area.items():
            codes = self._number(area_code, members, polygons[area_code], grid)
            heirs.update({new: cell for cell, new in zip(members, codes, strict=True) if new != cell.code})
        taken = next((code for code in heirs if code in cells and code not in self.codes), None)
        if taken is not None:
            raise RefusedError(f"The code '{taken}' is that of a cell of another area; number that one too.")
        after = [cell._replace(code=new, name=_rename(cell, new)) for new, cell in heirs.items()]
        renamed = {new: cell.code for new, cell in heirs.items()}
        edit = Edit.of(self.name, heirs.values(), after, heirs=renamed)
        return require_unlocked(edit, cells)

    def _number(
        self, area_code: str, members: list[Cell], polygons: Geometries, grid: tuple[float, float] | None
    ) -> list[str]:
        """Return the codes of the cells of one area."""
        points = shapely.get_coordinates(shapely.point_on_surface(polygons))
        rows = _rows(polygons, points, grid)
        lasting = np.array([cell.code in self.given for cell in members], dtype=bool)
        codes = np.array([cell.code for cell in members], dtype=object)
        new = np.flatnonzero(~lasting)
        if lasting.any():
            if len(new):
                codes[new] = self._next_numbers(area_code, points[new], rows[new], undivided=False)
            order = np.lexsort((-points[:, 1], points[:, 0], rows))
            numbers = [_sequence(code, area_code) for code in codes[order]]
            if self.only_new or (None not in numbers and numbers == sorted(numbers)):  # type: ignore[type-var]
                return list(codes)
        return self._next_numbers(area_code, points, rows, undivided=True)

    def _next_numbers(
        self, area_code: str, points: np.ndarray, rows: IntArray, *, undivided: bool
    ) -> list[str]:
        """Return codes that were never in force; the one of an undivided area only where that is meant."""
        used = set(self.given)
        while True:
            made = number_cells(
                [area_code] * len(points),
                points[:, 0],
                points[:, 1],
                rows,
                profile=self.profile,
                used_codes=used,
            )
            whole = self.profile.code.undivided
            if undivided or whole is None or made.sequence.tolist() != [int(whole)]:
                return list(made.code)
            used.add(made.code[0])


def _project(members: list[Cell], cells: CellSet) -> Geometries:
    return project_joined(geometries_of(members), LONLAT, cells.crs)


def _rows(polygons: Geometries, points: np.ndarray, grid: tuple[float, float] | None) -> IntArray:
    """Return the row of each cell, ascending to the south: of their grid where they lie on one."""
    if grid is None:
        return reading_rows(points, shapely.area(polygons), np.zeros(len(points), dtype=np.intp))
    size, south = grid
    rows: IntArray = -np.floor((points[:, 1] - south) / size).astype(np.int64)
    return rows


def _sequence(code: str, area_code: str) -> int | None:
    """Return the number of a cell in its area, None if the code does not have one after that of the area."""
    found = re.fullmatch(rf".*{re.escape(area_code)}\D?(\d+)", code)
    return None if found is None else int(found[1])


def _rename(cell: Cell, code: str) -> str:
    """Return the name of a cell with another code: a name made of the code or its number follows it."""
    if cell.name == cell.code:
        return code
    former, number = _sequence(cell.code, cell.area_code), _sequence(code, cell.area_code)
    found = re.search(r"(?:(?<=第)(\d+)(?=网格$))|(?:(?<= )(\d+)$)", cell.name)
    if found is None or number is None or former is None or int(found[0]) != former:
        return cell.name
    return f"{cell.name[: found.start()]}{number:0{len(found[0])}d}{cell.name[found.end() :]}"
