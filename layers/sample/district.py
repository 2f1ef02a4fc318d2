"""The sample district as a whole: all its frames, generated in order from one seed."""

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.errors import InputError
from gis.progress import Progress, no_progress
from layers.sample import defects
from layers.sample.areas import make_areas
from layers.sample.blocks import make_blocks
from layers.sample.buildings import make_buildings
from layers.sample.city_plane import make_city_plane
from layers.sample.code_tables import read_code_tables
from layers.sample.entities import (
    make_components,
    make_enterprises,
    make_households,
    make_sensors,
    make_service_points,
)
from layers.sample.linework import draw_linework
from layers.sample.names import place_names
from layers.sample.officers import make_officers, make_visits
from layers.sample.roads import make_green, make_railway, make_roads, make_water

SEED = 20250101
"""The seed of the district that the demo shows."""

PROGRESS_STEPS = 8
"""The number of steps that `make_district` reports."""

MIN_SCALE, MAX_SCALE = 0.04, 4.0
"""Limits of the scale: a smaller district has no room for streets, a larger one exceeds its plain."""


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
    service_points
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
    defective: dict[str, defects.DefectiveLayer]
    left_empty: dict[str, int]


def make_district(
    tables: Path, *, seed: int = SEED, scale: float = 1.0, progress: Progress | None = None
) -> District:
    """Generate a synthetic district; the same arguments give the same district.

    Parameters
    ----------
    tables
        Folder of the code tables.
    seed
        Not negative.
    scale
        Size relative to the full district of 25 km², 200 communities, 8,000 buildings, 100,000 households and
        20,000 enterprises; 0.04 to 4.
    progress
        Called with steps done and `PROGRESS_STEPS`.

    Raises
    ------
    InputError
        If the scale or seed is out of range, or a code table cannot be used.
    """
    if not MIN_SCALE <= scale <= MAX_SCALE:
        raise InputError(f"The scale {scale:g} is not between {MIN_SCALE:g} and {MAX_SCALE:g}.")
    if seed < 0:
        raise InputError(f"The seed {seed} is negative; give 0 or more.")
    report_progress: Progress = progress if progress is not None else no_progress
    codes = read_code_tables(tables)
    # One random stream for each part, so that a change in one does not affect the others.
    rng = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(16)]
    report_progress(0, PROGRESS_STEPS)
    plane = make_city_plane(rng[0], scale)
    linework = draw_linework(plane, rng[1])
    blocks = make_blocks(linework)
    report_progress(1, PROGRESS_STEPS)
    areas, community = make_areas(blocks, plane, codes, scale, rng[2])
    report_progress(2, PROGRESS_STEPS)
    roads = make_roads(blocks, linework, codes, rng[3])
    code: np.ndarray[tuple[int], np.dtype[np.object_]] = areas["code"].to_numpy(dtype=object)
    buildings, empty = make_buildings(blocks, linework, plane, roads, code[community], scale, rng[4])
    report_progress(3, PROGRESS_STEPS)
    water_names = place_names(codes, 3, rng[5])
    households = make_households(buildings, scale, rng[6])
    report_progress(4, PROGRESS_STEPS)
    enterprises = make_enterprises(buildings, codes, str(areas["name"].iloc[0])[:2], scale, rng[7])
    sensors = make_sensors(buildings, blocks, linework, codes, scale, rng[8])
    components = make_components(blocks, linework, codes, scale, rng[9])
    service_points = make_service_points(buildings, areas, codes, scale, rng[10])
    report_progress(5, PROGRESS_STEPS)
    officers, posts = make_officers(areas, codes, rng[11])
    area_of = buildings.frame.set_index("building_id")["area_code"].reindex(enterprises["building_id"])
    visits, unvisited = make_visits(enterprises, area_of.to_numpy(dtype=object), officers, codes, rng[12])
    report_progress(6, PROGRESS_STEPS)
    defective = {
        "enterprises_gcj02.csv": defects.shift_to_gcj02(enterprises, max(20, round(2000 * scale))),
        "households_swapped.csv": defects.swap_axes(households, max(20, round(1000 * scale))),
        "sensors_defects.csv": defects.add_point_defects(sensors, areas, rng[13]),
        "components_empty.geojson": defects.add_empty_geometries(components, rng[14]),
        "areas_torn.gpkg": defects.add_topology_errors(areas, rng[15]),
        "areas_broken.geojson": defects.add_invalid_areas(areas),
    }
    report_progress(7, PROGRESS_STEPS)
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
        left_empty=posts | unvisited,
    )
    report_progress(8, PROGRESS_STEPS)
    return district
