"""The sample district as a whole: all its frames, drawn in order from one seed, and its folder of files.

It strings the makers together; what each makes is told in the module named after it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.errors import InputError
from layers.sample import defects
from layers.sample.areas import make_areas
from layers.sample.blocks import cut_blocks
from layers.sample.buildings import make_buildings
from layers.sample.entities import (
    make_components,
    make_enterprises,
    make_households,
    make_sensors,
    make_service_points,
)
from layers.sample.files import write_layers, write_manifest, write_table, write_text
from layers.sample.ground import make_ground
from layers.sample.linework import draw_linework
from layers.sample.names import place_names
from layers.sample.officers import make_officers, make_visits
from layers.sample.roads import make_green, make_railway, make_roads, make_water
from layers.sample.tables import read_tables

Progress = Callable[[int, int], None]

SEED = 20250101
"""The seed of the district that the demo shows."""

SMALLEST, LARGEST = 0.04, 4.0
"""Limits of the scale: below, no street would have a community; above, the district leaves its zone's plain."""


@dataclass(frozen=True)
class District:
    """All frames of a sample district, in EPSG:4326.

    Attributes
    ----------
    areas, roads, railway, water, green, buildings
        The ground.
    households, enterprises, sensors, components, service_points
        The entities.
    officers, visits
        Plain tables.
    defective
        File name in the folder `defects` → damaged frame and its defects.
    posts
        What was left empty among posts and visits.
    """

    areas: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    railway: gpd.GeoDataFrame
    water: gpd.GeoDataFrame
    green: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    households: gpd.GeoDataFrame
    enterprises: gpd.GeoDataFrame
    sensors: gpd.GeoDataFrame
    components: gpd.GeoDataFrame
    service_points: gpd.GeoDataFrame
    officers: pd.DataFrame
    visits: pd.DataFrame
    defective: dict[str, defects.Defective]
    posts: dict[str, int]


