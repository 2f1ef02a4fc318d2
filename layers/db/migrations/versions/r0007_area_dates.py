"""From when to when areas are in force, what changed them, and what each became.

Revision ID: 0007
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from layers.db import geopackage
from layers.models.geometry_type import LonLatGeometry
from layers.models.utc_type import UtcDateTime

revision = "0007"
down_revision = "0006"

# SQLite numbers rows by itself only in a column declared INTEGER.
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_COLUMNS = ("id", "code", "name", "level", "parent", "geometry")
_ENDS = sa.text("valid_to IS NULL")


def upgrade() -> None:
    """Add the columns and tables; the areas there are have always been there."""
    op.create_table(
        "area_adjustments",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_area_adjustments"),
    )
    op.create_table(
        "area_lineage",
        sa.Column("adjustment_id", _KEY, nullable=False),
        sa.Column("predecessor", sa.String(), nullable=False),
        sa.Column("successor", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("area_m2", sa.Float(), nullable=False),
        sa.Column("predecessor_m2", sa.Float(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["adjustment_id"], ["area_adjustments.id"], name="fk_area_lineage_adjustment_id_area_adjustments"
        ),
        sa.PrimaryKeyConstraint("adjustment_id", "predecessor", "successor", name="pk_area_lineage"),
    )
    op.create_index("ix_area_lineage_predecessor", "area_lineage", ["predecessor"], unique=False)
    op.create_index("ix_area_lineage_successor", "area_lineage", ["successor"], unique=False)
    added: tuple[sa.Column[Any], ...] = (
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("change", sa.String(), nullable=False, server_default="recorded"),
        *(
            sa.Column(
                name,
                _KEY,
                sa.ForeignKey("area_adjustments.id", name=f"fk_areas_{name}_area_adjustments"),
                nullable=True,
            )
            for name in ("adjustment_id", "ended_by_id")
        ),
    )
    if op.get_bind().dialect.name == "sqlite":
        _make_again(added, ())
    else:
        op.drop_constraint("uq_areas_code", "areas")
        for column in added:
            op.add_column("areas", column, inline_references=True)
    op.create_index("ix_areas_code", "areas", ["code"], unique=False)
    op.create_index(
        "uq_areas_in_force", "areas", ["code"], unique=True, sqlite_where=_ENDS, postgresql_where=_ENDS
    )


def downgrade() -> None:
    """Take them away; of each area the version in force stays."""
    areas = sa.table("areas", sa.column("valid_from", sa.Date), sa.column("valid_to", sa.Date))
    starts, ends = areas.c.valid_from, areas.c.valid_to
    today = sa.func.current_date()
    op.execute(areas.delete().where((starts > today) | (ends <= today) | (ends == starts)))
    op.drop_index("uq_areas_in_force", "areas")
    op.drop_index("ix_areas_code", "areas")
    if op.get_bind().dialect.name == "sqlite":
        _make_again((), (sa.UniqueConstraint("code", name="uq_areas_code"),))
    else:
        for name in ("ended_by_id", "adjustment_id", "change", "valid_to", "valid_from"):
            op.drop_column("areas", name)
        op.create_unique_constraint("uq_areas_code", "areas", ["code"])
    op.drop_table("area_lineage")
    op.drop_table("area_adjustments")


def _make_again(columns: tuple[sa.Column[Any], ...], constraints: tuple[sa.Constraint, ...]) -> None:
    """Replace the layer by one of another form with the same rows; SQLite drops no constraint of a table."""
    connection = op.get_bind()
    geopackage.drop_layer(connection, "areas")
    op.drop_index("ix_areas_parent", "areas")
    op.rename_table("areas", "former_areas")
    op.create_table(
        "areas",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        *columns,
        sa.Column("geometry", LonLatGeometry(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_areas"),
        *constraints,
    )
    names = ", ".join(_COLUMNS)
    op.execute(f"INSERT INTO areas ({names}) SELECT {names} FROM former_areas")  # noqa: S608  our own names
    op.drop_table("former_areas")
    op.create_index("ix_areas_parent", "areas", ["parent"], unique=False)
    geopackage.add_layer(connection, "areas")
