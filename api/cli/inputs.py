"""Loading of a command's inputs: areas, cells and entities with their standard columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import geopandas as gpd

from api.cli.console import error_prefix, print_note
from api.cli.options import ReadOptions, RecordReadOptions
from gis import datum as datums
from gis.errors import InputError
from layers.fields.columns import (
    OSM_CLASS_TAGS,
    standardise_areas,
    standardise_basemap,
    standardise_cells,
    standardise_entities,
)
from layers.formats import layer_names, read_layer


def load_areas(
    path: Path,
    *,
    code_field: str | None = None,
    name_field: str | None = None,
    level_field: str | None = None,
    parent_field: str | None = None,
    level: str | None = None,
    **reading: Unpack[ReadOptions],
) -> gpd.GeoDataFrame:
    """Read areas with code, name, level, parent, without validating them."""
    tags = (code_field, name_field, level_field, parent_field)
    frame = read_layer(path, role="areas", tags=tags, note=print_note, **reading)
    with error_prefix(path):
        return standardise_areas(
            frame,
            code_field=code_field,
            name_field=name_field,
            level_field=level_field,
            parent_field=parent_field,
            level=level,
        )


def load_area_geometries(path: Path, **reading: Unpack[ReadOptions]) -> gpd.GeoDataFrame:
    """Read areas of which only the geometry matters; they need no code."""
    return read_layer(path, role="areas", note=print_note, **reading)[["geometry"]]


def load_lines(path: Path, **reading: Unpack[ReadOptions]) -> gpd.GeoDataFrame:
    """Read lines by which areas are divided, with the fields of their file."""
    return read_layer(path, role="lines", note=print_note, **reading)


def load_cells(
    path: Path,
    *,
    code_field: str | None = None,
    name_field: str | None = None,
    area_field: str | None = None,
    own_crs: bool = False,
    **reading: Unpack[ReadOptions],
) -> gpd.GeoDataFrame:
    """Read cells with code, name, area_code and all their other columns."""
    return read_cells(
        path,
        code_field=code_field,
        name_field=name_field,
        area_field=area_field,
        own_crs=own_crs,
        **reading,
    )[1]


def read_cells(
    path: Path,
    *,
    code_field: str | None = None,
    name_field: str | None = None,
    area_field: str | None = None,
    own_crs: bool = False,
    **reading: Unpack[ReadOptions],
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Read cells; return the file as it is and, record by record, what `load_cells` gives."""
    frame = read_layer(
        path,
        role="cells",
        tags=(code_field, name_field, area_field),
        own_crs=own_crs,
        note=print_note,
        **reading,
    )
    with error_prefix(path):
        return frame, standardise_cells(
            frame, code_field=code_field, name_field=name_field, area_field=area_field
        )


def load_valid_cells(
    path: Path,
    *,
    code_field: str | None = None,
    name_field: str | None = None,
    area_field: str | None = None,
    **reading: Unpack[ReadOptions],
) -> gpd.GeoDataFrame:
    """Read cells that may own something: each with a unique code and a valid polygon.

    Raises
    ------
    InputError
        If a cell has no code, a code used before, or no valid polygon.
    """
    cells = load_cells(path, code_field=code_field, name_field=name_field, area_field=area_field, **reading)
    polygonal = cells.geometry.geom_type.isin(["Polygon", "MultiPolygon"]) & ~cells.geometry.is_empty
    with error_prefix(path):
        for bad, defect in (
            (cells["code"].isna(), "has no code"),
            (cells["code"].duplicated(), "has a code that an earlier record has"),
            (~polygonal, "has no polygon"),
            (~cells.geometry.is_valid, "is no valid polygon"),
        ):
            if bad.any():
                row = int(bad.to_numpy().argmax())
                code = cells["code"].iat[row]
                named = "" if code is None else f" (code {code!r})"
                raise InputError(f"record {row + 1}{named} {defect}; wangge check lists all defects.")
    return cells


