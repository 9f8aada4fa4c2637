"""Starts that cannot be: each is one line that names what is wrong, and the exit code 2."""

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from hub.cli.app import run
from tests.commanding import free_port

Refused = Callable[..., str]


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Refused]:
    """The line that a command in an empty folder ends with, given some variables."""
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def ended(variables: Mapping[str, str], *arguments: str) -> str:
        with monkeypatch.context() as here:
            for name in [name for name in os.environ if name.startswith("HUB_")]:
                here.delenv(name)
            for name, value in (
                {"HUB_HTTP_PORT": "0", "HUB_GRPC_PORT": "0"} | dict(variables)
            ).items():
                here.setenv(name, value)
            assert run(arguments) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert len(captured.err.splitlines()) == 1, captured.err
        return captured.err

    yield ended
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@contextmanager
def listening() -> Iterator[str]:
    """A port that somebody else listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield str(taken.getsockname()[1])


@pytest.mark.parametrize("name", ["HUB_HTTP_PORT", "HUB_GRPC_PORT"])
def test_a_port_in_use_is_one_line(refused: Refused, name: str) -> None:
    with listening() as port:
        for arguments in (["serve"], ["serve", "--quickstart"]):
            assert name in refused({name: port}, *arguments)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUB_HTTP_PORT", "80800"),
        ("HUB_GRPC_REFLECTION", "perhaps"),
        ("HUB_DATABASE_URL", "mysql://db/hub"),
        ("HUB_TRUSTED_PROXIES", "localhost"),
        ("HUB_HEARTBEAT_SECONDS", "0"),
        ("HUB_LOG_LEVEL", "loud"),
        ("HUB_DATABASE_URL", "postgresql+asyncpg://hub:secret@db:many/hub"),
        ("HUB_DATABASE_URL", "sqlite:///"),
        ("HUB_DATABASE_URL", "sqlite:///:memory:"),
        ("HUB_GRAPHQL_ALLOWED_ORIGINS", "https://app.example.com/path"),
        ("HUB_GRAPHQL_ALLOWED_ORIGINS", "https://app:secret@example.com"),
        ("HUB_PUBLIC_URL", "hub.example.com"),
        ("HUB_PUBLIC_URL", "https://hub:secret@example.com"),
        ("HUB_DRAIN_SECONDS", "inf"),
        ("HUB_RETENTION_DAYS", "nan"),
        ("HUB_HTTP_HOST", "no..host"),
        ("HUB_HTTP_HOST", "203.0.113.1"),
        ("HUB_HTTP_HOST", ""),
        ("HUB_GRPC_HOST", "no..host"),
        ("HUB_GRPC_HOST", "203.0.113.1"),
    ],
)
def test_a_bad_setting_is_one_line(refused: Refused, name: str, value: str) -> None:
    line = refused({name: value}, "serve")
    assert line.startswith(f"hub: {name} holds ")
    assert "secret" not in line


def test_one_port_for_both_is_one_line(refused: Refused) -> None:
    line = refused({"HUB_HTTP_PORT": "9", "HUB_GRPC_PORT": "9"}, "serve")
    assert "HUB_GRPC_PORT holds 9" in line
    assert "HUB_HTTP_PORT" in line


def test_callbacks_apart_need_an_address_of_their_own_before_anything_starts(
    refused: Refused, tmp_path: Path
) -> None:
    with listening() as port:
        apart = {"HUB_CALLBACK_PORT": port}
        assert f"HUB_CALLBACK_PORT holds {port}" in refused(apart, "serve")
    ports = {"HUB_HTTP_PORT": str(free_port()), "HUB_GRPC_PORT": str(free_port())}
    for port in ports.values():
        assert "holds " + port in refused({**ports, "HUB_CALLBACK_PORT": port}, "serve")
    nowhere = {**ports, "HUB_CALLBACK_HOST": "no..host"}
    assert "HUB_CALLBACK_HOST holds" in refused(nowhere, "serve")
    assert not (tmp_path / "var" / "hub.db").exists()


def test_a_data_dir_that_cannot_be_used_is_one_line(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    for arguments in (["serve"], ["serve", "--quickstart"]):
        assert "HUB_DATA_DIR" in refused({}, *arguments)


def test_a_file_that_is_no_database_is_one_line(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "hub.db").write_bytes(b"no database" * 1000)
    assert "damaged" in refused({}, "serve")


def test_a_postgres_that_is_away_is_one_line(refused: Refused) -> None:
    url = "postgresql+asyncpg://hub@127.0.0.1:1/hub"
    assert "PostgreSQL" in refused({"HUB_DATABASE_URL": url}, "serve")
