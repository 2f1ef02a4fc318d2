"""Runs of gaps, the features of the base map, and links that sign in once.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

from layers.db import geopackage
from layers.models.geometry_type import LonLatGeometry
from layers.models.utc_type import UtcDateTime

revision = "0002"
down_revision = "0001"

# SQLite numbers rows by itself only in a column declared INTEGER.
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_LAYERS = ("gaps", "base_features")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "gap_runs",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("scheme_id", _KEY, nullable=False),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["scheme_id"], ["schemes.id"], name="fk_gap_runs_scheme_id_schemes"),
        sa.PrimaryKeyConstraint("id", name="pk_gap_runs"),
    )
    op.create_index("ix_gap_runs_scheme_id_on", "gap_runs", ["scheme_id", "on"], unique=False)
    op.create_table(
        "gaps",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("run_id", _KEY, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("cell_code", sa.String(), nullable=True),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("households", sa.Integer(), nullable=False),
        sa.Column("enterprises", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("geometry", LonLatGeometry(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["gap_runs.id"], name="fk_gaps_run_id_gap_runs"),
        sa.PrimaryKeyConstraint("id", name="pk_gaps"),
    )
    op.create_index("ix_gaps_run_id_severity", "gaps", ["run_id", "severity"], unique=False)
    op.create_table(
        "base_features",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("class_name", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("geometry", LonLatGeometry(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_base_features"),
    )
    op.create_index("ix_base_features_kind", "base_features", ["kind"], unique=False)
    op.create_table(
        "sign_in_links",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("account_id", _KEY, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_sign_in_links_account_id_accounts"),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_links"),
        sa.UniqueConstraint("sha256", name="uq_sign_in_links_sha256"),
    )
    for table in _LAYERS:
        if op.get_bind().dialect.name == "sqlite":
            geopackage.add_layer(op.get_bind(), table)
        else:
            op.create_index(f"ix_{table}_geometry", table, ["geometry"], postgresql_using="gist")


def downgrade() -> None:
    """Take them away."""
    if op.get_bind().dialect.name == "sqlite":
        for table in _LAYERS:
            geopackage.drop_layer(op.get_bind(), table)
    for table in ("sign_in_links", "base_features", "gaps", "gap_runs"):
        op.drop_table(table)
