"""The main job, once through, on the sample district: what `wangge demo` does and finds."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from gis.areas import hierarchy
from gis.areas import lowest
from gis.assign import AssignReport
from gis.assign import assign
from gis.datum import convert_geometry
from gis.divide import divide_square
from gis.doctor import Diagnosis
from gis.doctor import inspect
from gis.gaps import GapInput
from gis.gaps import Gaps
from gis.gaps import find_gaps
from gis.locate import PointLocator
from gis.measures import load
from gis.topology import Repair
from gis.topology import Report
from gis.topology import check
from gis.topology import repair
from layers.fields.columns import areas_from
from layers.fields.columns import cells_from
from layers.fields.columns import entities_from
from layers.formats import read_layer
from layers.formats import write_layer
from layers.formats import write_layers
from layers.maps import write_map
from layers.sample import SampleFiles
from layers.sample import make_sample

# The column of the cells in which the entities of a kind are counted.
LOADS = {
    "household": "households",
    "enterprise": "enterprises",
    "sensor": "sensors",
    "component": "components",
    "service_point": "service_points",
}
_DEFECT_FILES = ("enterprises_gcj02.csv", "households_swapped.csv", "sensors_defects.csv")


@dataclass(frozen=True)
class Demonstration:
    """What the demonstration made and found; paths are inside `folder`."""

    folder: Path
    sample: SampleFiles
    areas: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame
    check: Report
    accounts: dict[str, AssignReport]
    gaps: Gaps
    diagnoses: dict[str, Diagnosis]
    rescued: dict[str, AssignReport]
    defective: Report
    repaired: Repair
    map: Path


def timed(say: Callable[[str], None]) -> Callable[[str], None]:
    """Return `say` that puts the seconds since it spoke last before what it says."""
    last = time.perf_counter()

    def done(what: str) -> None:
        nonlocal last
        now = time.perf_counter()
        say(f"{now - last:5.1f} s  {what}")
        last = now

    return done


def demonstrate(
    folder: Path,
    tables: Path,
    *,
    say: Callable[[str], None],
    seed: int,
    scale: float = 1.0,
    size_m: float = 100.0,
    language: str = "zh",
) -> Demonstration:
    """Make the sample district, divide it, check it, assign everything, find the gaps, draw the map.

    Parameters
    ----------
    folder
        Where everything is written; made if missing, files of an earlier run are replaced.
    tables
        The folder of code tables.
    say
        Told each step when it is done, with the seconds it took.
    seed, scale
        Of the sample district.
    size_m
        Side of a cell.
    language
        Of the map, zh or en.
    """
    done = timed(say)
    folder.mkdir(parents=True, exist_ok=True)
    sample = make_sample(folder / "sample", tables=tables, seed=seed, scale=scale)
    done(f"sample district in {folder / 'sample'}")

    district = sample.district
    areas = hierarchy(areas_from(read_layer(district, role="areas")))
    cells = divide_square(areas, size_m=size_m)
    done(f"{len(lowest(areas)):,} communities divided into {len(cells):,} cells")

    verdict = check(cells, lowest(areas))
    done("checked: " + ("valid, no blank and no overlap" if verdict.valid else "NOT VALID"))

    assigned, accounts = _assign_all(sample, PointLocator(cells))
    for kind, column in LOADS.items():
        cells[column] = load(cells, assigned[kind])
    write_layer(folder / "cells.gpkg", cells, "cells")
    write_layers(folder / "assigned.gpkg", assigned)
    done(f"{sum(account.total for account in accounts.values()):,} entities assigned")

    entities = pd.concat(
        [frame[["id", "kind", "cell_code", "reason", "geometry"]] for frame in assigned.values()],
        ignore_index=True,
    )
    services = read_layer(sample.service_points, role="entities")
    gaps = find_gaps(GapInput(cells=cells, areas=areas, entities=entities, service_points=services))
    write_layer(folder / "gaps.gpkg", gaps.frame, "gaps")
    done(f"{len(gaps.frame):,} gaps found")

    diagnoses, rescued = {}, {}
    for name in _DEFECT_FILES:
        records, identity = entities_from(read_layer(sample.defects[name], role="entities"))
        diagnoses[name] = inspect(records, lowest(areas), id_field=identity)
        rescued[name] = assign(_as_judged(records, diagnoses[name]), cells).report
    broken = cells_from(read_layer(sample.defects["areas_torn.gpkg"], role="cells", own_crs=True))
    defective = check(broken, lowest(areas))
    mended = repair(broken, lowest(areas))
    write_layer(folder / "areas_repaired.gpkg", mended.cells, "areas")
    done("defective files inspected, defective areas repaired")

    picture = folder / "map.html"
    write_map(
        picture,
        cells,
        areas=areas,
        gaps=gaps.frame,
        layers={LOADS[kind]: assigned[kind] for kind in ("service_point", "sensor", "component")},
        base={
            kind: read_layer(district, role=kind)
            for kind in ("green", "water", "buildings", "railway", "roads")
        },
        synthetic=True,
        language=language,
    )
    done(f"map drawn in {picture}")
    return Demonstration(
        folder, sample, areas, cells, verdict, accounts, gaps, diagnoses, rescued, defective, mended, picture
    )


def _as_judged(records: gpd.GeoDataFrame, diagnosis: Diagnosis) -> gpd.GeoDataFrame:
    """Read the records as the doctor says they are meant."""
    geometries = records.geometry.to_numpy()
    if diagnosis.swapped:
        geometries = shapely.transform(geometries, lambda xy: xy[:, ::-1])
    geometries = convert_geometry(geometries, diagnosis.datum, "wgs84")
    return records.set_geometry(gpd.GeoSeries(geometries, index=records.index, crs=records.crs))


def _assign_all(
    sample: SampleFiles, locator: PointLocator
) -> tuple[dict[str, gpd.GeoDataFrame], dict[str, AssignReport]]:
    files = {
        "household": sample.households,
        "enterprise": sample.enterprises,
        "sensor": sample.sensors,
        "component": sample.components,
        "service_point": sample.service_points,
    }
    frames, accounts = {}, {}
    for kind, path in files.items():
        assignment = assign(entities_from(read_layer(path, role="entities"), kind=kind)[0], locator)
        frames[kind], accounts[kind] = assignment.frame, assignment.report
    return frames, accounts
