"""A field of a file comes out as it went in: its name, type, order and every digit, through both readers."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gis.crs import LONLAT
from layers.formats import read_layer, write_layer
from layers.formats.read_batches import read_batches

GDAL_FORMATS = [".gpkg", ".geojson", ".fgb", ".shp"]
IDENTITY = 440305199901010011


def points(columns: dict[str, Any]) -> gpd.GeoDataFrame:
    count = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(
        columns, geometry=[shapely.Point(114 + row / 100, 22) for row in range(count)], crs=LONLAT
    )


def batch_columns(path: Path, **options: Any) -> dict[str, list[Any]]:
    with read_batches(path, role="entities", size=2, **options) as batches:
        parts = [batch.columns for batch in batches.stream]
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}


def collection(path: Path, *properties: dict[str, Any], ids: tuple[object, ...] = ()) -> Path:
    features = [
        {"type": "Feature", "properties": values, "geometry": {"type": "Point", "coordinates": [114, 22]}}
        for values in properties
    ]
    for feature, number in zip(features, ids, strict=False):
        feature["id"] = number
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False))
    return path


@pytest.mark.parametrize("suffix", [*GDAL_FORMATS, ".parquet"])
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5))
def test_integers_keep_all_digits_whatever_is_missing(
    tmp_path: Path, suffix: str, numbers: list[int | None]
) -> None:
    path = tmp_path / f"people{suffix}"
    write_layer(path, points({"no": pd.array(numbers, dtype="Int64"), "row": range(len(numbers))}))
    read = read_layer(path, role="entities")["no"]
    given = [number for number in numbers if number is not None]
    assert [int(number) for number in read.dropna()] == given
    assert read.isna().tolist() == [number is None for number in numbers]
    assert [None if number is None else int(number) for number in batch_columns(path)["no"]] == numbers


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb", ".parquet", ".shp", ".geojson"])
def test_every_type_that_a_format_has_survives(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"records{suffix}"
    wrote = points(
        {
            "count": pd.array([1, None, 3], dtype="Int64"),
            "yes": pd.array([True, None, False], dtype="boolean"),
            "text": ["007", None, "x"],
            "size": [1.5, None, 2.0],
            "day": [dt.date(2020, 1, 31), None, dt.date(1850, 5, 5)],
            "at": pd.to_datetime(["2020-01-01T10:00:00+08:00", None, "2021-01-01T10:00:00+08:00"]),
            "list": [["a", "b"], None, []],
            "nested": [{"adcode": 440300}, None, {"名": [1]}],
        }
    )
    notes = write_layer(path, wrote)
    read = read_layer(path, role="entities")
    assert list(read.columns) == list(wrote.columns)
    assert read["count"].tolist() == [1, pd.NA, 3]
    assert read["yes"].tolist() == [True, pd.NA, False]
    assert read["text"].dropna().tolist() == ["007", "x"]
    assert read["size"].dropna().tolist() == [1.5, 2.0]
    # GeoJSON has no dates and FlatGeobuf none without a time; a Shapefile has no time.
    days = [str(day)[:10] for day in read["day"].dropna()]
    assert days == ["2020-01-31", "1850-05-05"]
    moments = pd.to_datetime(read["at"].dropna())
    assert moments.tolist() == wrote["at"].dropna().tolist()
    nested = read[["list", "nested"]].map(
        lambda value: json.loads(value) if isinstance(value, str) else value
    )
    assert nested["list"].dropna().tolist() == [["a", "b"], []]
    assert nested["nested"].dropna().tolist() == [{"adcode": 440300}, {"名": [1]}]
    assert notes == (
        ["Shapefile has no dates with times; 'at' is written as text"] if suffix == ".shp" else []
    )
    # What has been read once stays as it is.
    write_layer(path, read)
    again = read_layer(path, role="entities")
    assert list(again.columns) == list(read.columns)
    assert again.drop(columns="geometry").astype(str).equals(read.drop(columns="geometry").astype(str))


def test_integers_beyond_64_bits_or_beside_fractions_are_text_in_geojson(tmp_path: Path) -> None:
    """GDAL makes floats of both, which end after 15 digits."""
    path = collection(
        tmp_path / "people.geojson",
        {"huge": 12345678901234567890123, "mixed": IDENTITY, "small": 1},
        {"huge": 5, "mixed": 1.50, "small": 2.5},
        {"huge": None, "mixed": None, "small": None},
    )
    read = read_layer(path, role="entities")
    assert read["huge"].dropna().tolist() == ["12345678901234567890123", "5"]
    assert read["mixed"].dropna().tolist() == [str(IDENTITY), "1.5"]
    assert read["small"].dropna().tolist() == [1.0, 2.5]
    assert batch_columns(path)["mixed"] == [str(IDENTITY), "1.5", None]
    filtered = read_layer(path, role="entities", where="small > 2")
    assert filtered["mixed"].tolist() == ["1.5"]


def test_texts_of_geojson_that_look_like_dates_stay_texts(tmp_path: Path) -> None:
    path = collection(tmp_path / "visits.geojson", {"on": "2020/01/05", "at": "10:00"})
    assert read_layer(path, role="entities").iloc[0][["on", "at"]].tolist() == ["2020/01/05", "10:00"]


@pytest.mark.parametrize(
    ("ids", "properties", "expected"),
    [
        ((7, 9), {}, [7, 9]),
        (("a", "b"), {}, ["a", "b"]),
        ((7, 9), {"id": "own"}, ["own", "own"]),
        ((), {}, None),
    ],
)
def test_the_id_of_a_feature_is_a_field(
    tmp_path: Path, ids: tuple[object, ...], properties: dict[str, str], expected: list[object] | None
) -> None:
    path = collection(tmp_path / "shops.geojson", *[{"n": row, **properties} for row in range(2)], ids=ids)
    read = read_layer(path, role="entities")
    assert (read["id"].tolist() if "id" in read else None) == expected
    assert batch_columns(path).get("id") == expected
    if expected is not None:
        assert read_layer(path, role="entities", where="n = 1")["id"].tolist() == expected[1:]


def test_a_key_of_a_geopackage_is_a_field_if_it_has_a_name_or_is_asked_for(tmp_path: Path) -> None:
    named, plain = tmp_path / "named.gpkg", tmp_path / "plain.gpkg"
    frame = points({"name": ["a", "b"]})
    frame.to_file(named, layer_options={"FID": "WARD_ID"})
    frame.to_file(plain)
    assert read_layer(named, role="cells").columns.tolist() == ["WARD_ID", "name", "geometry"]
    assert batch_columns(named)["WARD_ID"] == [1, 2]
    assert "fid" not in read_layer(plain, role="cells")
    assert read_layer(plain, role="cells", tags=["fid"])["fid"].tolist() == [1, 2]
    assert batch_columns(plain, keys=["fid"])["fid"] == [1, 2]


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (pd.Index(["w1", "w2"], name="ward"), ["ward", "n", "geometry"]),
        (pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", "y"]), ["x", "y", "n", "geometry"]),
        (pd.Index(["w1", "w2"]), ["index", "n", "geometry"]),
        # Rows that were selected keep their numbers, which say nothing.
        (pd.Index([3, 8]), ["n", "geometry"]),
    ],
)
def test_the_index_of_a_geoparquet_is_among_its_fields(
    tmp_path: Path, index: pd.Index, expected: list[str]
) -> None:
    path = tmp_path / "wards.parquet"
    points({"n": [1, 2]}).set_index(index).to_parquet(path)
    assert read_layer(path, role="cells").columns.tolist() == expected
    assert list(batch_columns(path)) == expected[:-1]


def test_a_second_geometry_of_a_geoparquet_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "wards.parquet"
    frame = points({"n": [1, 2]})
    frame["centre"] = frame.geometry.translate(1, 1)
    frame.to_parquet(path)
    read = read_layer(path, role="cells")
    assert read.geometry.name == "geometry"
    assert shapely.equals(read["centre"].to_numpy(), frame["centre"].to_numpy()).all()
    assert batch_columns(path)["centre"] == frame["centre"].to_wkt(rounding_precision=-1).tolist()
    assert write_layer(tmp_path / "again.parquet", read) == []
    assert read_layer(tmp_path / "again.parquet", role="cells")["centre"].geom_equals(frame["centre"]).all()
    assert write_layer(tmp_path / "wards.gpkg", read) == [
        "GeoPackage holds one geometry a record; 'centre' is written as text"
    ]


@pytest.mark.parametrize("suffix", GDAL_FORMATS)
def test_names_that_differ_in_case_keep_their_own_values(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cells{suffix}"
    wrote = points({"code": [1, 2], "Code": ["a", "b"], "CODE": ["x", None], "fid": ["p", "q"]})
    write_layer(path, wrote)
    read = read_layer(path, role="cells").drop(columns="geometry")
    assert [column.dropna().tolist() for _, column in read.items()] == [[1, 2], ["a", "b"], ["x"], ["p", "q"]]


def test_a_field_called_geometry_is_kept_as_text(tmp_path: Path) -> None:
    path = tmp_path / "cells.gpkg"
    frame = points({"geometry_text": ["t"]}).rename_geometry("shape").assign(geometry=["square"])
    frame.to_file(path)
    read = read_layer(path, role="cells")
    assert read[["geometry_text", "geometry_text_2"]].iloc[0].tolist() == ["t", "square"]
    assert read.geometry.iat[0] == shapely.Point(114, 22)
