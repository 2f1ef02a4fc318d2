"""The command `demo`: the main job on the sample district."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.maps import Language
from api.cli.outcome import reporting, say


@reporting
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write to.")] = Path("demo"),
    seed: Annotated[int | None, typer.Option(help="Another seed makes another district.", min=0)] = None,
    scale: Annotated[
        float, typer.Option(help="Size of the district, 1 for about 25 km².", min=0.05, max=1)
    ] = 1.0,
    size: Annotated[float, typer.Option(help="Side of a cell in metres.", min=20)] = 100.0,
    language: Annotated[Language, typer.Option(help="Language of map and report.")] = Language.zh,
) -> None:
    """Make a synthetic district, divide it, check it, assign everything, find the gaps, draw the map.

    No network and no database; everything is written to the folder.
    """
    from api.demonstration import demonstrate
    from api.report import write_up
    from api.settings import DataSettings
    from gis.errors import InputError
    from layers.formats import write_text
    from layers.sample import SEED

    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file; name a folder.")
    shown = demonstrate(
        output,
        DataSettings().tables(),
        say=say,
        seed=SEED if seed is None else seed,
        scale=scale,
        size_m=size,
        language=language.value,
    )
    report = output / "report.md"
    write_text(report, write_up(shown, language.value))
    typer.echo(f"Look at {shown.map.resolve()} in a browser, and at {report.resolve()}.")
