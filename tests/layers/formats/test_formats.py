"""Files come back as they went in, appear whole or not at all, and bad ones are told in one sentence."""

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis.crs import LONLAT
from gis.errors import InputError
from layers.formats import (
    WRITABLE_EXTENSIONS,
    atomic_write,
    output_format,
    read_layer,
    read_table,
    write_layer,
    write_layers,
)


def frame(**columns: list[object]) -> gpd.GeoDataFrame:
    geometry = [shapely.box(i / 10, 0, (i + 1) / 10, 0.1) for i in range(3)]
    data = {"code": ["001", "网格2", "c"], "households": [1, 2, 3], "share": [0.5, 1 / 3, 0.25], **columns}
    return gpd.GeoDataFrame(data, geometry=geometry, crs=LONLAT)


@pytest.mark.parametrize("suffix", WRITABLE_EXTENSIONS)
def test_every_writable_format_gives_back_records_fields_and_coordinates(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cells{suffix}"
    wrote = frame()
    assert write_layer(path, wrote) == []
    read = read_layer(path, role="cells")
    assert read.crs == LONLAT
    assert list(read["code"]) == list(wrote["code"])
    assert list(read["households"]) == [1, 2, 3]
    assert list(read["share"]) == pytest.approx(list(wrote["share"]), abs=1e-15)
    assert shapely.equals(read.geometry.values, wrote.geometry.values).all()
    assert [each.name for each in tmp_path.iterdir() if each.suffix == suffix] == [path.name]


@pytest.mark.parametrize("suffix", WRITABLE_EXTENSIONS)
def test_records_without_fields_are_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"shapes{suffix}"
    wrote = frame()[["geometry"]]
    assert write_layer(path, wrote) == []
    read = read_layer(path, role="cells").geometry.normalize()
    assert read.geom_equals_exact(wrote.geometry.normalize(), 1e-9).all()


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".parquet", ".fgb", ".shp", ".csv"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lon=st.floats(-180, 180, allow_nan=False),
    lat=st.floats(-90, 90, allow_nan=False),
)
def test_coordinates_survive_to_the_last_digit(tmp_path: Path, suffix: str, lon: float, lat: float) -> None:
    path = tmp_path / f"points{suffix}"
    write_layer(path, gpd.GeoDataFrame({"id": ["a"]}, geometry=[shapely.Point(lon, lat)], crs=LONLAT))
    point = read_layer(path, role="entities").geometry.iat[0]
    assert (point.x, point.y) == (lon, lat)


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".parquet", ".fgb", ".shp", ".csv"])
def test_records_without_geometry_stay(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"entities{suffix}"
    points = [shapely.Point(1, 2), None, shapely.Point(3, 4)]
    write_layer(path, gpd.GeoDataFrame({"id": ["a", "b", "c"]}, geometry=points, crs=LONLAT))
    read = read_layer(path, role="entities")
    assert list(read["id"]) == ["a", "b", "c"]
    assert list(read.geometry.isna()) == [False, True, False]


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".parquet", ".fgb", ".shp", ".csv"])
def test_an_empty_layer_can_be_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"findings{suffix}"
    write_layer(path, frame().iloc[:0])
    assert path.exists()


def test_a_geopackage_holds_several_layers_and_the_role_picks_one(tmp_path: Path) -> None:
    path = tmp_path / "district.gpkg"
    write_layers(path, {"areas": frame(), "cells": frame().iloc[:2]})
    assert len(read_layer(path, role="areas")) == 3
    assert len(read_layer(path, role="cells")) == 2
    with pytest.raises(InputError, match=r"several layers \(areas, cells\)"):
        read_layer(path, role="entities")
    with pytest.raises(InputError, match="no layer 'roads'; it has areas, cells"):
        read_layer(path, role="areas", layer="roads")


def test_a_projected_layer_comes_in_longitude_and_latitude(tmp_path: Path) -> None:
    path = tmp_path / "zones.gpkg"
    frame().to_crs(3857).to_file(path)
    assert shapely.equals_exact(
        read_layer(path, role="cells").geometry.values,
        frame().geometry.values,
        tolerance=1e-9,
        normalize=True,
    ).all()


def test_heights_go(tmp_path: Path) -> None:
    path = tmp_path / "high.geojson"
    path.write_text(json.dumps({"type": "Point", "coordinates": [1, 2, 3]}))
    assert not shapely.has_z(read_layer(path, role="entities").geometry.values).any()


