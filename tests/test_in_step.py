"""What is generated or declared twice says the same."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hub import __version__
from scripts.mutants import TESTS

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
GENERATED = (
    "src/hub/v1/receipts_pb2.py",
    "src/hub/v1/receipts_pb2.pyi",
    "src/hub/v1/receipts_pb2_grpc.py",
    "graphql/schema.graphql",
    "docs/settings.md",
)


@pytest.mark.skipif(BIN != ROOT / ".venv/bin", reason="the scripts use the checkout's .venv")
def test_generating_anew_changes_nothing(tmp_path: Path) -> None:
    for name in GENERATED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["sh", "scripts/generate", str(tmp_path)], cwd=ROOT, check=True)
    for name in GENERATED:
        assert (tmp_path / name).read_text() == (ROOT / name).read_text(), name


def test_imports_run_one_way() -> None:
    ended = subprocess.run(
        [BIN / "lint-imports", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout


def test_the_version_of_the_package_is_that_of_the_program() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert declared == __version__


@pytest.mark.parametrize("name", ["graphql/__init__.py", "tests/grpc", "tests/graphql"])
def test_no_folder_hides_a_library_of_its_name(name: str) -> None:
    assert not (ROOT / name).exists()


def test_mutants_are_tried_in_modules_and_by_tests_that_there_are() -> None:
    for module, tests in TESTS.items():
        assert (ROOT / f"src/hub/{module}.py").exists(), module
        assert [name for name in tests if not (ROOT / f"tests/test_{name}.py").exists()] == []
    shared = {"__init__", "adapter"}  # no code of its own
    adapters = {path.stem for path in (ROOT / "src/hub/intake/adapters").glob("*.py")} - shared
    assert {f"intake/adapters/{name}" for name in adapters} <= set(TESTS)
