"""Promise 5, in memory: which receipts pass a filter, which are in a shard, what is refused."""

from typing import Any

import pytest

from hub.errors import BadInput
from hub.filter import (
    MAX_FILTER_VALUES,
    MAX_SHARDS,
    MAX_TEXT,
    WHOLE,
    Filter,
    Shard,
    check_list_sizes,
    check_text,
)
from hub.receipt import DeliveryEvidence, Entry, ErrorCategory, Status


def entry(**fields: Any) -> Entry:
    given: dict[str, Any] = dict.fromkeys(Entry._fields) | {
        "key": bytes(16),
        "provider": "p1",
        "message_id": "m1",
        "recipient": "+8613800138000",
        "status": Status.UNDELIVERED,
        "error_category": ErrorCategory.ABSENT,
        "delivery_evidence": DeliveryEvidence.UNSPECIFIED,
        "client_reference": "r1",
        "applied": True,
    }
    return Entry(**given | fields)


PASSING: dict[str, Any] = {
    "providers": ("p1",),
    "statuses": (Status.UNDELIVERED,),
    "error_categories": (ErrorCategory.ABSENT,),
    "message_ids": ("m1",),
    "recipients": ("+8613800138000",),
    "client_references": ("r1",),
    "applied_only": True,
    "visible": frozenset({"p1"}),
}
OTHER: dict[str, Any] = {
    "providers": {"provider": "p2"},
    "statuses": {"status": Status.DELIVERED},
    "error_categories": {"error_category": None},
    "message_ids": {"message_id": "m2"},
    "recipients": {"recipient": None},
    "client_references": {"client_reference": None},
    "applied_only": {"applied": False},
    "visible": {"provider": "p2"},
}


@pytest.mark.parametrize("name", PASSING)
def test_each_field_of_a_filter_lets_its_own_pass_and_no_other(name: str) -> None:
    test = Filter(**{name: PASSING[name]}).test()
    assert test
    assert test(entry())
    assert not test(entry(**OTHER[name]))


@pytest.mark.parametrize("name", PASSING)
def test_all_fields_must_pass(name: str) -> None:
    test = Filter(**PASSING).test()
    assert test
    assert test(entry())
    assert not test(entry(**OTHER[name]))


def test_any_value_of_a_list_will_do_and_an_empty_list_is_no_condition() -> None:
    test = Filter(providers=("p2", "p1"), statuses=()).test()
    assert test
    assert [test(entry(provider=name)) for name in ("p1", "p2", "p3")] == [True, True, False]
    assert Filter().test() is None


def test_who_may_see_no_provider_sees_nothing() -> None:
    test = Filter().limited(frozenset()).test()
    assert test
    assert not test(entry())


def test_a_limit_changes_nothing_else_of_a_filter() -> None:
    wanted = Filter(message_ids=("m1",))
    assert wanted.limited(frozenset({"p"})) == Filter(message_ids=("m1",), visible=frozenset({"p"}))


def test_a_message_is_in_one_shard_by_both_halves_of_its_key() -> None:
    keys = {bytes(7) + bytes([one]) + bytes(7) + bytes([other]): one ^ other
            for one in (0, 1, 2, 7) for other in (0, 1, 5, 6)}  # fmt: skip
    for key, number in keys.items():
        found = [index for index in range(4) if Shard(index, 4).holds(entry(key=key))]
        assert found == [number % 4]
        assert WHOLE.holds(entry(key=key))
    first, other = bytes([1]) + bytes(15), bytes(8) + bytes([1]) + bytes(7)
    for key in (first, other):  # 2 ** 56 is 1 modulo 3
        assert [Shard(index, 3).holds(entry(key=key)) for index in range(3)] == [False, True, False]


@pytest.mark.parametrize("count", [1, 2, MAX_SHARDS])
def test_a_shard_is_one_of_its_count(count: int) -> None:
    assert Shard(0, count).count == Shard(count - 1, count).count == count
    for index in (-1, count):
        with pytest.raises(BadInput, match=r"^shard must have 1 <= count <= 1024") as refused:
            Shard(index, count)
        assert refused.value.field == "shard"


@pytest.mark.parametrize("count", [-1, 0, MAX_SHARDS + 1])
def test_a_log_has_1_to_1024_shards(count: int) -> None:
    with pytest.raises(BadInput):
        Shard(0, count)


def test_a_list_takes_a_hundred_values() -> None:
    check_list_sizes({"providers": ["p"] * MAX_FILTER_VALUES, "statuses": []})
    with pytest.raises(BadInput, match=r"^statuses takes at most 100 values, and 101 came$") as no:
        check_list_sizes({"providers": [], "statuses": [1] * (MAX_FILTER_VALUES + 1)})
    assert no.value.field == "statuses"


@pytest.mark.parametrize("text", ["", "x" * MAX_TEXT, "\x01", "\u4e2d\u6587", "\U0001f600"])
def test_a_text_that_may_be_stored_may_be_asked_for(text: str) -> None:
    check_text("message_id", text)


@pytest.mark.parametrize("text", ["x" * (MAX_TEXT + 1), "\0", "a\0b", "\ud800"])
def test_a_text_that_no_database_takes_is_refused(text: str) -> None:
    takes = r"^message_id takes text of at most 512 characters, none of them NUL$"
    with pytest.raises(BadInput, match=takes) as refused:
        check_text("message_id", text)
    assert refused.value.field == "message_id"
