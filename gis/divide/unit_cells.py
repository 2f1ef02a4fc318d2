"""Cells made of whole units: their geometry, the area whose code they carry, and their frame."""

from collections.abc import Collection, Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.arrays import FloatArray, IntArray, ObjectArray
from gis.codes import CodeLayout, is_chinese_area_code, normalize_codes
from gis.divide.cells import build_cells_frame
from gis.divide.division_input import DivisionInput
from gis.divide.reading_order import reading_rows
from gis.divide.unit_coverage import UnitCoverage
from gis.divide.unit_labels import AREA_CODE, UnitGroups, has_values
from gis.errors import InputError
from gis.levels import unite_units
from gis.profiles import Profile

_NO_AREA = "0"
"""Stands for the area of units without one while their cells are numbered."""


def base_areas(units: UnitCoverage, groups: UnitGroups, areas: pd.DataFrame | None) -> ObjectArray:
    """Return the code of the area whose number the cells of each group carry, shape (g,).

    That is the area of all units of the group: their own, if it is one, else the value of the group where it
    is an area above all of them, else the lowest area that is; "" where there is none.
    """
    parent_of = _parents(areas)
    if not has_values(units, AREA_CODE):
        return groups.name.copy()
    code = normalize_codes(units.attributes[AREA_CODE].to_numpy(dtype=object))
    result = np.empty(len(groups.name), dtype=object)
    by_group = pd.Series(code).groupby(groups.of_unit).unique()
    many = any(len(members) > 1 for members in by_group)
    for k, name in enumerate(groups.name.tolist()):
        members = by_group[k].tolist()
        lines = [_ancestors(member, parent_of) for member in members]
        common = [above for above in lines[0] if all(above in line for line in lines[1:])]
        # Codes of one plan have one length: a street of one community is numbered as a street.
        if many and name in common:
            result[k] = name
        elif len(members) == 1 or common:
            result[k] = common[0]
        else:
            result[k] = name
    return result


def _parents(areas: pd.DataFrame | None) -> dict[str, str]:
    if areas is None or "parent" not in areas.columns:
        return {}
    pairs = zip(normalize_codes(areas["code"]), normalize_codes(areas["parent"]), strict=True)
    return {code: parent for code, parent in pairs if parent}


def _ancestors(code: str, parent_of: Mapping[str, str]) -> list[str]:
    """Return an area and those above it, lowest first: by the hierarchy, then by its Chinese code."""
    line = [code]
    while (above := parent_of.get(line[-1])) is not None and above not in line:
        line.append(above)
    if is_chinese_area_code(line[-1]):
        line += [line[-1][:length] for length in (9, 6) if length < len(line[-1])]
    return line


def build_unit_cells(
    units: UnitCoverage,
    cell: IntArray,
    group: IntArray,
    base: ObjectArray,
    *,
    kind: ObjectArray,
    columns: Mapping[str, FloatArray | IntArray],
    areas: pd.DataFrame | None = None,
    layout: CodeLayout = "auto",
    profile: Profile | None = None,
    used_codes: Collection[str] = frozenset(),
) -> tuple[gpd.GeoDataFrame, pd.Series]:
    """Make the frame of cells and say which cell each unit is in.

    Parameters
    ----------
    cell
        Shape (n,), the number of the cell of each unit, 0 to c - 1.
    group
        Shape (c,), the group of each cell.
    base
        Shape (g,), the code of the area that numbers the cells of each group.
    kind, columns
        Shape (c,), the kind of each cell and further columns.
    areas
        Where the names of areas come from.
    layout, profile, used_codes
        See `gis.codes.choose_profile` and `gis.codes.number_cells`.

    Returns
    -------
    cells, cell_of_unit
        As `build_cells_frame` returns them; codes of cells by the codes of units, in the order of `units`.

    Raises
    ------
    InputError
        If codes should follow a profile or layout that needs an area, and the units have none.
    """
    count = len(group)
    geometry = unite_units(units.geometry, cell, count)
    lonlat = unite_units(units.lonlat, cell, count)
    has_area = "" not in base
    if not has_area and (profile is not None or layout == "cn"):
        raise InputError("The units have no area_code, with which the codes of cells begin; give them one.")
    code, area_index = np.unique(
        (base if has_area else np.full(len(base), _NO_AREA, dtype=object))[group].astype(str),
        return_inverse=True,
    )
    whole = unite_units(units.geometry, area_index[cell], len(code))
    division_input = DivisionInput(
        code.astype(object), _area_names(code, areas), whole, units.crs, units.in_china
    )
    points = shapely.get_coordinates(shapely.point_on_surface(geometry))
    frame = build_cells_frame(
        division_input,
        geometry,
        area_index,
        points,
        reading_rows(points, shapely.area(geometry), area_index),
        kind=kind,
        layout=layout,
        profile=profile,
        used_codes=used_codes if has_area else {f"{_NO_AREA}-{one}" for one in used_codes},
        lonlat=lonlat,
        columns={**columns, "": np.arange(count)},
    )
    if not has_area:
        frame["code"] = frame["code"].str.removeprefix(f"{_NO_AREA}-")
        frame["name"] = frame["name"].str.removeprefix(_NO_AREA).str.strip()
        frame["area_code"] = pd.Series(None, index=frame.index, dtype=object)
    code_of = np.empty(count, dtype=object)
    code_of[frame[""].to_numpy()] = frame["code"].to_numpy()
    of_unit = pd.Series(code_of[cell], index=pd.Index(units.code, name="code"), name="cell_code")
    return frame.drop(columns=""), of_unit


def _area_names(code: ObjectArray, areas: pd.DataFrame | None) -> ObjectArray:
    name_of: dict[str, str] = {}
    if areas is not None and "name" in areas.columns:
        names = areas["name"].fillna("").astype(str)
        name_of = dict(zip(normalize_codes(areas["code"]), names, strict=True))
    return np.array([name_of.get(one, "") for one in code], dtype=object)
