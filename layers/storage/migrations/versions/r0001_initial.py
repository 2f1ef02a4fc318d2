"""The first tables.

Revision ID: 0001
"""

from datetime import UTC, datetime

from alembic import op
from sqlalchemy import insert

from layers.storage import geopackage
from layers.storage.models import Base, Revision

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    bind = op.get_bind()
    Base.metadata.create_all(bind)
    bind.execute(insert(Revision).values(id=1, number=0, changed_at=datetime.now(UTC)))
    if bind.dialect.name == "sqlite":
        geopackage.create(bind)


def downgrade() -> None:
    """Take them away."""
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        geopackage.drop(bind)
    Base.metadata.drop_all(bind)
