"""`hub quarantine`, `replay`, `verify`, `backup` and `log`."""

import asyncio
import base64
import json
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from hub.cli.app import run
from hub.log.write.arrival import Arrival, Unreadable
from hub.settings import Settings
from tests.making import OpenLog, open_log, receipt

Output = pytest.CaptureFixture[str]

ITEM = (
    b'{"smsId":"m9","phone":"13800138000","status":"0","respMessage":"",'
    b'"receiveTime":"2015-06-29 19:23:26","chargingNum":"2"}'
)
ARRIVED = 1_700_000_000_000_000


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def with_log(work: Callable[[OpenLog], Awaitable[Any]]) -> Any:
    async def opened() -> Any:
        async with open_log(Settings()) as log:
            return await work(log)

    return asyncio.run(opened())


def set_aside(*raws: bytes) -> None:
    async def work(log: OpenLog) -> None:
        unreadable = [Unreadable("OLD", raw) for raw in raws]
        body = b'{"smsResult":[%s]}' % b",".join(raws)
        await log.writer.write(Arrival(1, "p1", "lushang/0", ARRIVED, body, {}, [], unreadable))

    with_log(work)


def ask(capsys: Output, *arguments: str, code: int = 0) -> Any:
    assert run([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_quarantine_is_listed_without_and_shown_with_its_bytes(capsys: Output) -> None:
    set_aside(ITEM, b"\xff\xfe")
    newest, oldest = ask(capsys, "quarantine", "list")
    assert oldest["reason"] == "OLD"
    assert (oldest["provider"], oldest["adapter"], oldest["count"]) == ("p1", "lushang/0", 1)
    assert oldest["resolved_at"] is None
    assert "13800138000" not in json.dumps([newest, oldest])
    assert ask(capsys, "quarantine", "show", str(oldest["id"]))["raw"] == ITEM.decode()
    assert ask(capsys, "quarantine", "show", str(newest["id"]))["raw_base64"] == "//4="
    assert ask(capsys, "quarantine", "list", "--provider", "p2") == []
    assert [row["id"] for row in ask(capsys, "quarantine", "list", "--limit", "1")] == [
        newest["id"]
    ]
    for arguments in (["list"], ["show", str(newest["id"])]):
        assert run(["quarantine", *arguments]) == 0
        assert "OLD" in capsys.readouterr().out


def test_quarantine_is_replayed_once_and_a_dry_run_writes_nothing(capsys: Output) -> None:
    set_aside(ITEM, b'{"smsId":""}')
    for dry in (["--dry-run"], []):
        told = ask(capsys, "quarantine", "replay", *dry)
        assert told["dry_run"] is bool(dry)
        assert [(item["problem"], item["receipts"]) for item in told["items"]] == [
            (None, 1), ("NO_ID", 0),
        ]  # fmt: skip
        assert told["items"][0]["statuses"] == {"DELIVERED": 1}
    assert [item["problem"] for item in ask(capsys, "quarantine", "replay")["items"]] == ["NO_ID"]
    assert ask(capsys, "quarantine", "replay", "--reason", "BAD_TIME")["items"] == []
    assert ask(capsys, "verify")["receipts"] == 1
    assert run(["quarantine", "replay"]) == 0
    assert "0 of 1 were resolved" in capsys.readouterr().out


def complaint(capsys: Output, *arguments: str) -> str:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_an_item_is_shown_by_the_id_that_graphql_shows(capsys: Output) -> None:
    set_aside(ITEM)
    [row] = ask(capsys, "quarantine", "list")
    global_id = base64.b64encode(f"QuarantineItem:{row['id']}".encode()).decode()
    assert ask(capsys, "quarantine", "show", global_id)["raw"] == ITEM.decode()


@pytest.mark.parametrize(
    "number", ["0", str(2**63), "9" * 5000, "one", "UmVjZWlwdDox", "UXVhcmFudGluZUl0ZW06eA=="]
)
def test_what_is_no_id_of_an_item_is_one_line(capsys: Output, number: str) -> None:
    set_aside(ITEM)
    assert "no id" in complaint(capsys, "quarantine", "show", number)


def test_an_id_that_no_item_has_is_one_line(capsys: Output) -> None:
    set_aside(ITEM)
    for number in (2, 2**63 - 1):
        assert str(number) in complaint(capsys, "quarantine", "show", str(number))
    for number in (0, 2**63):
        complaint(capsys, "quarantine", "list", "--after", str(number))


def test_an_unknown_provider_or_reason_is_told_with_the_known_ones(capsys: Output) -> None:
    set_aside(ITEM)
    for command in ("list", "replay"):
        assert "p1, p2" in complaint(capsys, "quarantine", command, "--provider", "p9")
    assert "BAD_TIME" in complaint(capsys, "quarantine", "replay", "--reason", "NONE")


def test_callbacks_are_read_again_and_the_difference_is_shown_before(capsys: Output) -> None:
    async def as_it_was_misread(log: OpenLog) -> None:
        read = receipt("m9", recipient="+8613800138000", provider_status="0", raw_segments="2")
        read.raw_time, read.segments = "2015-06-29 19:23:26", 2
        body = b'{"smsResult":[%s]}' % ITEM
        await log.writer.write(Arrival(1, "p1", "lushang/0", ARRIVED, body, {}, [read], []))

    with_log(as_it_was_misread)
    arguments = ("replay", "--provider", "p1", "--since", "2000-01-01")
    for dry in (["--dry-run"], []):
        told = ask(capsys, *arguments, *dry)
        assert told["callbacks"] == 1
        [difference] = told["differences"]
        assert (difference["position"], difference["after"]) == (1, "DELIVERED")
        assert "occurred_at" in difference["fields"]
    assert ask(capsys, *arguments)["differences"] == []
    assert run(list(arguments)) == 0
    assert "Nothing differs" in capsys.readouterr().out


def fill() -> None:
    async def work(log: OpenLog) -> None:
        await log.post(receipt("m1"), receipt("m2"))

    with_log(work)


def test_a_clean_database_is_verified(capsys: Output) -> None:
    fill()
    report = ask(capsys, "verify")
    assert (report["clean"], report["receipts"], report["messages"]) == (True, 2, 2)
    assert run(["verify"]) == 0
    assert "All is well" in capsys.readouterr().out


def test_a_database_with_a_hole_is_told_by_exit_code_1(capsys: Output) -> None:
    fill()
    with sqlite3.connect("var/hub.db") as database:
        database.execute("DELETE FROM receipt WHERE position = 1")
    database.close()
    report = ask(capsys, "verify", code=1)
    assert not report["clean"]
    assert report["found"] >= len(report["problems"]) > 0
    assert run(["verify"]) == 1
    assert "problems" in capsys.readouterr().out
    assert ask(capsys, "backup", "copy.db", code=1)["file"] is None
    assert not Path("copy.db").exists()


def test_a_backup_is_a_database_of_its_own(
    capsys: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill()
    Path("copies").mkdir()
    copied = ask(capsys, "backup", "copies/hub.db")
    assert copied["file"] == "copies/hub.db"
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "copies"))
    assert ask(capsys, "verify")["receipts"] == 2


def test_after_a_restore_the_log_has_another_name(capsys: Output) -> None:
    async def epoch(log: OpenLog) -> str:
        return (await log.log.bounds()).epoch

    before = with_log(epoch)
    renewed = ask(capsys, "log", "new-epoch")["epoch"]
    assert renewed != before
    assert with_log(epoch) == renewed
