"""Administrative areas: the hierarchy of codes and parents, and the checks that it holds."""

import re
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.arrays import BoolArray, ObjectArray
from gis.crs import to_working_crs
from gis.errors import CoverageError, InputError
from gis.progress import Note, no_note

NESTING_TOLERANCE_M2 = 0.01
"""How far a child may extend outside its parent, and how much of a parent its children may leave."""

_MAX_LISTED = 3

# The level that a Chinese code of each length names: province, city, county, town, village.
_LEVEL_BY_CODE_LENGTH = {2: "province", 4: "city", 6: "county", 9: "town", 12: "village"}


def build_hierarchy(
    areas: gpd.GeoDataFrame, *, crs: CRS | None = None, note: Note = no_note
) -> gpd.GeoDataFrame:
    """Complete and validate the hierarchy of areas.

    Parents come from the `parent` column where it has values; else from the codes if all are Chinese (440305
    is the parent of 440305001); else, if the areas have several levels, from geometry: the smallest area of
    another level that covers a point inside. A named parent that is not among the areas is above them all: an
    area that names it is at the top.

    Parameters
    ----------
    areas
        EPSG:4326 with code, name, level, parent, geometry.
    crs
        Metric working CRS; chosen from the extent when not given.
    note
        Told in one sentence which areas name a parent that is not there.

    Returns
    -------
    GeoDataFrame
        The same rows with `parent` completed (None at the top).

    Raises
    ------
    InputError
        If a code is missing or used twice, a geometry is empty, not polygonal or invalid, or parents run in
        a circle.
    CoverageError
        If an area crosses its parent or children do not fill their parent.
    """
    areas = complete_parents(areas, note=note)
    _check_nesting(areas, crs)
    return areas


def complete_parents(areas: gpd.GeoDataFrame, *, note: Note = no_note) -> gpd.GeoDataFrame:
    """Complete the parents of areas as `build_hierarchy` does, and leave their borders unchecked.

    Raises
    ------
    InputError
        As `build_hierarchy` raises.
    """
    _check_features(areas)
    parents = _without_absent(_find_parents(areas), areas, note)
    areas = areas.assign(parent=pd.Series(parents, index=areas.index, dtype=object))
    _check_parents(areas)
    return areas


