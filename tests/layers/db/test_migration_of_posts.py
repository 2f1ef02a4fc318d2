"""Posts from before they had levels: each keeps its cell, and tells since when its holder has had it."""

from datetime import UTC, date, datetime

from sqlalchemy import insert, select, text

from layers.db import migrations
from layers.db.database import Database
from layers.models import Officer, Post, Scheme

MARCH, APRIL, MAY = (date(2026, month, 1) for month in (3, 4, 5))
CHAIN = [(1, MARCH, None), (2, APRIL, 1), (3, MAY, 2), (4, MAY, None)]


def test_posts_go_to_the_new_form_and_back(database: Database) -> None:
    with database.engine.begin() as connection:
        migrations.downgrade(connection, "0006")
        scheme = {"id": 1, "code": "c", "name": "c", "working_crs": "EPSG:4547", "rules": {}}
        connection.execute(insert(Scheme).values(**scheme, created_at=datetime.now(UTC), version=1))
        person = {"id": 1, "external_id": "G1", "personal": {}, "attributes": {}}
        connection.execute(insert(Officer).values(**person, valid_from=MARCH, version=1))
        for number, start, origin in CHAIN:
            connection.execute(
                text(
                    "INSERT INTO posts (id, officer_id, scheme_id, cell_code, duty, rank, valid_from, "
                    "version, carried_from_id) VALUES (:id, 1, 1, 'a', 'leader', 'A', :start, 1, :origin)"
                ),
                {"id": number, "start": start.isoformat(), "origin": origin},
            )
    database.migrate()
    with database.write() as session:
        rows = session.execute(
            select(Post.id, Post.held_since, Post.carried_from_id, Post.part_time).order_by(Post.id)
        )
        assert [tuple(row) for row in rows] == [
            (1, MARCH, None, False),
            (2, MARCH, 1, False),
            (3, MARCH, 2, False),
            (4, MAY, None, False),
        ]
        at_area = {"officer_id": 1, "area_code": "440305", "duty": "leader", "rank": "A"}
        session.add(Post(id=5, **at_area, valid_from=MAY, version=1))
    with database.engine.begin() as connection:
        migrations.downgrade(connection, "0006")
        # What is at no cell has no place in the former form.
        former = connection.execute(text("SELECT id, carried_from_id FROM posts ORDER BY id")).all()
    assert [tuple(row) for row in former] == [(number, origin) for number, _, origin in CHAIN]
    database.migrate()
    with database.read() as session:
        since = session.scalars(select(Post.held_since).order_by(Post.id)).all()
        assert since == [MARCH, MARCH, MARCH, MAY]
