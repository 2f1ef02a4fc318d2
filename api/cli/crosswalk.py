"""The commands `crosswalk` and `unify`: shares of cells in those of another scheme, and common units."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

import typer

from api.cli import options
from api.cli.console import handle_errors, note_on, print_notes, print_result
from api.cli.divide.counts import CountOptions, read_amounts
from api.cli.progress import progress_bar

if TYPE_CHECKING:
    from gis.crosswalk import CrosswalkTable, Loads


_MAX_SHEET_ROWS = 1_048_575


class _CrosswalkOptions(options.ReadOptions, CountOptions, total=False):
    """Options of the cells, and of the records that are shared out."""


@handle_errors
def crosswalk(
    first: Annotated[Path, typer.Argument(metavar="A", help="Cells to translate from.", show_default=False)],
    second: Annotated[Path, typer.Argument(metavar="B", help="Cells to translate to.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Table, as .csv, .xlsx or .parquet.", show_default=False),
    ],
    code_field: options.CodeField = None,
    second_code_field: Annotated[
        str | None, typer.Option(help="Field of B with the code, where it is another.")
    ] = None,
    second_layer: Annotated[str | None, typer.Option(help="Layer of B to read, where it is another.")] = None,
    crs: options.WorkingCrs = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[_CrosswalkOptions],
) -> None:
    """Tell how much of each cell of A lies in each cell of B: ground, and the records of --count and --sum.

    The shares of a cell of A add up to 1. Ground in no cell of B, and that of B in no cell of A, has rows of
    its own, without a code.
    """
    from api.cli.inputs import load_valid_cells
    from gis.crosswalk import measure_crosswalk
    from gis.crs import parse_working_crs
    from gis.errors import InputError
    from layers.formats import validate_outputs

    validate_outputs(texts={output: (".csv", ".xlsx", ".parquet")})
    working = parse_working_crs(crs) if crs else None
    own = options.own_reading(options.ReadOptions, reading)
    before = load_valid_cells(first, code_field=code_field, **own)
    of_second: options.ReadOptions = {**own, "layer": second_layer or own.get("layer")}
    after = load_valid_cells(second, code_field=second_code_field or code_field, **of_second)
    loads = _read_loads(reading)
    with progress_bar("comparing") as progress:
        found = measure_crosswalk(before, after, loads, crs=working, progress=progress)
    if output.suffix.lower() == ".xlsx" and len(found.rows) > _MAX_SHEET_ROWS:
        raise InputError(
            f"{output}: a sheet holds {_MAX_SHEET_ROWS:,} rows, and this table has {len(found.rows):,}; "
            "write .csv or .parquet."
        )
    _write_rows(output, found)
    figures = found.summary()
    lines = [
        f"{figures['from_cells']:,} cells, {figures['to_cells']:,} cells: {figures['rows']:,} rows",
        (
            f"ground in both: {figures['shared_m2']:,.2f} m²; only in A: {figures['only_from_m2']:,.2f} m²; "
            f"only in B: {figures['only_to_m2']:,.2f} m²"
        ),
    ]
    lines += [
        f"{name}: {value:,.10g}; in neither: {found.unlocated[name]:,.10g}"
        for name, value in found.located.items()
    ]
    print_result([*lines, f"written to {output}"], {**figures, "output": str(output)}, as_json=as_json)


@handle_errors
def unify(
    schemes: Annotated[
        list[Path], typer.Argument(metavar="A B...", help="Cells of each scheme.", show_default=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Units to write.", show_default=False)],
    mismatches: Annotated[
        Path | None,
        typer.Option(help="Write where the schemes do not fit: slivers that were joined, and overlaps."),
    ] = None,
    min_width: Annotated[
        float, typer.Option(min=0, help="Join what is narrower to the unit beside it, metres.")
    ] = 1.0,
    code_field: options.CodeField = None,
    crs: options.WorkingCrs = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.ReadOptions],
) -> None:
    """Cut ground into common base units of several schemes, of which the cells of each are made exactly.

    Each unit has the code of its cell in each scheme, in a field named after the file. Cells whose borders
    run within --min-width of each other share one border afterwards; --mismatches holds what moved.
    """
    from api.cli.inputs import load_valid_cells
    from gis.crosswalk import unify_schemes
    from gis.crs import parse_working_crs
    from layers.formats import validate_outputs, write_layer

    validate_outputs(layers=[output, mismatches])
    working = parse_working_crs(crs) if crs else None
    names = _scheme_names(schemes)
    frames = {
        name: load_valid_cells(path, code_field=code_field, **reading)
        for name, path in zip(names, schemes, strict=True)
    }
    with progress_bar("unifying") as progress:
        found = unify_schemes(frames, min_width_m=min_width, crs=working, progress=progress)
    print_notes(write_layer(output, found.units))
    if mismatches is not None:
        print_notes(write_layer(mismatches, found.mismatches))
    for codes, path in zip(found.without_unit.values(), schemes, strict=True):
        if codes:
            note_on(path)(
                f"{len(codes):,} cells have no unit, the first is '{codes[0]}': other cells of "
                "the file lie over them, or they have no ground"
            )
    figures = found.summary()
    lines = [f"{figures['units']:,} units, {figures['area_m2']:,.2f} m²"]
    lines += [
        f"{name}: {each['cells']:,} cells, {each['outside_m2']:,.2f} m² in none; "
        f"moved: {each['moved_m2']:,.2f} m²"
        for name, each in figures["schemes"].items()
    ]
    lines.append(f"mismatches: {figures['slivers']:,} slivers joined, {figures['overlaps']:,} overlaps")
    print_result([*lines, f"written to {output}"], {**figures, "output": str(output)}, as_json=as_json)


def _read_loads(given: _CrosswalkOptions) -> "Loads | None":
    """Read the records of --count and --sum as entities with a weight for each name."""
    import numpy as np

    from gis.crosswalk import Loads

    amounts = read_amounts(given)
    if not amounts:
        return None
    sizes = [len(each.geometries) for each in amounts.values()]
    starts = np.cumsum([0, *sizes])
    weights = {}
    for place, (name, each) in enumerate(amounts.items()):
        weights[name] = np.zeros(starts[-1])
        weights[name][starts[place] : starts[place + 1]] = each.amounts
    return Loads(np.concatenate([each.geometries for each in amounts.values()]), weights)


def _write_rows(output: Path, found: "CrosswalkTable") -> None:
    if output.suffix.lower() != ".xlsx":
        from layers.formats import write_table

        write_table(output, found.rows)
        return
    from layers.formats import write_bytes
    from layers.formats.spreadsheet import build_workbook

    columns = {str(name): found.rows[name].tolist() for name in found.rows.columns}
    write_bytes(output, build_workbook(columns, "crosswalk"))


def _scheme_names(paths: list[Path]) -> list[str]:
    """Name schemes after their files, each once."""
    from gis.crosswalk import RESERVED_NAMES

    names: list[str] = []
    for path in paths:
        name = f"{path.stem}_cells" if path.stem in RESERVED_NAMES else path.stem
        number = 2
        chosen = name
        while chosen in names:
            chosen, number = f"{name}_{number}", number + 1
        names.append(chosen)
    return names
