"""How cells nest in their areas: blanks in no cell, cells beyond the areas or across their parent."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely

from gis.arrays import Geometries, IntArray, ObjectArray
from gis.codes import normalize_codes
from gis.faces.overlay import extract_polygons
from gis.topology.boundary_match import boundaries_match
from gis.topology.findings import FindingCollector, empty_to_none, format_area, join_codes
from gis.topology.overlaps_and_holes import find_touching, union_polygons
from gis.topology.polygon_layer import NOISE_WIDTH_M, PolygonLayer, area_tolerance, mean_width


def find_parents(polygons: Geometries, areas: PolygonLayer, named: ObjectArray) -> IntArray:
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
    area_of_polygon = np.array([row_of.get(code, -1) for code in named], dtype=np.int64)
    free = np.flatnonzero((area_of_polygon < 0) & ~shapely.is_empty(polygons))
    if not len(free):
        return area_of_polygon
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
    area_of_polygon[free[hits[best]]] = rows[best]
    return area_of_polygon


@dataclass(frozen=True, eq=False)
class _CellsInAreas:
    """The cells and areas being compared: `area_of_cell` is the row of each cell's area, or -1."""

    cells: PolygonLayer
    areas: PolygonLayer
    area_of_cell: IntArray


def add_nesting_findings(
    findings: FindingCollector,
    cells: PolygonLayer,
    areas: PolygonLayer,
    named: Any | None,
    *,
    coverage: bool,
    whole: bool = True,
) -> None:
    """Add blanks, ground outside and crossed areas, and hairlines if they sum to too much.

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
    whole
        Whether ground of areas in no cell is a fault.
    """
    codes = normalize_codes(named) if named is not None else np.full(len(cells), "", dtype=object)
    # NumPy would compare all pairs, as they are objects.
    unknown = np.flatnonzero((codes != "") & ~pd.Index(codes).isin(areas.codes[areas.codes != ""]))
    findings.add(
        "crossed_parent",
        list(cells.labels[unknown]),
        [
            f"Cell {cells.labels[k]} names the area '{codes[k]}', which is not among the areas."
            for k in unknown
        ],
        empty_to_none(cells.polygons[unknown]),
    )
    nesting = _CellsInAreas(cells, areas, find_parents(cells.polygons, areas, codes))
    missing, excess = _find_differences(nesting, coverage=coverage)
    beyond = _add_excess(findings, nesting, excess)
    if whole:
        _add_hairlines(findings, nesting, _add_missing(findings, nesting, missing), beyond)


def _find_differences(nesting: _CellsInAreas, *, coverage: bool) -> tuple[Geometries, Geometries]:
    """Return per area the ground its cells miss, and the ground they have beyond it."""
    order = np.argsort(nesting.area_of_cell, kind="stable")
    bounds = np.searchsorted(nesting.area_of_cell[order], np.arange(len(nesting.areas) + 1))
    united = np.empty(len(nesting.areas), dtype=object)
    for row in range(len(nesting.areas)):
        members = order[bounds[row] : bounds[row + 1]]
        united[row] = union_polygons(nesting.cells.polygons[members], coverage=coverage)
    areas = nesting.areas.polygons
    # Usually cells and area differ by rounding only, which an overlay of many vertices takes long to find.
    level = np.abs(shapely.area(areas) - shapely.area(united)) <= area_tolerance(areas)
    for row in np.flatnonzero(level).tolist():
        level[row] = boundaries_match(areas[row], united[row], NOISE_WIDTH_M / 10)
    missing, excess = (np.full(len(areas), shapely.Polygon(), dtype=object) for _ in range(2))
    missing[~level] = extract_polygons(shapely.difference(areas[~level], united[~level]))
    excess[~level] = extract_polygons(shapely.difference(united[~level], areas[~level]))
    return missing, excess


def _add_missing(findings: FindingCollector, nesting: _CellsInAreas, missing: Geometries) -> Geometries:
    """Add the ground of areas that no cell covers; return the hairlines of each area."""
    pieces, row = _explode(missing)
    real = mean_width(pieces) > NOISE_WIDTH_M
    hairlines = _collect_by_row(pieces[~real], row[~real], len(missing))
    pieces, row = pieces[real], row[real]
    # A cell of another area may lie there: that ground is crossed, not blank.
    hits, others = shapely.STRtree(nesting.cells.polygons).query(pieces, predicate="intersects")
    for piece in np.unique(hits):
        pieces[piece] = shapely.difference(
            pieces[piece], shapely.union_all(nesting.cells.polygons[others[hits == piece]])
        )
    uncovered, index = _explode(extract_polygons(pieces))
    row = row[index]
    real = mean_width(uncovered) > NOISE_WIDTH_M
    uncovered, row = uncovered[real], row[real]
    if not len(uncovered):
        return hairlines
    sizes = shapely.area(uncovered)
    labels = [
        join_codes(nesting.cells.labels[rows]) for rows in find_touching(uncovered, nesting.cells.polygons)
    ]
    findings.add(
        "blank",
        labels,
        [
            f"A blank of {format_area(size)} in area {nesting.areas.labels[area]}"
            + (f" beside cells {codes}." if codes else ".")
            for size, area, codes in zip(sizes, row, labels, strict=True)
        ],
        uncovered,
        sizes,
    )
    return hairlines


