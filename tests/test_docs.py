"""The words are in step with the program."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from google.rpc import code_pb2

from hub import errors
from hub.cli.app import app
from hub.cli.terminal import quickstart
from hub.grpc.errors import ANSWERS
from hub.settings import Settings, variable
from hub.telemetry import Metrics
from scripts.settings_page import page

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OTHER_VARIABLES = {"HUB_TOKEN"}

pages = pytest.mark.parametrize("page_path", PAGES, ids=lambda path: path.name)


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == page()


def test_every_setting_has_a_sentence() -> None:
    for name, field in Settings.model_fields.items():
        assert (field.description or "").endswith("."), name


def test_the_page_of_errors_has_every_reason_and_its_grpc_code() -> None:
    text = (ROOT / "docs/errors.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([A-Z_]+)` \| (\S+) \|", text, re.MULTILINE))
    known = {kind.reason: kind for kind in _family(errors.HubError)}
    assert listed.keys() == known.keys()
    for reason, code in listed.items():
        assert code in {"–", code_pb2.Code.Name(ANSWERS[known[reason]].code)}, reason


@pages
def test_links_lead_somewhere(page_path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page_path.read_text("utf-8")):
        if "://" not in target:
            assert (page_path.parent / target).exists(), target


@pages
def test_commands_and_their_options_exist(page_path: Path) -> None:
    for line in _hub_lines(page_path):
        _check_command(line)


@pages
def test_make_targets_exist(page_path: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for code in _code(page_path):
        for target in re.findall(r"(?:^|\n)make ([a-z]+)", code):
            assert target in targets, target


@pages
def test_variables_exist(page_path: Path) -> None:
    known = {variable(name) for name in Settings.model_fields} | OTHER_VARIABLES
    assert set(re.findall(r"\bHUB_[A-Z_]+[A-Z]\b", page_path.read_text("utf-8"))) <= known


def test_metrics_that_alerts_name_exist() -> None:
    exposed = Metrics().exposition().decode()
    known = set(re.findall(r"^# TYPE (\w+) ", exposed, re.MULTILINE))
    text = (ROOT / "docs/operating.md").read_text("utf-8")
    named = set(re.findall(r"\bhub_[a-z_]+\b", text))
    assert named
    assert named <= known


def test_log_lines_that_operators_look_up_exist() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "src/hub").rglob("*.py"))
    joined = re.sub(r'"\s*\n\s*"', "", sources)
    table = (ROOT / "docs/operating.md").read_text("utf-8").split("## Log lines")[1]
    lines = re.findall(r"^\| (`[^|]+`) \|", table.split("## ")[0], re.MULTILINE)
    assert lines
    for line in re.findall(r"`([^`]+)`", " ".join(lines)):
        assert line in joined, line


def test_each_promise_names_tests_that_exist() -> None:
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    promised = set(re.findall(r"\btest_[a-z0-9_]+\b(?!\.py)", text))
    assert promised
    assert promised <= _tests()


def test_the_sample_of_the_readme_is_the_one_that_quickstart_prints() -> None:
    [sample] = re.findall(r"-d '(\{\"smsResult\".*?)'", (ROOT / "README.md").read_text(), re.DOTALL)
    assert json.loads(sample) == json.loads(quickstart.SAMPLE)


def _family(kind: type[errors.HubError]) -> Iterator[type[errors.HubError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _family(child)


def _code(page_path: Path) -> list[str]:
    """Fenced blocks of shell, and what stands between single backticks."""
    text = page_path.read_text("utf-8")
    fenced = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    without = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return fenced + re.findall(r"`([^`\n]+)`", without)


def _hub_lines(page_path: Path) -> list[str]:
    joined = "\n".join(_code(page_path)).replace("\\\n", " ")
    return re.findall(r"^(?:\.venv/bin/)?hub ([^#\n|>]+)", joined, re.MULTILINE)


def _check_command(line: str) -> None:
    command = typer.main.get_command(app)
    words = line.split()
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
    assert not hasattr(command, "commands") or not words or "|" in words[0], line
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    used = {word.split("=")[0] for word in words if word.startswith("--")}
    assert used <= known, line


def _tests() -> set[str]:
    sources = (path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for text in sources for name in re.findall(r"def (test_\w+)", text)}
