"""
`make mutants`: changes the code a little, again and again, and counts whose tests notice.

mutmut does this in a copy below `build/mutants`, one module at a time and with no more than the
tests that the module is to be held by.  Who survived stands there in `survivors.diff`.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent
WORK = ROOT / "build" / "mutants"

TESTS = {
    "log/derive/state": ("state", "corrections"),
    "log/write/batch": ("batch", "corrections"),
    "filter": ("conditions",),
    "receipt": ("cursors",),
    "log/bounds": ("cursors",),
    "access": ("scopes", "access"),
    "redaction": ("redaction",),
    "grpc/encoding": ("grpc_encoding",),
    "feed/follower": ("follower",),
    "intake/adapters/lushang": ("lushang",),
    "intake/adapters/envelope": ("envelope", "lushang"),
    "intake/adapters/nesting": ("envelope", "lushang"),
    "intake/adapters/fields": ("lushang",),
    "intake/adapters/clock": ("lushang",),
}
"""Modules that bear promises, and the files of tests that hold them to it."""

_SURVIVED = {0, 33}
"""Exit codes of mutmut's: no test failed, no test came by."""
_SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/hub/{module}.py"]
also_copy = ["tests", "README.md"]
pytest_add_cli_args_test_selection = [{tests}]
pytest_add_cli_args = ["--hypothesis-profile=mutants", "-k", "not postgres", "-p", "no:xdist"]
use_setproctitle = false
"""
_SHOW = """
import sys
from mutmut.mutation.diff_apply import find_mutant, get_diff_for_mutant
for name in sys.argv[1:]:
    print(get_diff_for_mutant(name, path=find_mutant(name).path))
"""


class Outcome(NamedTuple):
    """What became of the mutants of one module."""

    module: str
    mutants: int
    survivors: tuple[str, ...]

    @property
    def killed(self) -> int:
        """How many mutants some test noticed."""
        return self.mutants - len(self.survivors)

    @property
    def share(self) -> float:
        """Of 100 mutants, how many some test noticed."""
        return 100 * self.killed / self.mutants


def main() -> None:
    """Try the modules that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m scripts.mutants", description=__doc__)
    parser.add_argument("module", nargs="*", choices=[*TESTS, []], help="such as log/write/batch")
    parser.add_argument("--processes", type=int, default=1, help="how many at once")
    given = parser.parse_args()
    outcomes = [tried(module, given.processes) for module in given.module or TESTS]
    Console().print(_table(outcomes))


def tried(module: str, processes: int) -> Outcome:
    """What became of the mutants of *module*."""
    folder = WORK / module.replace("/", ".")
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "README.md", folder)
    tests = ", ".join(f'"tests/test_{name}.py"' for name in TESTS[module])
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    settings = project + _SETTINGS.format(module=module, tests=tests)
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    mutmut = [sys.executable, "-m", "mutmut"]
    with (folder / "run.log").open("w", encoding="utf-8") as log:
        subprocess.run(  # noqa: S603
            [*mutmut, "run", "--max-children", str(processes)], cwd=folder, check=True, stdout=log
        )
    found = json.loads((folder / f"mutants/src/hub/{module}.py.meta").read_text())
    codes = found["exit_code_by_key"]
    survivors = tuple(sorted(name for name, code in codes.items() if code in _SURVIVED))
    with (folder / "survivors.diff").open("w", encoding="utf-8") as file:
        show = [sys.executable, "-c", _SHOW, *survivors]
        subprocess.run(show, cwd=folder, check=True, stdout=file)  # noqa: S603
    return Outcome(module, len(codes), survivors)


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("module", "mutants", "killed", "%", "survivors")
    for outcome in outcomes:
        file = WORK / outcome.module.replace("/", ".") / "survivors.diff"
        table.add_row(
            outcome.module,
            str(outcome.mutants),
            str(outcome.killed),
            f"{outcome.share:.0f}",
            str(file.relative_to(ROOT)) if outcome.survivors else "none",
        )
    return table


if __name__ == "__main__":
    main()
