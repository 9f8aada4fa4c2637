"""Promises 1, 3 and 4 under kill -9: nothing acknowledged is lost, nothing is there twice."""

import random
from pathlib import Path

import pytest

from hub.settings import Settings
from tests.chaos.siege import siege


@pytest.mark.timeout(120)
async def test_what_was_acknowledged_is_in_the_log_once_after_every_kill(
    settings: Settings, tmp_path: Path
) -> None:
    outcome = await siege(settings, tmp_path, kills=2, seed=1)

    assert outcome.problems == []
    assert outcome.journal.acknowledged
    assert outcome.journal.repeated
    assert all(reader.connections > 3 for reader in outcome.readers)


@pytest.mark.timeout(120)
async def test_replicas_may_be_killed_one_after_the_other(
    settings: Settings, postgres_url: str, tmp_path: Path
) -> None:
    shared = settings.model_copy(update={"database_url": postgres_url})
    outcome = await siege(shared, tmp_path, kills=1, seed=2, replicas=2)

    assert outcome.problems == []


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_long_siege_of_three_replicas(
    settings: Settings, postgres_url: str, tmp_path: Path, chance: random.Random
) -> None:
    shared = settings.model_copy(update={"database_url": postgres_url})
    seed = chance.randrange(2**32)
    outcome = await siege(shared, tmp_path, kills=50, seed=seed, replicas=3)

    assert outcome.problems == []


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_a_long_siege(any_settings: Settings, tmp_path: Path, chance: random.Random) -> None:
    outcome = await siege(any_settings, tmp_path, kills=200, seed=chance.randrange(2**32))

    assert outcome.problems == []
