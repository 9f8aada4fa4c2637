"""Promises 4 and 5, in memory: what a cursor and a message key say, and which are refused."""

import pytest

from hub.errors import BadInput, CursorExpired, CursorForeign, CursorInvalid
from hub.log.bounds import Bounds, read_bounds
from hub.receipt import Cursor, OnExpired, message_key, parse_message_key
from hub.settings import Settings
from tests.making import open_log, receipt

EPOCH = "0123456789ab"
BOUNDS = Bounds(EPOCH, oldest=5, head=9)


@pytest.mark.parametrize("position", [0, 1, 9, 10, 2**63 - 1])
def test_a_cursor_is_read_as_it_was_written(position: int) -> None:
    cursor = Cursor(EPOCH, position)
    assert str(cursor) == f"{EPOCH}:{position}"
    assert Cursor.parse(str(cursor), EPOCH) == cursor


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "x", f"{EPOCH}", f"{EPOCH}:", ":1", f"{EPOCH}:01", f"{EPOCH}:-1"),
        *(f"{EPOCH}:1 ", f" {EPOCH}:1", f"{EPOCH}:1\n", f"{EPOCH}:\u0661", "ABC:1", "a b:1"),
        *(f"{EPOCH}:{10**19}", f"{'a' * 33}:1", f"{EPOCH}:1:1"),
    ],
)
def test_a_cursor_that_the_hub_did_not_write_is_invalid(text: str) -> None:
    with pytest.raises(CursorInvalid) as refused:
        Cursor.parse(text, EPOCH, field="before")
    assert refused.value.field == "before"


def test_a_cursor_of_another_log_is_foreign() -> None:
    with pytest.raises(CursorForeign) as refused:
        Cursor.parse("other:7", EPOCH)
    assert refused.value.field == "after"
    with pytest.raises(CursorForeign) as named:
        BOUNDS.resume("other:7", field="start.after")
    assert named.value.field == "start.after"


def test_a_log_has_cursors_before_its_oldest_entry_and_at_its_head() -> None:
    assert BOUNDS.cursor(7) == f"{EPOCH}:7"
    assert (BOUNDS.oldest_cursor, BOUNDS.head_cursor) == (f"{EPOCH}:4", f"{EPOCH}:9")


@pytest.mark.parametrize("position", [4, 5, 9])
def test_reading_goes_on_from_every_cursor_behind_which_all_is_kept(position: int) -> None:
    for on_expired in OnExpired:
        assert BOUNDS.resume(BOUNDS.cursor(position), on_expired) == position


def test_a_cursor_ahead_of_the_head_is_invalid() -> None:
    for read in (BOUNDS.position, BOUNDS.resume):
        with pytest.raises(CursorInvalid, match=r"^the cursor is ahead of the log$") as refused:
            read(BOUNDS.cursor(10), field="page_token")
        assert refused.value.field == "page_token"
        with pytest.raises(CursorInvalid) as unnamed:
            read(BOUNDS.cursor(10))
        assert unnamed.value.field == "after"


def test_a_cursor_whose_next_entry_is_gone_has_expired_unless_earliest_will_do() -> None:
    cursor = BOUNDS.cursor(3)
    assert BOUNDS.position(cursor) == 3
    assert BOUNDS.resume(cursor, OnExpired.EARLIEST) == 4
    with pytest.raises(CursorExpired) as refused:
        BOUNDS.resume(cursor)
    assert refused.value.details == {"oldest": f"{EPOCH}:4", "head": f"{EPOCH}:9"}


async def test_the_bounds_of_a_log_are_those_of_its_row(settings: Settings) -> None:
    async with open_log(settings) as hub:
        empty = await hub.log.bounds()
        assert (empty.oldest, empty.head, len(empty.epoch)) == (1, 0, 12)
        await hub.post(receipt("m1"), receipt("m2"))
        bounds, kinds = await hub.store.read(lambda session: read_bounds(session.connection()))
    assert bounds == Bounds(empty.epoch, oldest=1, head=2)
    assert kinds == 1


def test_a_message_key_is_read_as_it_was_written() -> None:
    key = bytes(range(16))
    assert message_key(key) == "m_000102030405060708090a0b0c0d0e0f"
    assert parse_message_key(message_key(key)) == key


@pytest.mark.parametrize(
    "text", ["", "m_", "m_" + "0" * 31, "m_" + "0" * 33, "m_" + "A" * 32, "x_" + "0" * 32]
)
def test_a_message_key_that_the_hub_did_not_write_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"^message_key must be a key .* digits$") as refused:
        parse_message_key(text)
    assert refused.value.field == "message_key"
