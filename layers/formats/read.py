"""Reading a vector file or a table into a frame in longitude and latitude."""

import re
from collections.abc import Collection, Iterable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import shapely
from pyproj.exceptions import CRSError
from shapely.errors import GEOSException

from gis.arrays import ObjectArray
from gis.errors import InputError, LimitError
from gis.progress import Note, no_note
from layers.formats.arrow_columns import to_frame
from layers.formats.crs_of_files import find_crs_override, to_lonlat_2d
from layers.formats.delimited_frames import DelimitedOptions, read_delimited, read_delimited_table
from layers.formats.gdal import without_warnings
from layers.formats.geojson import has_one_layer
from layers.formats.geometries import polygons_of_collections
from layers.formats.geoparquet import open_geoparquet
from layers.formats.osm import find_tags_in, tell_incomplete_relations
from layers.formats.registry import WORKBOOK, Format, input_format
from layers.formats.shapefile import read_shapefile
from layers.formats.vector import PART_SIZE, collect, open_layer

_STREETS = (
    "highway IN ('motorway', 'motorway_link', 'trunk', 'trunk_link', 'primary', 'primary_link', 'secondary', "
    "'secondary_link', 'tertiary', 'tertiary_link', 'unclassified', 'residential', 'living_street', "
    "'pedestrian', 'road')"
)
_RAILWAYS = "railway IN ('rail', 'light_rail', 'narrow_gauge')"
_RIVERS = "waterway IN ('river', 'canal')"
_ON_THE_GROUND = (
    '(other_tags IS NULL OR NOT (other_tags LIKE \'%"tunnel"=>"yes"%\' '
    'OR other_tags LIKE \'%"tunnel"=>"culvert"%\'))'
)

# What a role is found under in an OpenStreetMap extract when the user names nothing.
_OSM_LAYERS = {
    "areas": ("multipolygons", "boundary = 'administrative'"),
    "cells": ("multipolygons", "boundary = 'administrative'"),
    "buildings": ("multipolygons", "building IS NOT NULL"),
    "water": ("multipolygons", "natural = 'water'"),
    "green": ("multipolygons", "leisure IN ('park', 'garden') OR natural = 'wood' OR landuse = 'forest'"),
    "roads": ("lines", "highway IS NOT NULL"),
    "railway": ("lines", "railway IS NOT NULL"),
    "streets": ("lines", f"{_STREETS} AND {_ON_THE_GROUND}"),
    "lines": ("lines", f"({_STREETS} OR {_RAILWAYS} OR {_RIVERS}) AND {_ON_THE_GROUND}"),
    "barriers": ("lines", f"({_RAILWAYS} OR {_RIVERS}) AND {_ON_THE_GROUND}"),
    "entities": ("points", None),
}


AREAL_ROLES = {"areas", "cells", "buildings", "water", "green"}
"""What consists of polygons: of a collection of geometries only these are taken."""

_MAY_BE_EMPTY = frozenset({"gaps"})
"""Roles of layers that say something without a record: that a search has found nothing."""


