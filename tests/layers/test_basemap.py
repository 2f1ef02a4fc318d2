"""The base map in the database: a kind is replaced whole, and what does not fit is counted."""

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import select

from gis.crs import LONLAT
from gis.errors import InputError
from layers.basemap import replace_basemap
from layers.db.database import Database
from layers.fields.columns import standardise_basemap
from layers.models import BasemapFeature

ROAD = shapely.LineString([(114.0, 22.5), (114.1, 22.5)])
SQUARE = shapely.box(114.0, 22.5, 114.1, 22.6)
BOW = shapely.Polygon([(114.0, 22.5), (114.1, 22.6), (114.1, 22.5), (114.0, 22.6)])


def frame(*records: tuple[str | None, str | None, shapely.Geometry | None]) -> gpd.GeoDataFrame:
    classes, names, shapes = zip(*records, strict=True)
    return gpd.GeoDataFrame({"class_name": classes, "name": names}, geometry=list(shapes), crs=LONLAT)


def stored(database: Database) -> list[tuple[str, str | None, str | None, str]]:
    with database.read() as session:
        rows = session.scalars(select(BasemapFeature).order_by(BasemapFeature.id))
        return [(row.kind, row.class_name, row.name, row.geometry.geom_type) for row in rows]


def test_a_kind_is_replaced_whole_and_others_stay(database: Database) -> None:
    first = replace_basemap(
        database,
        {
            "roads": frame(("main", "大道", ROAD), ("lane", None, ROAD)),
            "water": frame((None, "湖", SQUARE), ("river", None, ROAD)),
        },
    )
    assert [tuple(each) for each in first.values()] == [(2, 0, 0), (2, 0, 0)]
    before = database.read_revision()
    again = replace_basemap(database, {"roads": frame(("secondary", "二路", ROAD))})
    assert tuple(again["roads"]) == (1, 2, 0)
    assert stored(database) == [
        ("water", None, "湖", "Polygon"),
        ("water", "river", None, "LineString"),
        ("roads", "secondary", "二路", "LineString"),
    ]
    assert database.read_revision() > before


def test_shapes_that_do_not_fit_are_counted_and_broken_polygons_mended(database: Database) -> None:
    far = shapely.LineString([(0, 0), (float("inf"), 1)])
    records = frame(
        ("a", None, ROAD),
        ("b", None, SQUARE),
        ("c", None, None),
        ("d", None, shapely.Point()),
        ("e", None, far),
    )
    assert tuple(replace_basemap(database, {"roads": records})["roads"]) == (1, 0, 4)
    assert tuple(replace_basemap(database, {"green": frame(("park", None, BOW))})["green"]) == (1, 0, 0)
    with database.read() as session:
        mended = session.scalars(select(BasemapFeature.geometry).where(BasemapFeature.kind == "green")).one()
    assert mended.is_valid
    assert mended.area == pytest.approx(0.005)


def test_records_of_which_none_fits_change_nothing(database: Database) -> None:
    replace_basemap(database, {"roads": frame(("main", "大道", ROAD))})
    with pytest.raises(InputError, match="roads"):
        replace_basemap(database, {"green": frame(("park", None, BOW)), "roads": frame(("x", None, SQUARE))})
    assert stored(database) == [("roads", "main", "大道", "LineString")]


def test_classes_are_found_under_their_usual_names() -> None:
    own = gpd.GeoDataFrame({"class": ["main", None], "名称": ["大道", ""]}, geometry=[ROAD, ROAD], crs=LONLAT)
    assert standardise_basemap(own, "roads")[["class_name", "name"]].to_numpy().tolist() == [
        ["main", "大道"],
        [None, None],
    ]
    mapped = gpd.GeoDataFrame(
        {"building": ["yes", "school"], "highway": ["x", "x"]}, geometry=[SQUARE, SQUARE], crs=LONLAT
    )
    assert standardise_basemap(mapped, "buildings")["class_name"].tolist() == [None, "school"]