def load_base(
    path: Path,
    *,
    kind: str | None = None,
    layer: str | None = None,
    where: str | None = None,
    source_crs: str | None = None,
    encoding: str | None = None,
) -> dict[str, gpd.GeoDataFrame]:
    """Read features of the base map by kind, as `layers.fields.columns.standardise_basemap` gives them.

    Parameters
    ----------
    kind
        The kind of the records. Without it the layers named like kinds are read, or the features of each kind
        in an OpenStreetMap extract.

    Raises
    ------
    InputError
        If there is no such kind, the kind of the records is unknown, or the file cannot be read.
    """
    # Commands without a database need not import SQLAlchemy.
    from layers.basemap import BASEMAP_KINDS

    if kind is not None and kind not in BASEMAP_KINDS:
        raise InputError(f"There is no kind '{kind}'; the base map has {', '.join(BASEMAP_KINDS)}.")
    names = layer_names(path)
    if kind is None and names is not None:
        kinds = [each for each in BASEMAP_KINDS if each in names and layer in (None, each)]
        if not kinds and path.stem in BASEMAP_KINDS and len(names) < 2:
            kinds = [path.stem]
        if not kinds:
            raise InputError(
                f"{path} does not say what its records are; "
                f"name one of {', '.join(BASEMAP_KINDS)} with --kind."
            )
    else:
        kinds = list(BASEMAP_KINDS) if kind is None else [kind]
    found: dict[str, gpd.GeoDataFrame] = {}
    failure: InputError | None = None
    for each in kinds:
        named = each if layer is None and names is not None and each in names and len(names) > 1 else layer
        try:
            frame = read_layer(
                path,
                role=each,
                layer=named,
                where=where,
                source_crs=source_crs,
                encoding=encoding,
                tags=OSM_CLASS_TAGS[each],
                note=print_note,
            )
        except InputError as error:
            # An extract need not have features of every kind.
            if kind is not None or names is not None:
                raise
            failure = error
        else:
            found[each] = standardise_basemap(frame, each)
    if failure is not None and not found:
        raise failure
    return found


def load_entities(
    path: Path, *, kind: str | None = None, datum: str = "wgs84", **reading: Unpack[RecordReadOptions]
) -> tuple[gpd.GeoDataFrame, str | None]:
    """Read entities converted from their datum to WGS 84, and return the name of their identity field."""
    return read_entities(path, kind=kind, datum=datum, **reading)[1:]


def load_entity_files(sources: Sequence[str], **reading: Unpack[RecordReadOptions]) -> list[gpd.GeoDataFrame]:
    """Read files of entities, each FILE or KIND=FILE, into frames with id and kind.

    Raises
    ------
    InputError
        If the kind of records is not known, or a file cannot be read.
    """
    frames = []
    for source in sources:
        kind, path = (None, Path(source))
        if "=" in source and not path.exists():
            word, _, name = source.partition("=")
            kind, path = word, Path(name)
        frame, identity = load_entities(path, kind=kind, **reading)
        if "kind" not in frame.columns:
            raise InputError(f"{path} has no field 'kind'; say what its records are as KIND={path.name}.")
        if identity is None:
            frame = frame.assign(id=[str(number + 1) for number in range(len(frame))])
        frames.append(frame)
    return frames


def read_entities(
    path: Path,
    *,
    kind: str | None = None,
    datum: str = "wgs84",
    id_field: str | None = None,
    lon_field: str | None = None,
    lat_field: str | None = None,
    **reading: Unpack[ReadOptions],
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, str | None]:
    """Read entities; return the file as it is and, record by record, what `load_entities` gives."""
    frame = read_layer(
        path,
        role="entities",
        lon_field=lon_field,
        lat_field=lat_field,
        tags=(id_field,),
        note=print_note,
        **reading,
    )
    with error_prefix(path):
        entities, found = standardise_entities(frame, id_field=id_field, kind=kind)
    if datum != "wgs84":
        moved = datums.convert_geometries(entities.geometry.values, datum, "wgs84")
        entities = entities.set_geometry(gpd.GeoSeries(moved, index=entities.index, crs=entities.crs))
    return frame, entities, found
