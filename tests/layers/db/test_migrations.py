from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import shapely
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select, text

from gis.errors import InputError
from layers.db import migrations
from layers.db.database import Database
from layers.models import Base, Entity, Plan, Scheme

LATER = '''
"""Add a column, as a later version may.

Revision ID: 9999
"""
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"

def upgrade():
    op.add_column("entities", sa.Column("grade", sa.Text, nullable=False, server_default="A"))
    op.create_index("ix_entities_grade", "entities", ["grade"])

def downgrade():
    op.drop_index("ix_entities_grade", "entities")
    op.drop_column("entities", "grade")
'''


def tables(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version", "spatial_ref_sys"}


def test_the_steps_end_at_the_model(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                # SQLite gives its types back under other names
                "compare_type": not database.embedded,
                "include_object": migrations.include_object,
            },
        )
        assert compare_metadata(context, Base.metadata) == []
        indexes = {index["name"] for index in inspect(connection).get_indexes("cells")}
    assert ("ix_cells_geometry" in indexes) != database.embedded


def test_down_leaves_nothing_and_up_makes_it_again(database: Database) -> None:
    before = tables(database)
    with database.engine.begin() as connection:
        migrations.downgrade(connection, "base")
    assert tables(database) == set()
    database.migrate()
    assert tables(database) == before
    assert database.read_revision() == 0


def test_a_migration_that_fails_leaves_the_old_form(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tables(database)
    with database.engine.connect() as connection:
        (tmp_path / "later.py").write_text(
            LATER.format(head=migrations.head(connection)).replace('"grade"])', '"nowhere"])')
        )
    with (
        pytest.raises(Exception, match="nowhere"),
        database.engine.connect() as connection,
        connection.begin(),
    ):
        command.upgrade(with_steps(connection, tmp_path), "head")
    assert tables(database) == before
    assert "grade" not in columns(database)


def with_steps(connection, folder: Path):
    config = migrations.alembic_config(connection)
    own = Path(migrations.__file__).parent / "versions"
    config.set_main_option("version_locations", f"{own}:{folder}")
    return config


def columns(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return {column["name"] for column in inspect(connection).get_columns("entities")}


def test_an_older_database_with_data_goes_on_and_back(database: Database, tmp_path: Path) -> None:
    entity = Entity(
        kind="sensor", external_id="1", attributes={}, personal={}, valid_from=date(2026, 1, 1), version=1,
        geometry=shapely.Point(114, 22.5),
    )  # fmt: skip
    with database.write() as session:
        session.add(entity)
    with database.engine.connect() as connection:
        (tmp_path / "later.py").write_text(LATER.format(head=migrations.head(connection)))
    with database.engine.begin() as connection:
        command.upgrade(with_steps(connection, tmp_path), "head")
    with database.read() as session:
        assert session.execute(text("SELECT grade FROM entities")).scalars().all() == ["A"]
        assert session.scalars(select(Entity.geometry)).one() == entity.geometry
    with pytest.raises(InputError, match="newer version"):
        database.migrate()
    with database.engine.begin() as connection:
        command.downgrade(with_steps(connection, tmp_path), "-1")
    database.migrate()
    assert "grade" not in columns(database)
    with database.read() as session:
        assert session.scalars(select(Entity.external_id)).all() == ["1"]


def test_a_database_of_another_program_is_left_alone(copy_of: Callable[[str], str]) -> None:
    with closing(Database(copy_of("empty"))) as database:
        if database.embedded:
            Path(str(database.url.database)).touch()
        with database.engine.begin() as connection:
            connection.execute(text("CREATE TABLE recipes (id integer)"))
        with pytest.raises(InputError, match="recipes"):
            database.migrate()
        assert tables(database) == {"recipes"}


def test_migrating_an_empty_database_twice_at_once_is_harmless(copy_of: Callable[[str], str]) -> None:
    url = copy_of("empty")

    def migrate(_: int) -> int:
        with closing(Database(url)) as database:
            database.migrate()
            return database.read_revision()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(migrate, range(4))) == [0, 0, 0, 0]


def test_the_schemes_of_the_former_version_cover_whole_and_have_no_units(database: Database) -> None:
    scheme = Scheme(
        code="c", name="c", working_crs="EPSG:4547", rules={}, created_at=datetime.now(UTC), version=1
    )
    with database.write() as session:
        session.add(scheme)
        session.flush()
        now = datetime.now(UTC)
        session.add(
            Plan(scheme_id=scheme.id, name="p", state="draft", created_by="t", created_at=now, version=1)
        )
        session.flush()
        before = session.execute(text("SELECT id, name, state FROM plans")).all()
    with database.engine.begin() as connection:
        migrations.downgrade(connection, "0003")
        assert "cell_units" not in inspect(connection).get_table_names()
        assert "coverage" not in {each["name"] for each in inspect(connection).get_columns("schemes")}
    database.migrate()
    with database.read() as session:
        kept = session.scalars(select(Scheme)).one()
        assert (kept.coverage, kept.unit_scheme, kept.rules) == ("whole", None, {})
        assert session.scalars(select(Plan)).one().carry_report is None
        assert session.execute(text("SELECT id, name, state FROM plans")).all() == before