@dataclass(frozen=True)
class SampleFiles:
    """Where the files of a sample district are, and how much is in them.

    Attributes
    ----------
    folder, manifest, readme
        The folder, its manifest.json and README.txt.
    district
        GeoPackage with all layers: areas, buildings, roads, railway, water, green and the entities.
    areas, households, enterprises, sensors, components, service_points, officers, visits
        One file per frame: GeoPackage, GeoParquet, CSV with lon and lat, GeoJSON, FlatGeobuf, GeoJSON, CSV, CSV.
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


def make_district(
    tables: Path, *, seed: int = SEED, scale: float = 1.0, progress: Progress | None = None
) -> District:
    """Draw a synthetic district; the same arguments give the same district.

    Parameters
    ----------
    tables
        Folder of the code tables.
    seed
        Not negative.
    scale
        Size against the full district of 25 km², 200 communities, 8,000 buildings, 100,000 households and
        20,000 enterprises; 0.04 to 4.
    progress
        Called with (done, total) steps.

    Raises
    ------
    InputError
        If the scale or seed is out of range, or a code table cannot be used.
    """
    if not SMALLEST <= scale <= LARGEST:
        raise InputError(f"The scale {scale:g} is not between {SMALLEST:g} and {LARGEST:g}.")
    if seed < 0:
        raise InputError(f"The seed {seed} is negative; give 0 or more.")
    steps = 8
    tell: Progress = progress if progress is not None else lambda done, total: None
    codes = read_tables(tables)
    # One stream per matter, so that a change to one maker leaves the others' output as it was.
    rng = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(16)]
    tell(0, steps)
    ground = make_ground(rng[0], scale)
    linework = draw_linework(ground, rng[1])
    blocks = cut_blocks(linework)
    tell(1, steps)
    areas, community = make_areas(blocks, ground, codes, scale, rng[2])
    tell(2, steps)
    roads = make_roads(blocks, linework, codes, rng[3])
    code: np.ndarray[tuple[int], np.dtype[np.object_]] = areas["code"].to_numpy(dtype=object)
    buildings, empty = make_buildings(blocks, linework, ground, roads, code[community], scale, rng[4])
    tell(3, steps)
    water_names = place_names(codes, 3, rng[5])
    households = make_households(buildings, scale, rng[6])
    tell(4, steps)
    enterprises = make_enterprises(buildings, codes, str(areas["name"].iloc[0])[:2], scale, rng[7])
    sensors = make_sensors(buildings, blocks, linework, codes, scale, rng[8])
    components = make_components(blocks, linework, codes, scale, rng[9])
    service_points = make_service_points(buildings, areas, codes, scale, rng[10])
    tell(5, steps)
    officers, posts = make_officers(areas, codes, rng[11])
    area_of = buildings.frame.set_index("building_id")["area_code"].reindex(enterprises["building_id"])
    visits, unvisited = make_visits(enterprises, area_of.to_numpy(dtype=object), officers, codes, rng[12])
    tell(6, steps)
    defective = {
        "enterprises_gcj02.csv": defects.in_gcj02(enterprises, max(20, round(2000 * scale))),
        "households_swapped.csv": defects.with_swapped_axes(households, max(20, round(1000 * scale))),
        "sensors_defects.csv": defects.with_point_defects(sensors, areas, rng[13]),
        "components_empty.geojson": defects.with_empty_geometries(components, rng[14]),
        "areas_torn.gpkg": defects.torn_areas(areas, rng[15]),
        "areas_broken.geojson": defects.broken_areas(areas),
    }
    tell(7, steps)
    district = District(
        areas=areas,
        roads=roads,
        railway=make_railway(blocks, str(water_names[0])),
        water=make_water(linework, str(water_names[1]), str(water_names[2])),
        green=make_green(blocks, linework, empty, codes, rng[5]),
        buildings=buildings.frame,
        households=households,
        enterprises=enterprises,
        sensors=sensors,
        components=components,
        service_points=service_points,
        officers=officers,
        visits=visits,
        defective=defective,
        posts=posts | unvisited,
    )
    tell(8, steps)
    return district


def make_sample(
    folder: Path, *, tables: Path, seed: int = SEED, scale: float = 1.0, progress: Progress | None = None
) -> SampleFiles:
    """Draw a synthetic district and write its files; see `make_district`.

    Parameters
    ----------
    folder
        Made if missing; files of an earlier sample in it are replaced.
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
        As `make_district`.
    """
    total = 11
    tell: Progress = progress if progress is not None else lambda done, total: None
    district = make_district(tables, seed=seed, scale=scale, progress=lambda done, _: tell(done, total))
    (folder / "defects").mkdir(parents=True, exist_ok=True)
    layers = {
        name: getattr(district, name)
        for name in (
            "areas buildings roads railway water green households enterprises sensors components service_points"
        ).split()
    }
    whole = write_layers(folder / "district.gpkg", layers)
    tell(9, total)
    single = {
        name: write_layers(folder / f"{name}{suffix}", {name: layers[name]})
        for name, suffix in {
            "areas": ".gpkg",
            "households": ".parquet",
            "sensors": ".geojson",
            "components": ".fgb",
            "service_points": ".geojson",
        }.items()
    }
    single["enterprises"] = write_table(folder / "enterprises.csv", defects.as_table(district.enterprises))
    single["officers"] = write_table(folder / "officers.csv", district.officers)
    single["visits"] = write_table(folder / "visits.csv", district.visits)
    tell(10, total)
    damaged = {name: _write_defective(folder / "defects" / name, found) for name, found in district.defective.items()}
    counts = {name: len(frame) for name, frame in layers.items()}
    counts |= {level: int((district.areas["level"] == level).sum()) for level in ("county", "town", "village")}
    counts |= {"officers": len(district.officers), "visits": len(district.visits)}
    defect_counts = {name: found.counts for name, found in district.defective.items()}
    manifest = {
        "synthetic": True,
        "seed": seed,
        "scale": scale,
        "crs": "EPSG:4326",
        "counts": counts,
        "defects": defect_counts,
        "left_empty": district.posts,
    }
    files = SampleFiles(
        folder=folder,
        manifest=write_manifest(folder / "manifest.json", manifest),
        readme=write_text(folder / "README.txt", _readme(seed, scale, counts)),
        district=whole,
        defects=damaged,
        counts=counts,
        defect_counts=defect_counts,
        **single,
    )
    tell(11, total)
    return files


def _write_defective(path: Path, defective: defects.Defective) -> Path:
    if isinstance(defective.frame, gpd.GeoDataFrame):
        return write_layers(path, {path.stem: defective.frame})
    return write_table(path, defective.frame)


def _readme(seed: int, scale: float, counts: dict[str, int]) -> str:
    lines = [
        "Sample district of Wangge. EVERYTHING HERE IS SYNTHETIC: no place, person, household, enterprise or",
        "device in it is real; the district's code 449901 belongs to no county, telephone numbers begin with 000,",
        "and invented names end in （示例）. Each record carries synthetic = true.",
        "",
        f"Made with seed {seed} and scale {scale:g}; longitude, latitude in WGS 84 (EPSG:4326).",
        "The files in defects/ are wrong on purpose; manifest.json tells how many defects of each kind they hold.",
        "",
        *(f"{name:15} {count:>8,}" for name, count in counts.items()),
        "",
    ]
    return "\n".join(lines)
