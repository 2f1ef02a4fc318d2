"""The check whether cells are a coverage, and of what: findings with kind, geometry, size and codes."""

from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gis.arrays import BoolArray, Geometries
from gis.crs import LONLAT, to_lonlat
from gis.measures import resolve_working_crs
from gis.progress import Progress, no_progress
from gis.topology.findings import FINDING_KINDS, FindingCollector, empty_to_none, format_area, join_codes
from gis.topology.nesting import add_nesting_findings
from gis.topology.open_blanks import (
    NO_OPEN_BLANKS,
    OPEN_BLANK_WIDTH_M,
    OpenBlanks,
    find_open_blanks,
)
from gis.topology.overlaps_and_holes import (
    find_holes,
    find_overlaps,
    find_touching,
    find_unmatched_edges,
    union_polygons,
)
from gis.topology.polygon_layer import (
    NOISE_WIDTH_M,
    PolygonLayer,
    explain_invalid,
    mean_width,
    read_polygon_layer,
)

_STEPS = 5


@dataclass(frozen=True, eq=False)
class TopologyReport:
    """The result of a check.

    Attributes
    ----------
    findings
        In EPSG:4326 with columns kind, severity ("error" or "warning"), codes (comma-joined, lowest
        first), area_m2, detail (one sentence), geometry (a polygon of ground, lines of unmatched edges, the
        point of an invalidity, or None where a record has no geometry).
    crs
        The working CRS in which everything was measured.
    open_blanks
        The narrow ground between two cells that is open at an end, in the working CRS; none with areas.
    kinds
        Every kind of finding that was looked for, in the order of the report.
    """

    findings: gpd.GeoDataFrame
    crs: CRS
    open_blanks: OpenBlanks = NO_OPEN_BLANKS
    kinds: tuple[str, ...] = FINDING_KINDS

    @property
    def is_valid(self) -> bool:
        """No finding is an error."""
        return not bool((self.findings["severity"] == "error").any())

    def of_kind(self, kind: str) -> gpd.GeoDataFrame:
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
            for kind in self.kinds
        }

    def extended(self, findings: gpd.GeoDataFrame, kinds: tuple[str, ...]) -> "TopologyReport":
        """Return the report with the findings of another check, of kinds of its own, after these."""
        filled = [frame for frame in (self.findings, findings) if len(frame)]
        both = gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=LONLAT) if filled else findings
        return replace(self, findings=both, kinds=(*self.kinds, *kinds))


def check_topology(
    cells: gpd.GeoDataFrame,
    areas: gpd.GeoDataFrame | None = None,
    *,
    crs: CRS | None = None,
    sliver_width_m: float = OPEN_BLANK_WIDTH_M,
    whole: bool = True,
    progress: Progress | None = None,
) -> TopologyReport:
    """Check whether cells are a valid coverage, and with areas whether they fill exactly these.

    Everything is measured in the working CRS. Cells given in longitude and latitude, the form in which
    ownership is decided, must also be valid and share their borders in that form.

    Parameters
    ----------
    cells
        With `code` and maybe `area_code`; geometry of any quality. In EPSG:4326, or in another CRS, from
        which it is projected straight into the working CRS.
    areas
        With `code`. Without areas all ground that the cells enclose counts as blank; with areas all ground of
        the areas that is in no cell, and what the areas leave out (a lake, an enclave) is no blank.
    crs
        The working CRS; chosen from the extent of the areas, else of the cells, when not given.
    sliver_width_m
        A cell, or a piece of one, is a sliver when twice its area over its perimeter is less, in metres.
        Without areas, ground between two cells that is open at an end is a blank if it is no wider.
    whole
        The cells are meant to leave nothing blank; if not, ground in no cell is no fault.
    progress
        Called with (steps done, steps).

    Returns
    -------
    TopologyReport
        Kinds: see `gis.topology.findings.FINDING_KINDS`. Slivers and cells in several pieces are warnings.

    Raises
    ------
    InputError
        If `code` is missing, no CRS is named, or the extent is not on the globe.
    """
    working = resolve_working_crs(cells if areas is None else areas, crs)
    cell_layer = read_polygon_layer(cells, working)
    report_progress = progress or no_progress
    findings = FindingCollector(working)
    _add_feature_faults(findings, cell_layer)
    _add_slivers_and_multiparts(findings, cell_layer, sliver_width_m)
    report_progress(1, _STEPS)

    polygons = cell_layer.polygons
    invalid_edges = np.asarray(shapely.coverage_invalid_edges(polygons), dtype=object)
    suspects = ~(shapely.is_missing(invalid_edges) | shapely.is_empty(invalid_edges))
    coverage = not suspects.any()
    report_progress(2, _STEPS)
    if not coverage:
        _add_overlaps_and_unmatched(findings, cell_layer, invalid_edges, suspects)
    if CRS(cells.crs).is_geographic:
        _add_lonlat_faults(findings, cell_layer, to_lonlat(cells), coverage=coverage)
    report_progress(3, _STEPS)

    open_blanks, area_layer = NO_OPEN_BLANKS, None if areas is None else read_polygon_layer(areas, working)
    if whole:
        united = union_polygons(polygons, coverage=coverage)
        holes = find_holes(united)
        if area_layer is None:
            open_blanks = find_open_blanks(polygons, united, sliver_width_m)
            _add_blanks(findings, cell_layer, holes)
            _add_open_blanks(findings, cell_layer, open_blanks, holes)
        else:
            # What the areas leave out is no blank, and neither is a hairline that the areas have themselves.
            hairlines = holes[mean_width(holes) <= NOISE_WIDTH_M]
            _add_blanks(findings, cell_layer, hairlines[_is_mostly_inside(hairlines, area_layer.polygons)])
    report_progress(4, _STEPS)
    if area_layer is not None:
        named_areas = cells["area_code"].to_numpy(dtype=object) if "area_code" in cells.columns else None
        add_nesting_findings(findings, cell_layer, area_layer, named_areas, coverage=coverage, whole=whole)
    report_progress(_STEPS, _STEPS)
    kinds = tuple(kind for kind in FINDING_KINDS if whole or kind != "blank")
    return TopologyReport(findings.to_frame(), working, open_blanks, kinds)


