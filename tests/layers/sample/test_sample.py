"""The sample district: what makes it a district, and that its defects are those its manifest tells."""

import json
import shutil
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal

from gis import datum
from gis.areas import build_hierarchy, leaf_areas
from gis.china import in_gcj02_outline
from gis.conform import ConformInput, certify
from gis.crs import choose_working_crs, to_working_crs
from gis.divide import divide_square
from gis.errors import InputError
from gis.profiles import complete_record, load_profile
from gis.profiles.catalogues import ClassKey, load_catalogue
from layers.sample import District, SampleFiles, make_district, make_sample
from layers.sample.blocks import merge_regions
from layers.sample.code_tables import read_code_tables

TABLES = Path(__file__).parents[3] / "data"
SCALE = 0.12


@pytest.fixture(scope="module")
def district() -> District:
    return make_district(TABLES, scale=SCALE)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleFiles:
    return make_sample(tmp_path_factory.mktemp("sample"), tables=TABLES, scale=SCALE)


def level(areas: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    return areas[areas["level"] == name].reset_index(drop=True)


@pytest.mark.parametrize("name", ["town", "village"])
def test_each_level_is_a_coverage_in_both_reference_systems(district: District, name: str) -> None:
    areas = level(district.areas, name)
    assert shapely.coverage_is_valid(areas.geometry.to_numpy())
    assert shapely.coverage_is_valid(to_working_crs(areas).geometry.to_numpy())


def test_every_area_is_exactly_the_union_of_its_parts(district: District) -> None:
    areas = district.areas.set_index("code")
    for code, parts in district.areas[district.areas["parent"].notna()].groupby("parent"):
        union = shapely.union_all(parts.geometry.to_numpy())
        assert shapely.equals(union, areas.geometry[code])
        corners = {tuple(xy) for xy in shapely.get_coordinates(areas.geometry[code])}
        assert corners <= {tuple(xy) for xy in shapely.get_coordinates(parts.geometry.to_numpy())}


def test_areas_are_whole_valid_and_on_the_stored_grid(district: District) -> None:
    geometry = district.areas.geometry
    assert geometry.is_valid.all()
    assert set(geometry.geom_type) == {"Polygon"}
    xy = shapely.get_coordinates(geometry.to_numpy())
    assert (xy == np.round(xy, 7)).all()
    assert in_gcj02_outline(xy[:, 0], xy[:, 1]).all()
    assert to_working_crs(level(district.areas, "county")).area.sum() == pytest.approx(25e6 * SCALE, rel=1e-3)


def test_the_lake_is_a_hole_that_no_area_owns(district: District) -> None:
    county = level(district.areas, "county").geometry.iloc[0]
    lake = district.water.loc[district.water["class"] == "lake"].geometry.iloc[0]
    assert shapely.get_num_interior_rings(county) == 1
    assert not county.contains(lake.representative_point())


def test_codes_have_the_chinese_layout(district: District) -> None:
    for name, digits in (("county", 6), ("town", 9), ("village", 12)):
        areas = level(district.areas, name)
        assert areas["code"].str.fullmatch(rf"\d{{{digits}}}").all()
        if digits > 6:
            assert (areas["parent"] == areas["code"].str[:-3]).all()
    assert district.areas["code"].is_unique
    assert district.areas["name"].is_unique


def test_components_have_the_classes_and_codes_of_the_standard(district: District) -> None:
    components = district.components
    assert components["id"].is_unique
    assert components["id"].str.fullmatch(r"449901\d{11}").all()
    assert (components["id"].str[6:11] == components["class"]).all()
    catalogue = load_catalogue("gbt47678_5_2026")
    found = [catalogue[ClassKey("component", code)] for code in components["class"]]
    assert components["class_name"].tolist() == [each.name for each in found]
    assert components["group"].tolist() == [each.group for each in found]


def test_a_class_that_the_standard_lacks_is_refused(tmp_path: Path) -> None:
    shutil.copytree(TABLES, tmp_path / "tables")
    path = tmp_path / "tables" / "component_classes.csv"
    path.write_text("code,weight,shape\n01001,1,point\n01016,1,point\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"component_classes\.csv has the class '01016'"):
        read_code_tables(tmp_path / "tables")


def test_the_district_divided_by_the_standard_conforms_to_it(district: District) -> None:
    profile = load_profile("gbt47678")
    areas = leaf_areas(build_hierarchy(district.areas))
    crs = choose_working_crs(areas)
    cells = complete_record(divide_square(areas, size_m=100, profile=profile), profile, date(2026, 7, 1))
    certificate = certify(ConformInput(profile, cells, crs, areas=areas, ended={"449901001001999"}))
    state = {result.clause.key: result.state for result in certificate.results}
    assert {key for key, each in state.items() if each != "passed"} == {"whole_buildings", "levels"}
    assert certificate.conforms


def test_counts_follow_the_scale(district: District) -> None:
    assert len(district.households) == 100_000 * SCALE
    assert len(district.enterprises) == 20_000 * SCALE
    assert len(district.sensors) == 600 * SCALE
    assert len(district.components) == 5_000 * SCALE
    assert len(district.service_points) == round(40 * SCALE)
    assert len(level(district.areas, "village")) == pytest.approx(200 * SCALE, abs=2)
    assert 4_000 * SCALE < len(district.buildings) <= 8_000 * SCALE


def test_buildings_stand_apart_clear_of_roads_water_and_borders(district: District) -> None:
    shapes = district.buildings.geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    tree = shapely.STRtree(shapes)
    left, right = tree.query(shapes, predicate="intersects")
    assert (left == right).all()
    for layer in (district.roads, district.railway, district.water):
        assert tree.query(layer.geometry.to_numpy(), predicate="intersects").size == 0
    codes = district.buildings["area_code"].to_numpy()
    owner = district.areas.set_index("code").geometry.reindex(codes).to_numpy()
    assert shapely.contains_properly(owner, shapes).all()
    assert district.buildings["address"].is_unique


@pytest.mark.parametrize("layer", ["households", "enterprises", "service_points"])
def test_indoor_entities_are_inside_their_buildings(district: District, layer: str) -> None:
    frame = getattr(district, layer)
    building = district.buildings.set_index("building_id").geometry.reindex(frame["building_id"]).to_numpy()
    assert shapely.contains_properly(building, frame.geometry.to_numpy()).all()


@pytest.mark.parametrize("layer", ["households", "enterprises", "sensors", "components", "service_points"])
def test_entities_have_unique_ids_and_lie_in_the_district(district: District, layer: str) -> None:
    frame = getattr(district, layer)
    assert frame["id"].is_unique
    assert frame["kind"].nunique() == 1
    county = level(district.areas, "county").geometry.iloc[0]
    shapely.prepare(county)
    assert shapely.intersects(county, frame.geometry.to_numpy()).all()


def test_households_fit_their_floors(district: District) -> None:
    floors = district.buildings.set_index("building_id")["floors"].reindex(district.households["building_id"])
    assert (district.households["floor"].to_numpy() <= floors.to_numpy()).all()
    assert (district.households["floor"] >= 1).all()


def test_everything_is_marked_synthetic(district: District) -> None:
    frames = [value for value in vars(district).values() if isinstance(value, pd.DataFrame)]
    assert len(frames) == 13
    assert all(frame["synthetic"].all() for frame in frames)
    assert district.enterprises["name"].str.endswith("（示例）").all()
    assert district.officers["name"].str.endswith("（示例）").all()
    assert district.officers["phone"].str.fullmatch(r"000\d{8}").all()


def test_posts_and_visits_have_the_gaps_that_are_told(district: District) -> None:
    villages = level(district.areas, "village")["code"]
    leaders = district.officers.loc[district.officers["role"] == "leader", "area_code"]
    assert (~villages.isin(leaders)).sum() == district.left_empty["communities_without_leader"]
    backups = district.officers.loc[district.officers["rank"] == "B", "area_code"]
    assert (~villages.isin(backups)).sum() == district.left_empty["communities_without_backup"]
    unvisited = ~district.enterprises["id"].isin(district.visits["entity_id"])
    assert unvisited.sum() == district.left_empty["enterprises_left_out"]


def test_visits_are_made_by_officers_of_the_place_within_90_days(district: District) -> None:
    post = district.officers.set_index("officer_id")["area_code"].reindex(district.visits["officer_id"])
    assert (post.to_numpy() == district.visits["area_code"].to_numpy()).all()
    dates = pd.to_datetime(district.visits["date"])
    assert dates.max() == pd.Timestamp("2025-03-31")
    assert dates.min() == pd.Timestamp("2025-01-01")
    assert district.visits["visit_id"].is_unique


def test_the_same_seed_makes_the_same_district(district: District) -> None:
    again = make_district(TABLES, scale=SCALE)
    for name, frame in vars(district).items():
        if isinstance(frame, gpd.GeoDataFrame):
            assert_geodataframe_equal(frame, getattr(again, name))
            assert (frame.geometry.to_wkb() == getattr(again, name).geometry.to_wkb()).all()
        elif isinstance(frame, pd.DataFrame):
            pd.testing.assert_frame_equal(frame, getattr(again, name))


@pytest.mark.parametrize("seed", range(6))
def test_any_seed_and_size_makes_a_valid_district(seed: int) -> None:
    district = make_district(TABLES, seed=seed, scale=0.04 + 0.02 * seed)
    villages = level(district.areas, "village").geometry.to_numpy()
    assert shapely.coverage_is_valid(villages)
    assert shapely.is_valid(villages).all()
    assert len(level(district.areas, "town")) >= 2
    counts = district.defective["areas_torn.gpkg"].counts
    assert all(number > 0 for number in counts.values())


def test_files_hold_what_the_manifest_tells(sample: SampleFiles) -> None:
    manifest = json.loads(sample.manifest.read_text(encoding="utf-8"))
    assert manifest["counts"] == sample.counts
    assert manifest["defects"] == sample.defect_counts
    for layer, _ in pyogrio.list_layers(sample.district):
        assert pyogrio.read_info(sample.district, layer=layer)["features"] == sample.counts[layer]
    assert pyogrio.list_layers(sample.district)[0][0] == "areas"
    assert len(gpd.read_parquet(sample.households)) == sample.counts["households"]
    for table in (sample.enterprises, sample.officers, sample.visits):
        assert len(pd.read_csv(table)) == sample.counts[table.stem]
    for layer in (sample.areas, sample.sensors, sample.components, sample.service_points):
        assert pyogrio.read_info(layer)["features"] == sample.counts[layer.stem]
        assert pyogrio.read_info(layer)["crs"] == "EPSG:4326"
    assert not list(sample.folder.rglob(".draft*"))
    assert "SYNTHETIC" in sample.readme.read_text(encoding="utf-8")


def test_stored_areas_are_still_a_coverage(sample: SampleFiles, district: District) -> None:
    stored = gpd.read_file(sample.district, layer="areas")
    assert (stored.geometry.to_wkb() == district.areas.geometry.to_wkb()).all()


def test_the_gcj02_file_is_the_sound_one_shifted(sample: SampleFiles) -> None:
    shifted = pd.read_csv(sample.defects["enterprises_gcj02.csv"]).set_index("id")
    sound = pd.read_csv(sample.enterprises).set_index("id").loc[shifted.index]
    lon, lat = datum.convert_coordinates(
        shifted["lon"].to_numpy(), shifted["lat"].to_numpy(), source="gcj02", target="wgs84"
    )
    np.testing.assert_allclose(lon, sound["lon"], atol=2e-7)
    np.testing.assert_allclose(lat, sound["lat"], atol=2e-7)
    assert (np.abs(shifted["lon"] - sound["lon"]) > 1e-3).all()


def test_point_defects_are_those_told(sample: SampleFiles) -> None:
    counts = sample.defect_counts["sensors_defects.csv"]
    table = pd.read_csv(sample.defects["sensors_defects.csv"])
    county = gpd.read_file(sample.areas).query("level == 'county'").geometry.iloc[0]
    lon, lat = table["lon"].to_numpy(), table["lat"].to_numpy()
    assert table["lon"].isna().sum() == counts["empty"]
    assert ((lon == 0) & (lat == 0)).sum() == counts["zero"]
    assert (lat > 90).sum() == counts["out_of_range"]
    assert table["id"].duplicated().sum() == counts["duplicate_id"]
    within = shapely.contains_xy(county, lon, lat)
    assert (~within).sum() == counts["outside"] + counts["empty"] + counts["zero"] + counts["out_of_range"]
    swapped = pd.read_csv(sample.defects["households_swapped.csv"])
    assert shapely.contains_xy(county, swapped["lat"], swapped["lon"]).all()
    components = gpd.read_file(sample.defects["components_empty.geojson"])
    missing = components.geometry.isna() | components.geometry.is_empty
    assert missing.sum() == sum(sample.defect_counts["components_empty.geojson"].values())


def test_torn_areas_overlap_and_gape_as_often_as_told(sample: SampleFiles, district: District) -> None:
    counts = sample.defect_counts["areas_torn.gpkg"]
    torn = gpd.read_file(sample.defects["areas_torn.gpkg"])
    sound = level(district.areas, "village")
    changed = shapely.get_num_coordinates(torn.geometry.to_numpy()) != shapely.get_num_coordinates(
        sound.geometry.to_numpy()
    )
    assert changed.sum() == counts["unmatched_vertex"]
    metres = to_working_crs(torn)
    growth = (metres.area - to_working_crs(sound).area)[~changed]
    assert (growth > 20).sum() == counts["overlap"]
    assert (growth < -20).sum() == counts["blank"]
    assert torn.is_valid.all()
    assert not shapely.coverage_is_valid(torn.geometry.to_numpy())


def test_broken_areas_are_broken_as_told(sample: SampleFiles) -> None:
    broken = gpd.read_file(sample.defects["areas_broken.geojson"])
    assert broken["code"].duplicated().sum() == 1
    assert (~broken["parent"].dropna().isin(broken["code"])).sum() == 1
    assert (~broken.geometry.is_valid).sum() == 1
    assert (broken.geometry.isna() | broken.geometry.is_empty).sum() == 1


@pytest.mark.parametrize(("scale", "seed"), [(0.0, 1), (5.0, 1), (float("nan"), 1), (0.1, -1)])
def test_arguments_out_of_range_are_refused(scale: float, seed: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scale|seed"):
        make_sample(tmp_path / "none", tables=TABLES, scale=scale, seed=seed)
    assert not (tmp_path / "none").exists()


def test_missing_and_damaged_tables_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"place_names\.csv is missing"):
        make_district(tmp_path)
    for path in TABLES.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "sensor_kinds.csv").write_text(
        "code,name,weight,range_m,place\nX,x,many,1,road\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"positive numbers in 'weight'"):
        make_district(tmp_path)


def test_merging_regions_stops_at_the_count_or_where_nothing_touches() -> None:
    pairs = np.array([(0, 1), (1, 2), (3, 4)])
    labels = merge_regions(np.array([1.0, 5.0, 2.0, 1.0, 1.0]), pairs, np.ones(3), 1)
    assert labels.tolist() == [0, 0, 0, 1, 1]
    labels = merge_regions(np.array([1.0, 5.0, 2.0, 3.0, 3.0]), pairs, np.ones(3), 4)
    assert labels.tolist() == [0, 0, 1, 2, 3]