def _add_excess(findings: FindingCollector, nesting: _CellsInAreas, excess: Geometries) -> Geometries:
    """Add the ground of cells outside their area, in another or none; return the hairlines of each area."""
    pieces, row = _explode(excess)
    real = mean_width(pieces) > NOISE_WIDTH_M
    hairlines = _collect_by_row(pieces[~real], row[~real], len(excess))
    hits, cells = shapely.STRtree(nesting.cells.polygons).query(pieces[real], predicate="intersects")
    suspects = np.unique(cells[nesting.area_of_cell[cells] == row[real][hits]])
    without_area = np.flatnonzero((nesting.area_of_cell < 0) & ~shapely.is_empty(nesting.cells.polygons))
    own = nesting.areas.polygons[nesting.area_of_cell[suspects]]
    beyond = np.concatenate(
        [shapely.difference(nesting.cells.polygons[suspects], own), nesting.cells.polygons[without_area]]
    )
    cell = np.concatenate([suspects, without_area])
    beyond = extract_polygons(beyond)

    hits, areas = shapely.STRtree(nesting.areas.polygons).query(beyond, predicate="intersects")
    crossing = _drop_noise(shapely.intersection(beyond[hits], nesting.areas.polygons[areas]))
    sizes = shapely.area(crossing)
    across = np.flatnonzero(sizes > 0)
    findings.add(
        "crossed_parent",
        list(nesting.cells.labels[cell[hits[across]]]),
        [
            f"Cell {nesting.cells.labels[k]} of area {nesting.areas.labels[nesting.area_of_cell[k]]} "
            "crosses into area "
            f"{nesting.areas.labels[area]} by {format_area(size)}."
            for k, area, size in zip(cell[hits[across]], areas[across], sizes[across], strict=True)
        ],
        crossing[across],
        sizes[across],
    )
    for part in np.unique(hits):
        beyond[part] = shapely.difference(
            beyond[part], shapely.union_all(nesting.areas.polygons[areas[hits == part]])
        )
    outside = _drop_noise(beyond)
    sizes = shapely.area(outside)
    out = np.flatnonzero(sizes > 0)
    findings.add(
        "outside",
        list(nesting.cells.labels[cell[out]]),
        [
            f"Cell {nesting.cells.labels[cell[k]]} reaches {format_area(sizes[k])} beyond the areas."
            for k in out
        ],
        outside[out],
        sizes[out],
    )
    return hairlines


def _add_hairlines(
    findings: FindingCollector, nesting: _CellsInAreas, missing: Geometries, excess: Geometries
) -> None:
    """Add rounding noise along the border of an area whose total difference from its cells is too large."""
    net = shapely.area(missing) - shapely.area(excess)
    tolerance = area_tolerance(nesting.areas.polygons)
    for kind, pieces, sums in (("blank", missing, net), ("outside", excess, -net)):
        rows = np.flatnonzero(sums > tolerance)
        findings.add(
            kind,
            list(nesting.areas.labels[rows]),
            [
                f"Hairlines along the border of area {nesting.areas.labels[k]} "
                f"sum to {format_area(sums[k])}; "
                f"at most {format_area(tolerance[k])} may differ."
                for k in rows
            ],
            pieces[rows],
            sums[rows],
        )


def _collect_by_row(pieces: Geometries, row: IntArray, count: int) -> Geometries:
    """Put the pieces of each of `count` rows together; `row` is ascending."""
    result = np.full(count, shapely.Polygon(), dtype=object)
    kept, first, number = np.unique(row, return_index=True, return_counts=True)
    for k, start, many in zip(kept, first, number, strict=True):
        result[k] = pieces[start] if many == 1 else shapely.multipolygons(pieces[start : start + many])
    return result


def _explode(polygons: Geometries) -> tuple[Geometries, IntArray]:
    """Return the polygons of each geometry and its row; empty ones vanish."""
    parts, row = shapely.get_parts(polygons, return_index=True)
    present = ~shapely.is_empty(parts)
    return parts[present], row[present]


def _drop_noise(geometries: Geometries) -> Geometries:
    """Return the pieces of each geometry that are wider than noise; empty if none is."""
    pieces, row = _explode(extract_polygons(geometries))
    real = mean_width(pieces) > NOISE_WIDTH_M
    return _collect_by_row(pieces[real], row[real], len(geometries))
