"""`hub subscription` and `hub parked`, on a log of five receipts."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from hub.accounts.administration import Administration, NewConsumer
from hub.cli.app import run
from hub.database.columns import table
from hub.database.tables import ParkedRow
from hub.filter import Shard
from hub.settings import Settings
from hub.subscriptions.administration import Declaration, create
from tests.engines import execute
from tests.making import OpenLog, open_log, receipt

Output = pytest.CaptureFixture[str]


def with_log(work: Callable[[OpenLog], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        async with open_log(Settings()) as log:
            return await work(log)

    return asyncio.run(opened())


async def subscribe(log: OpenLog, consumer: str, name: str, position: int, shards: int = 1) -> None:
    await create(log.store, Declaration(consumer, name, {}, Shard(0, shards)), position)


@pytest.fixture(autouse=True)
def _log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def fill(log: OpenLog) -> None:
        for number in range(5):
            await log.post(receipt(f"m{number}"))
        for consumer in ("app", "billing"):
            await Administration(log.store).add_consumer(NewConsumer(name=consumer))
        await subscribe(log, "app", "live", 2)

    with_log(fill)


def ask(capsys: Output, *arguments: str) -> Any:
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def complaint(capsys: Output, *arguments: str) -> str:
    assert run(arguments) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    return err


def epoch() -> str:
    async def read(log: OpenLog) -> str:
        return (await log.log.bounds()).epoch

    return str(with_log(read))


def test_a_subscription_is_listed_with_how_far_it_is_behind(capsys: Output) -> None:
    [row] = ask(capsys, "subscription", "list")
    assert (row["consumer"], row["name"], row["shard"], row["shards"]) == ("app", "live", 0, 1)
    assert row["lag"] == 3
    assert row["cursor"] == f"{epoch()}:2"
    assert row["holder"] is None
    assert ask(capsys, "subscription", "list", "--consumer", "billing") == []
    assert run(["subscription", "list"]) == 0
    assert "live" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("to", "position"),
    [("earliest", 0), ("latest", 5), ("1d", 0), ("2999-01-01", 5), ("CURSOR:4", 4)],
)
def test_a_subscription_goes_on_from_where_it_is_put(
    capsys: Output, to: str, position: int
) -> None:
    to = to.replace("CURSOR", epoch())
    expected = f"{epoch()}:{position}"
    assert ask(capsys, "subscription", "reset", "live", "--to", to)["cursor"] == expected
    [row] = ask(capsys, "subscription", "list")
    assert row["cursor"] == expected


@pytest.mark.parametrize("to", ["zzz:1", "CURSOR:6", "then", ""])
def test_a_subscription_is_not_put_where_the_log_has_no_place(capsys: Output, to: str) -> None:
    to = to.replace("CURSOR", epoch())
    complaint(capsys, "subscription", "reset", "live", "--to", to)
    [row] = ask(capsys, "subscription", "list")
    assert row["lag"] == 3


def test_resharding_starts_every_shard_at_the_least_cursor(capsys: Output) -> None:
    assert ask(capsys, "subscription", "reshard", "live", "3")["position"] == 2
    rows = ask(capsys, "subscription", "list")
    assert [(row["shard"], row["shards"], row["lag"]) for row in rows] == [
        (0, 3, 3), (1, 3, 3), (2, 3, 3),
    ]  # fmt: skip


def test_a_deleted_subscription_is_gone(capsys: Output) -> None:
    ask(capsys, "subscription", "delete", "live")
    assert ask(capsys, "subscription", "list") == []
    assert "live" in complaint(capsys, "subscription", "delete", "live")


def test_one_name_of_two_consumers_asks_whose(capsys: Output) -> None:
    async def another(log: OpenLog) -> None:
        await subscribe(log, "billing", "live", 5)

    with_log(another)
    assert "--consumer" in complaint(capsys, "subscription", "delete", "live")
    ask(capsys, "subscription", "delete", "live", "--consumer", "billing")
    [row] = ask(capsys, "subscription", "list")
    assert row["consumer"] == "app"


def test_parked_receipts_are_listed_replayed_and_dropped(capsys: Output) -> None:
    async def park(log: OpenLog) -> None:
        rows = [
            {"consumer": 1, "subscription": "live", "position": position, "reason": "odd",
             "parked_at": 0, "replay": False}
            for position in (3, 4)
        ]  # fmt: skip
        await execute(log.store, insert(table(ParkedRow)), rows)

    with_log(park)
    listed = ask(capsys, "parked", "list")
    assert [(row["position"], row["reason"]) for row in listed] == [(3, "odd"), (4, "odd")]
    assert "--all" in complaint(capsys, "parked", "replay", "live")
    assert ask(capsys, "parked", "replay", "live", "--position", "3")["replayed"] == 1
    assert [row["replay"] for row in ask(capsys, "parked", "list")] == [True, False]
    assert ask(capsys, "parked", "drop", "live", "--all")["dropped"] == 2
    assert ask(capsys, "parked", "list") == []
