"""The steps from one form of the tables to the next, run by Alembic inside a transaction of ours.

It owns the order and the running of the steps; the newest form is that of `layers.models`. A step is
drafted by `alembic.command.revision` with `alembic_config`, and edited by hand.
"""

from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Index


def alembic_config(connection: Connection | None = None) -> Config:
    """Describe the steps to Alembic, to be run through a connection if there is one."""
    config = Config()
    config.set_main_option("script_location", f"{__name__.replace('.', ':', 1).replace('.', '/')}")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def include_object(thing: Any, name: str | None, _kind: str, _reflected: bool, _compared: Any) -> bool:
    """Leave aside, when drafting, the tables of GeoPackage and PostGIS, and the indexes that only one has."""
    if isinstance(thing, Index) and thing.dialect_options["postgresql"]["using"] == "gist":
        return False
    return not str(name).startswith(("gpkg_", "rtree_", "spatial_ref_sys"))


def current(connection: Connection) -> str | None:
    """Name the step the database stands at; None where no step was run."""
    return MigrationContext.configure(connection).get_current_revision()


def head(connection: Connection) -> str:
    """Name the last step."""
    name = ScriptDirectory.from_config(alembic_config(connection)).get_current_head()
    assert name is not None
    return name


def is_known(step: str) -> bool:
    """Say whether a step is one of ours."""
    steps = ScriptDirectory.from_config(alembic_config()).walk_revisions()
    return step in {each.revision for each in steps}


def upgrade(connection: Connection, step: str = "head") -> None:
    """Run the steps up to one."""
    command.upgrade(alembic_config(connection), step)


def downgrade(connection: Connection, step: str) -> None:
    """Take steps back; "base" leaves no table."""
    command.downgrade(alembic_config(connection), step)