def read_layer(
    path: Path,
    *,
    role: str,
    layer: str | None = None,
    where: str | None = None,
    source_crs: str | None = None,
    lon_field: str | None = None,
    lat_field: str | None = None,
    encoding: str | None = None,
    tags: Iterable[str | None] = (),
    own_crs: bool = False,
    max_vertices: int | None = None,
    note: Note = no_note,
) -> gpd.GeoDataFrame:
    """Read one layer of a file.

    Parameters
    ----------
    path
        A file in one of the readable formats.
    role
        What the layer is read as (areas, cells, entities, roads, ...): picks the layer of a file that has
        several, by that name. Of an OpenStreetMap extract "streets" are those that bound blocks of houses,
        "lines" these with railways and rivers, and "barriers" railways and rivers alone.
    layer
        The layer's name, for formats that hold several.
    where
        An SQL condition on the attributes; for OpenStreetMap extracts each role has one when not given.
    source_crs
        The CRS of the coordinates, for a file that names none or names it wrongly.
    lon_field, lat_field
        The coordinate columns of a CSV, when they have unusual names.
    encoding
        The encoding of the text of a CSV or Shapefile; found by its bytes when not given.
    tags
        Fields the caller will ask for: GDAL keeps the rarer tags of OpenStreetMap together in `other_tags`,
        and the key of a GeoPackage's table apart.
    own_crs
        Leave the coordinates in the CRS of the file, for a check that must not add rounding of its own; a
        layer across the 180th meridian comes in EPSG:4326 all the same.
    max_vertices
        The most vertices of all geometries together; any number when not given.
    note
        Told what was assumed, mended or left out.

    Returns
    -------
    GeoDataFrame
        EPSG:4326 (unless `own_crs`), two-dimensional, polygons cut at the 180th meridian; all records and
        fields of the file in their order.

    Raises
    ------
    InputError
        With one sentence that names the file and what is wrong with it.
    LimitError
        If there are more vertices.
    """
    file_format = input_format(path)
    if where and file_format.driver is None:
        raise InputError(
            f"{path}: a condition (--where) is for layers that GDAL reads, not for {file_format.name}."
        )
    crs_override = find_crs_override(path, file_format, source_crs)
    asked = [name for name in tags if name]
    if file_format.name == "CSV":
        frame = read_delimited(path, DelimitedOptions(lon_field, lat_field, encoding, note))
    else:
        frame = _read_vector(path, file_format, role, layer, where, encoding, asked, note)
    if role in AREAL_ROLES:
        frame = _take_polygons(frame, path, note)
    require_vertex_limit(path, count_vertices(frame.geometry.to_numpy()), max_vertices)
    if {"osm_id", "osm_way_id"} <= set(frame.columns):
        # A polygon is a relation or a closed way, and the two are numbered apart.
        frame = frame.assign(osm_id=frame["osm_id"].fillna("w" + frame["osm_way_id"].astype("string")))
    if "other_tags" in frame.columns:
        frame = _expand_osm_tags(frame, asked)
    return to_lonlat_2d(frame, path, crs_override=crs_override, own_crs=own_crs)


def _take_polygons(frame: gpd.GeoDataFrame, path: Path, note: Note) -> gpd.GeoDataFrame:
    geometries, rows = polygons_of_collections(np.asarray(frame.geometry.to_numpy(), dtype=object))
    if not rows:
        return frame
    more = f" and {len(rows) - 1:,} more" if len(rows) > 1 else ""
    note(f"{path}: record {rows[0] + 1}{more} is a collection of geometries; its polygons are taken")
    return frame.set_geometry(gpd.GeoSeries(geometries, index=frame.index, crs=frame.crs))


def count_vertices(geometries: ObjectArray) -> int:
    """Return the number of vertices of all geometries together."""
    return int(shapely.get_num_coordinates(geometries).sum())


def require_vertex_limit(path: Path, vertices: int, max_vertices: int | None) -> None:
    """Refuse a file with more vertices than it may have."""
    if max_vertices is not None and vertices > max_vertices:
        raise LimitError(f"{path} has more than {max_vertices:,} vertices.")


