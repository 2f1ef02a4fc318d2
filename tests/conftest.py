"""What the tests of all rooms share: real data, real databases, a real browser, how examples are drawn."""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from datetime import date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright

from layers.db.database import Database

# `make test` draws the same examples every time, `make fuzz` new ones in each round.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, which is not part of the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no real data: {SHARED_DATA.name} is absent beside the repository")
    return SHARED_DATA


_MIDNIGHT_MARGIN = timedelta(minutes=2)


@pytest.fixture
def today() -> date:
    """The day on which the whole test runs: just before midnight it waits for the next."""
    now = datetime.now()
    if (now + _MIDNIGHT_MARGIN).date() != now.date():
        midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time())
        time.sleep((midnight - now).total_seconds() + 1)
    return date.today()


_START_TIMEOUT_S = 180
"""Seconds that a browser or a database may take to start on a machine with much else to do."""

_BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    # Without a graphics card the page around the map is drawn in half the time by the processor itself.
    "--disable-gpu-rasterization",
    "--disable-gpu-compositing",
    "--disable-background-networking",
]


# Of a module, no longer: while it is open Playwright runs an event loop in this thread, and no other can run.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it; without one the tests skip, in CI they fail."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("CI has no chromium: the maps and the page would go untested")
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=_BROWSER_ARGUMENTS, timeout=1000 * _START_TIMEOUT_S
        )
        yield browser
        browser.close()


def _postgresql_programs() -> Path | None:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name)):
        extension = Path("/usr/share/postgresql") / folder.parent.name / "extension" / "postgis.control"
        if extension.is_file() and (folder / "initdb").is_file():
            return folder
    return None


_MIN_FREE_BYTES = 2 << 30
"""Bytes that a folder in memory must have free: several processes of pytest have a PostgreSQL each."""

_POSTGRESQL_SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    # Nothing here outlives the run.
    "fsync=off",
    "full_page_writes=off",
    "shared_buffers=64MB",
    "max_wal_size=128MB",
    "jit=off",
    # Each connection would load it anew.
    "shared_preload_libraries=postgis-3",
)


def _memory_folder() -> Path | None:
    """Return a folder in memory with room for databases, None where there is none."""
    # Each test on PostgreSQL makes and removes 400 files, and ext4 takes 0.3 s of a processor to make them
    # where as many were removed within the last seconds; each commit on SQLite waits for a disk.
    folder = Path("/dev/shm")
    roomy = (
        folder.is_dir() and os.access(folder, os.W_OK) and shutil.disk_usage(folder).free > _MIN_FREE_BYTES
    )
    return folder if roomy else None