def test_a_shapefile_without_projection_needs_a_crs(tmp_path: Path) -> None:
    path = tmp_path / "bare.shp"
    write_layer(path, frame())
    path.with_suffix(".prj").unlink()
    with pytest.raises(InputError, match=r"names no coordinate reference system.*--source-crs"):
        read_layer(path, role="cells")
    assert len(read_layer(path, role="cells", source_crs="EPSG:4326")) == 3
    with pytest.raises(InputError, match="'nonsense' names no coordinate"):
        read_layer(path, role="cells", source_crs="nonsense")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("id,lon,lat\n007,113.5,22.5\n", "utf-8"),
        ("编号;经度;纬度\n007;113.5;22.5\n", "gb18030"),
        ("id\tLONGITUDE\tLatitude\n007\t113.5\t22.5\n", "utf-8-sig"),
        ("id,wkt\n007,POINT (113.5 22.5)\n", "utf-8"),
        ('id,y,x\n007,"22.5","113.5"\n', "utf-8"),
    ],
)
def test_delimited_text_of_many_makes(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(text.encode(encoding))
    read = read_layer(path, role="entities")
    assert read.geometry.iat[0] == shapely.Point(113.5, 22.5)
    assert read.iloc[0, 0] == "007", "an identifier keeps its zeros"


def test_coordinates_that_are_no_numbers_are_left_to_the_reports(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("id,lon,lat\n1,113.5,22.5\n2,,\n3,east,22.5\n")
    geometry = read_layer(path, role="entities").geometry
    assert list(geometry.isna()) == [False, True, False]
    assert shapely.get_x(geometry.iat[2]) != shapely.get_x(geometry.iat[2])


def test_osm_tags_are_lifted_on_demand(shared_data: Path) -> None:
    quarters = read_layer(shared_data / "monaco" / "monaco.osm.pbf", role="areas", tags=["ref:IMSE", None])
    assert len(quarters) == 6
    assert set(quarters["admin_level"]) == {"10"}
    assert set(quarters["ref:IMSE"].dropna()) == {"04", "05", "06"}
    assert quarters["osm_id"].notna().all()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.xyz", b"", r"extension '.xyz' is not one of"),
        ("a.csv", b"", "begins with a blank line"),
        ("a.csv", b"id,lon,lat\n", "holds no records"),
        ("a.csv", b"id,a\n1,2\n", "no coordinates.*--lon-field"),
        ("a.csv", b"id,lon,lat\n1,2,3,4,5\n", r"record 1 \(line 2\) has 5 fields, more than the header"),
        ("a.csv", b"id,lon,lat\n1,2,3\n1,2,3,4\n", r"record 2 \(line 3\) has 4 fields"),
        ("a.csv", b"id,wkt\n1,POINT(1\n", "record 1 has a geometry that is not WKT"),
        ("a.csv", b"id,name\n1,\xc9\xee\xdb\xda\n2,\xc9,\n", "line 3 is not text in GB 18030.*--encoding"),
        ("a.gpkg", b"not a database", "cannot be read as GeoPackage"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": [', "cannot be read as GeoJSON"),
        ("a.geojson", b'{"type": "FeatureCollection", "features": []}', "holds no records"),
        ("a.parquet", b"PAR1", "cannot be read as GeoParquet"),
        ("a.fgb", b"fgb", "cannot be read as FlatGeobuf"),
        ("a.shp", b"shp", "cannot be read as Shapefile"),
        ("a.pbf", b"pbf", "cannot be read as OSM PBF"),
        ("a.zip", b"zip", "cannot be read as zipped Shapefile"),
    ],
)
def test_a_bad_file_is_told_in_one_line(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=sentence) as caught:
        read_layer(path, role="entities")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_files_and_folders_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_layer(tmp_path / "none.gpkg", role="areas")
    with pytest.raises(InputError, match="is a folder"):
        read_layer(tmp_path, role="areas")
    with pytest.raises(InputError, match="there is no folder"):
        output_format(tmp_path / "none" / "a.gpkg")
    with pytest.raises(InputError, match=r"cannot write '.pbf'"):
        output_format(tmp_path / "a.pbf")


def test_a_condition_filters_and_may_be_wrong(tmp_path: Path) -> None:
    path = tmp_path / "cells.gpkg"
    write_layer(path, frame())
    assert len(read_layer(path, role="cells", where="households > 1")) == 2
    with pytest.raises(InputError, match="no record meets"):
        read_layer(path, role="cells", where="households > 9")
    with pytest.raises(InputError, match="the condition no such thing is not understood"):
        read_layer(path, role="cells", where="no such thing")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "cells.gpkg"
    write_layer(path, frame())
    before = path.read_bytes()

    def fail() -> None:
        with atomic_write(path) as target:
            target.write_text("half")
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["cells.gpkg"]


def test_a_rewritten_shapefile_keeps_no_part_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "cells.shp"
    write_layer(path, frame())
    path.with_suffix(".qix").write_text("stale index")
    write_layer(path, frame())
    assert not path.with_suffix(".qix").exists()


def test_what_a_format_cannot_keep_is_said(tmp_path: Path) -> None:
    notes = write_layer(tmp_path / "long.shp", frame(assign_method=["a", "b", "c"]))
    assert notes == ["Shapefile has no field 'assign_method'; it is written as 'assign_met'"]
    mixed = gpd.GeoDataFrame(geometry=[shapely.Point(0, 0), shapely.box(0, 0, 1, 1)], crs=LONLAT)
    with pytest.raises(InputError, match="one kind of geometry"):
        write_layer(tmp_path / "mixed.shp", mixed.assign(id=1))
    assert not (tmp_path / "mixed.shp").exists()


def test_tables_without_geometry(tmp_path: Path) -> None:
    csv = tmp_path / "visits.csv"
    csv.write_text("visit,date\n1,2025-03-01\n")
    assert list(read_table(csv)["date"]) == ["2025-03-01"]
    write_layer(tmp_path / "cells.gpkg", frame())
    assert isinstance(read_table(tmp_path / "cells.gpkg"), pd.DataFrame)


@pytest.mark.parametrize("suffix", WRITABLE_EXTENSIONS)
def test_fields_that_differ_in_case_only_are_all_kept(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cells{suffix}"
    notes = write_layer(path, frame(CODE=["x", "y", "z"], fid=[7.5, 7.5, 8.0]))
    read = read_layer(path, role="cells")
    assert ["x", "y", "z"] in [read[column].tolist() for column in read.columns]
    assert [7.5, 7.5, 8.0] in [read[column].tolist() for column in read.columns]
    assert bool(notes) == (suffix in {".gpkg", ".fgb", ".shp"})


def test_long_chinese_names_survive_a_shapefile_to_the_last_whole_character(tmp_path: Path) -> None:
    path = tmp_path / "cells.shp"
    notes = write_layer(path, frame(统一社会信用代码=["甲", "乙", "丙"], 统一社会机构=["a", "b", "c"]))
    assert len(notes) == 2
    read = read_layer(path, role="cells")
    assert read["统一社"].tolist() == ["甲", "乙", "丙"]
    assert read["统一_1"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("encoding", "name", "value"),
    [("gb18030", "网格编码", "海湾社区"), ("utf-8", "编码", "海湾"), ("ISO-8859-1", "naïve", "Zürich")],
)
def test_a_shapefile_that_does_not_tell_its_encoding(
    tmp_path: Path, encoding: str, name: str, value: str
) -> None:
    path = tmp_path / "zones.shp"
    frame(code=["1", "2", "3"], **{name: [value, "b", "c"]}).to_file(path, encoding=encoding)
    path.with_suffix(".cpg").unlink()
    dbf = path.with_suffix(".dbf")
    content = bytearray(dbf.read_bytes())
    content[29] = 0  # the code page
    dbf.write_bytes(content)
    assert read_layer(path, role="cells")[name].iat[0] == value


def test_a_name_cut_within_a_character_is_read(tmp_path: Path) -> None:
    path = tmp_path / "zones.shp"
    frame(abcdefgh=["1", "2", "3"]).to_file(path)
    dbf = path.with_suffix(".dbf")
    # What programs that count bytes make of 网格编码.
    dbf.write_bytes(dbf.read_bytes().replace(b"abcdefgh\0\0", "网格编码".encode()[:10]))
    assert read_layer(path, role="cells")["网格编"].tolist() == ["1", "2", "3"]


def test_a_zipped_shapefile_in_a_folder(tmp_path: Path) -> None:
    write_layer(tmp_path / "zones.shp", frame())
    path = tmp_path / "zones.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in tmp_path.glob("zones.*"):
            if part != path:
                archive.write(part, f"data/{part.name}")
    assert len(read_layer(path, role="cells")) == 3
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(InputError, match="holds no Shapefile"):
        read_layer(path, role="cells")


@pytest.mark.parametrize("suffix", WRITABLE_EXTENSIONS)
def test_coordinates_that_are_no_place_are_written_as_no_geometry(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"points{suffix}"
    points = [shapely.Point(1, 2), shapely.Point(float("inf"), 2), shapely.Point(float("nan"), 2)]
    write_layer(path, gpd.GeoDataFrame({"id": ["a", "b", "c"]}, geometry=points, crs=LONLAT))
    assert read_layer(path, role="entities").geometry.isna().tolist() == [False, True, True]


def test_delimited_text_of_other_makes(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("id;lon;lat\n1;113,5;22,5\n", encoding="utf-16")
    assert read_layer(path, role="entities").geometry.iat[0] == shapely.Point(113.5, 22.5)


def test_a_geometry_that_cannot_be_built_is_told(tmp_path: Path) -> None:
    path = tmp_path / "ring.geojson"
    path.write_text('{"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]}')
    with pytest.raises(InputError, match="a geometry that cannot be built"):
        read_layer(path, role="areas")


def test_any_name_of_a_file_makes_a_layer(tmp_path: Path) -> None:
    for name in ("-x.gpkg", "a b (1).gpkg", "网格.gpkg"):
        write_layer(tmp_path / name, frame())
        assert len(read_layer(tmp_path / name, role="cells")) == 3


def test_a_table_has_no_coordinates_for_an_empty_point(tmp_path: Path) -> None:
    points = [shapely.Point(1, 2), shapely.Point(), None]
    write_layer(tmp_path / "a.csv", gpd.GeoDataFrame({"id": ["1", "2", "3"]}, geometry=points, crs=LONLAT))
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "id,lon,lat\n1,1.0,2.0\n2,,\n3,,\n"
