"""kill -9 at any moment of editing, review, publishing, taking back and reverting: old or new, whole."""

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from layers.db.database import Database
from tests.forkserver import forkserver
from tests.layers.plans.life import begin, digest, take_step

KILLS = 4 if settings().derandomize else 50
"""A round of `make fuzz` kills fifty times, the suite a handful."""


def live(url: str, first: int, told: Connection) -> None:
    """Take one step after the other, and tell of each that is done, until somebody kills the process."""
    with closing(Database(url)) as database:
        with database.read() as session:
            digest(session)
        told.send(None)
        while True:
            with database.write() as session:
                name = take_step(session, first)
            told.send(name)
            first += 1


def settle(database: Database) -> None:
    """Wait until the database has noticed that somebody is gone; what they sent may yet be committed."""
    with database.engine.connect() as connection:
        if database.embedded:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
            return
        others = text(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        while connection.execute(others).first():
            connection.rollback()
            time.sleep(0.01)


@settings(
    max_examples=1,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_kill_leaves_the_step_undone_or_done(make_database: Callable[[], Database], seed: int) -> None:
    chance = random.Random(seed)
    database, twin = make_database(), make_database()
    for each in (database, twin):
        with each.write() as session:
            begin(session)
    url = database.url.render_as_string(hide_password=False)
    taken, killed = 0, Counter[str]()

    def look(which: Database) -> list[tuple[object, ...]]:
        with which.read() as session:
            return digest(session)

    before = look(twin)
    assert look(database) == before
    for _ in range(KILLS):
        here, there = forkserver.Pipe(duplex=False)
        process = forkserver.Process(target=live, args=(url, taken, there))
        process.start()
        told, begun = [here.recv()], time.monotonic()
        for _ in range(chance.randrange(1, 8)):
            begun = time.monotonic()
            told.append(here.recv())
        # Steps last long on a busy machine, and then all do.
        time.sleep(chance.uniform(0, 1.5 * (time.monotonic() - begun)))
        process.kill()
        process.join()
        settle(database)
        while here.poll():
            told.append(here.recv())
        for name in told[1:]:
            with twin.write() as session:
                assert take_step(session, taken) == name
            taken += 1
        before = look(twin)
        found = look(database)
        new = found != before
        if new:
            with twin.write() as session:
                name = take_step(session, taken)
            taken += 1
            assert found == look(twin)
        killed["new" if new else "old"] += 1
    assert killed.total() == KILLS
    assert taken > KILLS
