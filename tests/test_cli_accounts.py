"""`hub provider` and `hub consumer`, on a database of their own."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from hub.access import Access, Scope
from hub.accounts.directory import Account, Accounts
from hub.cli.app import run
from hub.database.store import opened
from hub.errors import Unauthenticated
from hub.settings import Settings

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def ask(capsys: Output, *arguments: str) -> Any:
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def complaint(capsys: Output, *arguments: str) -> str:
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def account(url: str) -> Account | None:
    name, secret = url.split("/")[-2:]

    async def look() -> Account | None:
        async with opened(Settings()) as store:
            return await Accounts(store, 1).provider(name, secret)

    return asyncio.run(look())


def access(token: str) -> Access:
    async def look() -> Access:
        async with opened(Settings()) as store:
            return await Accounts(store, 1).access(token)

    return asyncio.run(look())


def test_a_new_provider_is_shown_with_its_callback_url(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB_PUBLIC_URL", "https://hub.example.com/")
    shown = ask(capsys, "provider", "add", "acme", "--adapter", "lushang",
                "--timezone", "UTC", "--region", "hk", "--protocol", "sgip",
                "--allow-ip", "203.0.113.7", "--allow-ip", "10.1.2.3/8",
                "--allow-ip", "::ffff:10.1.2.3")  # fmt: skip
    assert list(shown) == ["name", "adapter", "callback_url"]
    assert shown["callback_url"].startswith("https://hub.example.com/callbacks/acme/")
    found = account(shown["callback_url"])
    assert found is not None
    assert (found.timezone, found.region, found.protocol) == ("UTC", "HK", "SGIP")
    assert found.allow_ips == ("203.0.113.7/32", "10.0.0.0/8", "10.1.2.3/32")


def test_the_callback_url_is_on_a_line_of_its_own_for_people(capsys: Output) -> None:
    assert run(["provider", "add", "acme", "--adapter", "lushang"]) == 0
    [url] = [line.strip() for line in capsys.readouterr().out.splitlines() if "http" in line]
    assert account(url) is not None


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--adapter", "nobody", "lushang"),
        ("--timezone", "Mars/Olympus", "Asia/Shanghai"),
        ("--timezone", "../etc/passwd", "time zone"),
        ("--region", "ZZ", "two letters"),
        ("--allow-ip", "300.1.1.1", "network"),
        ("--protocol", "HTTP", "SGIP"),
        ("--protocol", "CMPP", "SMGP"),
        ("--credential", "key=value", "key"),
        ("--credential", "key", "NAME=VALUE"),
    ],
)
def test_what_an_account_cannot_have_is_refused(
    capsys: Output, option: str, value: str, named: str
) -> None:
    arguments = ["provider", "add", "acme", "--adapter", "lushang", option, value]
    assert named in complaint(capsys, *arguments)
    assert not list(Path().iterdir())


@pytest.mark.parametrize("name", ["", "a/b", "a b", "é", "-a", "a" * 65, "a?b", ".."])
def test_a_name_must_fit_into_a_url(capsys: Output, name: str) -> None:
    complaint(capsys, "provider", "add", "--adapter", "lushang", "--", name)


def test_a_name_is_taken_once(capsys: Output) -> None:
    ask(capsys, "provider", "add", "acme", "--adapter", "lushang")
    assert "exists" in complaint(capsys, "provider", "add", "acme", "--adapter", "lushang")
    ask(capsys, "consumer", "add", "app")
    assert "exists" in complaint(capsys, "consumer", "add", "app")


def test_a_rotated_secret_works_on_for_the_grace_period(capsys: Output) -> None:
    old = ask(capsys, "provider", "add", "acme", "--adapter", "lushang")["callback_url"]
    new = ask(capsys, "provider", "rotate", "acme")["callback_url"]
    assert new != old
    assert account(old) is not None
    assert account(new) is not None
    newest = ask(capsys, "provider", "rotate", "acme", "--grace", "0s")["callback_url"]
    assert account(new) is None
    assert account(newest) is not None


def test_a_disabled_provider_is_listed_and_closed(capsys: Output) -> None:
    url = ask(capsys, "provider", "add", "acme", "--adapter", "lushang")["callback_url"]
    ask(capsys, "provider", "disable", "acme")
    assert account(url) is None
    [row] = ask(capsys, "provider", "list")
    assert row["state"] == "disabled"
    assert "disabled" in complaint(capsys, "provider", "rotate", "acme")


def test_adapters_are_listed_with_their_credentials(capsys: Output) -> None:
    listed = {row["name"]: row["credentials"] for row in ask(capsys, "provider", "adapters")}
    assert listed["lushang"] == {}


def test_a_new_consumer_reads_receipts_and_no_more(capsys: Output) -> None:
    shown = ask(capsys, "consumer", "add", "app")
    assert list(shown) == ["name", "token", "scopes"]
    assert shown["scopes"] == ["receipts:read"]
    found = access(shown["token"])
    assert found.scopes == {Scope.RECEIPTS_READ}
    assert found.providers is None
    assert found.expires_at is None


def test_a_consumer_may_be_limited_and_temporary(capsys: Output) -> None:
    ask(capsys, "provider", "add", "acme", "--adapter", "lushang")
    scopes = ("--scope", "receipts:read", "--scope", "recipients:read")
    limits = ("--provider", "acme", "--expires-in", "30d")
    shown = ask(capsys, "consumer", "add", "app", *scopes, *limits)
    found = access(shown["token"])
    assert found.scopes == {Scope.RECEIPTS_READ, Scope.RECIPIENTS_READ}
    assert found.providers == frozenset({"acme"})
    assert found.expires_at is not None


def test_a_consumer_of_an_unknown_provider_is_made_with_a_note(capsys: Output) -> None:
    assert run(["consumer", "add", "app", "--provider", "acme"]) == 0
    assert "no provider named acme" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--scope", "everything"],
        ["--expires-in", "soon"],
        ["--expires-in", "30"],
        ["--expires-in", "0d"],
    ],
)
def test_what_a_consumer_cannot_have_is_refused(capsys: Output, arguments: list[str]) -> None:
    complaint(capsys, "consumer", "add", "app", *arguments)


def test_a_revoked_token_is_worthless(capsys: Output) -> None:
    token = ask(capsys, "consumer", "add", "app")["token"]
    ask(capsys, "consumer", "revoke", "app")
    with pytest.raises(Unauthenticated):
        access(token)
    [row] = ask(capsys, "consumer", "list")
    assert row["state"] == "revoked"


def test_no_list_and_no_file_holds_a_secret(capsys: Output, tmp_path: Path) -> None:
    secret = ask(capsys, "provider", "add", "acme", "--adapter", "lushang")["callback_url"][-32:]
    token = ask(capsys, "consumer", "add", "app")["token"]
    for what in ("provider", "consumer"):
        for form in ([], ["--json"]):
            assert run([what, "list", *form]) == 0
    shown = capsys.readouterr().out
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for word in (secret, token):
        assert word not in shown
        assert word.encode() not in kept


@pytest.mark.parametrize(
    "arguments",
    [
        ["provider", "rotate", "nobody", "--grace", "1h"],
        ["provider", "disable", "nobody"],
        ["consumer", "revoke", "nobody"],
    ],
)
def test_what_is_not_there_is_said_so(capsys: Output, arguments: list[str]) -> None:
    assert run(["migrate"]) == 0
    capsys.readouterr()
    assert "nobody" in complaint(capsys, *arguments)


def test_migrating_tells_where_from_and_where_to(capsys: Output) -> None:
    first = ask(capsys, "migrate")
    assert first["before"] is None
    assert ask(capsys, "migrate") == {"before": first["after"], "after": first["after"]}


def test_a_data_dir_that_cannot_be_made_is_one_line(
    capsys: Output, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "file" / "var"))
    assert "HUB_DATA_DIR" in complaint(capsys, "consumer", "add", "app")
