"""What Alembic runs to reach the database: the connection that `layers.db.migrations` hands over."""

from alembic import context

from layers.db import migrations
from layers.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    include_object=migrations.include_object,
    # SQLite gives its types back under other names.
    compare_type=connection.dialect.name == "postgresql",
)
with context.begin_transaction():
    context.run_migrations()
