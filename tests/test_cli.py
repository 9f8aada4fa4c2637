"""How commands end: a result, one clear line, or quietly."""

import doctest
import json
from pathlib import Path

import pytest

from hub import __version__, urls
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


@pytest.mark.parametrize("command", COMMANDS)
def test_no_help_speaks_of_the_programs_insides(command: str, capsys: Output) -> None:
    assert run([*command.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert "<class" not in shown
    assert "<list" not in shown


@pytest.mark.parametrize("group", ["provider", "consumer", "quarantine", "log"])
def test_a_group_alone_prints_its_help_and_no_complaint(group: str, capsys: Output) -> None:
    assert run([group]) == 2
    captured = capsys.readouterr()
    assert f"Usage: hub {group}" in captured.out
    assert captured.err == ""


@pytest.mark.parametrize(
    "command",
    [
        *("verify", "backup copy.db", "log new-epoch", "replay --provider p --since 1h"),
        *("provider list", "provider rotate p", "provider disable p"),
        *("consumer list", "consumer revoke c"),
        *("quarantine list", "quarantine show 1", "quarantine replay"),
        *("subscription list", "subscription reset s --to latest", "subscription reshard s 2"),
        *("subscription delete s", "parked list", "parked replay s --all", "parked drop s --all"),
    ],
)
def test_what_only_looks_at_a_database_makes_none(
    command: str, capsys: Output, tmp_path: Path
) -> None:
    assert run(command.split()) == 2
    line = capsys.readouterr().err
    assert "there is no database at" in line
    assert line.count("\n") == 1
    assert not list(tmp_path.iterdir())


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


@pytest.mark.parametrize(
    ("text", "line"), [("A=1\n\n  HUB_X secret\n", 3), ('A=1\nHUB_X="secret\n', 2), ("A\n", 1)]
)
def test_a_line_of_the_env_file_that_cannot_be_read_is_named_and_not_shown(
    text: str, line: int, capsys: Output
) -> None:
    Path(".env").write_text(text)
    assert run(["settings"]) == 2
    said = capsys.readouterr().err
    assert f".env, line {line}" in said
    assert "secret" not in said
    assert said.count("\n") == 1


def test_a_setting_that_there_is_not_is_noted_with_the_nearest(
    monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("HUB_HTTP_PROT", "secret")
    monkeypatch.setenv("HUB_TOKEN", "secret")
    Path(".env").write_text("hub_gprc_port=secret\nHUB_LOG_LEVEL=info\n")
    assert run(["settings"]) == 0
    said = capsys.readouterr().err
    assert "HUB_HTTP_PROT is no setting; HUB_HTTP_PORT is" in said
    assert "HUB_GPRC_PORT is no setting; HUB_GRPC_PORT is" in said
    assert said.count("\n") == 2
    assert "secret" not in said


@pytest.mark.parametrize(
    "origins", ["https://App.example.com:8443,http://localhost:5173", "http://[::1]:3000"]
)
def test_origins_are_kept_as_browsers_send_them(
    origins: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_GRAPHQL_ALLOWED_ORIGINS", origins)
    assert Settings().graphql_allowed_origins == tuple(origins.lower().split(","))


def test_the_examples_of_the_urls_hold() -> None:
    assert doctest.testmod(urls).failed == 0


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


@pytest.mark.parametrize("url", ["hub:hun/ter2@db/hub", "hub@db/hub?password=hun/ter2"])
def test_a_password_is_hidden_wherever_the_url_has_it(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("HUB_DATABASE_URL", f"postgresql+asyncpg://{url}")
    assert run(["settings", "--json"]) == 0
    assert "ter2" not in capsys.readouterr().out


def test_an_unexpected_fault_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setattr("hub.settings.load", lambda: 1 / 0)
    assert run(["settings"]) == 1
    assert capsys.readouterr().err.startswith("hub: ZeroDivisionError: division by zero")