def leaf_areas(areas: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return the areas that are no parent of another, with a new RangeIndex."""
    return areas[~areas["code"].isin(areas["parent"].dropna())].reset_index(drop=True)


def label_area(code: str, name: str | None) -> str:
    """Return what messages call an area: its code, and its name if that says more."""
    return f"'{code}' ({name})" if name and isinstance(name, str) and name != code else f"'{code}'"


def _check_features(areas: gpd.GeoDataFrame) -> None:
    geometries = areas.geometry.values
    codes = areas["code"].to_numpy(dtype=object)

    def raise_if_any(bad: BoolArray, what: str) -> None:
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            raise InputError(f"record {row + 1} (code {codes[row]!r}) {what}")

    missing = areas["code"].isna().to_numpy() | (areas["code"] == "").to_numpy()
    raise_if_any(missing, "has no code.")
    twice = areas["code"].duplicated().to_numpy()
    raise_if_any(twice, "has a code that an earlier record has; codes of areas are unique.")
    raise_if_any(shapely.is_missing(geometries) | shapely.is_empty(geometries), "has no geometry.")
    raise_if_any(
        ~np.isin(
            shapely.get_type_id(geometries), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
        ),
        "is no polygon.",
    )
    infinite = np.asarray(~np.isfinite(shapely.bounds(geometries)).all(axis=1))
    xy, record = shapely.get_coordinates(geometries, return_index=True)
    infinite[record[~np.isfinite(xy).all(axis=1)]] = True
    raise_if_any(infinite, "has coordinates that are no numbers; draw it again or leave it out.")
    invalid = ~shapely.is_valid(geometries)
    if invalid.any():
        reason = shapely.is_valid_reason(geometries[int(np.flatnonzero(invalid)[0])])
        raise_if_any(invalid, f"is no valid polygon ({reason}); run wangge repair first.")


def _find_parents(areas: gpd.GeoDataFrame) -> ObjectArray:
    named_parents = areas["parent"].to_numpy(dtype=object, copy=True)
    named_parents[(areas["parent"].isna() | (areas["parent"] == "")).to_numpy()] = None
    if (named_parents != None).any():  # noqa: E711  element by element
        return named_parents
    codes = areas["code"].tolist()
    stems = [_significant_digits(code) for code in codes]
    if all(stems) and len(set(stems)) == len(stems) and len({len(stem) for stem in stems}) > 1:
        by_stem = dict(zip(stems, codes, strict=True))
        return np.array(
            [
                next(
                    (
                        by_stem[stem[:cut]]
                        for cut in (9, 6, 4, 2)
                        if cut < len(stem) and stem[:cut] in by_stem
                    ),
                    None,
                )
                for stem in stems
            ],
            dtype=object,
        )
    if areas["level"].nunique() > 1:
        return _parents_by_location(areas)
    return np.full(len(areas), None, dtype=object)


def _without_absent(parents: ObjectArray, areas: gpd.GeoDataFrame, note: Note) -> ObjectArray:
    codes = areas["code"].to_numpy(dtype=object)
    known = set(codes)
    absent = np.array([parent is not None and parent not in known for parent in parents], dtype=bool)
    if not absent.any():
        return parents
    names = list(dict.fromkeys(parents[absent]))
    listed = ", ".join(names[:_MAX_LISTED]) + (", ..." if len(names) > _MAX_LISTED else "")
    count = int(absent.sum())
    subject = f"area '{codes[absent][0]}' names a parent" if count == 1 else f"{count:,} areas name a parent"
    note(
        f"{subject} that is not among the areas ({listed}), and {'is' if count == 1 else 'are'} taken as "
        "the top"
    )
    result = parents.copy()
    result[absent] = None
    return result


def _significant_digits(code: str) -> str:
    """Return the digits of a code that name something (440300 -> 4403), or "" if it has another layout."""
    if not re.fullmatch(r"\d{6}|\d{9}|\d{12}", code):
        return ""
    stem = re.sub(r"(?:000)+$", "", code) if len(code) > 6 else code
    if len(stem) == 6:
        stem = re.sub(r"(?:00){1,2}$", "", stem)
    return stem if len(stem) in _LEVEL_BY_CODE_LENGTH else ""


def _parents_by_location(areas: gpd.GeoDataFrame) -> ObjectArray:
    geometries = areas.geometry.values
    size = shapely.area(geometries)
    levels = areas["level"].to_numpy(dtype=object)
    codes = areas["code"].to_numpy(dtype=object)
    child, parent = shapely.STRtree(geometries).query(
        shapely.point_on_surface(geometries), predicate="within"
    )
    candidate = (size[parent] > size[child]) & (levels[parent] != levels[child])
    pairs = pd.DataFrame({"child": child[candidate], "parent": parent[candidate]})
    pairs["size"] = size[pairs["parent"]]
    smallest = pairs.sort_values(["child", "size", "parent"]).drop_duplicates("child")
    result = np.full(len(areas), None, dtype=object)
    result[smallest["child"].to_numpy()] = codes[smallest["parent"].to_numpy()]
    return result


def _check_parents(areas: gpd.GeoDataFrame) -> None:
    parent_of = dict(zip(areas["code"], areas["parent"], strict=True))
    for code, parent in parent_of.items():
        seen = {code}
        while parent is not None:
            if parent in seen:
                raise InputError(f"area '{code}' is its own ancestor: the parents run in a circle.")
            seen.add(parent)
            parent = parent_of[parent]


def _check_nesting(areas: gpd.GeoDataFrame, crs: CRS | None) -> None:
    has_parent = areas["parent"].notna().to_numpy()
    if not has_parent.any():
        return
    codes = areas["code"].to_numpy(dtype=object)
    row_of = {code: row for row, code in enumerate(codes)}
    parents = areas.loc[has_parent, "parent"].map(row_of).to_numpy(dtype=int)
    children = np.flatnonzero(has_parent)
    projected = to_working_crs(areas, crs).geometry.values
    lonlat = areas.geometry.values
    # A parent may lack the vertices at which its children meet on a straight border. The border is straight
    # in the CRS it was drawn in, so a true fault shows in both.
    m2 = shapely.area(projected) / shapely.area(lonlat)
    beyond = np.minimum(
        shapely.area(shapely.difference(projected[children], projected[parents])),
        shapely.area(shapely.difference(lonlat[children], lonlat[parents])) * m2[children],
    )
    worst = int(np.argmax(beyond))
    if beyond[worst] > NESTING_TOLERANCE_M2:
        child, parent = codes[children[worst]], codes[parents[worst]]
        raise CoverageError(
            f"area '{child}' lies {beyond[worst]:,.2f} m² outside its parent '{parent}'; mend the borders, "
            "take one level alone, or load them with parents made from their children."
        )
    whole = np.unique(parents)
    uncovered_projected, uncovered_lonlat = (
        shapely.area(geometries)[whole]
        - np.bincount(parents, shapely.area(geometries)[children], len(geometries))[whole]
        for geometries in (projected, lonlat)
    )
    uncovered_lonlat = uncovered_lonlat * m2[whole]
    uncovered_m2 = np.where(
        np.abs(uncovered_lonlat) < np.abs(uncovered_projected), uncovered_lonlat, uncovered_projected
    )
    worst = int(np.argmax(np.abs(uncovered_m2)))
    if abs(uncovered_m2[worst]) > NESTING_TOLERANCE_M2:
        what = "leave" if uncovered_m2[worst] > 0 else "cover twice"
        raise CoverageError(
            f"the child areas of '{codes[whole[worst]]}' {what} "
            f"{abs(uncovered_m2[worst]):,.2f} m² of it; mend the borders, take one level alone, or load them "
            "with parents made from their children."
        )


class ParentUnions(NamedTuple):
    """Areas whose parents are the unions of their children, and by how much each parent changed.

    Attributes
    ----------
    areas
        The same rows with `parent` completed.
    changed_m2
        The ground that each parent has gained and lost together, by its code.
    """

    areas: gpd.GeoDataFrame
    changed_m2: dict[str, float]


def unite_children(areas: gpd.GeoDataFrame, *, crs: CRS | None = None) -> ParentUnions:
    """Make every parent the union of its children, from the lowest up, for areas that do not fit exactly.

    Parameters
    ----------
    areas, crs
        As for `build_hierarchy`.

    Raises
    ------
    InputError
        As `build_hierarchy` raises.
    """
    _check_features(areas)
    areas = areas.assign(parent=pd.Series(_find_parents(areas), index=areas.index, dtype=object))
    _check_parents(areas)
    children = areas.groupby("parent").indices
    geometries = np.array(areas.geometry.values, dtype=object)
    row_of = {code: row for row, code in enumerate(areas["code"])}
    pending = list(dict.fromkeys(code for code in areas["parent"] if code in row_of))
    united: set[str] = set()
    while pending:
        # A parent among the children is united before its own parent; parents run in no circle.
        code = pending.pop()
        below = areas["code"].iloc[children[code]]
        waiting = [child for child in below if child in children and child not in united]
        if waiting:
            pending += [code, *waiting]
        elif code not in united:
            geometries[row_of[code]] = shapely.union_all(geometries[children[code]])
            united.add(code)
    made = areas.set_geometry(gpd.GeoSeries(geometries, index=areas.index, crs=areas.crs))
    rows = [row_of[code] for code in sorted(united)]
    pairs = [(to_working_crs(areas, crs), to_working_crs(made, crs)), (areas, made)]
    before, after = ([np.asarray(each[side].geometry.values[rows]) for each in pairs] for side in (0, 1))
    differing = [
        shapely.area(shapely.symmetric_difference(*each)) for each in zip(before, after, strict=True)
    ]
    # As for nesting: a parent that lacks vertices of its children differs from them in one CRS only.
    changed = np.minimum(differing[0], differing[1] * shapely.area(after[0]) / shapely.area(after[1]))
    return ParentUnions(made, dict(zip(sorted(united), changed.tolist(), strict=True)))
