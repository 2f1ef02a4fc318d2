"""Which fields of a file mean code, name, area, identity: from a file's own columns to the standard ones."""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from gis.codes import normalize_codes
from gis.errors import InputError

CODE_FIELDS = ("code", "adcode", "osm_id", "编码", "代码", "行政区划代码", "网格编码")
NAME_FIELDS = ("name", "名称", "nl_name", "网格名称")
LEVEL_FIELDS = ("level", "admin_level", "级别", "层级")
PARENT_FIELDS = ("parent", "parent_code", "上级编码")
AREA_CODE_FIELDS = ("area_code",)
CELL_COLUMNS = ("code", "name", "area_code")
"""What cells have beside the fields of their file."""

ID_FIELDS = ("id", "entity_id", "uuid", "osm_id", "编号", "统一社会信用代码")
KIND_FIELDS = ("kind",)
BASEMAP_CLASS_FIELDS = ("class_name", "class", "类别")
"""Fields that tell a main road from a lane."""

OSM_CLASS_TAGS = {
    "roads": ("highway",),
    "railway": ("railway",),
    "water": ("water", "waterway", "natural"),
    "green": ("leisure", "landuse", "natural"),
    "buildings": ("building",),
}
"""The tags of OpenStreetMap that do, by kind of the base map."""

RECORD_NUMBER = "#"
"""Given as the code field, it numbers the records from 1."""

# A first column that ends in "id" is the identity only if its values hardly repeat.
_DISTINCT_SHARE = 0.95


def text_codes(column: pd.Series) -> pd.Series:
    """Spell codes as `gis.codes.normalize_codes` does, with None for what is missing."""
    texts = normalize_codes(column)
    texts[texts == ""] = None
    return pd.Series(texts, index=column.index, dtype=object)


def _unwrap_codes(column: pd.Series) -> pd.Series:
    """Take the code out of objects such as {"adcode": 440300}, which map portals give for a parent."""
    if not (pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype)):
        return column

    def unwrap(value: object) -> object:
        if isinstance(value, str) and value.lstrip().startswith("{"):
            # Formats without objects have their text.
            try:
                value = json.loads(value)
            except ValueError:
                return value
        if not isinstance(value, Mapping):
            return value
        return next((value[name] for name in (*CODE_FIELDS, *ID_FIELDS) if name in value), None)

    return column.astype(object).map(unwrap, na_action="ignore")


def standardise_areas(
    frame: gpd.GeoDataFrame,
    *,
    code_field: str | None = None,
    name_field: str | None = None,
    level_field: str | None = None,
    parent_field: str | None = None,
    level: str | None = None,
) -> gpd.GeoDataFrame:
    """Return areas with the standard columns code, name, level, parent, geometry.

    Parameters
    ----------
    frame
        Any layer of polygons in EPSG:4326.
    code_field, name_field, level_field, parent_field
        The fields to take; found by their usual names when not given. Only the code must exist; "#" numbers
        the records instead.
    level
        Keep only the areas of this level.

    Raises
    ------
    InputError
        If a named field does not exist, no code field is found, or no area has the level.
    """
    areas = gpd.GeoDataFrame(
        {"code": _read_codes(frame, code_field)}, geometry=frame.geometry.values, crs=frame.crs
    )
    for column, requested, names, option in (
        ("name", name_field, NAME_FIELDS, "--name-field"),
        ("level", level_field, LEVEL_FIELDS, "--level-field"),
        ("parent", parent_field, PARENT_FIELDS, "--parent-field"),
    ):
        found = _find_field(frame, requested, names, option)
        areas[column] = text_codes(_unwrap_codes(frame[found])) if found else None
    areas["name"] = areas["name"].fillna(areas["code"])
    areas["level"] = areas["level"].fillna("")
    if level is not None:
        chosen = areas["level"] == level
        if not chosen.any():
            known = ", ".join(sorted(set(areas["level"]) - {""})) or "none"
            raise InputError(f"no area has the level '{level}' (levels: {known}).")
        areas = areas[chosen].reset_index(drop=True).assign(parent=None)
    return areas[["code", "name", "level", "parent", "geometry"]]


