"""Masks, tokens and the secrets of providers."""

import pytest

from hub.access import mask
from hub.accounts.administration import Administration, NewConsumer, NewProvider
from hub.accounts.directory import Accounts
from hub.database.store import opened
from hub.errors import BadInput
from hub.settings import Settings

HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("recipient", "shown"),
    [
        ("+8613800138000", "+86138****8000"),
        ("138xxxxxxxx", "138****xxxx"),
        ("+14155552671", "+141****2671"),
        ("+123456789012345", "+12345****2345"),
        ("13800138000,13900139000", "****"),
        ("+8613800138000#5", "****"),
        ("someone@example.com", "****"),
        ("x" * 128, "****"),
        ("10086", "****"),
    ],
)
def test_a_mask_hides_the_middle_of_a_number_and_all_of_anything_else(
    recipient: str, shown: str
) -> None:
    assert mask(recipient) == shown


async def test_every_secret_works_as_long_as_it_was_promised(any_settings: Settings) -> None:
    async with opened(any_settings) as store:
        register, accounts = Administration(store), Accounts(store, 1)
        secrets = [await register.add_provider(NewProvider(name="p", adapter="lushang"))]
        graces = (7 * 24 * HOUR, HOUR, 0)
        secrets += [await register.rotate_provider("p", grace) for grace in graces]
        await accounts.load()

        works = [await accounts.provider("p", secret) is not None for secret in secrets]

    assert works == [True, True, False, True]


async def test_a_disabled_account_gets_no_new_secret(settings: Settings) -> None:
    async with opened(settings) as store:
        register = Administration(store)
        await register.add_provider(NewProvider(name="p", adapter="lushang"))
        await register.disable_provider("p")

        with pytest.raises(BadInput, match="disabled"):
            await register.rotate_provider("p", HOUR)


async def test_a_revoked_consumer_can_have_a_new_token_and_stays_the_same_one(
    any_settings: Settings,
) -> None:
    async with opened(any_settings) as store:
        register, accounts = Administration(store), Accounts(store, 1)
        await register.add_consumer(NewConsumer(name="app"))
        [before] = await register.consumers()
        with pytest.raises(BadInput, match="exists already"):
            await register.add_consumer(NewConsumer(name="app"))
        await register.revoke_consumer("app")

        token = await register.add_consumer(NewConsumer(name="app"))

        [after] = await register.consumers()
        assert (await accounts.access(token)).consumer == "app"
        assert after.id == before.id
