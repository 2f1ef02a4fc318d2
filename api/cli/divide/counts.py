"""Loads of units that are counted from files of records: --count and --sum."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypedDict

import typer

from api.cli import options
from api.cli.console import note_on, reading_file_of
from api.cli.divide.method import Options, option_name
from gis.errors import InputError, ParameterError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from gis.arrays import FloatArray, ObjectArray


class CountOptions(TypedDict, total=False):
    """Options of records whose number, or a field of which, is a load of units."""

    count: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="Count the records of a file as the field NAME; repeatable.",
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
            help="Add up a field of the records of a file; repeatable.",
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


class Amounts(NamedTuple):
    """Places in EPSG:4326, and what is at each, at least 0."""

    geometries: "ObjectArray"
    amounts: "FloatArray"


def read_amounts(given: Mapping[str, Any]) -> dict[str, Amounts]:
    """Read the records of each --count and --sum by the name that it is given.

    Raises
    ------
    InputError
        If an option is no NAME=FILE, a name is given twice, or a file cannot be used.
    """
    import numpy as np

    from api.cli.inputs import load_entities
    from gis.crs import to_lonlat

    found: dict[str, Amounts] = {}
    for parameter, name, path in _named_files(given):
        if name in found:
            raise ParameterError(f"{option_name(parameter)} '{name}={path}' gives '{name}' a second time.")
        with reading_file_of(parameter):
            records = load_entities(path, **options.reading_of(parameter, given))[0]
            counted = parameter == "count"
            amounts = np.ones(len(records)) if counted else _require_numbers(records, name, path)
        found[name] = Amounts(to_lonlat(records).geometry.to_numpy(), amounts)
    return found


def _named_files(given: Mapping[str, Any]) -> Iterator[tuple[str, str, Path]]:
    """Read each NAME=FILE: the parameter, the name and the file."""
    for parameter in ("count", "sum"):
        for text in given.get(parameter) or ():
            name, _, file = text.partition("=")
            if not name or not file:
                raise ParameterError(f"{option_name(parameter)} '{text}' is not NAME=FILE.")
            yield parameter, name, Path(file)


def add_counts(units: "gpd.GeoDataFrame", given: Options) -> "gpd.GeoDataFrame":
    """Return units with a field for each --count and --sum.

    Raises
    ------
    InputError
        If an option is no NAME=FILE, or the units have its field already, or a file cannot be used.
    """
    for parameter, name, path in _named_files(given):
        if name in units.columns:
            raise ParameterError(
                f"{option_name(parameter)} '{name}={path}' would replace the field '{name}' of the units; "
                "choose another name."
            )
        with reading_file_of(parameter):
            units = units.assign(**{name: _loads(units, parameter, name, path, given)})
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


def _require_numbers(records: "gpd.GeoDataFrame", name: str, path: Path) -> "FloatArray":
    """Return a field of records as numbers, 0 where there is none."""
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
    return np.asarray(numbers.fillna(0.0), dtype=float)
