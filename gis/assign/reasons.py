"""Why a record has no cell: nothing to locate, impossible or swapped coordinates, another datum, or outside.

It gives reasons and hints; which datum a file is in is judged in full by `gis.doctor`.
"""

import numpy as np

from gis.assign.geometries import Shapes
from gis.assign.results import Answers, Integers, Reason
from gis.china import in_china
from gis.datum import Datum, convert
from gis.locate import PointLocator

_SAMPLE = 10_000
_LABELS = {Datum.GCJ02: "GCJ-02", Datum.BD09: "BD-09"}


def give_reasons(answers: Answers, shapes: Shapes, locator: PointLocator) -> list[str]:
    """Give every record without cell, and without reason yet, its reason.

    Another datum is a matter of the whole file: it is the reason where the records outside would at least
    halve in number if the file were read in it, and only for the records that it brings into a cell.

    Parameters
    ----------
    answers
        Filled in place.
    shapes
        The entities.
    locator
        The cells.

    Returns
    -------
    list of str
        Sentences on the file as a whole.
    """
    reason = answers.reason
    unexplained = (answers.owner < 0) & (reason == Reason.NO_REASON)
    reason[unexplained & shapes.empty] = Reason.EMPTY_GEOMETRY
    rows = np.flatnonzero(unexplained & ~shapes.empty)
    swapped = locator.owners(shapes.lat[rows], shapes.lon[rows]) >= 0
    reason[rows] = np.where(shapes.impossible[rows], Reason.INVALID_COORDINATES, Reason.OUTSIDE)
    reason[rows[swapped]] = Reason.SWAPPED_AXES
    hints = []
    if shapes.mended:
        hints.append(f"{shapes.mended:,} invalid polygons are measured on a mended copy.")
    outside = np.flatnonzero(reason == Reason.OUTSIDE)
    if len(outside) and np.any(in_china(shapes.lon[outside], shapes.lat[outside])):
        hints += _explain_by_datum(answers, shapes, locator, outside)
    return hints


def _explain_by_datum(
    answers: Answers, shapes: Shapes, locator: PointLocator, outside: Integers
) -> list[str]:
    possible = np.flatnonzero(~shapes.empty & ~shapes.impossible & (answers.reason != Reason.SWAPPED_AXES))
    sample = possible[:: max(1, len(possible) // _SAMPLE)]
    lon, lat = shapes.lon[sample], shapes.lat[sample]
    as_given = int((locator.owners(lon, lat) < 0).sum())
    left = {
        datum: int((locator.owners(*convert(lon, lat, datum, Datum.WGS84)) < 0).sum()) for datum in _LABELS
    }
    datum = min(left, key=lambda word: left[word])
    if 2 * left[datum] > as_given or as_given == 0:
        return []
    moved = convert(shapes.lon[outside], shapes.lat[outside], datum, Datum.WGS84)
    answers.reason[outside[locator.owners(*moved) >= 0]] = Reason.WRONG_DATUM
    checked = "records" if len(sample) == len(possible) else "records looked at"
    hint = (
        f"The file may be in {_LABELS[datum]}: of {len(sample):,} {checked}, {as_given:,} lie outside "
        f"as they are and {left[datum]:,} when read as {_LABELS[datum]}."
    )
    return [hint]
