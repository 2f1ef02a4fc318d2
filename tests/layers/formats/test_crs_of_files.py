"""Coordinates are taken in the CRS that a file names, and a file whose CRS is not understood is refused."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow.parquet as pq
import pytest
import shapely

from gis.crs import LONLAT
from gis.errors import InputError
from layers.formats import read_layer
from layers.formats.read_batches import read_batches

PLACE = shapely.Point(120, 22.6)
METRES = gpd.GeoSeries([PLACE], crs=LONLAT).to_crs(4549).iloc[0]


def collection(*features: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", **members, "features": list(features)}


def feature(point: shapely.Point = METRES, crs: object = None, **properties: Any) -> dict[str, Any]:
    nested = {} if crs is None else {"crs": crs}
    geometry = {"type": "Point", "coordinates": [point.x, point.y], **nested}
    return {"type": "Feature", "properties": {"code": "1", **properties}, "geometry": geometry}


def named(name: object) -> dict[str, Any]:
    return {"type": "name", "properties": {"name": name}}


def whole(path: Path) -> list[shapely.Geometry]:
    return list(read_layer(path, role="entities").geometry)


def streamed(path: Path) -> list[shapely.Geometry]:
    with read_batches(path, role="entities") as batches:
        return [shape for batch in batches.stream for shape in batch.geometries]


Reader = Callable[[Path], list[shapely.Geometry]]
READERS = pytest.mark.parametrize("reader", [whole, streamed])


def stored(folder: Path, content: object) -> Path:
    path = folder / "places.geojson"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


@READERS
@pytest.mark.parametrize(
    "crs",
    [
        named("urn:ogc:def:crs:EPSG::4549"),
        named("EPSG:4549"),
        named("http://www.opengis.net/def/crs/EPSG/0/4549"),
        {"type": "EPSG", "properties": {"code": 4549}},
        "EPSG:4549",
    ],
)
@pytest.mark.parametrize("last", [False, True])
def test_the_old_member_of_geojson_is_honoured(
    tmp_path: Path, reader: Reader, crs: object, last: bool
) -> None:
    content = collection(feature(), crs=crs)
    if last:
        content["crs"] = content.pop("crs")
    (found,) = reader(stored(tmp_path, content))
    assert found.distance(PLACE) < 1e-9


@READERS
@pytest.mark.parametrize(
    "members",
    [
        {},
        {"crs": None},
        {"crs": named("urn:ogc:def:crs:OGC:1.3:CRS84")},
        {"crs": named("urn:ogc:def:crs:EPSG::4326")},
    ],
)
def test_longitude_and_latitude_stay_as_they_are(
    tmp_path: Path, reader: Reader, members: dict[str, Any]
) -> None:
    assert reader(stored(tmp_path, collection(feature(PLACE), **members))) == [PLACE]


@READERS
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (collection(feature(), crs=named("urn:ogc:def:crs:EPSG::999999")), "EPSG::999999' that is not known"),
        (
            collection(feature(), crs=named("Shenzhen independent")),
            "'Shenzhen independent' that is not known",
        ),
        (collection(feature(), crs=named(["EPSG:4549"])), "that is not known"),
        (collection(feature(), crs=[4549]), "that is not known"),
        (collection(feature(crs=named("Shenzhen independent"))), "'Shenzhen independent' that is not known"),
        (collection(feature(crs=named("EPSG:4549")), feature(crs=named("EPSG:4548"))), "names several"),
        ({**feature(), "crs": named("Shenzhen independent")}, "'Shenzhen independent' that is not known"),
    ],
)
def test_a_member_of_geojson_that_is_not_understood_is_refused(
    tmp_path: Path, reader: Reader, content: object, said: str
) -> None:
    path = stored(tmp_path, content)
    with pytest.raises(InputError, match=said):
        reader(path)


@READERS
def test_an_attribute_called_crs_is_an_attribute(tmp_path: Path, reader: Reader) -> None:
    path = stored(
        tmp_path, collection(feature(PLACE, crs=None), feature(PLACE) | {"properties": {"crs": "local"}})
    )
    assert reader(path) == [PLACE, PLACE]


def test_the_user_knows_better_than_the_file(tmp_path: Path) -> None:
    path = stored(tmp_path, collection(feature(), crs=named("Shenzhen independent")))
    (found,) = read_layer(path, role="entities", source_crs="EPSG:4549").geometry
    assert found.distance(PLACE) < 1e-9


LOCAL = 'LOCAL_CS["Shenzhen 1980",UNIT["metre",1]]'
UNDEFINED = """
    UPDATE gpkg_contents SET srs_id = {0};
    UPDATE gpkg_geometry_columns SET srs_id = {0}
