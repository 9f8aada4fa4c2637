"""The web client of examples/: its types against the schema, and a run with a restart in it."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from hub.service import running
from tests.asking import WAIT, asking
from tests.conftest import quick_settings
from tests.making import arrival, receipt

ROOT = Path(__file__).parent.parent
LEFT_OUT = shutil.ignore_patterns("node_modules", "dist", "schema.generated.d.ts")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client, built in a copy."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node.js and npm are not here, which the web client needs")
    root = tmp_path_factory.mktemp("web")
    shutil.copytree(ROOT / "graphql", root / "graphql")
    folder = root / "examples" / "web-client"
    shutil.copytree(ROOT / "examples" / "web-client", folder, ignore=LEFT_OUT)
    fetched = npm(folder, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    if fetched.returncode:
        pytest.skip(f"npm cannot fetch the client's packages here: {fetched.stderr[-300:]}")
    built = npm(folder, "run", "build")
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def npm(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["npm", *arguments], cwd=folder, capture_output=True, text=True, timeout=200, check=False
    )


def test_the_lock_names_no_registry() -> None:
    lock = (ROOT / "examples/web-client/package-lock.json").read_text()
    assert "resolved" not in lock
    assert "://" not in lock


def test_a_field_that_the_schema_lacks_does_not_compile(client: Path) -> None:
    operations = client / "src" / "operations.ts"
    right = operations.read_text()
    operations.write_text(right.replace("errorCategory", "reason"))
    (client / "src" / "wrong.ts").write_text(
        'import type { Receipt } from "./operations.js";\n'
        "export const shown = (receipt: Receipt) => receipt.errorCategory;\n"
    )
    try:
        checked = npm(client, "run", "check")
        assert checked.returncode != 0
        assert "errorCategory" in checked.stdout
    finally:
        operations.write_text(right)
        (client / "src" / "wrong.ts").unlink()


@pytest.mark.parametrize("transport", ["--sockets", "--events"])
async def test_it_goes_on_at_its_cursor_when_the_hub_comes_back(
    client: Path, tmp_path: Path, transport: str
) -> None:
    settings = quick_settings(tmp_path, http_port=_free_port(), drain_seconds=1)
    async with asking(settings, [receipt("m1"), receipt("m2")]) as hub:
        url, token = hub.url, hub.token
        process = await asyncio.create_subprocess_exec(
            "node", "dist/main.js", url, transport, cwd=client,
            env=os.environ | {"HUB_TOKEN": token}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert await _positions(process, 2) == [1, 2]
        await hub.post(receipt("m3"))
        assert await _positions(process, 1) == [3]
    async with running(settings) as again:
        for number in range(4, 7):
            await again.writer.write(arrival(receipt(f"m{number}"), name="p1"))
        assert await _positions(process, 3) == [4, 5, 6]
        process.terminate()
        await process.communicate()


async def _positions(process: Process, count: int) -> list[int]:
    assert process.stdout is not None
    found = []
    for _ in range(count):
        async with asyncio.timeout(WAIT):
            line = await process.stdout.readline()
        found.append(int(json.loads(line)["position"]))
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
