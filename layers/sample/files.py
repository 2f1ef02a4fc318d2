"""The files of the sample district, with a manifest of their contents."""

import json
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd

from gis.progress import Progress
from layers.formats import write_layer, write_layers, write_table, write_text
from layers.sample.defects import DefectiveLayer, as_table
from layers.sample.district import PROGRESS_STEPS, SEED, make_district

LAYERS = (
    "areas",
    "buildings",
    "roads",
    "railway",
    "water",
    "green",
    "households",
    "enterprises",
    "sensors",
    "components",
    "service_points",
)
"""Layers of district.gpkg, in their order in the file."""


@dataclass(frozen=True)
class SampleFiles:
    """The paths of the files of a sample district, and the numbers of records.

    Attributes
    ----------
    folder, manifest, readme
        The folder, its manifest.json and README.txt.
    district
        GeoPackage with all layers: areas, buildings, roads, railway, water, green and the entities.
    areas, households, enterprises, sensors, components, service_points, officers, visits
        One file per frame, of several formats; CSV files have lon and lat.
    defects
        File name → path of the files with defects.
    counts
        Records per layer, streets and communities apart.
    defect_counts
        File name → kind of defect → how many.
    """

    folder: Path
    manifest: Path
    readme: Path
    district: Path
    areas: Path
    households: Path
    enterprises: Path
    sensors: Path
    components: Path
    service_points: Path
    officers: Path
    visits: Path
    defects: dict[str, Path]
    counts: dict[str, int]
    defect_counts: dict[str, dict[str, int]]


def make_sample(
    folder: Path, *, tables: Path, seed: int = SEED, scale: float = 1.0, progress: Progress | None = None
) -> SampleFiles:
    """Generate a synthetic district and write its files; see `layers.sample.district.make_district`.

    Parameters
    ----------
    folder
        Created if missing; files of an earlier sample in it are replaced.
    tables, seed, scale
        As for `make_district`.
    progress
        Called with (done, total) steps.

    Returns
    -------
    SampleFiles
        Paths and counts.

    Raises
    ------
    InputError
        As `make_district`, or if a file cannot be written.
    """

    def report_progress(done: int) -> None:
        if progress is not None:
            progress(done, PROGRESS_STEPS + 3)

    district = make_district(tables, seed=seed, scale=scale, progress=lambda done, _: report_progress(done))
    (folder / "defects").mkdir(parents=True, exist_ok=True)
    layers: dict[str, gpd.GeoDataFrame] = {name: getattr(district, name) for name in LAYERS}
    counts = {name: len(frame) for name, frame in layers.items()}
    counts |= {
        level: int((district.areas["level"] == level).sum()) for level in ("county", "town", "village")
    }
    counts |= {"officers": len(district.officers), "visits": len(district.visits)}
    files = SampleFiles(
        folder=folder,
        manifest=folder / "manifest.json",
        readme=folder / "README.txt",
        district=folder / "district.gpkg",
        areas=folder / "areas.gpkg",
        households=folder / "households.parquet",
        enterprises=folder / "enterprises.csv",
        sensors=folder / "sensors.geojson",
        components=folder / "components.fgb",
        service_points=folder / "service_points.geojson",
        officers=folder / "officers.csv",
        visits=folder / "visits.csv",
        defects={name: folder / "defects" / name for name in district.defective},
        counts=counts,
        defect_counts={name: found.counts for name, found in district.defective.items()},
    )
    write_layers(files.district, layers)
    report_progress(PROGRESS_STEPS + 1)
    for path in (files.areas, files.households, files.sensors, files.components, files.service_points):
        write_layer(path, layers[path.stem], path.stem)
    write_table(files.enterprises, as_table(district.enterprises))
    write_table(files.officers, district.officers)
    write_table(files.visits, district.visits)
    report_progress(PROGRESS_STEPS + 2)
    for name, path in files.defects.items():
        _write_defective(path, district.defective[name])
    manifest = {
        "synthetic": True,
        "seed": seed,
        "scale": scale,
        "crs": "EPSG:4326",
        "counts": counts,
        "defects": files.defect_counts,
        "left_empty": district.left_empty,
    }
    write_text(files.manifest, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    write_text(files.readme, _readme(seed, scale, counts))
    report_progress(PROGRESS_STEPS + 3)
    return files


def _write_defective(path: Path, defective: DefectiveLayer) -> None:
    if isinstance(defective.frame, gpd.GeoDataFrame):
        write_layer(path, defective.frame, path.stem)
    else:
        write_table(path, defective.frame)


def _readme(seed: int, scale: float, counts: dict[str, int]) -> str:
    lines = [
        "Sample district of Wangge. EVERYTHING HERE IS SYNTHETIC: no place, person, household, enterprise or",
        "device in it is real; the district's code 449901 belongs to no county, telephone numbers begin with",
        "000, and invented names end in （示例）. Each record carries synthetic = true.",
        "",
        f"Made with seed {seed} and scale {scale:g}; longitude, latitude in WGS 84 (EPSG:4326).",
        "The files in defects/ are wrong on purpose; manifest.json counts their defects by kind.",
        "Where a vertex is unmatched (areas_torn.gpkg) a sliver gapes or overlaps beside it; the lake, which",
        "the areas leave out, is a blank only where no areas are given.",
        "",
        *(f"{name:15} {count:>8,}" for name, count in counts.items()),
        "",
    ]
    return "\n".join(lines)
