"""The owners of locations under one scheme, as far as the caller may see them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from api.locate.arrow import dictionary_column
from gis.arrays import FloatArray, IntArray, ObjectArray
from gis.datum import Datum, convert_coordinates
from layers.snapshot import AreaTree, CellsInForce

AreaPredicate = Callable[[str | None], bool]

NO_OWNER_REASONS = (None, "outside", "invalid_coordinates", "forbidden", "no_plan")
"""Reasons why a location has no owner: none is needed, it is in no cell, it is not a location on Earth, the
cell lies in an area that the caller may not see, or no plan of the scheme is in force on the day."""

_OWNED, _OUTSIDE, _INVALID, _FORBIDDEN, _NO_PLAN = range(5)


@dataclass(frozen=True)
class Ownership:
    """The owners of many locations under one scheme.

    Attributes
    ----------
    scheme
        Code of the scheme.
    cells
        The cells of the scheme.
    owners
        Positions in `cells`, shape (n,), -1 without an owner that the caller may see.
    reasons
        Positions in `NO_OWNER_REASONS`, shape (n,).
    """

    scheme: str
    cells: CellsInForce
    owners: IntArray
    reasons: NDArray[np.int8]

    def codes(self) -> list[str | None]:
        """Return the codes of the owners."""
        return self._owner_values(self.cells.locator.codes)

    def names(self) -> list[str | None]:
        """Return the names of the owners."""
        return self._owner_values(self.cells.names)

    def area_codes(self) -> list[str | None]:
        """Return the codes of the areas in which the owners lie."""
        return self._owner_values(self.cells.area_codes)

    def reason_names(self) -> list[str | None]:
        """Return the reasons for no owner."""
        return [NO_OWNER_REASONS[reason] for reason in self.reasons.tolist()]

    def arrow_columns(self) -> tuple[pa.DictionaryArray, ...]:
        """Return codes, names, codes of areas and reasons as columns of Arrow."""
        positions = self.distinct_cells()
        places = np.full(len(self.cells) + 1, -1, dtype=np.int64)
        places[positions] = np.arange(len(positions))
        # The last element stands for no owner.
        picks = places[self.owners]
        texts = (self.cells.locator.codes, self.cells.names, self.cells.area_codes)
        return *(dictionary_column(text[positions], picks) for text in texts), dictionary_column(
            NO_OWNER_REASONS, self.reasons
        )

    def distinct_cells(self) -> list[int]:
        """Return the positions of the cells that own any of the locations, in the order of their codes."""
        owning = np.zeros(len(self.cells), dtype=bool)
        owning[self.owners[self.owners >= 0]] = True
        positions: list[int] = np.flatnonzero(owning).tolist()
        return positions

    def areas_of_cells(self) -> dict[str, str | None]:
        """Return the areas of the cells that own any of the locations, by the codes of the cells."""
        positions = self.distinct_cells()
        codes, areas = self.cells.locator.codes[positions], self.cells.area_codes[positions]
        return dict(zip(codes.tolist(), areas.tolist(), strict=True))

    def distinct_areas(self) -> set[str]:
        """Return the codes of the areas in which the owners lie."""
        return {code for code in self.cells.area_codes[self.distinct_cells()] if code is not None}

    def _owner_values(self, values: ObjectArray) -> list[str | None]:
        picked = np.full(len(self.owners), None, dtype=object)
        owned = self.owners >= 0
        picked[owned] = values[self.owners[owned]]
        result: list[str | None] = picked.tolist()
        return result


def to_wgs84(lon: FloatArray, lat: FloatArray, datum: Datum) -> tuple[FloatArray, FloatArray]:
    """Convert locations to WGS 84; those that are not longitude and latitude become NaN."""
    possible = (np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0)
    x, y = np.where(possible, lon, np.nan), np.where(possible, lat, np.nan)
    return (x, y) if datum is Datum.WGS84 else convert_coordinates(x, y, datum, Datum.WGS84)


def find_owners(
    scheme: str, cells: CellsInForce, lon: FloatArray, lat: FloatArray, covers: AreaPredicate | None
) -> Ownership:
    """Find the owners of locations.

    Parameters
    ----------
    scheme
        Code of the scheme.
    cells
        Its cells.
    lon, lat
        Degrees in WGS 84, shape (n,), as `to_wgs84` returns them.
    covers
        Returns for the code of an area whether the caller may see its cells; None if all may be seen.
    """
    owners = cells.locator.find_owners(lon, lat)
    reasons = np.where(owners < 0, _reason_outside(cells), _OWNED).astype(np.int8)
    reasons[np.isnan(lon) | np.isnan(lat)] = _INVALID
    if covers is not None and len(cells):
        hidden = (owners >= 0) & ~cells.area_mask(covers)[owners]
        reasons[hidden] = _FORBIDDEN
        owners[hidden] = -1
    return Ownership(scheme, cells, owners, reasons)


def serialize_owner(
    scheme: str, cells: CellsInForce, areas: AreaTree, lon: float, lat: float, covers: AreaPredicate | None
) -> dict[str, Any]:
    """Return the cell that owns a location in WGS 84, or None and the reason."""
    position = cells.position(lon, lat)
    if position < 0:
        return {"scheme": scheme, "cell": None, "reason": NO_OWNER_REASONS[_reason_outside(cells)]}
    if covers is not None and not covers(cells.area_codes[position]):
        return {"scheme": scheme, "cell": None, "reason": NO_OWNER_REASONS[_FORBIDDEN]}
    cell = serialize_cell(cells, position)
    cell["areas"] = areas.chain(cell["area_code"])
    return {"scheme": scheme, "cell": cell, "reason": None}


def _reason_outside(cells: CellsInForce) -> int:
    """Return why a location is in none of the cells: one is missing there, or none is in force anywhere."""
    return _OUTSIDE if len(cells) else _NO_PLAN


def serialize_cell(cells: CellsInForce, position: int) -> dict[str, Any]:
    """Describe a cell: code, name, the code of its area, its size."""
    return {
        "code": cells.locator.codes[position],
        "name": cells.names[position],
        "area_code": cells.area_codes[position],
        "area_m2": float(cells.areas_m2[position]),
    }
