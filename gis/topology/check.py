"""The check whether cells are a coverage, and of what: every fault with its kind, ground, size and codes."""

from collections.abc import Callable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from gis.crs import LONLAT, to_lonlat
from gis.measures import accepted_crs
from gis.topology.findings import KINDS, Findings, join_codes, metres2, shown
from gis.topology.nesting import add_nesting
from gis.topology.overlaps_and_holes import around, enclosed, find_overlaps, find_unmatched, union
from gis.topology.polygon_layer import (
    NOISE_WIDTH_M,
    Geometries,
    Records,
    fault_spots,
    mean_width,
    read_records,
)

Progress = Callable[[int, int], None]
_STEPS = 5


@dataclass(frozen=True, eq=False)
class Report:
    """What a check found.

    Attributes
    ----------
    findings
        In EPSG:4326 with columns kind, severity ("error" or "warning"), codes (comma-joined, lowest
        first), area_m2, detail (one sentence), geometry (a polygon of ground, lines of unmatched edges, the
        point of an invalid spot, or None where a record has no geometry).
    crs
        The working CRS in which everything was measured.
    """

    findings: gpd.GeoDataFrame
    crs: CRS

    @property
    def valid(self) -> bool:
        """No finding is an error."""
        return not bool((self.findings["severity"] == "error").any())

    def of(self, kind: str) -> gpd.GeoDataFrame:
        """Return the findings of one kind."""
        return self.findings[self.findings["kind"] == kind].reset_index(drop=True)

    def summary(self) -> dict[str, dict[str, float]]:
        """Return per kind the count and the sum of area_m2, for JSON; every kind is there."""
        groups = self.findings.groupby("kind")["area_m2"].agg(["count", "sum"])
        return {
            kind: {
                "count": int(groups["count"].get(kind, 0)),
                "area_m2": round(float(groups["sum"].get(kind, 0.0)), 6),
            }
            for kind in KINDS
        }


def check(
    cells: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame | None = None,
    *,
    crs: CRS | None = None,
    sliver_width_m: float = 1.0,
    progress: Progress | None = None,
) -> Report:
    """Check whether cells are a valid coverage, and with areas whether they fill exactly these.

    Everything is measured in the working CRS. Cells given in longitude and latitude, the form in which
    ownership is decided, must be valid and share their borders in that form too.

    Parameters
    ----------
    cells
        With `code` and maybe `area_code`; geometry of any quality. In EPSG:4326, or in another CRS, from
        which it is projected straight into the working CRS.
    areas
        With `code`. Without areas every piece of ground that the cells enclose counts as blank; with areas
        all ground of the areas in no cell, and what the areas leave out (a lake, an enclave) is no blank.
    crs
        The working CRS; chosen from the extent of the areas, else of the cells, when not given.
    sliver_width_m
        A cell, or a piece of one, is a sliver when twice its area over its perimeter is less, in metres.
    progress
        Called with (steps done, steps).

    Returns
    -------
    Report
        Kinds: see `gis.topology.findings.KINDS`. Slivers and cells in several pieces are warnings.

    Raises
    ------
    InputError
        If `code` is missing, no CRS is named, or the extent is not on the globe.
    """
    working = accepted_crs(cells if areas is None else areas, crs)
    records = read_records(cells, working)
    tell = progress or _silent
    findings = Findings(working)
    _add_records(findings, records)
    _add_shapes(findings, records, sliver_width_m)
    tell(1, _STEPS)

    polygons = records.polygons
    invalid_edges = np.asarray(shapely.coverage_invalid_edges(polygons), dtype=object)
    suspects = ~(shapely.is_missing(invalid_edges) | shapely.is_empty(invalid_edges))
    coverage = not suspects.any()
    tell(2, _STEPS)
    if not coverage:
        _add_unshared(findings, records, invalid_edges, suspects)
    if CRS(cells.crs).is_geographic:
        _add_stored(findings, records, to_lonlat(cells), coverage=coverage)
    tell(3, _STEPS)

    holes = enclosed(union(polygons, coverage=coverage))
    if areas is None:
        _add_blanks(findings, records, holes)
        tell(4, _STEPS)
    else:
        ground = read_records(areas, working)
        # What the areas leave out is no blank, and neither is a hairline that is theirs.
        thin = holes[mean_width(holes) <= NOISE_WIDTH_M]
        _add_blanks(findings, records, thin[_mostly_in(thin, ground.polygons)])
        tell(4, _STEPS)
        given = cells["area_code"].to_numpy(dtype=object) if "area_code" in cells.columns else None
        add_nesting(findings, records, ground, given, coverage=coverage)
    tell(_STEPS, _STEPS)
    return Report(findings=findings.frame(), crs=working)


def _add_records(findings: Findings, records: Records) -> None:
    """Add what is wrong with records by themselves."""
    faulty = np.flatnonzero(records.faults != "")
    findings.add(
        "invalid",
        list(records.labels[faulty]),
        [f"The geometry of {records.name(row)} is invalid: {records.faults[row]}." for row in faulty],
        records.spots[faulty],
    )
    nameless = np.flatnonzero(records.codes == "")
    findings.add(
        "missing_code",
        list(records.labels[nameless]),
        [f"Record {row + 1} has no code." for row in nameless],
        shown(records.polygons[nameless]),
    )
    repeated = np.flatnonzero(records.repeated())
    findings.add(
        "duplicate_code",
        list(records.labels[repeated]),
        [
            f"Record {row + 1} has the code '{records.codes[row]}', which another record has too."
            for row in repeated
        ],
        shown(records.polygons[repeated]),
    )


