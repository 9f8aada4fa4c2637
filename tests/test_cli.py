"""How commands end: a result, one clear line, or quietly."""

import json
from pathlib import Path

import pytest

from hub import __version__
from hub.cli.app import run
from hub.settings import Settings, variable


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


Output = pytest.CaptureFixture[str]


def test_the_version_is_printed(capsys: Output) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"hub {__version__}\n"


COMMANDS = [
    "",
    *("serve", "migrate", "settings", "tail", "simulate", "replay", "verify", "backup"),
    *(f"provider {verb}" for verb in ("add", "list", "rotate", "disable", "adapters")),
    *(f"consumer {verb}" for verb in ("add", "list", "revoke")),
    *(f"quarantine {verb}" for verb in ("list", "show", "replay")),
    *(f"subscription {verb}" for verb in ("list", "reset", "reshard", "delete")),
    *(f"parked {verb}" for verb in ("list", "replay", "drop")),
    "log new-epoch",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(command: str, capsys: Output) -> None:
    assert run([*command.split(), "--help"]) == 0
    assert "Usage: hub" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["no-such-command"],
        ["settings", "--no-such-option"],
        ["simulate"],
        ["simulate", "ftp://example.com/x"],
        ["simulate", "http://127.0.0.1:1/x", "--rate", "many"],
        ["tail", "--since", "yesterday"],
        ["tail", "--after", "a:1", "--since", "1h"],
        ["tail", "--status", "LOST"],
        ["tail"],
    ],
)
def test_a_mistake_gets_one_line_and_exit_code_2(arguments: list[str], capsys: Output) -> None:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("hub: ")
    assert captured.err.count("\n") == 1


def test_a_bad_setting_is_named_with_what_it_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("HUB_HTTP_PORT", "eighty")
    assert run(["settings"]) == 2
    line = capsys.readouterr().err
    assert "HUB_HTTP_PORT" in line
    assert "'eighty'" in line
    assert line.count("\n") == 1


def test_settings_for_machines_have_every_variable(capsys: Output) -> None:
    assert run(["settings", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["variable"] for row in listed] == [variable(name) for name in Settings.model_fields]
    assert all(row["description"] for row in listed)


def test_settings_never_show_the_password_of_the_database(
    monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("HUB_DATABASE_URL", "postgresql+asyncpg://hub:hunter2@db/hub")
    for arguments in (["settings"], ["settings", "--json"]):
        assert run(arguments) == 0
        output = capsys.readouterr().out
        assert "hunter2" not in output
        assert "hub:***@db" in output


def test_an_unexpected_fault_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setattr("hub.settings.load", lambda: 1 / 0)
    assert run(["settings"]) == 1
    assert capsys.readouterr().err.startswith("hub: ZeroDivisionError: division by zero")
