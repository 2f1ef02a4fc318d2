"""The files of the demonstration: the main job on the sample district, from division to the map."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from api.demo.workload import add_workload
from gis.areas import build_hierarchy, leaf_areas
from gis.assign import AssignmentReport, assign_to_cells
from gis.datum import convert_geometries
from gis.divide import BlockDivision, divide_blocks, divide_square
from gis.doctor import Diagnosis, inspect_points
from gis.gaps import GapAnalysis, GapInput, GapSearchResult, find_gaps, gap_outcomes
from gis.locate import PointLocator
from gis.measures import count_keys, entity_load
from gis.profiles import complete_record
from gis.topology import RepairResult, TopologyReport, check_topology, repair_topology
from layers.fields.columns import standardise_areas, standardise_cells, standardise_entities
from layers.formats import read_layer, read_table, write_layer, write_layers
from layers.maps import write_html_map
from layers.sample import SampleFiles, make_sample
from layers.sample.code_tables import PROFILE, read_code_tables

_LINES = {"roads": "highway", "railway": "railway"}
# Layers that bound blocks, with the name under which a division knows their class.
_DEFECT_FILES = ("enterprises_gcj02.csv", "households_swapped.csv", "sensors_defects.csv")


@dataclass(frozen=True)
class DemoResult:
    """The results of the demonstration; paths are inside `folder`."""

    folder: Path
    sample: SampleFiles
    areas: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    blocks: BlockDivision
    check: TopologyReport
    assign_reports: dict[str, AssignmentReport]
    gaps: GapSearchResult
    diagnoses: dict[str, Diagnosis]
    corrected_reports: dict[str, AssignmentReport]
    defective: TopologyReport
    repaired: RepairResult
    map: Path


def with_timing(on_step: Callable[[str], None]) -> Callable[[str], None]:
    """Return an `on_step` that prefixes each step with the seconds since the last one."""
    last = time.perf_counter()

    def report_step(what: str) -> None:
        nonlocal last
        now = time.perf_counter()
        on_step(f"{now - last:5.1f} s  {what}")
        last = now

    return report_step


def run_demo(
    folder: Path,
    tables: Path,
    *,
    on_step: Callable[[str], None],
    seed: int,
    scale: float = 1.0,
    size_m: float = 100.0,
    language: str = "zh",
) -> DemoResult:
    """Create the sample district, divide it, check it, assign all entities, find the gaps, draw the map.

    Parameters
    ----------
    folder
        The output folder; created if missing, and files of an earlier run are replaced.
    tables
        The folder of code tables.
    on_step
        Called after each step with what was done and the seconds it took.
    seed, scale
        Of the sample district.
    size_m
        Side of a cell.
    language
        Of the map, zh or en.
    """
    report_step = with_timing(on_step)
    folder.mkdir(parents=True, exist_ok=True)
    sample = make_sample(folder / "sample", tables=tables, seed=seed, scale=scale)
    report_step(f"sample district in {folder / 'sample'}")

    district = sample.district
    areas = build_hierarchy(standardise_areas(read_layer(district, role="areas")))
    cells = divide_square(areas, size_m=size_m, profile=PROFILE)
    report_step(f"{len(leaf_areas(areas)):,} communities divided into {len(cells):,} cells")

    check_report = check_topology(cells, leaf_areas(areas))
    report_step("checked: " + ("valid, no blank and no overlap" if check_report.is_valid else "NOT VALID"))

    assigned, assign_reports = _assign_all(sample, PointLocator(cells))
    columns = count_keys()
    for kind, frame in assigned.items():
        cells[columns[kind]] = entity_load(cells, frame)
    cells = add_workload(
        complete_record(cells, PROFILE, date.today()),
        assigned["enterprise"],
        assigned["household"],
        read_table(sample.visits),
        read_code_tables(tables).risk_classes.set_index("risk")["interval_days"],
    )
    write_layer(folder / "cells.gpkg", cells, "cells")
    write_layers(folder / "assigned.gpkg", assigned)
    report_step(f"{sum(report.total for report in assign_reports.values()):,} entities assigned")

    blocks = _divide_streets(areas, district)
    write_layer(folder / "blocks.gpkg", blocks.cells, "blocks")
    report_step(f"{len(blocks.cells):,} blocks of streets, {len(blocks.cut):,} buildings cut")

    entities = pd.concat(
        [frame[["id", "kind", "cell_code", "reason", "geometry"]] for frame in assigned.values()],
        ignore_index=True,
    )
    services = read_layer(sample.service_points, role="entities")
    gaps = find_gaps(GapInput(cells=cells, areas=areas, entities=entities, service_points=services))
    write_layer(folder / "gaps.gpkg", gaps.frame, "gaps")
    report_step(f"{len(gaps.frame):,} gaps found")

    diagnoses, corrected_reports = {}, {}
    for name in _DEFECT_FILES:
        records, identity = standardise_entities(read_layer(sample.defects[name], role="entities"))
        diagnoses[name] = inspect_points(records, leaf_areas(areas), id_field=identity)
        corrected_reports[name] = assign_to_cells(_apply_diagnosis(records, diagnoses[name]), cells).report
    broken = standardise_cells(read_layer(sample.defects["areas_torn.gpkg"], role="cells", own_crs=True))
    defective = check_topology(broken, leaf_areas(areas))
    repaired = repair_topology(broken, leaf_areas(areas))
    write_layer(folder / "areas_repaired.gpkg", repaired.cells, "areas")
    report_step("defective files inspected, defective areas repaired")

    map_file = folder / "map.html"
    write_html_map(
        map_file,
        cells,
        areas=areas,
        gaps=gaps.frame,
        gap_analysis=GapAnalysis(gap_outcomes(gaps.summary()), date.today()),
        layers={columns[kind]: assigned[kind] for kind in ("service_point", "sensor", "component")},
        base={
            kind: read_layer(district, role=kind)
            for kind in ("green", "water", "buildings", "railway", "roads")
        },
        synthetic=True,
        language=language,
    )
    report_step(f"map drawn in {map_file}")
    return DemoResult(
        folder,
        sample,
        areas,
        cells,
        blocks,
        check_report,
        assign_reports,
        gaps,
        diagnoses,
        corrected_reports,
        defective,
        repaired,
        map_file,
    )


def _divide_streets(areas: gpd.GeoDataFrame, district: Path) -> BlockDivision:
    """Divide the communities along streets and railways, with all buildings kept whole."""
    lines = [read_layer(district, role=kind).rename(columns={"class": tag}) for kind, tag in _LINES.items()]
    return divide_blocks(
        areas, gpd.GeoDataFrame(pd.concat(lines)), keep=read_layer(district, role="buildings")
    )


def _apply_diagnosis(records: gpd.GeoDataFrame, diagnosis: Diagnosis) -> gpd.GeoDataFrame:
    """Convert the records according to the diagnosis."""
    geometries = records.geometry.to_numpy()
    if diagnosis.swapped:
        geometries = shapely.transform(geometries, lambda xy: xy[:, ::-1])
    geometries = convert_geometries(geometries, diagnosis.datum, "wgs84")
    return records.set_geometry(gpd.GeoSeries(geometries, index=records.index, crs=records.crs))


def _assign_all(
    sample: SampleFiles, locator: PointLocator
) -> tuple[dict[str, gpd.GeoDataFrame], dict[str, AssignmentReport]]:
    files = {
        "household": sample.households,
        "enterprise": sample.enterprises,
        "sensor": sample.sensors,
        "component": sample.components,
        "service_point": sample.service_points,
    }
    frames, reports = {}, {}
    for kind, path in files.items():
        assignment = assign_to_cells(
            standardise_entities(read_layer(path, role="entities"), kind=kind)[0], locator
        )
        frames[kind], reports[kind] = assignment.frame, assignment.report
    return frames, reports