def _add_feature_faults(findings: FindingCollector, cell_layer: PolygonLayer) -> None:
    """Add the faults of single records."""
    faulty = np.flatnonzero(cell_layer.faults != "")
    findings.add(
        "invalid",
        list(cell_layer.labels[faulty]),
        [
            f"The geometry of {cell_layer.describe(row)} is invalid: {cell_layer.faults[row]}."
            for row in faulty
        ],
        cell_layer.fault_points[faulty],
    )
    nameless = np.flatnonzero(cell_layer.codes == "")
    findings.add(
        "missing_code",
        list(cell_layer.labels[nameless]),
        [f"Record {row + 1} has no code." for row in nameless],
        empty_to_none(cell_layer.polygons[nameless]),
    )
    repeated = np.flatnonzero(cell_layer.has_duplicate_code())
    findings.add(
        "duplicate_code",
        list(cell_layer.labels[repeated]),
        [
            f"Record {row + 1} has the code '{cell_layer.codes[row]}', which another record has too."
            for row in repeated
        ],
        empty_to_none(cell_layer.polygons[repeated]),
    )


def _add_slivers_and_multiparts(
    findings: FindingCollector, cell_layer: PolygonLayer, sliver_width_m: float
) -> None:
    """Add slivers and cells in several pieces."""
    parts, row = shapely.get_parts(cell_layer.polygons, return_index=True)
    width = mean_width(parts)
    thin = np.flatnonzero((width < sliver_width_m) & ~shapely.is_empty(parts))
    pieces = np.bincount(row, minlength=len(cell_layer))
    findings.add(
        "sliver",
        list(cell_layer.labels[row[thin]]),
        [
            f"{'A piece of cell' if pieces[row[k]] > 1 else 'Cell'} {cell_layer.labels[row[k]]} is only "
            f"{width[k]:.2g} m wide."
            for k in thin
        ],
        parts[thin],
        shapely.area(parts[thin]),
    )
    several = np.flatnonzero(pieces > 1)
    findings.add(
        "parts",
        list(cell_layer.labels[several]),
        [f"Cell {cell_layer.labels[k]} lies in {pieces[k]} pieces." for k in several],
        cell_layer.polygons[several],
        shapely.area(cell_layer.polygons[several]),
    )


def _add_overlaps_and_unmatched(
    findings: FindingCollector,
    cell_layer: PolygonLayer,
    invalid_edges: Geometries,
    suspects: BoolArray,
) -> None:
    """Add overlaps and unmatched edges."""
    polygons, labels = cell_layer.polygons, cell_layer.labels
    overlaps = find_overlaps(polygons, suspects)
    sizes = shapely.area(overlaps.intersections)
    findings.add(
        "overlap",
        [join_codes((labels[a], labels[b])) for a, b in zip(overlaps.first, overlaps.second, strict=True)],
        [
            f"Cells {labels[a]} and {labels[b]} overlap by {format_area(size)}."
            for a, b, size in zip(overlaps.first, overlaps.second, sizes, strict=True)
        ],
        overlaps.intersections,
        sizes,
    )
    unmatched = find_unmatched_edges(polygons, invalid_edges, overlaps)
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


