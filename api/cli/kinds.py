"""The command `kinds`: what kind each cell is, by rules over what lies inside it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import typer

from api.cli import options
from api.cli.console import error_prefix, handle_errors, note_on, print_note, print_notes, print_result

if TYPE_CHECKING:
    import geopandas as gpd

    from gis.kinds import KindRules, KindsOfCells


@handle_errors
def kinds(
    cells: Annotated[Path, typer.Argument(help="Cells, with a code each.", show_default=False)],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Cells to write, with kind and kind_rule.", show_default=False),
    ],
    entities: Annotated[
        list[str] | None,
        typer.Option(
            help="FILE with a field kind, or KIND=FILE (household, enterprise, ...); repeatable. "
            "Records that wangge assign has written keep their cells."
        ),
    ] = None,
    base: Annotated[
        list[str] | None,
        typer.Option(
            help="FILE of the base map with layers named like kinds, OSM PBF, or KIND=FILE "
            "(roads, railway, water, green, buildings); repeatable."
        ),
    ] = None,
    rules: Annotated[
        Path | None, typer.Option(help="Rules as TOML.", show_default="those that come with the program")
    ] = None,
    code_field: options.CodeField = None,
    area_field: options.AreaField = None,
    entities_encoding: options.EntitiesEncoding = None,
    base_encoding: Annotated[
        str | None, typer.Option(help="Encoding of a CSV or Shapefile of --base [default: by its bytes].")
    ] = None,
    crs: options.WorkingCrs = None,
    language: options.LanguageOption = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.ReadOptions],
) -> None:
    """Give each cell its kind by rules over what lies inside it.

    Kinds are school, exclusive, commercial, residential, urban-rural fringe, rural, and those of --rules. The
    first rule that holds decides; a cell where none does keeps its kind. A rule that asks about what is not
    given is skipped, with a note.
    """
    from api.cli.inputs import load_valid_cells
    from gis.crs import parse_working_crs
    from gis.kinds import CellContents, classify_cells
    from layers.formats import validate_outputs, write_layer

    validate_outputs(layers=[output])
    frame = load_valid_cells(cells, code_field=code_field, area_field=area_field, **reading)
    layers = _load_entities(entities or [], entities_encoding) | _load_base(base or [], base_encoding)
    kind_rules = _read_rules(rules, layers)
    with error_prefix(cells):
        contents = CellContents(frame, layers, parse_working_crs(crs) if crs else None)
        found = classify_cells(contents, kind_rules)
    _note_what_counts_for_nothing(contents.outside, layers, found)
    kept = frame["kind"].to_numpy(dtype=object) if "kind" in frame else found.kinds
    kinds_column = [new if new is not None else old for new, old in zip(found.kinds, kept, strict=True)]
    print_notes(write_layer(output, frame.assign(kind=kinds_column, kind_rule=found.rules)))
    words = (language or options.system_language()).value
    summary = _summary(found, kind_rules, words)
    lines = [f"{each['cells']:,} {each['label']}: {each['rule']}" for each in summary["rules"]]
    if summary["undecided"]:
        lines.append(f"{summary['undecided']:,} cells where no rule holds")
    print_result([*lines, f"written to {output}"], {**summary, "output": str(output)}, as_json=as_json)


def _summary(found: "KindsOfCells", rules: "KindRules", language: str) -> dict[str, Any]:
    """Return how many cells each rule decided."""
    decided = found.rules.tolist()
    counts = [
        {
            "rule": rule.name,
            "kind": rule.kind,
            "label": getattr(rules.labels[rule.kind], language),
            "cells": decided.count(rule.name),
        }
        for rule in rules.rules
        if rule.name not in found.skipped
    ]
    return {"cells": len(decided), "rules": counts, "undecided": decided.count(None)}


def _note_what_counts_for_nothing(
    outside: dict[str, int], layers: "dict[str, gpd.GeoDataFrame]", found: "KindsOfCells"
) -> None:
    for kind, count in outside.items():
        if count:
            print_note(f"{count:,} of {len(layers[kind]):,} records of {kind} lie in no cell.")
    if found.skipped:
        listed = "; ".join(f"{name} ({', '.join(missing)})" for name, missing in found.skipped.items())
        print_note(f"rules that are skipped, as nothing is given of what they ask about: {listed}.")


def _read_rules(path: Path | None, layers: "dict[str, gpd.GeoDataFrame]") -> "KindRules":
    from api.cli.rules_file import read_rules_text
    from gis.kinds import default_rules, parse_rules

    return default_rules() if path is None else parse_rules(read_rules_text(path), str(path), tuple(layers))


def _split_kind(source: str) -> tuple[str | None, Path]:
    """Return kind and path of KIND=FILE, or of a FILE whose name may have the sign."""
    if "=" in source and not Path(source).exists():
        kind, _, name = source.partition("=")
        return kind, Path(name)
    return None, Path(source)


def _load_entities(sources: list[str], encoding: str | None) -> "dict[str, gpd.GeoDataFrame]":
    """Load files of entities and part them by kind."""
    import pandas as pd

    from api.cli.inputs import load_entities
    from gis.errors import InputError

    parts: dict[str, list[gpd.GeoDataFrame]] = {}
    for source in sources:
        kind, path = _split_kind(source)
        frame, _ = load_entities(path, kind=kind, encoding=encoding)
        if "kind" not in frame.columns:
            raise InputError(f"{path} has no field 'kind'; say what its records are as KIND={path.name}.")
        if unnamed := int(frame["kind"].isna().sum()):
            note_on(path)(f"{unnamed:,} records have no kind and count for nothing.")
        for name in frame["kind"].dropna().unique():
            parts.setdefault(str(name), []).append(frame[frame["kind"] == name])
    return {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}


def _load_base(sources: list[str], encoding: str | None) -> "dict[str, gpd.GeoDataFrame]":
    import pandas as pd

    from api.cli.inputs import load_base
    from gis.errors import InputError
    from gis.kinds import BASE_LAYERS
    from layers.formats import layer_names

    parts: dict[str, list[gpd.GeoDataFrame]] = {}
    for source in sources:
        kind, path = _split_kind(source)
        names = layer_names(path)
        if kind is None and names is not None and not {*names, path.stem} & set(BASE_LAYERS):
            raise InputError(
                f"{path} does not say what its records are; name them as KIND={path.name} with one of "
                f"{', '.join(BASE_LAYERS)}."
            )
        for name, frame in load_base(path, kind=kind, encoding=encoding).items():
            parts.setdefault(name, []).append(frame)
    return {name: pd.concat(some, ignore_index=True) for name, some in parts.items()}
