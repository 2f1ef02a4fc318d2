"""Which post one continues and which plan ended it, and the officers chosen for the cells of a draft.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# SQLite numbers rows by itself only in a column declared INTEGER.
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns and the table; the posts there are began and ended by hand."""
    _add_reference("carried_from_id", "posts")
    _add_reference("ended_by_plan_id", "plans")
    op.create_table(
        "plan_officers",
        sa.Column("plan_id", _KEY, nullable=False),
        sa.Column("cell_code", sa.String(), nullable=False),
        sa.Column("posts", sa.JSON(), nullable=False),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_plan_officers_plan_id_plans"),
        sa.PrimaryKeyConstraint("plan_id", "cell_code", name="pk_plan_officers"),
    )


def downgrade() -> None:
    """Take them away; posts stay where they are."""
    op.drop_table("plan_officers")
    for column in ("ended_by_plan_id", "carried_from_id"):
        op.drop_column("posts", column)


def _add_reference(column: str, referred: str) -> None:
    reference = sa.ForeignKey(f"{referred}.id", name=f"fk_posts_{column}_{referred}")
    # SQLite adds no constraint to a table that exists, only a column that brings it along.
    op.add_column("posts", sa.Column(column, _KEY, reference, nullable=True), inline_references=True)