def _add_shapes(findings: Findings, records: Records, sliver_width_m: float) -> None:
    """Add slivers and cells in several pieces."""
    parts, row = shapely.get_parts(records.polygons, return_index=True)
    width = mean_width(parts)
    thin = np.flatnonzero((width < sliver_width_m) & ~shapely.is_empty(parts))
    pieces = np.bincount(row, minlength=len(records))
    findings.add(
        "sliver",
        list(records.labels[row[thin]]),
        [
            f"{'A piece of cell' if pieces[row[k]] > 1 else 'Cell'} {records.labels[row[k]]} is only "
            f"{width[k]:.2g} m wide."
            for k in thin
        ],
        parts[thin],
        shapely.area(parts[thin]),
    )
    several = np.flatnonzero(pieces > 1)
    findings.add(
        "parts",
        list(records.labels[several]),
        [f"Cell {records.labels[k]} lies in {pieces[k]} pieces." for k in several],
        records.polygons[several],
        shapely.area(records.polygons[several]),
    )


def _add_unshared(
    findings: Findings, records: Records, invalid_edges: Geometries, suspects: NDArray[np.bool_]
) -> None:
    """Add overlaps and unmatched edges."""
    polygons, labels = records.polygons, records.labels
    overlaps = find_overlaps(polygons, suspects)
    sizes = shapely.area(overlaps.shared)
    findings.add(
        "overlap",
        [join_codes((labels[a], labels[b])) for a, b in zip(overlaps.first, overlaps.second, strict=True)],
        [
            f"Cells {labels[a]} and {labels[b]} overlap by {metres2(size)}."
            for a, b, size in zip(overlaps.first, overlaps.second, sizes, strict=True)
        ],
        overlaps.shared,
        sizes,
    )
    unmatched = find_unmatched(polygons, invalid_edges, overlaps)
    findings.add(
        "unmatched",
        [join_codes((labels[a], labels[b])) for a, b in zip(unmatched.first, unmatched.second, strict=True)],
        [
            f"Cells {labels[a]} and {labels[b]} run along each other without sharing their vertices."
            if a != b
            else f"Cell {labels[a]} runs along a neighbour without sharing its vertices."
            for a, b in zip(unmatched.first, unmatched.second, strict=True)
        ],
        unmatched.edges,
    )


def _add_stored(findings: Findings, records: Records, lonlat: gpd.GeoDataFrame, *, coverage: bool) -> None:
    """Add what is wrong in longitude and latitude only.

    Parameters
    ----------
    findings, records
        As elsewhere.
    lonlat
        The cells in EPSG:4326.
    coverage
        Whether the cells are a valid coverage in the working CRS; if not, they need not be one here.
    """
    stored = np.asarray(lonlat.geometry, dtype=object)
    sound = records.faults == ""
    broken = np.flatnonzero(sound & ~shapely.is_valid(stored))
    spots, reasons = fault_spots(stored[broken])
    findings.add(
        "invalid",
        list(records.labels[broken]),
        [
            f"The geometry of {records.name(row)} is invalid in longitude and latitude: {reason}."
            for row, reason in zip(broken, reasons, strict=True)
        ],
        gpd.GeoSeries(spots, crs=LONLAT).to_crs(records.crs),
    )
    if len(broken) or not coverage:
        return
    whole = stored.copy()
    whole[~sound] = shapely.Polygon()
    if shapely.coverage_is_valid(whole):
        return
    edges = np.asarray(shapely.coverage_invalid_edges(whole), dtype=object)
    suspects = np.flatnonzero(~shapely.is_empty(edges))
    first, second = suspects[shapely.STRtree(whole[suspects]).query(whole[suspects], predicate="overlaps")]
    alone = np.setdiff1d(suspects, first)
    first, second = np.append(first, alone), np.append(second, alone)
    once = first <= second
    first, second = first[once], second[once]
    labels = records.labels
    findings.add(
        "unmatched",
        [join_codes((labels[a], labels[b])) for a, b in zip(first, second, strict=True)],
        [
            f"In longitude and latitude a vertex of cell {labels[a]} gets across an edge of "
            f"{'a neighbour' if a == b else f'cell {labels[b]}'}, or the other way round."
            for a, b in zip(first, second, strict=True)
        ],
        gpd.GeoSeries(edges[first], crs=LONLAT).to_crs(records.crs),
    )


def _add_blanks(findings: Findings, records: Records, holes: Geometries) -> None:
    """Add enclosed ground that is in no cell."""
    sizes, widths = shapely.area(holes), mean_width(holes)
    neighbours = (
        [join_codes(records.labels[rows]) for rows in around(holes, records.polygons)] if len(holes) else []
    )
    findings.add(
        "blank",
        neighbours,
        [
            f"A blank of {metres2(size)} between cells {codes}."
            if width > NOISE_WIDTH_M
            else f"A hairline between cells {codes}: a vertex of one lies beside the edge of another."
            for size, width, codes in zip(sizes, widths, neighbours, strict=True)
        ],
        holes,
        sizes,
    )


def _mostly_in(holes: Geometries, areas: Geometries) -> NDArray[np.bool_]:
    """Tell which holes lie by more than half in areas."""
    hole, area = shapely.STRtree(areas).query(holes, predicate="intersects")
    shared = shapely.area(shapely.intersection(holes[hole], areas[area]))
    return np.asarray(np.bincount(hole, weights=shared, minlength=len(holes)) > shapely.area(holes) / 2)


def _silent(done: int, total: int) -> None:
    """Tell nobody."""
