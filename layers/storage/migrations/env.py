"""What Alembic runs to reach the database: the connection that `layers.storage.migrations` hands over.

It owns Alembic's options; the transaction belongs to the caller.
"""

from alembic import context

from layers.storage import migrations
from layers.storage.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_object=migrations.ours,
)
with context.begin_transaction():
    context.run_migrations()
