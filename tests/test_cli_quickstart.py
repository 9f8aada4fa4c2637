"""What `hub serve --quickstart` makes, keeps and prints."""

import json
import shlex
import stat
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.access import Scope
from hub.accounts.administration import Administration, NewProvider
from hub.accounts.directory import Accounts
from hub.cli.terminal import quickstart
from hub.cli.terminal.quickstart import Urls, greeting, prepare
from hub.cli.terminal.secrets import FILE, Secrets
from hub.database.store import Store, opened
from hub.settings import Settings

URLS = Urls("http://127.0.0.1:8000", "https://hub.example.com", "127.0.0.1:50051")
KNOWN = Secrets("provider-secret", "token-of-consumer")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(Settings(data_dir=tmp_path)) as opened_store:
        yield opened_store


async def test_an_empty_database_gets_a_provider_and_a_consumer_that_may_see_all(
    store: Store,
) -> None:
    secrets = await prepare(store, Secrets())
    accounts = Accounts(store, 1)
    account = await accounts.provider("lushang", secrets.provider_secret)
    assert account is not None
    assert account.adapter == "lushang"
    assert (await accounts.access(secrets.token)).scopes == set(Scope)


async def test_the_second_time_nothing_is_made(store: Store) -> None:
    first = await prepare(store, Secrets())
    assert await prepare(store, first) == first
    register = Administration(store)
    assert len(await register.providers()) == len(await register.consumers()) == 1


async def test_secrets_that_no_longer_open_anything_are_not_shown(store: Store) -> None:
    secrets = await prepare(store, Secrets())
    register = Administration(store)
    await register.rotate_provider("lushang", 0)
    await register.revoke_consumer("quickstart")
    assert await prepare(store, secrets) == Secrets()


async def test_accounts_of_others_are_left_alone(store: Store) -> None:
    register = Administration(store)
    await register.add_provider(NewProvider(name="acme", adapter="lushang"))
    secrets = await prepare(store, Secrets())
    assert secrets.provider_secret == ""
    assert secrets.token
    assert [row.name for row in await register.providers()] == ["acme"]


def test_secrets_come_back_from_their_file_which_is_for_this_user_only(tmp_path: Path) -> None:
    assert Secrets.load(tmp_path) == Secrets()
    KNOWN.save(tmp_path / "var", URLS.callback(KNOWN))
    assert Secrets.load(tmp_path / "var") == KNOWN
    assert stat.S_IMODE((tmp_path / "var" / FILE).stat().st_mode) == 0o600
    KNOWN.save(tmp_path / "var", URLS.callback(KNOWN))
    assert [file.name for file in (tmp_path / "var").iterdir()] == [FILE]


def test_a_shell_can_read_the_file(tmp_path: Path) -> None:
    KNOWN.save(tmp_path, URLS.callback(KNOWN))
    script = f'. {shlex.quote(str(tmp_path / FILE))}; printf "%s %s" "$CALLBACK_URL" "$HUB_TOKEN"'
    shown = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout == f"{URLS.callback(KNOWN)} {KNOWN.token}"


def test_the_greeting_shows_all_there_is_to_try(tmp_path: Path) -> None:
    text = greeting(URLS, KNOWN, tmp_path / FILE)
    assert "https://hub.example.com/callbacks/lushang/provider-secret" in text
    assert "token-of-consumer" in text
    assert "http://127.0.0.1:8000/graphql" in text
    assert "127.0.0.1:50051" in text
    assert "tail --from earliest" in text


def test_the_curl_line_posts_the_sample_from_any_folder(tmp_path: Path) -> None:
    [line] = [line for line in greeting(URLS, KNOWN, tmp_path).splitlines() if "curl" in line]
    words = shlex.split(line)
    assert json.loads(words[words.index("-d") + 1]) == json.loads(quickstart.SAMPLE)
    assert URLS.callback(KNOWN) in words


def test_a_missing_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    text = greeting(URLS, Secrets(), tmp_path / FILE)
    assert "provider rotate" in text
    assert "consumer add" in text
    assert "curl" not in text
    assert str(tmp_path / FILE) in text
