"""Loads of units that are counted from files of records: --count and --sum."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from api.cli import options
from api.cli.console import note_on, reading_file_of
from api.cli.divide.method import Options, option_name
from gis.errors import InputError, ParameterError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


class CountOptions(TypedDict, total=False):
    """Options of records whose number, or a field of which, is a load of units."""

    count: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="Count the records of a file in each unit as the field NAME, to be a --weight; repeatable.",
        ),
    ]
    count_layer: Annotated[str | None, typer.Option(help="Layer of --count to read.")]
    count_where: Annotated[str | None, typer.Option(help="SQL condition on the fields of --count.")]
    count_source_crs: Annotated[
        str | None, typer.Option(help="CRS of --count, where the file names none, e.g. EPSG:4326.")
    ]
    count_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --count [default: by its bytes].")
    ]
    sum: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=FILE",
            help="Add up a field of the records of a file in each unit, to be a --weight; repeatable.",
        ),
    ]
    sum_layer: Annotated[str | None, typer.Option(help="Layer of --sum to read.")]
    sum_where: Annotated[str | None, typer.Option(help="SQL condition on the fields of --sum.")]
    sum_source_crs: Annotated[
        str | None, typer.Option(help="CRS of --sum, where the file names none, e.g. EPSG:4326.")
    ]
    sum_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --sum [default: by its bytes].")
    ]


def add_counts(units: "gpd.GeoDataFrame", given: Options) -> "gpd.GeoDataFrame":
    """Return units with a field for each --count and --sum.

    Raises
    ------
    InputError
        If an option is no NAME=FILE, or the units have its field already, or a file cannot be used.
    """
    for parameter in ("count", "sum"):
        for text in given.get(parameter, ()):
            name, _, file = text.partition("=")
            if not name or not file:
                raise ParameterError(f"{option_name(parameter)} '{text}' is not NAME=FILE.")
            if name in units.columns:
                raise ParameterError(
                    f"{option_name(parameter)} '{text}' would replace the field '{name}' of the units; "
                    "choose another name."
                )
            with reading_file_of(parameter):
                units = units.assign(**{name: _loads(units, parameter, name, Path(file), given)})
    return units


def _loads(units: "gpd.GeoDataFrame", parameter: str, name: str, path: Path, given: Options) -> "pd.Series":
    from api.cli.inputs import load_entities
    from gis.assign import assign_to_cells
    from gis.measures import entity_load

    records = load_entities(path, **options.reading_of(parameter, given))[0]
    if parameter == "sum":
        _require_numbers(records, name, path)
    assigned = assign_to_cells(records, units).frame
    outside = int(assigned["cell_code"].isna().sum())
    if outside:
        note_on(path)(f"{outside:,} of {len(records):,} records lie in no unit, and count nowhere")
    return entity_load(units, assigned, weight=name if parameter == "sum" else None)


def _require_numbers(records: "gpd.GeoDataFrame", name: str, path: Path) -> None:
    import numpy as np
    import pandas as pd

    if name not in records.columns:
        fields = ", ".join(str(column) for column in records.columns if column != records.geometry.name)
        raise InputError(f"{path} has no field '{name}' to add up (fields: {fields}).")
    numbers = pd.to_numeric(records[name], errors="coerce")
    wrong = records[name].notna() & ~(np.isfinite(numbers) & (numbers >= 0))
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise InputError(f"{path}: record {row + 1} has no number of 0 or more as '{name}'.")
