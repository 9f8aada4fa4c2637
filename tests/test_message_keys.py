"""What a messageKey tells to those who see it: which message it is, and nothing of its parts."""

import itertools
import secrets
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from hub.log.hashing import Hashing
from hub.settings import Settings
from hub.v1 import receipts_pb2 as pb
from tests.asking import asking
from tests.calling import run
from tests.making import open_log, receipt

KEYS = "{ receipts(order: OLDEST_FIRST) { nodes { messageKey message { messageKey } } } }"
LONGEST_BY_CHANCE = 4
"""Bytes at one end that two of some hundred random keys may have in common."""


def shared_ends(keys: Sequence[bytes]) -> int:
    """How many bytes at an end two of *keys* have in common, at most."""
    return max(
        _prefix(one[start::step], other[start::step])
        for one, other in itertools.combinations(keys, 2)
        for start, step in ((0, 1), (15, -1), (8, 1), (7, -1))  # of the whole and of its halves
    )


def _prefix(one: bytes, other: bytes) -> int:
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), len(one))


async def test_keys_of_one_number_or_one_id_have_nothing_in_common(any_settings: Settings) -> None:
    numbers = [f"+86138001380{n:02}" for n in range(20)]
    async with open_log(any_settings) as log:
        await log.post(*(receipt(f"m{n}") for n in range(100)))
        await log.post(*(receipt("m", recipient=number) for number in numbers))
        await log.post(*(receipt("m", recipient=number) for number in numbers), provider=2)
        keys = [entry.key for entry in await log.entries()]

    assert len(set(keys)) == len(keys) == 140
    assert shared_ends(keys) <= LONGEST_BY_CHANCE


async def test_the_same_two_numbers_differ_otherwise_in_every_message(settings: Settings) -> None:
    """Else those who see numbers masked could tell that two messages went to the same two."""
    pair = ("+8613800138000", "+8613900139000")
    async with open_log(settings) as log:
        for n in range(30):
            await log.post(*(receipt(f"m{n}", recipient=number) for number in pair))
        keys = [int.from_bytes(entry.key) for entry in await log.entries()]

    differences = [
        (one ^ other).to_bytes(16) for one, other in zip(keys[::2], keys[1::2], strict=True)
    ]
    assert shared_ends(differences) <= LONGEST_BY_CHANCE


@given(st.integers(1, 2**31), st.text(max_size=40), st.text(max_size=40))
def test_what_is_shown_leads_back_to_what_is_stored(
    provider: int, message_id: str, recipient: str
) -> None:
    hashing = Hashing(bytes(32))
    stored = hashing.key(provider, message_id, recipient)
    shown = hashing.shown(stored)
    low, high = hashing.key_range(message_id)

    assert hashing.stored(shown) == stored
    assert low <= stored <= high
    assert shown != stored


def test_another_database_shows_other_keys() -> None:
    one, other = Hashing(bytes(32)), Hashing(secrets.token_bytes(32))
    assert one.key(1, "m1", "+8613800138000") != other.key(1, "m1", "+8613800138000")
    assert one.shown(bytes(16)) != other.shown(bytes(16))


async def test_both_surfaces_show_one_key_and_find_by_it_after_a_restart(
    any_settings: Settings,
) -> None:
    async with asking(any_settings, [receipt("m1"), receipt("m2")]) as hub:
        nodes = (await hub.ask(KEYS))["receipts"]["nodes"]
        keys = [node["messageKey"] for node in nodes]
        assert [node["message"]["messageKey"] for node in nodes] == keys
    async with run(any_settings) as again, again.caller() as caller:
        page = await caller.page(order=pb.ORDER_OLDEST_FIRST)
        assert [found.message_key for found in page.receipts] == keys
        for key, message_id in zip(keys, ("m1", "m2"), strict=True):
            asked = pb.GetMessageRequest(message_key=key)
            answer = await caller.stub.GetMessage(asked, metadata=caller.auth)
            assert (answer.message.message_key, answer.message.message_id) == (key, message_id)
