"""Locks and waivers of cells, where findings lie, drafts proposed from others, and the accounts of tokens.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

from layers.models.utc_type import UtcDateTime

revision = "0009"
down_revision = "0008"

# SQLite numbers rows by itself only in a column declared INTEGER.
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables and the columns; the tokens there are belong to nobody in particular."""
    _add_reference("plans", "proposed_from_id", "plans")
    _add_reference("tokens", "account_id", "accounts")
    op.add_column("plans", sa.Column("finding_shapes", sa.JSON(), nullable=True))
    op.create_table(
        "cell_locks",
        sa.Column("plan_id", _KEY, nullable=False),
        sa.Column("cell_code", sa.String(), nullable=False),
        sa.Column("locked_by", sa.String(), nullable=False),
        sa.Column("locked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_cell_locks_plan_id_plans"),
        sa.PrimaryKeyConstraint("plan_id", "cell_code", name="pk_cell_locks"),
    )
    op.create_table(
        "waivers",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("scheme_id", _KEY, nullable=False),
        sa.Column("plan_id", _KEY, nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("cell_code", sa.String(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["scheme_id"], ["schemes.id"], name="fk_waivers_scheme_id_schemes"),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_waivers_plan_id_plans"),
        sa.PrimaryKeyConstraint("id", name="pk_waivers"),
    )
    op.create_index("ix_waivers_plan_id", "waivers", ["plan_id"])
    op.create_index("ix_waivers_scheme_id_cell_code", "waivers", ["scheme_id", "cell_code"])


def downgrade() -> None:
    """Take them away; drafts stay as they are drawn."""
    op.drop_table("waivers")
    op.drop_table("cell_locks")
    op.drop_column("plans", "finding_shapes")
    op.drop_column("tokens", "account_id")
    op.drop_column("plans", "proposed_from_id")


def _add_reference(table: str, column: str, referred: str) -> None:
    reference = sa.ForeignKey(f"{referred}.id", name=f"fk_{table}_{column}_{referred}")
    # SQLite adds no constraint to a table that exists, only a column that brings it along.
    op.add_column(table, sa.Column(column, _KEY, reference, nullable=True), inline_references=True)
