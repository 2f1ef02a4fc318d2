"""A PostgreSQL that is stopped in the middle of a statement, and one that only takes its time."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from api.problems import is_database_unavailable
from gis.errors import InputError
from layers.db import postgresql
from layers.db.database import Database

pytestmark = pytest.mark.parametrize("copy_of", ["postgresql"], indirect=True)


@contextmanager
def stopped(*processes: int) -> Iterator[None]:
    """Stop processes for the time of the block."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def test_nobody_waits_for_a_server_that_has_fallen_silent(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "PROBE_AFTER_S", 0.2)
    with database.read() as session:
        backend = session.scalars(text("SELECT pg_backend_pid()")).one()
        server = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
        with stopped(server, backend):
            with pytest.raises(OperationalError, match="does not answer") as waited:
                session.execute(text("SELECT 1"))
            began = time.monotonic()
            with pytest.raises(InputError, match="does not answer"):
                database.read_revision()
            # Whoever comes now is told at once; to ask again would take five seconds.
            assert time.monotonic() - began < 4
    assert is_database_unavailable(waited.value)
    for _ in range(600):
        try:
            assert database.read_revision() == 0
        except InputError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the database is not used again")


def test_a_statement_may_take_long_while_the_server_answers(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "PROBE_AFTER_S", 0.1)
    with database.read() as session:
        assert session.scalars(text("SELECT 7 FROM pg_sleep(0.7)")).one() == 7