"""
UNKNOWN = """
    UPDATE gpkg_spatial_ref_sys SET organization = 'NONE', organization_coordsys_id = 987654,
        definition = 'Shenzhen 1980' WHERE srs_id = 4549
"""


def geopackage(folder: Path, change: str) -> Path:
    path = folder / "places.gpkg"
    gpd.GeoDataFrame({"code": ["1"]}, geometry=[METRES], crs=4549).to_file(path, driver="GPKG")
    with sqlite3.connect(path) as file:
        file.executescript(change)
    file.close()
    return path


def shapefile(folder: Path, projection: str) -> Path:
    path = folder / "places.shp"
    gpd.GeoDataFrame({"code": ["1"]}, geometry=[METRES], crs=4549).to_file(path)
    path.with_suffix(".prj").write_text(projection)
    return path


def geoparquet(folder: Path, crs: object) -> Path:
    path = folder / "places.parquet"
    gpd.GeoDataFrame({"code": ["1"]}, geometry=[METRES], crs=4549).to_parquet(path)
    table = pq.read_table(path)
    geo = json.loads(table.schema.metadata[b"geo"])
    geo["columns"]["geometry"]["crs"] = crs
    pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), path)
    return path


def flatgeobuf(folder: Path, crs: str) -> Path:
    path = folder / "places.fgb"
    gpd.GeoDataFrame({"code": ["1"]}, geometry=[METRES], crs=crs).to_file(path, driver="FlatGeobuf")
    return path


@READERS
@pytest.mark.parametrize(
    ("make", "given", "said"),
    [
        (geopackage, UNDEFINED.format(0), "names no coordinate reference system"),
        (geopackage, UNDEFINED.format(-1), "names no coordinate reference system"),
        (geopackage, UNKNOWN, "names no coordinate reference system"),
        (shapefile, "", "names no coordinate reference system"),
        (shapefile, "Shenzhen 1980", "names no coordinate reference system"),
        (shapefile, LOCAL, "'Shenzhen 1980' has no known place on the earth"),
        (geoparquet, None, "names no coordinate reference system"),
        (geoparquet, "Shenzhen 1980", "names a coordinate reference system that is not known"),
        (geoparquet, {"type": "ProjectedCRS"}, "names a coordinate reference system that is not known"),
        (flatgeobuf, LOCAL, "'Shenzhen 1980' has no known place on the earth"),
    ],
)
def test_other_formats_without_a_crs_that_is_understood_are_refused(
    tmp_path: Path, reader: Reader, make: Callable[[Path, object], Path], given: object, said: str
) -> None:
    path = make(tmp_path, given)
    with pytest.raises(InputError, match=said) as refused:
        reader(path)
    assert str(path) in str(refused.value)


def in_own_crs(path: Path) -> list[shapely.Geometry]:
    return list(read_layer(path, role="cells", own_crs=True).geometry)


@pytest.mark.parametrize("reader", [whole, streamed, in_own_crs])
@pytest.mark.parametrize("epsg", [4326, 3460])
def test_areas_across_the_180th_meridian_are_cut_when_they_are_read(
    tmp_path: Path, epsg: int, reader: Reader
) -> None:
    ring = [(177.3, -17.1), (177.1, -18.5), (-178.9, -19.3), (-178.37, -16.2)]
    fiji = gpd.GeoDataFrame({"code": ["fj"]}, geometry=[shapely.Polygon(ring)], crs=4326).to_crs(epsg)
    path = tmp_path / "fiji.gpkg"
    fiji.to_file(path, driver="GPKG")
    (cut,) = reader(path)
    assert sorted(round(side.bounds[0], 6) for side in cut.geoms) == [-180, 177.1]
    assert not cut.intersects(shapely.Point(0, -17.5))