def standardise_cells(
    frame: gpd.GeoDataFrame,
    *,
    code_field: str | None = None,
    name_field: str | None = None,
    area_field: str | None = None,
) -> gpd.GeoDataFrame:
    """Return cells with code, name and area_code beside all other columns of the file.

    A column that already bears a standard name, in whatever case, but is not the one picked is kept as
    `source_<name>`; one that is picked and differs in case only is replaced.

    Raises
    ------
    InputError
        If a named field does not exist or no code field is found.
    """
    picked = {
        "code": None
        if code_field == RECORD_NUMBER
        else _require_field(frame, code_field, CODE_FIELDS, "--code-field"),
        "name": _find_field(frame, name_field, NAME_FIELDS, "--name-field"),
        "area_code": _find_field(frame, area_field, AREA_CODE_FIELDS, "--area-field"),
    }
    values = {
        column: text_codes(frame[field]) if field else pd.Series(None, index=frame.index, dtype=object)
        for column, field in picked.items()
    }
    if code_field == RECORD_NUMBER:
        values["code"] = _read_codes(frame, code_field)
    cells = _rename_conflicting_columns(_without_nesting(frame), picked).assign(**values)
    cells["name"] = cells["name"].fillna(cells["code"])
    return cells[[*CELL_COLUMNS, *(column for column in cells.columns if column not in CELL_COLUMNS)]]


def standardise_basemap(frame: gpd.GeoDataFrame, kind: str) -> gpd.GeoDataFrame:
    """Return features of the base map with class_name, name (str or None) and geometry.

    Parameters
    ----------
    frame
        Any layer in EPSG:4326.
    kind
        roads, railway, water, green or buildings: where OpenStreetMap keeps the class depends on it.
    """
    features = gpd.GeoDataFrame(geometry=frame.geometry.values, crs=frame.crs)
    named = _find_field(frame, None, NAME_FIELDS, "")
    names = text_codes(frame[named]).to_numpy() if named else None
    features["name"] = pd.Series(names, index=features.index, dtype=object)
    classes = pd.Series(None, index=features.index, dtype=object)
    for tag in (*BASEMAP_CLASS_FIELDS, *OSM_CLASS_TAGS[kind]):
        if tag in frame.columns:
            classes = classes.fillna(pd.Series(text_codes(frame[tag]).to_numpy(), dtype=object))
    # OpenStreetMap's "yes" says only that it is one.
    features["class_name"] = classes.where(classes.notna() & (classes != "yes"), None)
    return features[["class_name", "name", "geometry"]]


def standardise_entities(
    frame: gpd.GeoDataFrame, *, id_field: str | None = None, kind: str | None = None
) -> tuple[gpd.GeoDataFrame, str | None]:
    """Return entities with a text `id` and the name of the field it came from.

    Parameters
    ----------
    frame
        Any layer in EPSG:4326; all columns are kept.
    id_field
        The field of the identity; found by usual names when not given, else a first column that ends in "id"
        and hardly repeats. Without any, `id` is not added and records are known by their number.
    kind
        The kind of all records, for a file without a `kind` column.

    Raises
    ------
    InputError
        If the named field does not exist.
    """
    frame = _without_nesting(frame)
    found = _find_field(frame, id_field, ID_FIELDS, "--id-field") or _find_id_column(frame)
    if found is not None:
        frame = _rename_conflicting_columns(frame, {"id": found}).assign(id=text_codes(frame[found]))
    if kind is not None:
        frame = frame.assign(kind=kind)
    return frame, found