def _add_lonlat_faults(
    findings: FindingCollector, cell_layer: PolygonLayer, lonlat: gpd.GeoDataFrame, *, coverage: bool
) -> None:
    """Add faults that exist in longitude and latitude only.

    Parameters
    ----------
    findings, cell_layer
        As elsewhere.
    lonlat
        The cells in EPSG:4326.
    coverage
        Whether the cells are a valid coverage in the working CRS; if not, this is not checked here.
    """
    geometries = np.asarray(lonlat.geometry, dtype=object)
    is_valid = cell_layer.faults == ""
    broken = np.flatnonzero(is_valid & ~shapely.is_valid(geometries))
    points, reasons = explain_invalid(geometries[broken])
    findings.add(
        "invalid",
        list(cell_layer.labels[broken]),
        [
            f"The geometry of {cell_layer.describe(row)} is invalid in longitude and latitude: {reason}."
            for row, reason in zip(broken, reasons, strict=True)
        ],
        gpd.GeoSeries(points, crs=LONLAT).to_crs(cell_layer.crs),
    )
    if len(broken) or not coverage:
        return
    whole = geometries.copy()
    whole[~is_valid] = shapely.Polygon()
    if shapely.coverage_is_valid(whole):
        return
    edges = np.asarray(shapely.coverage_invalid_edges(whole), dtype=object)
    suspects = np.flatnonzero(~shapely.is_empty(edges))
    first, second = suspects[shapely.STRtree(whole[suspects]).query(whole[suspects], predicate="overlaps")]
    alone = np.setdiff1d(suspects, first)
    first, second = np.append(first, alone), np.append(second, alone)
    once = first <= second
    first, second = first[once], second[once]
    labels = cell_layer.labels
    findings.add(
        "unmatched",
        [join_codes((labels[a], labels[b])) for a, b in zip(first, second, strict=True)],
        [
            f"In longitude and latitude a vertex of cell {labels[a]} gets across an edge of "
            f"{'a neighbour' if a == b else f'cell {labels[b]}'}, or the other way round."
            for a, b in zip(first, second, strict=True)
        ],
        gpd.GeoSeries(edges[first], crs=LONLAT).to_crs(cell_layer.crs),
    )


def _add_blanks(findings: FindingCollector, cell_layer: PolygonLayer, holes: Geometries) -> None:
    """Add enclosed ground that is in no cell."""
    sizes, widths = shapely.area(holes), mean_width(holes)
    neighbours = (
        [join_codes(cell_layer.labels[rows]) for rows in find_touching(holes, cell_layer.polygons)]
        if len(holes)
        else []
    )
    findings.add(
        "blank",
        neighbours,
        [
            f"A blank of {format_area(size)} between cells {codes}."
            if width > NOISE_WIDTH_M
            else f"A hairline between cells {codes}: a vertex of one lies beside the edge of another."
            for size, width, codes in zip(sizes, widths, neighbours, strict=True)
        ],
        holes,
        sizes,
    )


def _add_open_blanks(
    findings: FindingCollector, cell_layer: PolygonLayer, open_blanks: OpenBlanks, holes: Geometries
) -> None:
    """Add narrow ground between two cells that is open at an end; what lies in a hole is part of a blank."""
    enclosed = shapely.STRtree(holes).query(
        shapely.point_on_surface(open_blanks.polygons), predicate="intersects"
    )[0]
    rows = np.setdiff1d(np.arange(len(open_blanks.polygons)), enclosed)
    labels = cell_layer.labels
    first, second = labels[open_blanks.first[rows]], labels[open_blanks.second[rows]]
    sizes = shapely.area(open_blanks.polygons[rows])
    findings.add(
        "blank",
        [join_codes(pair) for pair in zip(first, second, strict=True)],
        [
            f"A blank of {format_area(size)} between "
            + (f"cells {a} and {b}" if a != b else f"two parts of cell {a}")
            + f", up to {width:.2g} m wide and open at its end."
            for a, b, size, width in zip(first, second, sizes, open_blanks.width_m[rows], strict=True)
        ],
        open_blanks.polygons[rows],
        sizes,
    )


def _is_mostly_inside(holes: Geometries, areas: Geometries) -> BoolArray:
    """Return which holes lie by more than half in areas."""
    hole, area = shapely.STRtree(areas).query(holes, predicate="intersects")
    shared = shapely.area(shapely.intersection(holes[hole], areas[area]))
    return np.asarray(np.bincount(hole, weights=shared, minlength=len(holes)) > shapely.area(holes) / 2)
