"""The commands `plan edit`, `undo` and `redo`: redrawing a draft."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Unpack

import typer

from api.cli import options
from api.cli.console import handle_errors, print_note, print_result
from api.cli.drafts import PlanArgument
from api.cli.open_database import open_database

if TYPE_CHECKING:
    from pydantic import BaseModel
    from sqlalchemy.orm import Session

    from layers.plans.edits import DrawnEdit, EditResult

_OPTION_OF_FIELD = {
    "into": "--into",
    "to": "--to",
    "count": "--count",
    "tolerance_m": "--tolerance",
    "code": "--code",
    "name": "--name",
    "kind": "--kind",
    "areas": "--area",
    "only_new": "--only-new",
    "allow_parts": "--allow-parts",
    "line": "--drawn",
    "region": "--drawn",
    "moves": "--drawn",
}
_MANY = 2**31


@handle_errors
def edit_plan(
    number: PlanArgument,
    command: Annotated[
        str,
        typer.Argument(
            help="merge, split, split-evenly, transfer, assign-units, border, smooth, vertices, update or "
            "renumber.",
            show_default=False,
        ),
    ],
    cells: Annotated[
        list[str] | None,
        typer.Argument(help="Codes of the cells; for assign-units of the units.", show_default=False),
    ] = None,
    drawn: Annotated[
        Path | None,
        typer.Option(
            help="File with what is drawn: the line of split or border, the region of transfer; for vertices "
            "a line from where each is to where it is to be."
        ),
    ] = None,
    into: Annotated[str | None, typer.Option(help="merge: the cell that goes on.")] = None,
    to: Annotated[str | None, typer.Option(help="transfer, assign-units: the cell that gets them.")] = None,
    count: Annotated[int | None, typer.Option(help="split-evenly: the number of parts.")] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="smooth: metres by which the border may move [default: straight].")
    ] = None,
    code: Annotated[str | None, typer.Option(help="update: the new code.")] = None,
    name: Annotated[str | None, typer.Option(help="update: the new name.")] = None,
    kind: Annotated[str | None, typer.Option(help="update: the new kind.")] = None,
    area: Annotated[
        list[str] | None,
        typer.Option(help="renumber: an area whose cells are numbered again; may be repeated."),
    ] = None,
    only_new: Annotated[
        bool, typer.Option("--only-new", help="renumber: cells whose codes were in force keep them.")
    ] = False,
    allow_parts: Annotated[
        bool, typer.Option("--allow-parts", help="transfer, assign-units: cells may fall into parts.")
    ] = False,
    propose: Annotated[
        bool,
        typer.Option("--propose", help="Propose the same to the schemes that share the border, as drafts."),
    ] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Only say what would change.")] = False,
    database: options.DatabaseUrl = None,
    as_json: options.JsonOption = False,
    **reading: Unpack[options.ReadOptions],
) -> None:
    """Redraw a draft by one command; its cells stay a coverage of the same ground."""
    from api.security.principal import SYSTEM
    from layers.plans import edits

    given = {
        "into": into,
        "to": to,
        "count": count,
        "tolerance_m": tolerance,
        "code": code,
        "name": name,
        "kind": kind,
        "areas": area or None,
        "only_new": only_new or None,
        "allow_parts": allow_parts or None,
    }
    body = _read_request(command, cells or [], given, drawn, reading)
    request = body.to_command(_MANY)  # type: ignore[attr-defined]
    with open_database(database) as opened:
        if preview:
            with opened.read() as session:
                seen = edits.preview_edit(session, number, request)
                record = _preview_record(session, number, seen)
            print_result(_lines(record), record, as_json=as_json)
            return
        with opened.write() as session:
            done = edits.edit_plan(
                session, number, request, version=_version(session, number), author=SYSTEM.label
            )
            record = _record(session, done, propose=propose)
    print_result(_lines(record), record, as_json=as_json)


@handle_errors
def undo_edit(
    number: PlanArgument, database: options.DatabaseUrl = None, as_json: options.JsonOption = False
) -> None:
    """Undo the last edit of a draft that is not undone, whoever made it; to any depth."""
    from layers.plans import edits

    _step_back(edits.undo, number, database, as_json=as_json)


@handle_errors
def redo_edit(
    number: PlanArgument, database: options.DatabaseUrl = None, as_json: options.JsonOption = False
) -> None:
    """Do the edit again that was undone last; an edit since then has ended that."""
    from layers.plans import edits

    _step_back(edits.redo, number, database, as_json=as_json)


def _step_back(
    take: "Callable[..., EditResult]", number: int, database: str | None, *, as_json: bool
) -> None:
    from api.security.principal import SYSTEM

    with open_database(database) as opened, opened.write() as session:
        done = take(session, number, version=_version(session, number), author=SYSTEM.label)
        record = _record(session, done, propose=False)
    print_result(_lines(record), record, as_json=as_json)


def _read_request(
    command: str,
    cells: list[str],
    given: dict[str, Any],
    drawn: Path | None,
    reading: options.ReadOptions,
) -> "BaseModel":
    """Return what is asked for, as it would be over HTTP.

    Raises
    ------
    InputError
        If there is no such command, or it lacks something or has no such option.
    """
    from pydantic import ValidationError

    from api.schemas.edits import EDIT_REQUESTS
    from gis.errors import InputError
    from gis.near_matches import near_matches

    if command not in EDIT_REQUESTS:
        raise InputError(f"There is no edit '{command}' ({near_matches(command, EDIT_REQUESTS)}).")
    model = EDIT_REQUESTS[command]
    fields = model.model_fields
    body: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for name in body:
        if name not in fields:
            raise InputError(f"The edit {command} has no option {_OPTION_OF_FIELD[name]}.")
    body |= _name_cells(command, fields, cells)
    shape = next((name for name in ("line", "region", "moves") if name in fields), None)
    if drawn is not None:
        if shape is None:
            raise InputError(f"The edit {command} has no option --drawn.")
        body[shape] = _read_drawn(drawn, shape, reading)
    try:
        return model.model_validate({"command": command, **body})
    except ValidationError as error:
        first = error.errors()[0]
        option = _OPTION_OF_FIELD.get(str(first["loc"][0]), "its cells")
        if first["type"] == "missing":
            raise InputError(f"The edit {command} needs {option}.") from None
        raise InputError(f"The edit {command} cannot take that for {option}: {first['msg']}.") from None


def _name_cells(command: str, fields: dict[str, Any], cells: list[str]) -> dict[str, Any]:
    """Return the fields that name cells or units."""
    from gis.errors import InputError

    for name in ("cells", "units"):
        if name in fields:
            return {name: cells} if cells else {}
    single = [name for name in ("cell", "first", "second") if name in fields]
    if not cells and single:
        return {}
    if len(cells) != len(single):
        raise InputError(f"The edit {command} names {len(single)} cells, not {len(cells)}.")
    return dict(zip(single, cells, strict=True))


def _read_drawn(path: Path, shape: str, reading: options.ReadOptions) -> Any:
    """Return what is drawn in a file as a body over HTTP has it."""
    import shapely

    from gis.crs import to_lonlat
    from gis.errors import InputError
    from layers.formats import read_layer

    frame = to_lonlat(read_layer(path, role="drawn", note=print_note, **reading))
    shapes = shapely.force_2d(frame.geometry.to_numpy())
    if not len(shapes) or shapely.is_missing(shapes).any():
        raise InputError(f"{path} has nothing drawn in it, or a record without geometry.")
    if shape == "moves":
        if any(each.geom_type != "LineString" or len(each.coords) != 2 for each in shapes):
            raise InputError(f"{path} has something else than lines from one place to another.")
        return [{"source": each.coords[0], "target": each.coords[1]} for each in shapes]
    whole = shapes[0] if len(shapes) == 1 else shapely.union_all(shapes)
    if shape == "line" and whole.geom_type == "MultiLineString":
        whole = shapely.line_merge(whole)
    return shapely.geometry.mapping(whole)


def _version(session: "Session", number: int) -> int:
    from layers.plans.queries import find_plan

    return find_plan(session, number, for_update=True).version


def _preview_record(session: "Session", number: int, drawn: "DrawnEdit") -> dict[str, Any]:
    from api.schemas.edits import preview_record
    from layers.plans.edit_effects import count_effects
    from layers.plans.queries import find_plan
    from layers.plans.shared_borders import find_shared_borders

    shared = find_shared_borders(session, find_plan(session, number), drawn.edit)
    return _printable(preview_record(drawn, count_effects(session, number, drawn.edit), shared))


def _record(session: "Session", done: "EditResult", *, propose: bool) -> dict[str, Any]:
    from api.schemas.edits import preview_record, proposal_record, step_record
    from api.security.audit import Action, audit
    from api.security.principal import SYSTEM
    from layers.plans.border_proposals import propose_to_others
    from layers.plans.edit_effects import count_effects
    from layers.plans.shared_borders import find_shared_borders

    plan, edit, step = done.plan, done.drawn.edit, done.step
    shared = find_shared_borders(session, plan, edit)
    proposals = propose_to_others(session, plan, edit, shared, author=SYSTEM.label) if propose else []
    taken = {"step": step.action, "command": step.command}
    audit(session, SYSTEM, Action.record, f"plan {plan.id}", area_code=plan.area_code, **taken)
    for each in proposals:
        if each.plan is not None:
            subject, area_code = f"plan {each.plan.id}", each.plan.area_code
            audit(session, SYSTEM, Action.record, subject, area_code=area_code, proposed_by=plan.id)
    return {
        **_printable(preview_record(done.drawn, count_effects(session, plan.id, edit), shared)),
        "step": step_record(step),
        "proposals": list(map(proposal_record, proposals)),
        "plan": plan.id,
        "version": plan.version,
    }


def _printable(record: dict[str, Any]) -> dict[str, Any]:
    """Return what an edit changes without the polygons, which a reader of the terminal has no use for."""
    for cell in (*record["before"], *record["after"]):
        del cell["geometry"]
    return record


def _lines(record: dict[str, Any]) -> list[str]:
    """Return what an edit changes, a line for each cell, movement, shared border and proposal."""
    head = f"{record['command']} would change these cells:"
    if "step" in record:
        head = f"plan {record['plan']}, version {record['version']}: {record['step']['action']}"
        head += f" ({record['command']})" if record["step"]["action"] != record["command"] else ""
    former = {cell["code"]: cell for cell in record["before"]}
    lines = [head]
    for cell in record["after"]:
        code = record["renamed"].get(cell["code"], cell["code"])
        before = former.get(code)
        was = "new" if before is None else f"before {before['area_m2']:,.0f} m²"
        if code != cell["code"]:
            was = f"was {code}"
        counts = "".join(f", {number:,} {kind}" for kind, number in cell["counts"].items())
        lines.append(f"  {cell['code']} ({cell['name']}): {cell['area_m2']:,.0f} m² ({was}){counts}")
    going_on = {*record["renamed"].values(), *(cell["code"] for cell in record["after"])}
    lines += [
        f"  {cell['code']} ({cell['name']}): ends"
        for cell in record["before"]
        if cell["code"] not in going_on
    ]
    lines += [
        f"  {each['number']:,} {each['kind']} go from {each['source']} to {each['target']}"
        for each in record["entities"]
    ]
    lines += [
        f"  cell {each['code']} of {each['scheme']} shares {each['length_m']:,.1f} m of the border"
        for each in record["shared"]
    ]
    for each in record.get("proposals", []):
        if each["plan"] is not None:
            lines.append(
                f"  proposed to {each['scheme']} as plan {each['plan']} ({each['name']}): cells "
                f"{', '.join(each['codes'])}"
            )
        lines += [f"  not proposed to {each['scheme']}: {sentence}" for sentence in each["refused"]]
    return lines
