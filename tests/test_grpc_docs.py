"""The examples of docs/grpc.md, run against a real hub as they stand."""

import asyncio
import os
import re
import shutil
import sys
import textwrap
from pathlib import Path

import pytest

from hub.access import Scope
from hub.accounts.administration import Administration, NewConsumer
from hub.receipt import Status
from hub.settings import Settings
from hub.subscriptions import parked
from hub.subscriptions.state import states
from tests.calling import Running, run
from tests.making import receipt
from tests.waiting import until

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/grpc.md").read_text(encoding="utf-8")


def examples(language: str, word: str = "") -> list[str]:
    """The fenced blocks of *language* that contain *word*."""
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return [example for example in found if word in example]


def completed(example: str, before: str = "") -> str:
    """*example* as a program, with *before* in front of it where it is only a part."""
    if "asyncio.run" in example or "blocking" in example:
        return example
    imports = [line for line in example.splitlines() if line.startswith("from ")]
    body = "\n".join(line for line in example.splitlines() if line not in imports)
    head = ["import asyncio, os", "from hub.client import Client", *imports, before]
    main = "async def main():\n" + textwrap.indent(body, "    ")
    return "\n".join([*head, main, "asyncio.run(main())"])


class Program:
    """An example that runs until it is stopped."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def lines(self, count: int) -> list[str]:
        assert self.process.stdout
        async with asyncio.timeout(30):
            return [(await self.process.stdout.readline()).decode().strip() for _ in range(count)]

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.communicate()


async def started(hub: Running, program: str, *command: str, cwd: Path = ROOT) -> Program:
    """*program* at work on *hub*, as a consumer of its own."""
    scopes = (Scope.RECEIPTS_READ, Scope.SUBSCRIPTIONS_WRITE)
    token = await Administration(hub.hub.store).add_consumer(
        NewConsumer(name="reader", scopes=scopes)
    )
    program = program.replace("localhost:50051", hub.hub.grpc_address)
    process = await asyncio.create_subprocess_exec(
        *command,
        program,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"HUB_TOKEN": token, "POD_INDEX": "0", "SHARDS": "1"},
        cwd=cwd,
    )
    return Program(process)


PYTHON = (sys.executable, "-u", "-c")


@pytest.mark.parametrize("example", examples("python", "print(receipt.position"))
async def test_the_first_calls_in_python_print_what_is_stored(
    settings: Settings, example: str
) -> None:
    async with run(settings) as hub:
        await hub.post(receipt("m1"), receipt("m2", recipient="+8613900139000"))
        program = await started(hub, completed(example), *PYTHON)
        assert await program.lines(2) == ["1 m1 +86138****8000", "2 m2 +86139****9000"]
        await program.stop()


@pytest.mark.parametrize("example", examples("python", "load_cursor"))
async def test_the_examples_that_resume_start_behind_their_cursor(
    settings: Settings, example: str
) -> None:
    async with run(settings) as hub:
        await hub.post(receipt("m1"), receipt("m2"))
        given = f"""
def load_cursor(): return "{hub.hub.feed.epoch}:1"
def save(receipts, cursor): print(*(r.position for r in receipts), cursor.rpartition(":")[2])
"""
        program = await started(hub, completed(example, given), *PYTHON)
        assert await program.lines(1) == ["2 2"]
        await program.stop()


async def test_the_example_of_a_filter_gets_what_matches(settings: Settings) -> None:
    [example] = examples("python", "retry_by_another_channel")
    given = """
def retry_by_another_channel(receipts): print(*(r.position for r in receipts))
"""
    async with run(settings) as hub:
        program = await started(hub, completed(example, given), *PYTHON)
        assert await program.lines(1) == [""]
        await hub.post(receipt("m1"), receipt("m2", Status.EXPIRED))
        assert await program.lines(1) == ["2"]
        await program.stop()


@pytest.mark.parametrize("example", examples("python", "book(receipt)"))
async def test_the_examples_of_subscriptions_acknowledge(settings: Settings, example: str) -> None:
    given = """
class Unbookable(Exception): pass
def book(receipt):
    if receipt.message_id == "m2" and "Unbookable" in BODY: raise Unbookable("no such order")
    print(receipt.position)
"""
    given = f"BODY = {example!r}\n{given}"
    async with run(settings) as hub:
        await hub.post(receipt("m1"), receipt("m2"), receipt("m3"))
        program = await started(hub, completed(example, given), *PYTHON)
        parks = "Unbookable" in example
        assert await program.lines(2 if parks else 3) == (["1", "3"] if parks else ["1", "2", "3"])

        async def done() -> bool:
            [listed] = await states(hub.hub.store)
            return listed.acked == 3 and len(await parked.listing(hub.hub.store)) == parks

        await until(done)
        await program.stop()


@pytest.mark.skipif(not (shutil.which("node") and shutil.which("npm")), reason="needs Node and npm")
async def test_a_client_in_node_made_from_the_proto_alone_reads_the_same(
    settings: Settings, tmp_path: Path
) -> None:
    [example] = examples("js")
    shutil.copy(ROOT / "tests/node/package.json", tmp_path)
    shutil.copytree(ROOT / "proto", tmp_path / "proto")
    install = ("npm", "install", "--no-audit", "--no-fund", "--no-package-lock")
    done = await asyncio.create_subprocess_exec(
        *install, "--ignore-scripts", "--prefer-offline", "--silent", cwd=tmp_path
    )
    try:
        async with asyncio.timeout(40):
            installed = await done.wait() == 0
    except TimeoutError:
        done.kill()
        installed = bool(await done.wait() == 0)
    if not installed:
        pytest.skip("npm cannot install @grpc/grpc-js here")
    async with run(settings) as hub:
        await hub.post(receipt("m1"), receipt("m2"))
        program = await started(hub, example, "node", "-e", cwd=tmp_path)
        assert await program.lines(2) == ["1 m1 +86138****8000", "2 m2 +86138****8000"]
        await hub.post(receipt("m3"))
        assert await program.lines(1) == ["3 m3 +86138****8000"]
        await program.stop()
