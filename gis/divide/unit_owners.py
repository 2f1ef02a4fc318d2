"""The plan that units are in: which cell owns each, and that the cells are made of them."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.arrays import BoolArray, FloatArray, IntArray, ObjectArray
from gis.codes import normalize_codes
from gis.crs import to_lonlat
from gis.divide.unit_coverage import UnitCoverage, and_more
from gis.divide.unit_labels import has_values
from gis.errors import InputError
from gis.levels import unite_units
from gis.topology.findings import format_area
from gis.topology.polygon_layer import area_tolerance


def read_cell_codes(cells: gpd.GeoDataFrame) -> ObjectArray:
    """Return the codes of cells.

    Raises
    ------
    InputError
        If there is no cell, or one has no code, or that of another.
    """
    if not len(cells):
        raise InputError("There is no cell to balance.")
    if "code" not in cells.columns:
        raise InputError("The cells have no field 'code'; say which field holds the codes.")
    code = normalize_codes(cells["code"].to_numpy(dtype=object))
    for k in np.flatnonzero(code == "")[:1].tolist():
        raise InputError(f"Record {k + 1} of the cells has no code; give every cell one.")
    for k in np.flatnonzero(pd.Series(code).duplicated().to_numpy())[:1].tolist():
        raise InputError(f"Cell '{code[k]}' occurs twice; give every cell a code of its own.")
    return code


def find_owners(
    units: UnitCoverage, cells: gpd.GeoDataFrame, code: ObjectArray, field: str | None
) -> IntArray:
    """Return the row of the cell that each unit is in, shape (n,).

    Parameters
    ----------
    code
        Of the cells.
    field
        The column of the units with the code of their cell. Where they have none, it is the cell in which a
        point on the unit lies, on a border the one with the lowest code.

    Raises
    ------
    InputError
        If a unit is in no cell, or a cell has no unit.
    """
    if field is not None and has_values(units, field):
        owner = _by_code(units, code, field)
    else:
        owner = _by_location(units, cells, code)
    empty = np.setdiff1d(np.arange(len(code)), owner)
    if len(empty):
        raise InputError(
            f"Cell '{code[empty[0]]}' has no unit{and_more(len(empty))}; "
            "give the units that all cells are made of."
        )
    return owner


def _by_code(units: UnitCoverage, code: ObjectArray, field: str) -> IntArray:
    named = normalize_codes(units.attributes[field].to_numpy(dtype=object))
    row = pd.Series(np.arange(len(code)), index=code).reindex(named).to_numpy(dtype=float)
    for k in np.flatnonzero(np.isnan(row))[:1].tolist():
        others = and_more(int(np.isnan(row).sum()))
        if not named[k]:
            raise InputError(
                f"Unit '{units.code[k]}' has no value in {field}{others}; say which cell it is in."
            )
        raise InputError(
            f"Unit '{units.code[k]}' is in cell '{named[k]}', which is not among the cells{others}."
        )
    return row.astype(np.int64)


def _by_location(units: UnitCoverage, cells: gpd.GeoDataFrame, code: ObjectArray) -> IntArray:
    order = np.argsort(code.astype(str), kind="stable")
    polygons = np.asarray(to_lonlat(cells).geometry.array, dtype=object)[order]
    unit, rank = shapely.STRtree(polygons).query(
        shapely.point_on_surface(units.lonlat), predicate="intersects"
    )
    lowest = np.full(len(units), len(code), dtype=np.int64)
    np.minimum.at(lowest, unit, rank)
    outside = np.flatnonzero(lowest == len(code))
    if len(outside):
        raise InputError(
            f"Unit '{units.code[outside[0]]}' lies in no cell{and_more(len(outside))}; "
            "leave it out, or give the whole plan."
        )
    return order[lowest].astype(np.int64)


def check_made_of_units(
    units: UnitCoverage, cells: gpd.GeoDataFrame, code: ObjectArray, owner: IntArray
) -> None:
    """Refuse cells that are not the union of their units.

    Raises
    ------
    InputError
        If a cell differs from its units by more than rounding.
    """
    drawn = np.asarray(to_lonlat(cells).to_crs(units.crs).geometry.array, dtype=object)
    drawn = shapely.make_valid(shapely.force_2d(drawn))
    made = unite_units(units.geometry, owner, len(code))
    difference = shapely.area(shapely.symmetric_difference(drawn, made))
    # Borders of cells may lack vertices that units have in the middle of a straight edge.
    wrong = np.flatnonzero(difference > np.maximum(area_tolerance(made), 1e-3 * shapely.length(made)))
    if len(wrong):
        worst = wrong[difference[wrong].argmax()]
        size = format_area(float(difference[worst]))
        raise InputError(
            f"Cell '{code[worst]}' differs from its units by {size} of ground{and_more(len(wrong))}; "
            "give the units that the cells are made of."
        )


def sums_of_units(
    units: UnitCoverage, cells: gpd.GeoDataFrame, owner: IntArray, skipped: set[str]
) -> list[str]:
    """Return the columns of cells that are the sums of the same columns of their units.

    Parameters
    ----------
    skipped
        Columns that are not considered.
    """
    result = []
    for name in cells.columns:
        if name in skipped or name not in units.attributes:
            continue
        if not (_is_number(cells[name]) and _is_number(units.attributes[name])):
            continue
        total = sum_by_cell(units, str(name), owner, len(cells))
        if np.allclose(total, cells[name].to_numpy(dtype=float), rtol=1e-9, atol=1e-9):
            result.append(str(name))
    return result


def sum_by_cell(units: UnitCoverage, column: str, owner: IntArray, count: int) -> FloatArray | IntArray:
    """Return the sums of a column of units by cell, whole numbers where those of the units are."""
    values = units.attributes[column]
    total = np.bincount(owner, weights=values.to_numpy(dtype=float), minlength=count)
    return np.rint(total).astype(np.int64) if pd.api.types.is_integer_dtype(values) else total


def _is_number(column: pd.Series) -> bool:
    return (
        pd.api.types.is_numeric_dtype(column)
        and not pd.api.types.is_bool_dtype(column)
        and not column.isna().any()
    )


def crosses_groups(owner: IntArray, group: IntArray) -> BoolArray:
    """Return which cells have units of several groups, shape (c,)."""
    count = int(owner.max()) + 1
    low, high = np.full(count, group.max()), np.zeros(count, dtype=np.int64)
    np.minimum.at(low, owner, group)
    np.maximum.at(high, owner, group)
    return np.asarray(low != high)
