"""Cells of a draft made of units: from a table that says which unit is in which cell, or from drawn cells."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gis.arrays import Geometries, IntArray, ObjectArray
from gis.codes import normalize_codes
from gis.crs import LONLAT
from gis.errors import InputError
from gis.levels import find_units_in_cells, is_same_ground, unite_units
from gis.levels.members import NO_CELL, GroundShares
from gis.topology.findings import format_area
from gis.topology.polygon_layer import read_polygon_layer
from layers.areas.hierarchy import AreaHierarchy, read_hierarchy
from layers.areas.scope import within
from layers.models import Cell, Scheme
from layers.plans.units import read_units

_LISTED = 3


class CellsOverUnits(NamedTuple):
    """The cells of a draft with the unions of their units as polygons, and which units these are.

    Attributes
    ----------
    cells
        In EPSG:4326, with the columns that were given; `area_code` is the lowest area that holds all units of
        a cell where none was given.
    members
        `cell` and `unit`, their codes, each pair once.
    """

    cells: gpd.GeoDataFrame
    members: pd.DataFrame


class UnitTable(NamedTuple):
    """A table of units that has been read: the cell of each unit, and what it says about cells."""

    cell_of_unit: dict[str, str]
    cells: pd.DataFrame


def read_unit_table(table: pd.DataFrame) -> UnitTable:
    """Read a table with the columns `unit` and `cell`, and maybe `name`, `kind` and `area_code` of the cell.

    Raises
    ------
    InputError
        If it has no rows or lacks a column, a row lacks its unit or cell, a unit is in two cells, or a cell
        has two names, kinds or areas.
    """
    for column in ("unit", "cell"):
        if column not in table.columns:
            fields = ", ".join(map(str, table.columns)) or "none"
            raise InputError(f"The table of units has no column '{column}' (it has: {fields}).")
    if not len(table):
        raise InputError("The table of units has no rows.")
    units, cells = normalize_codes(table["unit"]), normalize_codes(table["cell"])
    for column, codes in (("unit", units), ("cell", cells)):
        empty = np.flatnonzero(codes == "")
        if len(empty):
            raise InputError(f"Record {empty[0] + 1} of the table of units has no {column}.")
    pairs = pd.DataFrame({"unit": units, "cell": cells}).drop_duplicates()
    twice = pairs[pairs["unit"].duplicated(keep=False)]
    if len(twice):
        unit = twice["unit"].iloc[0]
        homes = ", ".join(f"'{cell}'" for cell in twice.loc[twice["unit"] == unit, "cell"])
        raise InputError(
            f"Unit '{unit}' is in several cells ({homes}); a unit belongs to one"
            f"{_more(twice['unit'].nunique())}."
        )
    described = pd.DataFrame({"code": np.unique(cells.astype(str)).astype(object)})
    for column in ("name", "kind", "area_code"):
        if column in table.columns:
            described[column] = described["code"].map(_value_of_cell(cells, table[column], column))
    return UnitTable(dict(zip(pairs["unit"], pairs["cell"], strict=True)), described)


def _value_of_cell(cells: ObjectArray, values: pd.Series, column: str) -> dict[str, str]:
    """Return the one value that the rows of each cell give for a column."""
    given = pd.DataFrame({"cell": cells, "value": normalize_codes(values)}).drop_duplicates()
    given = given[given["value"] != ""]
    twice = given[given["cell"].duplicated(keep=False)]
    if len(twice):
        cell = twice["cell"].iloc[0]
        one, other = twice.loc[twice["cell"] == cell, "value"].iloc[:2]
        raise InputError(
            f"Cell '{cell}' has two values of {column} in the table of units: '{one}' and '{other}'."
        )
    return dict(zip(given["cell"], given["value"], strict=True))


def make_cells_over_units(
    session: Session,
    scheme: Scheme,
    cells: pd.DataFrame,
    cell_of_unit: Mapping[str, str] | None,
    *,
    on: date,
    area_code: str | None = None,
) -> CellsOverUnits:
    """Make the cells of a draft of a scheme over another.

    Parameters
    ----------
    scheme
        One with a unit scheme.
    cells
        With `code` as text and maybe `area_code`, polygons in any CRS and further columns.
    cell_of_unit
        The code of each unit's cell. If it is not given, each unit belongs to the cell whose polygon holds
        it.
    on
        The day whose units are meant.
    area_code
        The area that the plan divides.

    Raises
    ------
    InputError
        If no units are in force, a unit is unknown, a cell has no unit, a unit is cut by cells, or a polygon
        is not the union of the units.
    NotFoundError
        If there is no such area.
    """
    units = read_units(session, scheme, on, area_code)
    crs = CRS.from_user_input(scheme.working_crs)
    labels = cells["code"].to_numpy(dtype=object)
    plain, drawn = cells, None
    if isinstance(cells, gpd.GeoDataFrame):
        plain, drawn = cells.drop(columns=cells.geometry.name), read_polygon_layer(cells, crs).polygons
    if cell_of_unit is None:
        if drawn is None:
            raise InputError(
                "A plan over units needs polygons of cells, or a table that gives each unit's cell."
            )
        cell = _locate_units(units, read_polygon_layer(units, crs).polygons, labels, drawn)
    else:
        rows = _find_units(session, scheme, units, cell_of_unit, on, area_code)
        cell = np.full(len(units), NO_CELL)
        cell[rows] = _find_cells(labels, np.array(list(cell_of_unit.values()), dtype=object))
    empty = np.setdiff1d(np.arange(len(labels)), cell)
    if len(empty):
        raise InputError(f"Cell '{labels[empty[0]]}' has no unit of {on}{_more(len(empty))}.")
    geometry = unite_units(units.geometry.to_numpy(), cell, len(labels))
    if drawn is not None:
        _require_same_ground(labels, drawn, gpd.GeoSeries(geometry, crs=LONLAT).to_crs(crs).to_numpy())
    used = cell != NO_CELL
    members = pd.DataFrame({"cell": labels[cell[used]], "unit": units["code"].to_numpy(dtype=object)[used]})
    frame = gpd.GeoDataFrame(plain, geometry=geometry, crs=LONLAT)
    areas = units["area_code"].to_numpy(dtype=object)
    _fill_areas(frame, read_hierarchy(session, on), cell[used], areas[used])
    return CellsOverUnits(frame, members)


def _find_units(
    session: Session,
    scheme: Scheme,
    units: gpd.GeoDataFrame,
    cell_of_unit: Mapping[str, str],
    on: date,
    area_code: str | None,
) -> IntArray:
    """Return the rows of the units that a table names."""
    if not cell_of_unit:
        raise InputError("The table of units has no rows.")
    named = list(cell_of_unit)
    rows: IntArray = pd.Index(units["code"]).get_indexer(pd.Index(named))
    unknown = np.flatnonzero(rows < 0)
    if not len(unknown):
        return rows
    first = named[unknown[0]]
    assert scheme.unit_scheme_id is not None
    below = session.get_one(Scheme, scheme.unit_scheme_id).code
    # A caller bound to an area learns nothing of units elsewhere.
    versions = select(
        func.min(Cell.valid_from), func.max(Cell.valid_to), func.count() - func.count(Cell.valid_to)
    ).where(
        Cell.scheme_id == scheme.unit_scheme_id,
        Cell.code == first,
        Cell.valid_from.is_not(None),
        within(Cell.area_code, area_code),
    )
    begin, end, lasting = session.execute(versions).one()
    detail = ""
    if begin is not None and begin > on:
        detail = f"; it begins on {begin}"
    elif end is not None and not lasting and end <= on:
        detail = f"; it ended on {end}"
    where = "" if area_code is None else f" in area {area_code}"
    raise InputError(
        f"Unit '{first}' of cell '{cell_of_unit[first]}' is not among those of scheme '{below}' "
        f"in force on {on}{where}{detail}{_more(len(unknown))}."
    )


def _find_cells(labels: ObjectArray, named: ObjectArray) -> IntArray:
    """Return the rows of the cells that a table names."""
    rows: IntArray = pd.Index(labels).get_indexer(pd.Index(named))
    unknown = np.flatnonzero(rows < 0)
    if len(unknown):
        raise InputError(
            f"The table of units names the cell '{named[unknown[0]]}', which is not among the cells."
        )
    return rows


def _locate_units(
    units: gpd.GeoDataFrame, polygons: Geometries, labels: ObjectArray, drawn: Geometries
) -> IntArray:
    """Return the row of the cell that holds each unit, or tell which unit is cut by which cells."""
    found = find_units_in_cells(polygons, drawn)
    cut = np.unique(found.cut.unit)
    if len(cut):
        codes = units["code"].to_numpy(dtype=object)
        listed = ", ".join(_cut_phrase(codes[row], found.cut, row, labels) for row in cut[:_LISTED])
        raise InputError(
            f"Cells cut units, of which each must lie in one cell as a whole: {listed}"
            f"{_more(len(cut), _LISTED)}."
        )
    return found.cell


def _cut_phrase(unit: str, shares: GroundShares, row: int, labels: ObjectArray) -> str:
    own = np.flatnonzero(shares.unit == row)
    parts = [
        f"{format_area(shares.area_m2[k])} in "
        + ("no cell" if shares.cell[k] == NO_CELL else f"'{labels[shares.cell[k]]}'")
        for k in own[:_LISTED]
    ]
    return f"'{unit}' ({', '.join(parts)})"


def _require_same_ground(labels: ObjectArray, drawn: Geometries, united: Geometries) -> None:
    """Refuse polygons that are not the unions of their units."""
    other = np.flatnonzero(~is_same_ground(drawn, united))
    if len(other):
        row = other[0]
        size = format_area(shapely.area(shapely.symmetric_difference(drawn[row], united[row])))
        raise InputError(
            f"Cell '{labels[row]}' is not the union of its units; they differ by {size}{_more(len(other))}."
        )


def _more(number: int, named: int = 1) -> str:
    """Return the end of a sentence that names some of several."""
    return f"; {number - named:,} more are like this" if number > named else ""


def _fill_areas(
    frame: gpd.GeoDataFrame, hierarchy: AreaHierarchy, cell: IntArray, areas: ObjectArray
) -> None:
    """Give cells that name no area the lowest one that holds the areas of all their units."""
    sets = pd.Series(areas, dtype=object).groupby(cell).unique()
    common: dict[tuple[str | None, ...], str | None] = {}
    codes = []
    for row in range(len(frame)):
        key = tuple(sorted(set(sets.loc[row]), key=str))
        if key not in common:
            common[key] = _common_area(hierarchy, key)
        codes.append(common[key])
    given = normalize_codes(frame["area_code"]) if "area_code" in frame.columns else np.full(len(frame), "")
    frame["area_code"] = [own or code for own, code in zip(given.tolist(), codes, strict=True)]


def _common_area(hierarchy: AreaHierarchy, codes: Sequence[str | None]) -> str | None:
    """Return the lowest area that holds some areas; None where there is none."""
    if None in codes:
        return None
    chains = [[code, *hierarchy.ancestors(code)] for code in codes if code is not None]
    return next((code for code in chains[0] if all(code in chain for chain in chains[1:])), None)
