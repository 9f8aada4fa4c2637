"""Fuzz and property tests draw fixed seeds in `make test` and fresh ones in `make chaos`."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

DRAWING = """
import pathlib
import random

from hypothesis import given
from hypothesis import strategies as st

FILE = pathlib.Path(__file__).with_name("drawn.txt")

@given(st.integers())
def test_drawn_by_hypothesis(number: int) -> None:
    with FILE.open("a") as file:
        print(number, file=file)
    assert number != {fails_on}

def test_drawn_by_itself(chance: random.Random) -> None:
    with FILE.open("a") as file:
        print(chance.random(), file=file)
    assert {fails_on} is None
"""


def run(folder: Path, *options: str, fails_on: int | None = None) -> tuple[str, str]:
    """What a run of two drawing tests prints, and what they drew."""
    test, drawn = folder / "test_drawing.py", folder / "drawn.txt"
    test.write_text(DRAWING.format(fails_on=fails_on))
    drawn.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-m", "hypothesis"]
    ended = subprocess.run(
        [*command, "-p", "no:cacheprovider", *options, "-c", "/dev/null", str(test)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == (0 if fails_on is None else 1), ended.stdout
    return ended.stdout, drawn.read_text()


def test_a_run_draws_what_the_run_before_drew(tmp_path: Path) -> None:
    assert run(tmp_path)[1] == run(tmp_path)[1] != ""


@pytest.mark.long
def test_chaos_draws_something_new_each_time(tmp_path: Path) -> None:
    once, again = (run(tmp_path, "--hypothesis-profile=fresh")[1] for _ in range(2))
    assert set(once.splitlines()) != set(again.splitlines())
    assert once.splitlines()[-1] != again.splitlines()[-1]


def test_a_failure_says_how_to_draw_the_same_again(tmp_path: Path) -> None:
    shown, drawn = run(tmp_path, "--hypothesis-profile=fresh", fails_on=0)
    assert "@reproduce_failure(" in shown
    option = shown.partition("drawn with ")[2].split()[0]
    again = run(tmp_path, "--hypothesis-profile=fresh", option, fails_on=0)[1]
    assert again.splitlines()[-1] == drawn.splitlines()[-1]


def test_chaos_runs_every_test_that_draws() -> None:
    planned = subprocess.run(
        ["make", "-n", "chaos"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert '-m "long or hypothesis" --hypothesis-profile=fresh' in planned.stdout


@pytest.mark.parametrize("word", ["derandomize=", "@seed("])
def test_no_test_fixes_its_own_seed(word: str) -> None:
    own = {Path(__file__), Path(__file__).with_name("conftest.py")}
    for file in (ROOT / "tests").rglob("*.py"):
        assert file in own or word not in file.read_text(), file