def _without_nesting(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Make text of lists and mappings, which can neither be counted nor compared."""

    def spell(value: object) -> object:
        nested = isinstance(value, list | dict)
        return json.dumps(value, ensure_ascii=False, default=str) if nested else value

    objects = [name for name in frame.columns if pd.api.types.is_object_dtype(frame[name].dtype)]
    return frame.assign(**{name: frame[name].map(spell) for name in objects})


def _rename_conflicting_columns(
    frame: gpd.GeoDataFrame, picked: Mapping[str, str | None]
) -> gpd.GeoDataFrame:
    """Free the standard names; most formats know no difference between upper and lower case."""
    replaced = [
        field
        for standard, field in picked.items()
        if field and field != standard and field.lower() == standard
    ]
    frame = frame.drop(columns=replaced)
    for column in map(str, frame.columns):
        standard = column.lower()
        if standard in picked and picked[standard] != column:
            frame = frame.rename(columns={column: free_name(f"source_{standard}", frame.columns)})
    return frame


def keep_fields(
    result: gpd.GeoDataFrame, source: gpd.GeoDataFrame, added: Sequence[str], *, leading: bool = False
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """Give a result the fields of the file it was made from, as they were: their names, order and types.

    Parameters
    ----------
    result
        The records of the file in their order, with standard columns; the geometry is taken from it.
    source
        The file as it was read.
    added
        Columns of the result to have beside those of the file. One that the file has already, in whatever
        case, stays the file's if it says the same; else that of the file becomes `source_<name>`.
    leading
        Put them before the fields of the file, else after them.

    Returns
    -------
    frame : GeoDataFrame
    notes : list of str
        What was renamed.
    """
    fields = pd.DataFrame(source.drop(columns=source.geometry.name)).set_axis(result.index)
    notes = []
    missing = []
    for name in added:
        twins = [str(column) for column in fields.columns if str(column).lower() == name]
        if any(_says_the_same(name, fields[twin], result[name]) for twin in twins):
            continue
        for twin in twins:
            kept = free_name(f"source_{name}", [*fields.columns, *added])
            fields = fields.rename(columns={twin: kept})
            notes.append(f"the field '{twin}' of the file is written as '{kept}'")
        missing.append(name)
    ours = pd.DataFrame(result[missing])
    columns = [ours, fields] if leading else [fields, ours]
    return gpd.GeoDataFrame(pd.concat(columns, axis=1), geometry=result.geometry), notes


def _says_the_same(name: str, theirs: pd.Series, ours: pd.Series) -> bool:
    """Return whether a field has the codes of a standard column, where missing names are completed."""
    codes, standard = text_codes(theirs).to_numpy(), text_codes(ours).to_numpy()
    compared = theirs.notna().to_numpy() if name == "name" else np.ones(len(codes), dtype=bool)
    return bool((codes == standard)[compared].all() and compared.any())


def _find_id_column(frame: gpd.GeoDataFrame) -> str | None:
    first = str(frame.columns[0])
    if not first.lower().endswith("id") or first == frame.geometry.name:
        return None
    return first if frame[first].nunique() >= _DISTINCT_SHARE * len(frame) else None


def _read_codes(frame: gpd.GeoDataFrame, code_field: str | None) -> pd.Series:
    if code_field == RECORD_NUMBER:
        numbers = [str(number) for number in range(1, len(frame) + 1)]
        return pd.Series(numbers, index=frame.index, dtype=object)
    return text_codes(frame[_require_field(frame, code_field, CODE_FIELDS, "--code-field")])


def _require_field(frame: gpd.GeoDataFrame, requested: str | None, names: Sequence[str], option: str) -> str:
    found = _find_field(frame, requested, names, option)
    if found is None:
        raise InputError(
            f"has no field '{names[0]}'; name the one to take with {option}, or number the records with "
            f"{option} '{RECORD_NUMBER}' (fields: {_list_fields(frame)})."
        )
    return found


def _find_field(
    frame: gpd.GeoDataFrame, requested: str | None, names: Sequence[str], option: str
) -> str | None:
    if requested is None:
        lower = {str(column).lower(): str(column) for column in reversed(frame.columns)}
        return next((lower[name] for name in names if name in lower), None)
    if requested not in frame.columns or requested == frame.geometry.name:
        raise InputError(f"has no field '{requested}' for {option} (fields: {_list_fields(frame)}).")
    return requested


def _list_fields(frame: gpd.GeoDataFrame) -> str:
    return ", ".join(str(column) for column in frame.columns if column != frame.geometry.name) or "none"


def free_name(name: str, columns: Iterable[object]) -> str:
    """Return a name that no column has, whatever the case: the one asked for, or that with a number."""
    used = {str(column).lower() for column in columns}
    names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
    return next(each for each in names if each.lower() not in used)


def find_column(columns: Sequence[str], names: Sequence[str]) -> str | None:
    """Return the column that bears the earliest of some names, in whatever case."""
    lower = {column.lower(): column for column in reversed(columns)}
    return next((lower[name] for name in names if name in lower), None)
