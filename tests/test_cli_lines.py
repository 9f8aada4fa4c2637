"""A receipt as a line."""

import json

import pytest

from hub.cli.terminal import lines
from hub.v1 import receipts_pb2 as v1


def receipt(**changed: object) -> v1.Receipt:
    made = v1.Receipt(
        position=12,
        message_key="m_00",
        provider="lushang",
        message_id="624e",
        recipient="+86138****8000",
        status=v1.STATUS_UNDELIVERED,
        provider_status="1",
        error_code="MK:0001",
        error_category=v1.ERROR_CATEGORY_INVALID_NUMBER,
        segments=2,
        applied=True,
        message_status=v1.STATUS_UNDELIVERED,
    )
    made.recorded_at.FromJsonString("2026-11-23T11:23:26.5Z")
    made.MergeFrom(v1.Receipt(**changed))  # type: ignore[arg-type]
    return made


def test_json_has_the_names_and_values_of_the_graphql_api() -> None:
    line = json.loads(lines.as_json(receipt(), "abc:12"))
    assert line == {
        "cursor": "abc:12",
        "position": 12,
        "messageKey": "m_00",
        "provider": "lushang",
        "messageId": "624e",
        "recipient": "+86138****8000",
        "status": "UNDELIVERED",
        "providerStatus": "1",
        "errorCode": "MK:0001",
        "errorCategory": "INVALID_NUMBER",
        "deliveryEvidence": "UNSPECIFIED",
        "recordedAt": "2026-11-23T11:23:26.500Z",
        "segments": 2,
        "applied": True,
        "messageStatus": "UNDELIVERED",
    }


def test_json_says_when_a_receipt_was_not_applied() -> None:
    bare = v1.Receipt(position=1, status=v1.STATUS_SENT)
    assert json.loads(lines.as_json(bare, "abc:1"))["applied"] is False


def test_a_line_for_people_has_what_one_looks_for() -> None:
    line = lines.as_text(receipt())
    for word in ("12", "2026-11-23 11:23:26", "UNDELIVERED", "+86138****8000", "624e", "MK:0001"):
        assert word in line
    assert "invalid_number" in line
    assert "2 segments" in line


def test_a_late_receipt_says_that_it_changed_nothing() -> None:
    late = receipt()
    late.applied = False
    assert "changed nothing" in lines.as_text(late)


@pytest.mark.parametrize("hostile", ["\x1b[2J", "a\rb", "line\nbreak", "\u202egnp"])
def test_a_line_never_commands_the_terminal(hostile: str) -> None:
    line = lines.as_text(receipt(message_id=hostile, error_code=hostile))
    assert hostile not in line
    assert "\ufffd" in line
