"""The options that several commands share."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypedDict, TypeVar, cast

import typer


@dataclass(frozen=True)
class Of:
    """Marks an option that describes the files of other parameters, not that of the argument."""

    files: tuple[str, ...]

    def __init__(self, *files: str) -> None:
        object.__setattr__(self, "files", files)


def parse_day(text: str) -> date:
    """Read a date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is no date; write it as YYYY-MM-DD.") from None


class Coverage(StrEnum):
    """How cells cover their areas."""

    whole = "whole"
    part = "part"


CoverageOption = Annotated[
    Coverage, typer.Option(help="Whether cells cover their areas whole, or in part as exclusive zones do.")
]
CodeField = Annotated[str | None, typer.Option(help="Field with the code; '#' numbers the records.")]
NameField = Annotated[str | None, typer.Option(help="Field with the name.")]
AreaField = Annotated[str | None, typer.Option(help="Field with the code of the area a cell belongs to.")]
LevelField = Annotated[str | None, typer.Option(help="Field with the level of an area.")]
ParentField = Annotated[str | None, typer.Option(help="Field with the code of the parent area.")]
IdField = Annotated[str | None, typer.Option(help="Field with the identity of a record.")]
LonField = Annotated[str | None, typer.Option(help="Column with the longitude, in a CSV.")]
LatField = Annotated[str | None, typer.Option(help="Column with the latitude, in a CSV.")]
Layer = Annotated[str | None, typer.Option(help="Layer to read, where the file has several.")]
Where = Annotated[str | None, typer.Option(help="SQL condition on the fields, e.g. \"admin_level = '10'\".")]
SourceCrs = Annotated[
    str | None, typer.Option(help="CRS of the coordinates, where the file names none, e.g. EPSG:4326.")
]
Encoding = Annotated[
    str | None,
    typer.Option(help="Encoding of a CSV or Shapefile, e.g. gb18030, big5, cp1252 [default: by its bytes]."),
]
AreasEncoding = Annotated[
    str | None, typer.Option(help="Encoding of a CSV or Shapefile of --areas [default: by its bytes].")
]
CellsEncoding = Annotated[
    str | None, typer.Option(help="Encoding of a CSV or Shapefile of --cells [default: by its bytes].")
]
EntitiesEncoding = Annotated[
    str | None, typer.Option(help="Encoding of a CSV or Shapefile of --entities [default: by its bytes].")
]
EntitiesLayer = Annotated[str | None, typer.Option(help="Layer of each --entities to read.")]
EntitiesWhere = Annotated[str | None, typer.Option(help="SQL condition on the fields of each --entities.")]
EntitiesSourceCrs = Annotated[
    str | None, typer.Option(help="CRS of each --entities, where the file names none, e.g. EPSG:4326.")
]
EntitiesIdField = Annotated[
    str | None, typer.Option(help="Field of each --entities with the identity of a record.")
]
EntitiesLonField = Annotated[
    str | None, typer.Option(help="Column of each --entities with the longitude, in a CSV.")
]
EntitiesLatField = Annotated[
    str | None, typer.Option(help="Column of each --entities with the latitude, in a CSV.")
]
ServicePointsLayer = Annotated[str | None, typer.Option(help="Layer of --service-points to read.")]
ServicePointsWhere = Annotated[
    str | None, typer.Option(help="SQL condition on the fields of --service-points.")
]
ServicePointsSourceCrs = Annotated[
    str | None, typer.Option(help="CRS of --service-points, where the file names none, e.g. EPSG:4326.")
]
ServicePointsIdField = Annotated[
    str | None, typer.Option(help="Field of --service-points with the identity of a record.")
]
ServicePointsLonField = Annotated[
    str | None, typer.Option(help="Column of --service-points with the longitude, in a CSV.")
]
ServicePointsLatField = Annotated[
    str | None, typer.Option(help="Column of --service-points with the latitude, in a CSV.")
]
ServicePointsEncoding = Annotated[
    str | None,
    typer.Option(help="Encoding of a CSV or Shapefile of --service-points [default: by its bytes]."),
]
GapsLayer = Annotated[str | None, typer.Option(help="Layer of --gaps to read.")]
GapsWhere = Annotated[str | None, typer.Option(help="SQL condition on the fields of --gaps.")]
GapsSourceCrs = Annotated[
    str | None, typer.Option(help="CRS of --gaps, where the file names none, e.g. EPSG:4326.")
]
GapsEncoding = Annotated[
    str | None, typer.Option(help="Encoding of a CSV or Shapefile of --gaps [default: by its bytes].")
]
# By their names in `map`.
_BASE_FILES = Of("roads", "water", "railway", "buildings", "green")
BaseLayer = Annotated[
    str | None,
    typer.Option(help="Layer to read of each file of the base map."),
    _BASE_FILES,
]
BaseWhere = Annotated[
    str | None,
    typer.Option(help="SQL condition on the fields of the base map's files."),
    _BASE_FILES,
]
BaseSourceCrs = Annotated[
    str | None,
    typer.Option(help="CRS of the base map's files, where one names none, e.g. EPSG:4326."),
    _BASE_FILES,
]
BaseEncoding = Annotated[
    str | None,
    typer.Option(help="Encoding of a CSV or Shapefile of the base map's files [default: by its bytes]."),
    _BASE_FILES,
]
WorkingCrs = Annotated[
    str | None,
    typer.Option("--crs", help="Metric working CRS, e.g. EPSG:4547 [default: chosen from the extent]."),
]
Areas = Annotated[Path | None, typer.Option(help="Areas the cells divide.")]
AreasCodeField = Annotated[str | None, typer.Option(help="Field of --areas with the code.")]
AreasLayer = Annotated[str | None, typer.Option(help="Layer of --areas to read.")]
AreasSourceCrs = Annotated[
    str | None, typer.Option(help="CRS of --areas, where the file names none, e.g. EPSG:4326.")
]
AreasWhere = Annotated[str | None, typer.Option(help="SQL condition on the fields of --areas.")]
CellsCodeField = Annotated[
    str | None,
    typer.Option("--code-field", help="Field of --cells with the code; '#' numbers the records."),
    Of("cells"),
]
CellsNameField = Annotated[
    str | None, typer.Option("--name-field", help="Field of --cells with the name."), Of("cells")
]
CellsAreaField = Annotated[
    str | None,
    typer.Option("--area-field", help="Field of --cells with the code of the area a cell belongs to."),
    Of("cells"),
]
Cells = Annotated[Path, typer.Option(help="Cells, with a code each.")]
CellsWhere = Annotated[str | None, typer.Option(help="SQL condition on the fields of --cells.")]
CellsSourceCrs = Annotated[
    str | None, typer.Option(help="CRS of --cells, where the file names none, e.g. EPSG:4326.")
]
CellsLayer = Annotated[str | None, typer.Option(help="Layer of --cells to read.")]
PROFILE_HELP = (
    "Standard that cells follow: gbt47678, gbt30428, db11-2157, cjt349:CLASS, cjt213, plain, or a TOML file "
    "of your own."
)
Profile = Annotated[str | None, typer.Option(help=PROFILE_HELP)]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database",
        help="sqlite:///FILE.gpkg or postgresql+psycopg://..., else WANGGE_DATABASE.",
        show_default="sqlite:///wangge.gpkg",
    ),
]
OnDay = Annotated[
    date | None,
    typer.Option(parser=parse_day, metavar="DATE", help="As of a date, YYYY-MM-DD.", show_default="today"),
]
Confirm = Annotated[bool, typer.Option("--confirm", help="The day is meant, however far from today it is.")]
PublicationDay = Annotated[
    date | None,
    typer.Option(
        parser=parse_day,
        metavar="DATE",
        help="The day it is to be published for, YYYY-MM-DD.",
        show_default="today",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Write the summary as JSON.")]


Reading = TypeVar("Reading")


ENTITIES_HELP = "FILE with a field kind, or KIND=FILE (household, enterprise, sensor, ...); repeatable."


class ReadOptions(TypedDict, total=False):
    """Options that select the records of a file and their CRS; a command takes them by `**`."""

    layer: Layer
    where: Where
    source_crs: SourceCrs
    encoding: Encoding


class PlacedReadOptions(ReadOptions, total=False):
    """The same for a file that may be a table."""

    lon_field: LonField
    lat_field: LatField


class RecordReadOptions(PlacedReadOptions, total=False):
    """The same for a file of records that have an identity and may be a table."""

    id_field: IdField


class CellsReadOptions(TypedDict, total=False):
    """The same for --cells."""

    cells_layer: CellsLayer
    cells_where: CellsWhere
    cells_source_crs: CellsSourceCrs
    cells_encoding: CellsEncoding


class AreasReadOptions(TypedDict, total=False):
    """The same for --areas."""

    areas_layer: AreasLayer
    areas_where: AreasWhere
    areas_source_crs: AreasSourceCrs
    areas_encoding: AreasEncoding


class PlanReadOptions(CellsReadOptions, AreasReadOptions, total=False):
    """The same for --cells and --areas."""


class EntitiesReadOptions(TypedDict, total=False):
    """The same for --entities."""

    entities_layer: EntitiesLayer
    entities_where: EntitiesWhere
    entities_source_crs: EntitiesSourceCrs
    entities_encoding: EntitiesEncoding
    entities_lon_field: EntitiesLonField
    entities_lat_field: EntitiesLatField


class GapInputReadOptions(PlanReadOptions, EntitiesReadOptions, total=False):
    """The same for --cells, --areas, --entities and --service-points."""

    entities_id_field: EntitiesIdField
    service_points_layer: ServicePointsLayer
    service_points_where: ServicePointsWhere
    service_points_source_crs: ServicePointsSourceCrs
    service_points_encoding: ServicePointsEncoding
    service_points_id_field: ServicePointsIdField
    service_points_lon_field: ServicePointsLonField
    service_points_lat_field: ServicePointsLatField


class MapReadOptions(PlanReadOptions, EntitiesReadOptions, total=False):
    """The same for --cells, --areas, --entities, --gaps and the files of the base map."""

    gaps_layer: GapsLayer
    gaps_where: GapsWhere
    gaps_source_crs: GapsSourceCrs
    gaps_encoding: GapsEncoding
    base_layer: BaseLayer
    base_where: BaseWhere
    base_source_crs: BaseSourceCrs
    base_encoding: BaseEncoding


class CellsWithAreasReadOptions(ReadOptions, AreasReadOptions, total=False):
    """The same for cells and for --areas."""


class RecordsInAreasReadOptions(RecordReadOptions, AreasReadOptions, total=False):
    """The same for records and for --areas."""


class RecordsInCellsReadOptions(RecordReadOptions, CellsReadOptions, total=False):
    """The same for records and for --cells."""


def own_reading(kind: type[Reading], given: Mapping[str, object]) -> Reading:
    """Return the options of the file of the argument, of the kind that it has."""
    return cast("Reading", {name: value for name, value in given.items() if name in kind.__annotations__})


def reading_of(file: str, given: Mapping[str, object]) -> ReadOptions:
    """Return the options of another file by their own names."""
    prefix = f"{file}_"
    named = {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}
    return cast("ReadOptions", named)


def placed_reading_of(file: str, given: Mapping[str, object]) -> PlacedReadOptions:
    """Return the options of another file that may be a table by their own names."""
    return cast("PlacedReadOptions", reading_of(file, given))


def record_reading_of(file: str, given: Mapping[str, object]) -> RecordReadOptions:
    """Return the options of another file of records by their own names."""
    return cast("RecordReadOptions", reading_of(file, given))


class Language(StrEnum):
    """The languages of sentences."""

    zh = "zh"
    en = "en"


def system_language() -> Language:
    """Return the language that the environment asks for, English where it asks for neither."""
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    first = next(filter(None, names), "")
    return Language.zh if first.startswith("zh") else Language.en


LanguageOption = Annotated[
    Language | None,
    typer.Option("--lang", help="Language of the sentences.", show_default="that of the system"),
]


class Datum(StrEnum):
    """The datum of a file's coordinates."""

    wgs84 = "wgs84"
    gcj02 = "gcj02"
    bd09 = "bd09"


DatumOption = Annotated[Datum, typer.Option(help="Datum of the coordinates.")]
