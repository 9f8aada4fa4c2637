"""What receipts, messages and kept bytes are known by again: different ones never share it."""

from itertools import pairwise, product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hub.log.hashing import Hashing, digest, fingerprint
from hub.receipt import Receipt
from hub.settings import Settings
from tests.making import open_log, receipt

SEPARATORS = "\x1f\x1e\0:,1"
FIELDS = ("provider_status", "error_code", "raw_time", "raw_segments")


def with_texts(fields: tuple[str, str], texts: tuple[str, ...]) -> Receipt:
    """A receipt with *texts* in *fields* and none in its others."""
    given: dict[str, Any] = dict(zip(fields, texts, strict=True))
    return receipt(**({"provider_status": ""} | given))


async def test_receipts_that_differ_by_a_separator_are_two(any_settings: Settings) -> None:
    one = receipt("m1", provider_status="1\x1fDB:0141", error_code="")
    other = receipt("m1", provider_status="1", error_code="DB:0141\x1f")
    async with open_log(any_settings) as hub:
        outcome = await hub.post(one, other)

        assert (outcome.receipts, outcome.duplicates) == (2, 0)


def test_no_text_shifts_from_one_field_of_a_receipt_to_another() -> None:
    texts = ["".join(text) for size in range(3) for text in product(SEPARATORS, repeat=size)]
    marks = {
        fingerprint(with_texts(pair, texts_of))
        for pair in pairwise(FIELDS)
        for texts_of in product(texts, repeat=2)
    }
    # Of each pair all; alike in two pairs are those that have text in the field they share only.
    pairs, each = len(FIELDS) - 1, len(texts)
    assert len(marks) == pairs * each**2 - (pairs - 1) * each


@given(st.lists(st.text(SEPARATORS, max_size=4), min_size=4, max_size=4, unique=True))
def test_no_text_shifts_between_id_and_number_of_a_message(texts: list[str]) -> None:
    hashing = Hashing(bytes(32))
    keys = {hashing.key(1, one, other) for one in texts for other in texts}
    assert len(keys) == len(texts) ** 2


def test_no_byte_shifts_from_kept_bytes_to_what_stands_before_them() -> None:
    digests = {
        digest(provider, whole, raw)
        for provider in (1, 10, 100)
        for whole in (False, True)
        for raw in (b"", b"0", b"\0", b"0\0", b"1\0", b"\x001\0")
    }
    assert len(digests) == 3 * 2 * 6
