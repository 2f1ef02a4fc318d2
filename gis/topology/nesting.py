"""How cells lie in their areas: ground in no cell, cells beyond the areas or across their parent."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.codes import code_texts
from gis.faces.overlay import polygonal
from gis.topology.boundary_match import run_together
from gis.topology.findings import Findings, join_codes, metres2, shown
from gis.topology.overlaps_and_holes import around, union
from gis.topology.polygon_layer import NOISE_WIDTH_M, Geometries, Records, mean_width

TOLERANCE_M2 = 0.01
"""How far the union of an area's cells may differ from the area."""


def parents(polygons: Geometries, areas: Records, named: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the row of each polygon's area: the one it names, else the one with the largest share of it.

    Parameters
    ----------
    polygons
        Valid, in metres.
    areas
        In the same CRS. Of equal shares the smaller area wins, then the lowest code.
    named
        Area code per polygon, "" where it names none; a code that no area has counts as none.

    Returns
    -------
    ndarray of int
        -1 where a polygon has no share in any area.
    """
    row_of = {code: row for row, code in reversed(list(enumerate(areas.codes))) if code}
    owner = np.array([row_of.get(code, -1) for code in named], dtype=np.int64)
    free = np.flatnonzero((owner < 0) & ~shapely.is_empty(polygons))
    if not len(free):
        return owner
    # Largest share first; of equal shares (areas of several levels) the smallest area, the lowest code.
    rank = np.empty(len(areas), dtype=np.int64)
    rank[np.lexsort((areas.codes.astype(str), shapely.area(areas.polygons)))] = np.arange(len(areas))
    hits, rows = shapely.STRtree(areas.polygons).query(polygons[free], predicate="intersects")
    single = np.bincount(hits, minlength=len(free))[hits] == 1
    share = np.ones(len(hits))
    several = np.flatnonzero(~single)
    share[several] = shapely.area(
        shapely.intersection(polygons[free[hits[several]]], areas.polygons[rows[several]])
    )
    share = np.round(share, 3)
    order = np.lexsort((rank[rows], -share, hits))
    hits, rows, share = hits[order], rows[order], share[order]
    best = np.ones(len(hits), dtype=bool)
    best[1:] = hits[1:] != hits[:-1]
    best &= share > 0
    owner[free[hits[best]]] = rows[best]
    return owner


@dataclass(frozen=True, eq=False)
class _Frame:
    """The cells and areas being compared: `owner` is the row of each cell's area, or -1."""

    cells: Records
    areas: Records
    owner: NDArray[np.int64]


def add_nesting(
    findings: Findings, cells: Records, areas: Records, named: Any | None, *, coverage: bool
) -> None:
    """Add blanks, ground outside and crossed parents, with their hairlines where these sum to too much.

    Parameters
    ----------
    findings
        Receives them.
    cells, areas
        In the same working CRS.
    named
        The area code of each cell, or None.
    coverage
        Whether the cells are known to be a valid coverage.
    """
    codes = code_texts(named) if named is not None else np.full(len(cells), "", dtype=object)
    # Numpy would compare each with each, as they are objects.
    unknown = np.flatnonzero((codes != "") & ~pd.Index(codes).isin(areas.codes[areas.codes != ""]))
    findings.add(
        "crossed_parent",
        list(cells.labels[unknown]),
        [
            f"Cell {cells.labels[k]} names the area '{codes[k]}', which is not among the areas."
            for k in unknown
        ],
        shown(cells.polygons[unknown]),
    )
    frame = _Frame(cells, areas, parents(cells.polygons, areas, codes))
    missing, excess = _differences(frame, coverage=coverage)
    _add_hairlines(
        findings, frame, _add_missing(findings, frame, missing), _add_excess(findings, frame, excess)
    )


def _differences(frame: _Frame, *, coverage: bool) -> tuple[Geometries, Geometries]:
    """Return per area the ground its cells miss, and the ground they have beyond it."""
    order = np.argsort(frame.owner, kind="stable")
    bounds = np.searchsorted(frame.owner[order], np.arange(len(frame.areas) + 1))
    united = np.empty(len(frame.areas), dtype=object)
    for row in range(len(frame.areas)):
        members = order[bounds[row] : bounds[row + 1]]
        united[row] = union(frame.cells.polygons[members], coverage=coverage)
    areas = frame.areas.polygons
    # Mostly cells and area differ by rounding only, which an overlay of many vertices takes long to find out.
    level = np.abs(shapely.area(areas) - shapely.area(united)) <= TOLERANCE_M2
    for row in np.flatnonzero(level).tolist():
        level[row] = run_together(areas[row], united[row], NOISE_WIDTH_M / 10)
    missing, excess = (np.full(len(areas), shapely.Polygon(), dtype=object) for _ in range(2))
    missing[~level] = polygonal(shapely.difference(areas[~level], united[~level]))
    excess[~level] = polygonal(shapely.difference(united[~level], areas[~level]))
    return missing, excess


def _add_missing(findings: Findings, frame: _Frame, missing: Geometries) -> Geometries:
    """Add the ground of areas that no cell covers; return the hairlines of each area."""
    pieces, row = _parts(missing)
    real = mean_width(pieces) > NOISE_WIDTH_M
    hairlines = _gather(pieces[~real], row[~real], len(missing))
    pieces, row = pieces[real], row[real]
    # A cell of another area may lie there: that ground is crossed, not blank.
    hits, others = shapely.STRtree(frame.cells.polygons).query(pieces, predicate="intersects")
    for piece in np.unique(hits):
        pieces[piece] = shapely.difference(
            pieces[piece], shapely.union_all(frame.cells.polygons[others[hits == piece]])
        )
    bare, index = _parts(polygonal(pieces))
    row = row[index]
    real = mean_width(bare) > NOISE_WIDTH_M
    bare, row = bare[real], row[real]
    if not len(bare):
        return hairlines
    sizes = shapely.area(bare)
    labels = [join_codes(frame.cells.labels[rows]) for rows in around(bare, frame.cells.polygons)]
    findings.add(
        "blank",
        labels,
        [
            f"A blank of {metres2(size)} in area {frame.areas.labels[area]}"
            + (f" beside cells {codes}." if codes else ".")
            for size, area, codes in zip(sizes, row, labels, strict=True)
        ],
        bare,
        sizes,
    )
    return hairlines


def _add_excess(findings: Findings, frame: _Frame, excess: Geometries) -> Geometries:
    """Add what cells have outside their area, in another or in none; return the hairlines of each area."""
    pieces, row = _parts(excess)
    real = mean_width(pieces) > NOISE_WIDTH_M
    hairlines = _gather(pieces[~real], row[~real], len(excess))
    hits, cells = shapely.STRtree(frame.cells.polygons).query(pieces[real], predicate="intersects")
    suspects = np.unique(cells[frame.owner[cells] == row[real][hits]])
    homeless = np.flatnonzero((frame.owner < 0) & ~shapely.is_empty(frame.cells.polygons))
    own = frame.areas.polygons[frame.owner[suspects]]
    beyond = np.concatenate(
        [shapely.difference(frame.cells.polygons[suspects], own), frame.cells.polygons[homeless]]
    )
    cell = np.concatenate([suspects, homeless])
    beyond = polygonal(beyond)

    hits, areas = shapely.STRtree(frame.areas.polygons).query(beyond, predicate="intersects")
    crossing = _ground(shapely.intersection(beyond[hits], frame.areas.polygons[areas]))
    sizes = shapely.area(crossing)
    across = np.flatnonzero(sizes > 0)
    findings.add(
        "crossed_parent",
        list(frame.cells.labels[cell[hits[across]]]),
        [
            f"Cell {frame.cells.labels[k]} of area {frame.areas.labels[frame.owner[k]]} crosses into area "
            f"{frame.areas.labels[area]} by {metres2(size)}."
            for k, area, size in zip(cell[hits[across]], areas[across], sizes[across], strict=True)
        ],
        crossing[across],
        sizes[across],
    )
    for part in np.unique(hits):
        beyond[part] = shapely.difference(
            beyond[part], shapely.union_all(frame.areas.polygons[areas[hits == part]])
        )
    outside = _ground(beyond)
    sizes = shapely.area(outside)
    out = np.flatnonzero(sizes > 0)
    findings.add(
        "outside",
        list(frame.cells.labels[cell[out]]),
        [f"Cell {frame.cells.labels[cell[k]]} reaches {metres2(sizes[k])} beyond the areas." for k in out],
        outside[out],
        sizes[out],
    )
    return hairlines


def _add_hairlines(findings: Findings, frame: _Frame, missing: Geometries, excess: Geometries) -> None:
    """Add rounding noise along the border of an area by which its cells and it differ too much in all."""
    net = shapely.area(missing) - shapely.area(excess)
    for kind, pieces, sums in (("blank", missing, net), ("outside", excess, -net)):
        rows = np.flatnonzero(sums > TOLERANCE_M2)
        findings.add(
            kind,
            list(frame.areas.labels[rows]),
            [
                f"Hairlines along the border of area {frame.areas.labels[k]} sum to {metres2(sums[k])}; "
                f"at most {TOLERANCE_M2} m² may differ."
                for k in rows
            ],
            pieces[rows],
            sums[rows],
        )


def _gather(pieces: Geometries, row: NDArray[np.int64], count: int) -> Geometries:
    """Put the pieces of each of `count` rows together; `row` is ascending."""
    result = np.full(count, shapely.Polygon(), dtype=object)
    kept, first, number = np.unique(row, return_index=True, return_counts=True)
    for k, start, many in zip(kept, first, number, strict=True):
        result[k] = pieces[start] if many == 1 else shapely.multipolygons(pieces[start : start + many])
    return result


def _parts(polygons: Geometries) -> tuple[Geometries, NDArray[np.int64]]:
    """Return the polygons of each geometry and its row; empty ones vanish."""
    parts, row = shapely.get_parts(polygons, return_index=True)
    present = ~shapely.is_empty(parts)
    return parts[present], row[present]


def _ground(geometries: Geometries) -> Geometries:
    """Keep of each geometry the pieces that are wider than noise; empty where none is."""
    pieces, row = _parts(polygonal(geometries))
    real = mean_width(pieces) > NOISE_WIDTH_M
    return _gather(pieces[real], row[real], len(geometries))
