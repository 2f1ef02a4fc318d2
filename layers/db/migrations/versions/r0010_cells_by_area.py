"""Cells are found by their area, so that the cost of an edit does not grow with the plan.

Revision ID: 0010
"""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_cells_scheme_id_area_code", "cells", ["scheme_id", "area_code"])


def downgrade() -> None:
    """Take it away."""
    op.drop_index("ix_cells_scheme_id_area_code", "cells")