def _free_port() -> int:
    # Below those that the system gives to whoever asks for any: none of them takes it until it is used.
    # Several processes of pytest that start at once look from different ones on.
    for port in range(20_000 + os.getpid() % 10_000, 32_768):
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def _wait_until_ready(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    for _ in range(20 * _START_TIMEOUT_S):
        if server.poll() is not None:
            break
        try:
            psycopg.connect(url, connect_timeout=1).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL does not start: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL with PostGIS of this run alone, in its own folder and on its own port."""
    programs = _postgresql_programs()
    if programs is None:
        reason = "no PostgreSQL with PostGIS below /usr/lib/postgresql; .ci/system-packages tests installs it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    # The server refuses to run as root, and ends with the tests, however these end.
    run_as = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        run_as += ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    with tempfile.TemporaryDirectory(prefix="wangge-postgresql-", dir=_memory_folder()) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        data, log = folder / "data", folder / "log"
        initdb = [programs / "initdb", "-D", data, "-U", "wangge", "-A", "trust", "--no-sync"]
        locale = ["-E", "UTF8", "--locale", "C.UTF-8"]
        made = subprocess.run(
            [*run_as, *initdb, *locale], check=False, capture_output=True, text=True, cwd=folder
        )
        assert made.returncode == 0, made.stderr
        port = _free_port()
        options = [part for setting in _POSTGRESQL_SETTINGS for part in ("-c", setting)]
        command = [*run_as, programs / "postgres", "-D", data, "-p", str(port), *options]
        with (
            log.open("wb") as output,
            subprocess.Popen(command, stdout=output, stderr=output, cwd=folder) as server,
        ):
            try:
                _wait_until_ready(server, f"postgresql://wangge@127.0.0.1:{port}/postgres", log)
                yield f"postgresql+psycopg://wangge@127.0.0.1:{port}"
            finally:
                server.send_signal(signal.SIGINT)


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_url: str) -> str:
    """The name of a migrated database, of which each test gets a copy."""
    _execute_as_admin(postgresql_url, "CREATE DATABASE migrated TEMPLATE template0")
    with closing(Database(f"{postgresql_url}/migrated")) as database:
        database.migrate()
    return "migrated"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file, of which each test gets a copy."""
    path = tmp_path_factory.mktemp("migrated") / "wangge.gpkg"
    with closing(Database(f"sqlite:///{path}")) as database:
        database.migrate()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def copy_of(request: pytest.FixtureRequest) -> Iterator[Callable[[str], str]]:
    """Make a new database, "empty" or "migrated", and give its URL; the test runs on each of two kinds."""
    made: list[str] = []
    if request.param == "sqlite":
        with tempfile.TemporaryDirectory(prefix="wangge-sqlite-", dir=_memory_folder()) as name:

            def copy(template: str) -> str:
                made.append(f"{template}-{len(made)}.gpkg")
                path = Path(name) / made[-1]
                if template == "migrated":
                    shutil.copyfile(request.getfixturevalue("migrated_sqlite"), path)
                return f"sqlite:///{path}"

            yield copy
        return
    url = request.getfixturevalue("postgresql_url")

    def clone(template: str) -> str:
        name = f"test_{next(_database_numbers)}"
        source = "template0" if template == "empty" else request.getfixturevalue("migrated_postgresql")
        _execute_as_admin(url, f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy")
        made.append(name)
        return f"{url}/{name}"

    yield clone
    for name in made:
        _execute_as_admin(url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def make_database(copy_of: Callable[[str], str]) -> Iterator[Callable[[], Database]]:
    """Make fresh, migrated databases, of one kind in one test."""
    made: list[Database] = []

    def make() -> Database:
        made.append(Database(copy_of("migrated")))
        return made[-1]

    yield make
    for database in made:
        database.close()


@pytest.fixture
def database(make_database: Callable[[], Database]) -> Database:
    """A fresh, migrated database; the test runs on SQLite and on PostgreSQL."""
    return make_database()


_database_numbers = itertools.count()


def _execute_as_admin(url: str, statement: str) -> None:
    address = url.replace("+psycopg", "")
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[arg-type]


_LONGEST = ["service", "web", "notebooks", "docs", "demo"]
"""Folders whose modules last longest, the longest first; before all comes the module of kills."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what lasts longest, so that at the end no process of pytest waits for another."""
    rank = {folder: place for place, folder in enumerate(_LONGEST)}
    items.sort(key=lambda item: (item.path.stem != "test_kills", rank.get(item.path.parent.name, len(rank))))


def _is_worth_showing(line: str) -> bool:
    # A line for each request that went well would bury what failed.
    return not ('"event":"request"' in line and '"status":5' not in line)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leave the requests that went well out of what is printed of a test that failed."""
    report = yield
    report.sections = [
        (name, "".join(line for line in text.splitlines(keepends=True) if _is_worth_showing(line)))
        for name, text in report.sections
    ]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests show of the service, also those that ran in other processes."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, ())]
    lines = [line for each in reports for name, line in each.user_properties if name == "shown"]
    if lines:
        terminalreporter.section("the service")
        for line in lines:
            terminalreporter.write_line(str(line))
