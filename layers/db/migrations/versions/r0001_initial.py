"""The first tables.

Revision ID: 0001
"""

import secrets
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from layers.db import geopackage
from layers.models.geometry_type import LonLatGeometry
from layers.models.utc_type import UtcDateTime

revision = "0001"
down_revision = None

# SQLite numbers rows by itself only in a column declared INTEGER.
_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TABLES = (
    "accounts",
    "areas",
    "audit_entries",
    "entities",
    "jobs",
    "kept_answers",
    "officers",
    "revision",
    "schemes",
    "sign_in_failures",
    "tokens",
    "assignments",
    "browser_sessions",
    "entity_versions",
    "plans",
    "posts",
    "cells",
    "plan_cells",
)
_LAYERS = ("areas", "cells", "entities")
_ATTRIBUTES = ("schemes", "plans", "assignments")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "accounts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("password_changed_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
    op.create_table(
        "areas",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("geometry", LonLatGeometry(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_areas"),
        sa.UniqueConstraint("code", name="uq_areas_code"),
    )
    op.create_index("ix_areas_parent", "areas", ["parent"], unique=False)
    op.create_table(
        "audit_entries",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_action_at", "audit_entries", ["action", "at"], unique=False)
    op.create_index("ix_audit_entries_at", "audit_entries", ["at"], unique=False)
    op.create_table(
        "entities",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("class_name", sa.String(), nullable=True),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("personal", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=True),
        sa.Column("geometry", LonLatGeometry(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_entities"),
        sa.UniqueConstraint("kind", "external_id", name="uq_entities_kind_external_id"),
    )
    op.create_index("ix_entities_area_code_kind", "entities", ["area_code", "kind"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("heartbeat_at", UtcDateTime(), nullable=True),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_state", "jobs", ["state"], unique=False)
    op.create_table(
        "kept_answers",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_sha256", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column("location", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kept_answers"),
        sa.UniqueConstraint("caller", "key", name="uq_kept_answers_caller_key"),
    )
    op.create_index("ix_kept_answers_at", "kept_answers", ["at"], unique=False)
    op.create_table(
        "officers",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("personal", sa.JSON(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_officers"),
        sa.UniqueConstraint("external_id", name="uq_officers_external_id"),
    )
    op.create_index("ix_officers_area_code", "officers", ["area_code"], unique=False)
    op.create_table(
        "revision",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_revision"),
    )
    op.create_table(
        "schemes",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("working_crs", sa.String(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schemes"),
        sa.UniqueConstraint("code", name="uq_schemes_code"),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_failures"),
        sa.UniqueConstraint("source", name="uq_sign_in_failures_source"),
    )
    op.create_index("ix_sign_in_failures_last_at", "sign_in_failures", ["last_at"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("sha256", name="uq_tokens_sha256"),
    )
    op.create_table(
        "assignments",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("entity_id", _KEY, nullable=False),
        sa.Column("scheme_id", _KEY, nullable=False),
        sa.Column("cell_code", sa.String(), nullable=True),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("distance_m", sa.Double(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["entity_id"], ["entities.id"], name="fk_assignments_entity_id_entities"),
        sa.ForeignKeyConstraint(["scheme_id"], ["schemes.id"], name="fk_assignments_scheme_id_schemes"),
        sa.PrimaryKeyConstraint("id", name="pk_assignments"),
    )
    op.create_index(
        "ix_assignments_entity_id_scheme_id", "assignments", ["entity_id", "scheme_id"], unique=False
    )
    op.create_index(
        "ix_assignments_scheme_id_cell_code", "assignments", ["scheme_id", "cell_code"], unique=False
    )
    op.create_index(
        "uq_assignments_lasting",
        "assignments",
        ["scheme_id", "entity_id"],
        unique=True,
        sqlite_where=sa.text("valid_to IS NULL"),
        postgresql_where=sa.text("valid_to IS NULL"),
    )
    op.create_table(
        "browser_sessions",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("account_id", _KEY, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_browser_sessions_account_id_accounts"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_browser_sessions"),
        sa.UniqueConstraint("sha256", name="uq_browser_sessions_sha256"),
    )
    op.create_index("ix_browser_sessions_expires_at", "browser_sessions", ["expires_at"], unique=False)
    op.create_table(
        "entity_versions",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("entity_id", _KEY, nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("class_name", sa.String(), nullable=True),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("personal", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("geometry", LonLatGeometry(), nullable=True),
        sa.ForeignKeyConstraint(["entity_id"], ["entities.id"], name="fk_entity_versions_entity_id_entities"),
        sa.PrimaryKeyConstraint("id", name="pk_entity_versions"),
    )
    op.create_index("ix_entity_versions_entity_id", "entity_versions", ["entity_id"], unique=False)
    op.create_table(
        "plans",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("scheme_id", _KEY, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("checked_at", UtcDateTime(), nullable=True),
        sa.Column("findings", sa.JSON(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["scheme_id"], ["schemes.id"], name="fk_plans_scheme_id_schemes"),
        sa.PrimaryKeyConstraint("id", name="pk_plans"),
    )
    op.create_index("ix_plans_scheme_id_state", "plans", ["scheme_id", "state"], unique=False)
    op.create_table(
        "posts",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("officer_id", _KEY, nullable=False),
        sa.Column("scheme_id", _KEY, nullable=False),
        sa.Column("cell_code", sa.String(), nullable=False),
        sa.Column("duty", sa.String(), nullable=False),
        sa.Column("rank", sa.String(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["officer_id"], ["officers.id"], name="fk_posts_officer_id_officers"),
        sa.ForeignKeyConstraint(["scheme_id"], ["schemes.id"], name="fk_posts_scheme_id_schemes"),
        sa.PrimaryKeyConstraint("id", name="pk_posts"),
    )
    op.create_index("ix_posts_officer_id", "posts", ["officer_id"], unique=False)
    op.create_index("ix_posts_scheme_id_cell_code", "posts", ["scheme_id", "cell_code"], unique=False)
    op.create_table(
        "cells",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("scheme_id", _KEY, nullable=False),
        sa.Column("plan_id", _KEY, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("parent", sa.String(), nullable=True),
        sa.Column("area_code", sa.String(), nullable=True),
        sa.Column("area_m2", sa.Double(), nullable=False),
        sa.Column("perimeter_m", sa.Double(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("geometry", LonLatGeometry(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_cells_plan_id_plans"),
        sa.ForeignKeyConstraint(["scheme_id"], ["schemes.id"], name="fk_cells_scheme_id_schemes"),
        sa.PrimaryKeyConstraint("id", name="pk_cells"),
    )
    op.create_index("ix_cells_plan_id", "cells", ["plan_id"], unique=False)
    op.create_index("ix_cells_scheme_id_code", "cells", ["scheme_id", "code"], unique=False)
    op.create_index("ix_cells_scheme_id_valid_from", "cells", ["scheme_id", "valid_from"], unique=False)
    op.create_index(
        "uq_cells_in_force",
        "cells",
        ["scheme_id", "code"],
        unique=True,
        sqlite_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
        postgresql_where=sa.text("valid_from IS NOT NULL AND valid_to IS NULL"),
    )
    op.create_table(
        "plan_cells",
        sa.Column("plan_id", _KEY, nullable=False),
        sa.Column("cell_id", _KEY, nullable=False),
        sa.ForeignKeyConstraint(["cell_id"], ["cells.id"], name="fk_plan_cells_cell_id_cells"),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name="fk_plan_cells_plan_id_plans"),
        sa.PrimaryKeyConstraint("plan_id", "cell_id", name="pk_plan_cells"),
    )
    op.create_index("ix_plan_cells_cell_id", "plan_cells", ["cell_id"], unique=False)
    revisions = sa.table(
        "revision", sa.column("id"), sa.column("number"), sa.column("changed_at", UtcDateTime())
    )
    # The key tells one database from another, see `layers.models.base.Revision`.
    key = 1 + secrets.randbelow(2**53 - 1)
    op.execute(sa.insert(revisions).values(id=key, number=0, changed_at=datetime.now(UTC)))
    if op.get_bind().dialect.name == "sqlite":
        geopackage.create(op.get_bind())
        for table in _ATTRIBUTES:
            geopackage.add_attributes_table(op.get_bind(), table)
        for table in _LAYERS:
            geopackage.add_layer(op.get_bind(), table)
    else:
        for table in _LAYERS:
            op.create_index(f"ix_{table}_geometry", table, ["geometry"], postgresql_using="gist")


def downgrade() -> None:
    """Take them away."""
    if op.get_bind().dialect.name == "sqlite":
        for table in _LAYERS:
            geopackage.drop_layer(op.get_bind(), table)
        geopackage.drop(op.get_bind())
    for table in reversed(_TABLES):
        op.drop_table(table)
