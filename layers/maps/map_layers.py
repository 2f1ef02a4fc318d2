"""The layers of the HTML map: frames converted into the records that its scripts read."""

from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.arrays import FloatArray, IntArray, ObjectArray
from gis.codes import require_codes
from gis.colours import colour_cells
from gis.crs import LONLAT, to_lonlat
from gis.errors import InputError
from gis.locate import PointLocator
from gis.measures import (
    MEASURES,
    CellFigures,
    Measure,
    area_m2,
    measure_of_column,
    round_for_display,
    shape_measures,
)
from layers.maps.choropleth import Classification, sample_ramp
from layers.maps.encoding import encode_geometry, encode_points
from layers.maps.labels import field_label

# Measured with Chromium on two cores: 195,000 square cells make 11 MB that open in 6 s and repaint in 0.8 s.
# Beyond a million cells or four million vertices a single file is of no use.
MAX_CELLS = 1_000_000
MAX_VERTICES = 4_000_000
SIMPLIFY_ABOVE = 1_500_000
# About one metre, in degrees.
SIMPLIFY_TOLERANCE = 1e-5
MAX_DRAWN_ENTITIES = 5_000
# Beyond this, label positions come from the bounding box in the browser.
MAX_ANCHORS = 20_000


def as_lonlat(frame: gpd.GeoDataFrame, layer_name: str) -> gpd.GeoDataFrame:
    """Return a layer in longitude, latitude with a fresh index.

    Raises
    ------
    InputError
        If the layer names no CRS.
    """
    if frame.crs is None:
        raise InputError(
            f"The layer of {layer_name} names no coordinate reference system; give it one first."
        )
    moved = frame if frame.crs == LONLAT else to_lonlat(frame)
    return moved.reset_index(drop=True)


