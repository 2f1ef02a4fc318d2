"""The steps in which drafts are drawn.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op

from layers.models.utc_type import UtcDateTime

revision = "0005"
down_revision = "0004"

# SQLite numbers rows by itself only in a column declared INTEGER.
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "plan_edits",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("plan_id", _KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("edit_id", _KEY, nullable=True),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_plan_edits_plan_id_plans"),
        sa.ForeignKeyConstraint(["edit_id"], ["plan_edits.id"], name="fk_plan_edits_edit_id_plan_edits"),
        sa.PrimaryKeyConstraint("id", name="pk_plan_edits"),
        sa.UniqueConstraint("plan_id", "version", name="uq_plan_edits_plan_id_version"),
    )


def downgrade() -> None:
    """Take it away; drafts stay as they are drawn."""
    op.drop_table("plan_edits")
