"""Schemes made of the cells of another, how a scheme covers its areas, and which units a cell is made of.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# SQLite numbers rows by itself only in a column declared INTEGER.
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns and the table; the schemes there are cover their areas whole."""
    _add_reference("schemes", "unit_scheme_id", "schemes")
    op.add_column("schemes", sa.Column("coverage", sa.String(), nullable=False, server_default="whole"))
    op.add_column("plans", sa.Column("units_on", sa.Date(), nullable=True))
    _add_reference("plans", "carried_from_id", "plans")
    op.add_column("plans", sa.Column("carry_report", sa.JSON(), nullable=True))
    op.create_table(
        "cell_units",
        sa.Column("cell_id", _KEY, nullable=False),
        sa.Column("unit_code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["cell_id"], ["cells.id"], name="fk_cell_units_cell_id_cells"),
        sa.PrimaryKeyConstraint("cell_id", "unit_code", name="pk_cell_units"),
    )
    op.create_index("ix_cell_units_unit_code", "cell_units", ["unit_code"], unique=False)


def downgrade() -> None:
    """Take them away; cells that were made of units stay as they are drawn."""
    op.drop_table("cell_units")
    for table, column in (
        *(("plans", name) for name in ("carry_report", "carried_from_id", "units_on")),
        *(("schemes", name) for name in ("coverage", "unit_scheme_id")),
    ):
        op.drop_column(table, column)


def _add_reference(table: str, column: str, referred: str) -> None:
    reference = sa.ForeignKey(f"{referred}.id", name=f"fk_{table}_{column}_{referred}")
    # SQLite adds no constraint to a table that exists, only a column that brings it along.
    op.add_column(table, sa.Column(column, _KEY, reference, nullable=True), inline_references=True)
