"""The cores of cells: units that a seed or a lock fixes in one cell."""

import geopandas as gpd
import numpy as np
import shapely

from gis.arrays import BoolArray, IntArray, ObjectArray
from gis.crs import to_lonlat
from gis.divide.unit_coverage import UnitCoverage, and_more
from gis.divide.unit_labels import UnitGroups
from gis.errors import InputError


def seed_units(units: UnitCoverage, seeds: gpd.GeoDataFrame, free: BoolArray) -> IntArray:
    """Return the unit in which each seed lies, the one with the lowest code where it lies on a border.

    Parameters
    ----------
    seeds
        In any CRS; of lines and polygons a point on them counts.
    free
        Shape (n,), the units that are balanced.

    Raises
    ------
    InputError
        If there is no seed, or one lies in no unit, in an exclusive one, or in one with another seed.
    """
    if not len(seeds):
        raise InputError("The layer of seeds is empty; give a point for each cell.")
    geometry = np.asarray(to_lonlat(seeds).geometry.array, dtype=object)
    missing = np.flatnonzero(shapely.is_missing(geometry) | shapely.is_empty(geometry))
    if len(missing):
        raise InputError(f"Record {missing[0] + 1} of the seeds has no geometry; give it a point.")
    points = shapely.point_on_surface(geometry)
    seed, unit = shapely.STRtree(units.lonlat).query(points, predicate="intersects")
    found = np.full(len(points), len(units), dtype=np.int64)
    np.minimum.at(found, seed, unit)
    outside = np.flatnonzero(found == len(units))
    if len(outside):
        raise InputError(
            f"Record {outside[0] + 1} of the seeds lies in no unit{and_more(len(outside))}; "
            "move it into one or leave it out."
        )
    for k in np.flatnonzero(~free[found])[:1].tolist():
        raise InputError(
            f"Record {k + 1} of the seeds lies in unit '{units.code[found[k]]}', which is exclusive."
        )
    first_of: dict[int, int] = {}
    for k, home in enumerate(found.tolist()):
        if home in first_of:
            raise InputError(
                f"Records {first_of[home] + 1} and {k + 1} of the seeds lie in one unit, "
                f"'{units.code[home]}', which can be in one cell only; leave one of them out."
            )
        first_of[home] = k
    return found


def number_cores(locks: ObjectArray, seeds: IntArray | None) -> IntArray:
    """Return the number of the cell that each unit is fixed in by its lock or seed, -1 for the others.

    Parameters
    ----------
    locks
        Shape (n,), the name of the cell in which a unit is locked, "" where it is free.
    seeds
        Units with a seed; a locked one makes its cell that of the seed.
    """
    names = locks.copy()
    if seeds is not None:
        unnamed = seeds[names[seeds] == ""]
        # No lock begins like this.
        names[unnamed] = ["\0" + str(unit) for unit in unnamed.tolist()]
    cores = np.full(len(names), -1, dtype=np.int64)
    fixed = np.flatnonzero(names != "")
    if len(fixed):
        cores[fixed] = np.unique(names[fixed].astype(str), return_inverse=True)[1]
    return cores


def check_locks(
    units: UnitCoverage, groups: UnitGroups, locks: ObjectArray, free: BoolArray, part: IntArray
) -> None:
    """Refuse locks that no cell can keep: in an exclusive unit, in two groups, or in two parts.

    Parameters
    ----------
    part
        Shape (n,), the connected part of each unit that is balanced.
    """
    locked = np.flatnonzero(locks != "")
    for k in locked[~free[locked]][:1].tolist():
        raise InputError(
            f"Unit '{units.code[k]}' is exclusive and locked in '{locks[k]}'; it cannot be both."
        )
    name, first, inverse = np.unique(locks[locked].astype(str), return_index=True, return_inverse=True)
    home = locked[first][inverse]
    for label, sentence in (
        (groups.of_unit, "lie in different areas, which no cell may mix"),
        (part, "share no border and cannot be connected"),
    ):
        for k in np.flatnonzero(label[locked] != label[home])[:1].tolist():
            raise InputError(
                f"Units '{units.code[home[k]]}' and '{units.code[locked[k]]}' are locked in one cell, "
                f"'{name[inverse[k]]}', but {sentence}; give them different names."
            )
