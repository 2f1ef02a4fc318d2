"""Personal values of cells, and those of rows that were written before they were recognised.

Revision ID: 0003
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from layers.db.content_hash import hash_entity
from layers.fields.personal import gather_personal, is_personal_identity, separate_entity
from layers.fields.personal_values import identifies_person
from layers.models.geometry_type import LonLatGeometry
from layers.models.utc_type import UtcDateTime

revision = "0003"
down_revision = "0002"

_PAGE_SIZE = 5_000
_WITHHELD = "withheld"

_Change = Callable[[Mapping[str, Any]], dict[str, Any]]


def _table(name: str, *columns: str) -> sa.TableClause:
    documents = (sa.column("attributes", sa.JSON), sa.column("personal", sa.JSON))
    return sa.table(name, sa.column("id", sa.BigInteger), *map(sa.column, columns), *documents)


_entities = _table("entities", "kind", "external_id", "name", "class_name", "version", "content_hash")
_versions = _table("entity_versions", "entity_id", "name", "class_name")
_officers = _table("officers", "external_id", "version")
_cells = _table("cells", "code", "name")
_geometries = sa.table("entities", sa.column("id"), sa.column("geometry", LonLatGeometry))
_gaps = sa.table("gaps", sa.column("id"), sa.column("detail"), sa.column("figures", sa.JSON))
_jobs = sa.table("jobs", sa.column("id"), sa.column("kind"), sa.column("result", sa.JSON))
_revision = sa.table("revision", sa.column("number"), sa.column("changed_at", UtcDateTime()))


def upgrade() -> None:
    """Add the column, and move what is personal to where it is masked."""
    op.add_column("cells", sa.Column("personal", sa.JSON(), nullable=False, server_default="{}"))
    # Former states belong to an entity, whose kind decides; the entities themselves come last.
    with_kind = sa.select(_versions, _entities.c.kind).join(
        _entities, _entities.c.id == _versions.c.entity_id
    )
    moved = _rewrite(_versions, with_kind, _content_of_entity)
    moved += _rewrite(_entities, sa.select(_entities), _entity)
    moved += _rewrite(_officers, sa.select(_officers), _officer)
    moved += _rewrite(_gaps, sa.select(_gaps), _gap)
    _rewrite(_jobs, sa.select(_jobs).where(_jobs.c.kind == "import-entities"), _job)
    moved += _rewrite(_cells, sa.select(_cells), _cell)
    if moved:
        op.execute(sa.update(_revision).values(number=_revision.c.number + 1, changed_at=datetime.now(UTC)))


def downgrade() -> None:
    """Let the personal values of cells be attributes again; those of others stay where they are."""
    _rewrite(_cells, sa.select(_cells), lambda row: {"attributes": {**row["attributes"], **row["personal"]}})
    op.drop_column("cells", "personal")


def _rewrite(table: sa.TableClause, chosen: sa.Select[Any], change: _Change) -> int:
    """Give rows of a table the values that `change` returns where they differ; return of how many."""
    connection, last, changed = op.get_bind(), 0, 0
    while True:
        page = chosen.where(table.c.id > last).order_by(table.c.id).limit(_PAGE_SIZE)
        rows = [row._asdict() for row in connection.execute(page)]
        if not rows:
            return changed
        last = rows[-1]["id"]
        for row in rows:
            values = change(row)
            if any(row[name] != value for name, value in values.items()):
                connection.execute(sa.update(table).where(table.c.id == row["id"]).values(values))
                changed += 1


def _content_of_entity(row: Mapping[str, Any]) -> dict[str, Any]:
    given = (row[name] for name in ("kind", "name", "class_name", "attributes", "personal"))
    return separate_entity(*given)._asdict()


def _entity(row: Mapping[str, Any]) -> dict[str, Any]:
    values = _with_identity(row, row["kind"], _content_of_entity(row))
    if all(row[name] == value for name, value in values.items()):
        return values
    geometry = op.get_bind().scalar(sa.select(_geometries.c.geometry).where(_geometries.c.id == row["id"]))
    content_hash = hash_entity(
        values["name"], values["class_name"], values["attributes"], values["personal"], geometry
    )
    # A copy that somebody has kept is of another version, and is not answered as still right.
    return {**values, "version": row["version"] + 1, "content_hash": content_hash}


def _officer(row: Mapping[str, Any]) -> dict[str, Any]:
    content = gather_personal(row["attributes"], row["personal"], "officer")
    values = {"attributes": content.public, "personal": content.personal}
    values = _with_identity(row, "officer", values)
    if all(row[name] == value for name, value in values.items()):
        return values
    return {**values, "version": row["version"] + 1}


def _cell(row: Mapping[str, Any]) -> dict[str, Any]:
    content = gather_personal(row["attributes"], row["personal"], "cell")
    values = {"attributes": content.public, "personal": content.personal}
    if identifies_person(row["name"]):
        # It is drawn on maps.
        values |= {"name": row["code"], "personal": {**content.personal, "name": row["name"]}}
    return values


def _gap(row: Mapping[str, Any]) -> dict[str, Any]:
    """Name in a stored gap no entity by the number of a person."""
    figures, detail = dict(row["figures"]), row["detail"]
    for key, value in row["figures"].items():
        if isinstance(value, str) and is_personal_identity(value, ""):
            figures[key] = _WITHHELD
            detail = detail.replace(value, _WITHHELD)
    return {"figures": figures, "detail": detail}


def _job(row: Mapping[str, Any]) -> dict[str, Any]:
    """Name in the account of an import no record by the number of a person."""
    rejected = (row["result"] or {}).get("rejected_records")
    if not rejected:
        return {}
    named = [
        {**each, "id": None} if is_personal_identity(each["id"] or "", "") else each for each in rejected
    ]
    return {"result": {**row["result"], "rejected_records": named}}


def _with_identity(row: Mapping[str, Any], kind: str, values: dict[str, Any]) -> dict[str, Any]:
    """Give a record that is known by the number of a person another identity, and keep that as personal."""
    identity = row["external_id"]
    if not is_personal_identity(identity, kind):
        return values
    personal = {**values["personal"], "external_id": identity}
    return {**values, "external_id": f"{_WITHHELD}-{row['id']}", "personal": personal}