def shift_longitude(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a longitude, latitude layer in which western longitudes continue beyond 180° east.

    It has no CRS, because such longitudes cannot be projected.
    """
    geometries = shapely.transform(
        frame.geometry.to_numpy(), lambda xy: xy + np.where(xy < 0, (360.0, 0.0), 0.0)
    )
    return gpd.GeoDataFrame(frame.drop(columns=frame.geometry.name), geometry=geometries)


def as_strings(values: "pd.Series[Any]") -> list[str]:
    """Return a column as text: whole floats without their point, missing values empty."""
    if pd.api.types.is_float_dtype(values):
        return ["" if value != value else f"{value:.15g}" for value in values.to_numpy(dtype=float).tolist()]
    return ["" if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)]


def dictionary_encode(values: list[str]) -> dict[str, Any]:
    """Return repeated texts as a list of distinct ones and the position of each row's text in it."""
    places, distinct = pd.factorize(np.asarray(values, dtype=object))
    return {"values": [str(value) for value in distinct], "index": places.tolist()}


def rounded_list(values: "pd.Series[Any]") -> list[float | int | None]:
    """Return a numeric column with missing and infinite values as None, rounded to what a reader can use."""
    return _number_list(round_for_display(values.to_numpy(dtype=float, na_value=np.nan)))


def _number_list(values: FloatArray) -> list[float | int | None]:
    finite = values[np.isfinite(values)]
    whole = bool(np.all(finite == np.rint(finite)))
    return [None if not np.isfinite(v) else (int(v) if whole else v) for v in values.tolist()]


def encode_cells(
    cells: gpd.GeoDataFrame,
    counts: Mapping[str, IntArray],
    measure: str | None,
    classification: Classification,
    language: str,
) -> dict[str, Any]:
    """Describe the cells: geometry, codes, colours, loads with their classes, and label positions.

    Parameters
    ----------
    cells
        Frame in longitude, latitude with a default index and the column `code`; `leader` holds numbers or
        published names of officers.
    counts
        Entities per cell by layer name, each of shape (n,).
    measure
        Column to colour by, or None.
    classification
        The classification of every measure.
    language
        ``zh`` or ``en``.

    Raises
    ------
    InputError
        If a cell has no code, the measure is missing or not numeric, or the file would be too large.
    """
    if len(cells) > MAX_CELLS:
        raise InputError(
            f"{len(cells):,} cells are too many for one map file (at most {MAX_CELLS:,}); draw a part."
        )
    codes = _cell_codes(cells)
    geometries, simplified = _simplified_polygons(cells)
    layer: dict[str, Any] = {
        "geo": encode_geometry(geometries),
        "code": codes,
        "name": _cell_names(cells, codes),
        "kind": dictionary_encode(as_strings(cells["kind"])) if "kind" in cells else None,
        "area": dictionary_encode(as_strings(cells["area_code"])) if "area_code" in cells else None,
        "colour": _colour_digits(cells),
        "anchor": _label_anchors(geometries),
        "fields": _fields(cells, counts, measure, classification, language),
        "leader": dictionary_encode(as_strings(cells["leader"])) if "leader" in cells else None,
        "simplified_m": 1 if simplified else 0,
    }
    return layer


def _cell_codes(cells: gpd.GeoDataFrame) -> list[str]:
    if "code" not in cells:
        raise InputError("The cells have no column 'code'.")
    codes: list[str] = require_codes(cells["code"]).tolist()
    return codes


def _cell_names(cells: gpd.GeoDataFrame, codes: list[str]) -> list[str] | None:
    names = as_strings(cells["name"]) if "name" in cells else codes
    return None if all(name in ("", code) for name, code in zip(names, codes, strict=True)) else names


def _simplified_polygons(cells: gpd.GeoDataFrame) -> tuple[NDArray[Any], bool]:
    """Return the polygons to draw and whether they had to be simplified (shared borders stay shared)."""
    geometries = cells.geometry.to_numpy()
    vertices = int(shapely.get_num_coordinates(geometries).sum())
    simplified = vertices > SIMPLIFY_ABOVE
    if simplified:
        drawn = shapely.get_dimensions(geometries) == 2
        geometries = geometries.copy()
        geometries[drawn] = shapely.coverage_simplify(geometries[drawn], SIMPLIFY_TOLERANCE)
        vertices = int(shapely.get_num_coordinates(geometries).sum())
    if vertices > MAX_VERTICES:
        raise InputError(
            f"The cells have {vertices:,} vertices, too many for one map file (at most {MAX_VERTICES:,}); "
            "draw a part of them."
        )
    return geometries, simplified


def _colour_digits(frame: gpd.GeoDataFrame) -> str:
    """Return one digit a polygon, neighbours different; a feature without geometry gets 0."""
    drawn = np.flatnonzero(shapely.get_dimensions(frame.geometry.to_numpy()) == 2)
    digits = np.zeros(len(frame), dtype=int)
    if len(drawn):
        digits[drawn] = np.asarray(colour_cells(frame.iloc[drawn].reset_index(drop=True)))
    return "".join(digits.astype(str))


def _label_anchors(geometries: NDArray[Any]) -> str | None:
    """Return a point inside each feature for its label; None for so many that the box's centre has to do."""
    if len(geometries) > MAX_ANCHORS:
        return None
    points = shapely.point_on_surface(geometries)
    centres = shapely.centroid(geometries)
    inside = shapely.contains_properly(geometries, centres)
    points = np.where(inside, centres, points)
    coordinates, row = shapely.get_coordinates(points, return_index=True)
    xy = np.zeros((len(geometries), 2))
    xy[row] = coordinates
    return encode_points(xy)


def _fields(
    cells: gpd.GeoDataFrame,
    counts: Mapping[str, IntArray],
    key: str | None,
    classification: Classification,
    language: str,
) -> list[dict[str, Any]]:
    """Return the measures to show in the order of the catalogue, then counts of entities."""
    columns: dict[str, pd.Series[Any]] = {
        name: cells[name] for name in MEASURES if name in cells and pd.api.types.is_numeric_dtype(cells[name])
    }
    if key is not None and key not in counts:
        columns.setdefault(key, measure_column(cells, key))
    for name, values in counts.items():
        columns.setdefault(name, pd.Series(values))
    return [_field(name, values, classification, language) for name, values in columns.items()]


def _field(
    name: str, column: "pd.Series[Any]", classification: Classification, language: str
) -> dict[str, Any]:
    measure = measure_of_column(name)
    # Classes end at values as they are written, for the script compares with these.
    values = rounded_values(measure, column)
    ranges = classification.ranges(measure, values)
    return {
        "key": name,
        "label": measure_label(name, language),
        "quantity": measure.quantity,
        "unit": measure.unit,
        "total": measure.is_headline_total,
        "prominence": measure.prominence,
        "values": _number_list(values),
        "ranges": ranges,
        "tints": sample_ramp(len(ranges)),
    }


def with_areas(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return cells with the column `area_m2`, computed where they lack it."""
    return cells if "area_m2" in cells else cells.assign(area_m2=area_m2(cells))


def with_measure(cells: gpd.GeoDataFrame, key: str | None) -> gpd.GeoDataFrame:
    """Return cells with a measure as column; one of their shapes is computed where they lack it."""
    found = next((each for each in shape_measures() if each.key == key), None)
    if found is None or key in cells:
        return cells
    return cells.assign(**{found.key: found.values(CellFigures.of(cells))})


def measure_column(cells: gpd.GeoDataFrame, key: str) -> "pd.Series[Any]":
    """Return the column of cells that holds a measure.

    Raises
    ------
    InputError
        If there is none, or it is not numeric.
    """
    if key not in cells or key == cells.geometry.name:
        raise InputError(f"The cells have no column '{key}' to colour by.")
    if not pd.api.types.is_numeric_dtype(cells[key]):
        raise InputError(f"The column '{key}' holds text; a map is coloured by numbers.")
    return cells[key]


def rounded_values(measure: Measure, column: "pd.Series[Any]") -> FloatArray:
    """Return the rounded values of a measure, NaN where they are not known."""
    return np.asarray(measure.round(column.to_numpy(dtype=float, na_value=np.nan)), dtype=float)


def measure_label(name: str, language: str) -> str:
    """Return what a map calls the measure that a column or layer of this name holds."""
    measure = measure_of_column(name)
    return measure.label(language) if measure.labels else field_label(name, language)


def encode_units(units: gpd.GeoDataFrame) -> dict[str, Any]:
    """Describe the units of cells: geometry.

    Raises
    ------
    InputError
        If there are too many, or they have too many vertices, for one file.
    """
    if len(units) > MAX_CELLS:
        raise InputError(
            f"{len(units):,} units are too many for one map file (at most {MAX_CELLS:,}); draw a part."
        )
    return {"geo": encode_geometry(_simplified_polygons(units)[0])}


def encode_areas(areas: gpd.GeoDataFrame) -> dict[str, Any]:
    """Describe the areas: geometry, code, name, parent, depth in the hierarchy, colour and label position."""
    if "code" not in areas:
        raise InputError("The areas have no column 'code'.")
    codes = as_strings(areas["code"])
    parents = as_strings(areas["parent"]) if "parent" in areas else [""] * len(codes)
    depth = area_depths(areas)
    colours = np.array(list("0" * len(codes)))
    for level in np.unique(depth):
        rows = np.flatnonzero(depth == level)
        colours[rows] = list(_colour_digits(areas.iloc[rows].reset_index(drop=True)))
    geometries = areas.geometry.to_numpy()
    return {
        "geo": encode_geometry(geometries),
        "code": codes,
        "name": as_strings(areas["name"]) if "name" in areas else codes,
        "parent": parents,
        "depth": depth.tolist(),
        "colour": "".join(colours),
        "anchor": _label_anchors(geometries),
    }


def area_depths(areas: gpd.GeoDataFrame) -> IntArray:
    """Return how many of an area's ancestors are in the layer; a cycle of parents ends where it closes."""
    if "code" not in areas:
        raise InputError("The areas have no column 'code'.")
    codes = as_strings(areas["code"])
    parents = as_strings(areas["parent"]) if "parent" in areas else [""] * len(codes)
    parent_of = dict(zip(codes, parents, strict=True))
    found = []
    for code in codes:
        seen = {code}
        at = parent_of[code]
        while at in parent_of and at not in seen:
            seen.add(at)
            at = parent_of[at]
        found.append(len(seen) - 1)
    return np.asarray(found, dtype=np.int64)


def encode_entities(name: str, frame: gpd.GeoDataFrame, language: str) -> dict[str, Any]:
    """Describe a layer small enough to draw: of its columns `id`, `kind`, and `class_name` or `class`."""
    named = next((column for column in ("class_name", "class") if column in frame), None)
    return {
        "key": name,
        "label": field_label(name, language),
        "geo": encode_geometry(frame.geometry.to_numpy()),
        "id": as_strings(frame["id"]) if "id" in frame else None,
        "kind": dictionary_encode(as_strings(frame["kind"])) if "kind" in frame else None,
        "class": dictionary_encode(as_strings(frame[named])) if named else None,
    }


def count_per_cell(name: str, frame: gpd.GeoDataFrame, cells: gpd.GeoDataFrame) -> IntArray:
    """Count the entities of each cell, by their `cell_code` where assigned, else by where they lie.

    Parameters
    ----------
    name
        The layer's name; a numeric column of this name (`households` of a layer of dwellings) is summed
        instead of counting one per record.
    frame, cells
        In longitude, latitude with default indexes.

    Returns
    -------
    ndarray of int
        Shape (number of cells,); on a shared border the lowest code counts.
    """
    codes = _cell_codes(cells)
    weights = np.ones(len(frame))
    if name in frame and pd.api.types.is_numeric_dtype(frame[name]):
        weights = np.nan_to_num(frame[name].to_numpy(dtype=float, na_value=0))
    owners: NDArray[Any]
    if "cell_code" in frame:
        owners = np.asarray(as_strings(frame["cell_code"]), dtype=object)
    else:
        geometries = frame.geometry.to_numpy()
        points = np.where(
            shapely.get_dimensions(geometries) == 0, geometries, shapely.point_on_surface(geometries)
        )
        xy, row = shapely.get_coordinates(points, return_index=True)
        locator = PointLocator(cells)
        found = locator.find_owners(xy[:, 0], xy[:, 1])
        owners = np.full(len(frame), "", dtype=object)
        owners[row[found >= 0]] = locator.codes[found[found >= 0]]
    sums = pd.Series(weights).groupby(owners).sum().reindex(codes, fill_value=0)
    return np.rint(sums.to_numpy(dtype=float)).astype(np.int64)


def common_prefix(codes: ObjectArray) -> str:
    """Return the common prefix of all codes, without the last character of the shortest."""
    if len(codes) < 2:
        return ""
    first, last = min(codes), max(codes)
    shared = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return str(first[: min(shared, min(map(len, codes)) - 1)])
