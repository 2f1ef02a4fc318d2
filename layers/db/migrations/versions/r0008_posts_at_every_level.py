"""Posts at every level, groups of cells, absences, and whose accounts and tokens end with an officer.

Revision ID: 0008
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from alembic import op

from layers.models.utc_type import UtcDateTime

revision = "0008"
down_revision = "0007"

# SQLite numbers rows by itself only in a column declared INTEGER.
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_PLACES = ("area_code", "group_id", "entity_id")
_CHAIN = {"carried_from_id": "posts", "ended_by_plan_id": "plans"}
_TYPES: dict[str, Any] = {"scheme_id": _KEY, "cell_code": sa.String(), "held_since": sa.Date()}
_VALUES = ("part_time", "published_name", "published_phone", "held_since")


def upgrade() -> None:
    """Add the tables and columns; the posts there are have a cell, full time, since their chain began."""
    op.create_table(
        "cell_groups",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("scheme_id", _KEY, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["scheme_id"], ["schemes.id"], name="fk_cell_groups_scheme_id_schemes"),
        sa.PrimaryKeyConstraint("id", name="pk_cell_groups"),
        sa.UniqueConstraint("scheme_id", "code", name="uq_cell_groups_scheme_id_code"),
    )
    op.create_table(
        "group_cells",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("group_id", _KEY, nullable=False),
        sa.Column("scheme_id", _KEY, nullable=False),
        sa.Column("cell_code", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("carried_from_id", _KEY, nullable=True),
        sa.Column("ended_by_plan_id", _KEY, nullable=True),
        sa.ForeignKeyConstraint(["group_id"], ["cell_groups.id"], name="fk_group_cells_group_id_cell_groups"),
        sa.ForeignKeyConstraint(["scheme_id"], ["schemes.id"], name="fk_group_cells_scheme_id_schemes"),
        sa.ForeignKeyConstraint(
            ["carried_from_id"], ["group_cells.id"], name="fk_group_cells_carried_from_id_group_cells"
        ),
        sa.ForeignKeyConstraint(
            ["ended_by_plan_id"], ["plans.id"], name="fk_group_cells_ended_by_plan_id_plans"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_group_cells"),
    )
    op.create_index("ix_group_cells_group_id", "group_cells", ["group_id"])
    op.create_index("ix_group_cells_scheme_id_cell_code", "group_cells", ["scheme_id", "cell_code"])
    op.create_table(
        "absences",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("officer_id", _KEY, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("personal", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name="fk_absences_officer_id_officers"),
        sa.PrimaryKeyConstraint("id", name="pk_absences"),
    )
    op.create_index("ix_absences_officer_id", "absences", ["officer_id"])
    for table in ("accounts", "tokens"):
        _add_reference(table, "officer_id", "officers")
        op.create_index(f"ix_{table}_officer_id", table, ["officer_id"])
    op.add_column("posts", sa.Column("area_code", sa.String(), nullable=True))
    _add_reference("posts", "group_id", "cell_groups")
    _add_reference("posts", "entity_id", "entities")
    op.add_column("posts", sa.Column("part_time", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("posts", sa.Column("published_name", sa.String(), nullable=True))
    op.add_column("posts", sa.Column("published_phone", sa.String(), nullable=True))
    op.add_column("posts", sa.Column("held_since", sa.Date(), nullable=True))
    _tell_since_when()
    _change_posts({"scheme_id": True, "cell_code": True, "held_since": False})
    for column in _PLACES:
        op.create_index(f"ix_posts_{column}", "posts", [column])


def downgrade() -> None:
    """Take them away, with the posts that are at no cell."""
    for column in _PLACES:
        op.drop_index(f"ix_posts_{column}", "posts")
    posts = sa.table("posts", *(sa.column(name) for name in ("id", "cell_code", *_CHAIN)))
    op.execute(sa.delete(posts).where(posts.c.cell_code.is_(None)))
    rows = [posts.c[name] for name in ("id", *_CHAIN)]
    chains = op.get_bind().execute(sa.select(*rows)).all()
    # Columns that refer to others come back as the step before made them, which takes them away.
    _change_posts({"scheme_id": False, "cell_code": False}, dropped=(*_PLACES, *_VALUES, *_CHAIN))
    for column, referred in _CHAIN.items():
        _add_reference("posts", column, referred)
    _set_each("posts", chains, tuple(_CHAIN))
    for table in ("accounts", "tokens"):
        op.drop_index(f"ix_{table}_officer_id", table)
        op.drop_column(table, "officer_id")
    for table in ("absences", "group_cells", "cell_groups"):
        op.drop_table(table)


def _tell_since_when() -> None:
    """Give each post the first day of the one that its chain began with."""
    posts = sa.table(
        "posts", sa.column("id"), sa.column("valid_from", sa.Date()), sa.column("carried_from_id")
    )
    since: dict[int, date] = {}
    # What a post continues was there before it, and has a lower number.
    for number, start, origin in op.get_bind().execute(sa.select(posts).order_by(posts.c.id)):
        since[number] = since.get(origin, start)
    _set_each("posts", list(since.items()), ("held_since",))


def _change_posts(nullable: dict[str, bool], dropped: Sequence[str] = ()) -> None:
    """Change which columns of posts are nullable, and drop others; on SQLite this rebuilds the table."""
    posts = sa.table("posts", sa.column("id"), sa.column("carried_from_id"))
    connection = op.get_bind()
    # Rows of the new table would refer to rows of one that is dropped.
    chains = connection.execute(sa.select(posts).where(posts.c.carried_from_id.is_not(None))).all()
    connection.execute(sa.update(posts).values(carried_from_id=None))
    with op.batch_alter_table("posts") as batch:
        for name, allowed in nullable.items():
            batch.alter_column(name, nullable=allowed, existing_type=_TYPES[name])
        for name in dropped:
            batch.drop_column(name)
    if "carried_from_id" not in dropped:
        _set_each("posts", chains, ("carried_from_id",))


def _set_each(name: str, rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> None:
    """Set columns of some rows, of which each is given as its number and the values."""
    table = sa.table(name, sa.column("id"), *(sa.column(each, _TYPES.get(each)) for each in columns))
    values: dict[str, Any] = {each: sa.bindparam(f"new_{each}") for each in columns}
    statement = sa.update(table).where(table.c.id == sa.bindparam("number")).values(values)
    names = ("number", *(f"new_{each}" for each in columns))
    if rows:
        op.get_bind().execute(statement, [dict(zip(names, row, strict=True)) for row in rows])


def _add_reference(table: str, column: str, referred: str) -> None:
    reference = sa.ForeignKey(f"{referred}.id", name=f"fk_{table}_{column}_{referred}")
    # SQLite adds no constraint to a table that exists, only a column that brings it along.
    op.add_column(table, sa.Column(column, _KEY, reference, nullable=True), inline_references=True)