def read_table(path: Path, *, encoding: str | None = None, note: Note = no_note) -> pd.DataFrame:
    """Read a table without geometry: CSV, Excel (text alone), Parquet, or the attributes of a vector file.

    Parameters
    ----------
    path, encoding, note
        As for `read_layer`.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    file_format = input_format(path, as_table=True)
    if file_format.name == "CSV":
        return read_delimited_table(path, DelimitedOptions(encoding=encoding, note=note))
    try:
        if file_format.name == "GeoParquet":
            frame = to_frame(pq.read_table(path))
            return frame.drop(columns=[name for name in ("geometry",) if name in frame])
        if file_format.driver == "ESRI Shapefile":
            frame = read_shapefile(path, file_format, encoding=encoding, note=note)
            return pd.DataFrame(frame.drop(columns="geometry"))
        if file_format is WORKBOOK:
            return _read_workbook(path, note)
        return to_frame(pyogrio.read_arrow(path, read_geometry=False)[1])
    except (RuntimeError, ValueError, OSError) as error:
        raise read_error(path, file_format, error) from error


def _read_workbook(path: Path, note: Note) -> pd.DataFrame:
    """Read the first sheet of a workbook as text, without rows in which nothing stands."""
    sheets = [str(name) for name, _ in pyogrio.list_layers(path)]
    if len(sheets) > 1:
        note(f"{path} has {len(sheets):,} sheets; the first one is read, '{sheets[0]}'.")
    frame = to_frame(pyogrio.read_arrow(path, layer=sheets[0], read_geometry=False)[1])
    return frame.dropna(how="all").reset_index(drop=True)


def _read_vector(
    path: Path,
    file_format: Format,
    role: str,
    layer: str | None,
    where: str | None,
    encoding: str | None,
    keys: Collection[str],
    note: Note,
) -> gpd.GeoDataFrame:
    asked = where
    try:
        if file_format.name == "GeoParquet":
            with open_geoparquet(path, size=PART_SIZE, note=note) as opened:
                frame = collect(opened)
        else:
            if file_format.name == "OSM PBF":
                usual_layer, usual_where = _OSM_LAYERS.get(role, _OSM_LAYERS["entities"])
                chosen = choose_layer(path, layer, role) if layer else usual_layer
                layer, where = chosen, where or (None if layer else usual_where)
                where = where and find_tags_in(where, path, chosen)
            else:
                layer = choose_layer(path, layer, role)
            if file_format.driver == "ESRI Shapefile":
                frame = read_shapefile(path, file_format, where=where, encoding=encoding, note=note)
            else:
                with open_layer(
                    path, file_format, layer=layer, where=where, size=PART_SIZE, keys=keys, note=note
                ) as opened:
                    frame = collect(opened)
                    fields = opened.fields
                if file_format.name == "OSM PBF" and layer == "multipolygons" and note is not no_note:
                    made = set() if frame.empty else set(frame["osm_id"].dropna())
                    tell_incomplete_relations(path, fields, where, made, note)
    except GEOSException as error:
        raise InputError(
            f"{path} holds a geometry that cannot be built: {error}; mend or delete it."
        ) from error
    except (RuntimeError, ValueError, OSError, KeyError) as error:
        if where and not isinstance(error, pyogrio.errors.DataSourceError):
            raise InputError(
                f"{path}: the condition {asked or where} is not understood; compare a field with a value."
            ) from error
        raise read_error(path, file_format, error) from error
    if where and frame.empty:
        raise InputError(f"{path}: no record meets the condition {asked or where}.")
    if frame.empty and role not in _MAY_BE_EMPTY:
        raise InputError(f"{path} holds no records.")
    return frame


def layer_names(path: Path) -> list[str] | None:
    """Name the layers of a file that hold geometry; None for an OpenStreetMap extract: it has roles.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    file_format = input_format(path)
    if file_format.name == "OSM PBF":
        return None
    if file_format.name in {"CSV", "GeoParquet"}:
        return [path.stem]
    try:
        return [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except (RuntimeError, ValueError, OSError) as error:
        raise read_error(path, file_format, error) from error


def choose_layer(path: Path, layer: str | None, role: str) -> str | None:
    """Name the layer to read: the only one, the one called like the role, else the user must say."""
    file_format = input_format(path)
    if file_format.driver == "ESRI Shapefile":
        return None
    if layer is None and file_format.name == "GeoJSON" and has_one_layer(path):
        return None
    with without_warnings():
        listed = [(str(name), kind) for name, kind in pyogrio.list_layers(path)]
    names = [name for name, _ in listed]
    if layer is not None:
        if layer not in names:
            raise InputError(f"{path} has no layer '{layer}'; it has {', '.join(names)}.")
        return layer
    spatial = [name for name, kind in listed if kind is not None] or names
    if len(spatial) == 1:
        return spatial[0]
    if role in spatial:
        return role
    raise InputError(f"{path} has several layers ({', '.join(spatial)}); name one with --layer.")


def _expand_osm_tags(frame: gpd.GeoDataFrame, keys: Iterable[str]) -> gpd.GeoDataFrame:
    """Lift the OSM tags that the caller asks for out of GDAL's hstore column."""
    tags = frame["other_tags"].astype("str")
    added = {}
    for name in keys:
        if name not in frame.columns:
            values = tags.str.extract(rf'"{re.escape(name)}"=>"((?:[^"\\]|\\.)*)"', expand=False)
            if values.notna().any():
                added[name] = values
    return frame.assign(**added) if added else frame


def read_error(path: Path, file_format: Format, error: Exception) -> InputError:
    """Return the error that says why a file cannot be read."""
    # What GDAL and Arrow say is for their own users, but for where a text breaks off.
    found = re.search(r"[Aa]t line (\d+), character (\d+)", str(error))
    if isinstance(error, CRSError):
        text = "it names a coordinate reference system that is not known"
    elif "Missing geo metadata" in str(error):
        text = "it has no column of geometries; give a GeoParquet file, or a CSV with coordinates"
    elif found is not None:
        text = f"it breaks off or is mistaken at line {found[1]}, character {found[2]}"
    else:
        text = "it is damaged, empty or of another format"
    return InputError(f"{path} cannot be read as {file_format.name}: {text}.")
