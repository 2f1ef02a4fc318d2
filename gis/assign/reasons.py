"""Reasons why a record has no cell: no geometry, invalid or swapped coordinates, wrong datum, outside."""

import numpy as np

from gis.arrays import IntArray
from gis.assign.geometries import EntityGeometries
from gis.assign.results import ResultArrays, UnassignedReason
from gis.china import in_gcj02_outline
from gis.datum import Datum, convert_coordinates
from gis.locate import PointLocator

_SAMPLE = 10_000
_LABELS = {Datum.GCJ02: "GCJ-02", Datum.BD09: "BD-09"}


def explain_unassigned(
    results: ResultArrays, entity_geometries: EntityGeometries, locator: PointLocator
) -> list[str]:
    """Set the reason of every record that has neither a cell nor a reason yet.

    Another datum concerns the whole file: it is the reason only if reading the file in it would at least
    halve the number of records outside, and only for the records that it brings into a cell.

    Parameters
    ----------
    results
        Filled in place.
    entity_geometries
        The entities.
    locator
        The cells.

    Returns
    -------
    list of str
        Sentences on the file as a whole.
    """
    reason = results.reason
    unexplained = (results.owner < 0) & (reason == UnassignedReason.NO_REASON)
    reason[unexplained & entity_geometries.empty] = UnassignedReason.EMPTY_GEOMETRY
    rows = np.flatnonzero(unexplained & ~entity_geometries.empty)
    swapped = locator.find_owners(entity_geometries.lat[rows], entity_geometries.lon[rows]) >= 0
    reason[rows] = np.where(
        entity_geometries.invalid_coordinates[rows],
        UnassignedReason.INVALID_COORDINATES,
        UnassignedReason.OUTSIDE,
    )
    reason[rows[swapped]] = UnassignedReason.SWAPPED_AXES
    hints = []
    if entity_geometries.made_valid_count:
        hints.append(
            f"{entity_geometries.made_valid_count:,} invalid polygons are measured on a mended copy."
        )
    outside = np.flatnonzero(reason == UnassignedReason.OUTSIDE)
    if len(outside) and np.any(
        in_gcj02_outline(entity_geometries.lon[outside], entity_geometries.lat[outside])
    ):
        hints += _find_wrong_datum(results, entity_geometries, locator, outside)
    return hints


def _find_wrong_datum(
    results: ResultArrays, entity_geometries: EntityGeometries, locator: PointLocator, outside: IntArray
) -> list[str]:
    possible = np.flatnonzero(
        ~entity_geometries.empty
        & ~entity_geometries.invalid_coordinates
        & (results.reason != UnassignedReason.SWAPPED_AXES)
    )
    sample = possible[:: max(1, len(possible) // _SAMPLE)]
    lon, lat = entity_geometries.lon[sample], entity_geometries.lat[sample]
    as_given = int((locator.find_owners(lon, lat) < 0).sum())
    outside_by_datum = {
        datum: int((locator.find_owners(*convert_coordinates(lon, lat, datum, Datum.WGS84)) < 0).sum())
        for datum in _LABELS
    }
    datum = min(outside_by_datum, key=lambda word: outside_by_datum[word])
    if 2 * outside_by_datum[datum] > as_given or as_given == 0:
        return []
    moved = convert_coordinates(
        entity_geometries.lon[outside], entity_geometries.lat[outside], datum, Datum.WGS84
    )
    results.reason[outside[locator.find_owners(*moved) >= 0]] = UnassignedReason.WRONG_DATUM
    checked = "records" if len(sample) == len(possible) else "records looked at"
    hint = (
        f"The file may be in {_LABELS[datum]}: of {len(sample):,} {checked}, {as_given:,} lie outside "
        f"as they are and {outside_by_datum[datum]:,} when read as {_LABELS[datum]}."
    )
    return [hint]
