import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.intake.adapters import all_adapters, lushang, nesting
from hub.intake.adapters.adapter import Answer, Reason
from hub.intake.codes import Codes
from hub.intake.reading import Reading
from hub.receipt import ErrorCategory, Receipt, Status
from tests.making import collected

SMS_ID = "624e76e6486648cd8be0dee3b5ccyyyy"
ITEM = {
    "smsId": SMS_ID,
    "phone": "13800138000",
    "status": "0",
    "respMessage": "",
    "receiveTime": "2015-06-29 19:23:26",
    "chargingNum": "2",
}
SAMPLE = {
    "smsResult": [ITEM | {"phone": "138xxxxxxxx"}, ITEM | {"phone": "139xxxxxxxx"}],
}
CODES = Codes.load()


@dataclass(frozen=True)
class Account:
    name: str = "main"
    adapter: str = "lushang"
    timezone: str = "Asia/Shanghai"
    region: str = "CN"
    protocol: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict)


MAIN = Account()


def read(body: bytes | object, account: Account = MAIN) -> Reading:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return collected(lushang.read(raw, {}, account, CODES))


def one(account: Account = MAIN, **changes: Any) -> Receipt:
    """The receipt in a batch of one, the documented item with *changes*."""
    reading = read({"smsResult": [ITEM | changes]}, account)
    assert not reading.unread
    [receipt] = reading.receipts
    return receipt


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ITEM.items() if key != name}


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def test_the_documented_sample_is_two_receipts_of_one_id() -> None:
    first, second = read(SAMPLE).receipts
    assert (first.message_id, second.message_id) == (SMS_ID, SMS_ID)
    assert (first.recipient, second.recipient) == ("138xxxxxxxx", "139xxxxxxxx")
    for receipt in first, second:
        assert receipt.status is Status.DELIVERED
        assert receipt.provider_status == "0"
        assert receipt.occurred_at == utc("2015-06-29T11:23:26")
        assert receipt.segments == 2
        assert (receipt.error_code, receipt.error_category) == ("", None)
        assert (receipt.part, receipt.price, receipt.client_reference) == (None, "", "")


def test_reading_twice_gives_the_same() -> None:
    assert read(SAMPLE) == read(SAMPLE)


@pytest.mark.parametrize(
    ("status", "expected", "raw"),
    [
        ("0", Status.DELIVERED, "0"),
        (0, Status.DELIVERED, "0"),
        (" 0 ", Status.DELIVERED, "0"),
        (0.0, Status.DELIVERED, "0"),
        ("1", Status.UNDELIVERED, "1"),
        (1, Status.UNDELIVERED, "1"),
        ("\t1\n", Status.UNDELIVERED, "1"),
        ("2", Status.UNKNOWN, "2"),
        (-1, Status.UNKNOWN, "-1"),
        ("00", Status.UNKNOWN, "00"),
        ("DELIVRD", Status.UNKNOWN, "DELIVRD"),
        (True, Status.UNKNOWN, "true"),
        (False, Status.UNKNOWN, "false"),
        (0.5, Status.UNKNOWN, "0.5"),
        ({"code": 0}, Status.UNKNOWN, '{"code":0}'),
        ([0], Status.UNKNOWN, "[0]"),
        (10**30, Status.UNKNOWN, "1" + "0" * 30),
        ("", Status.UNKNOWN, ""),
        (None, Status.UNKNOWN, ""),
    ],
    ids=repr,
)
def test_a_status_is_read_leniently_and_an_odd_one_is_kept(
    status: Any, expected: Status, raw: str
) -> None:
    receipt = one(status=status)
    assert (receipt.status, receipt.provider_status) == (expected, raw)


def test_an_absent_status_is_unknown() -> None:
    [receipt] = read({"smsResult": [without("status")]}).receipts
    assert (receipt.status, receipt.provider_status) == (Status.UNKNOWN, "")


@pytest.mark.parametrize(
    ("code", "status", "category"),
    [
        ("", Status.UNDELIVERED, ErrorCategory.UNKNOWN),
        ("EXPIRED", Status.EXPIRED, ErrorCategory.EXPIRED),
        ("REJECTD", Status.REJECTED, ErrorCategory.UNKNOWN),
        ("DELETED", Status.CANCELLED, ErrorCategory.UNKNOWN),
        ("UNDELIV", Status.UNDELIVERED, ErrorCategory.ABSENT),
        ("MK:0001", Status.UNDELIVERED, ErrorCategory.INVALID_NUMBER),
        ("DB00141", Status.UNDELIVERED, ErrorCategory.BLOCKED),
        ("UNDELIV_601", Status.UNDELIVERED, ErrorCategory.SUBSCRIBER),
        ("12", Status.UNDELIVERED, ErrorCategory.UNKNOWN),
        ("SGIP:-37", Status.UNDELIVERED, ErrorCategory.ABSENT),
        ("00141", Status.REJECTED, ErrorCategory.RATE_LIMIT),
        pytest.param("x" * 500, Status.UNDELIVERED, ErrorCategory.UNKNOWN, id="long"),
        ("\u7a7a\u53f7", Status.UNDELIVERED, ErrorCategory.UNKNOWN),
    ],
)
def test_a_failure_is_refined_by_its_code(
    code: str, status: Status, category: ErrorCategory
) -> None:
    receipt = one(status="1", respMessage=code)
    assert receipt.status is status
    assert receipt.error_code == code
    assert receipt.error_category is category


def test_a_bare_number_follows_the_protocol_of_the_account() -> None:
    receipt = one(Account(protocol="SGIP"), status="1", respMessage="12")
    assert receipt.error_category is ErrorCategory.INVALID_NUMBER


def test_whether_it_is_permanent_is_told_where_it_is_known() -> None:
    assert one(status="1", respMessage="MK:0001").error_permanent is True
    assert one(status="1", respMessage="MK:0024").error_permanent is False
    assert one(status="1", respMessage="XX:0000").error_permanent is None


def test_a_delivery_with_a_code_keeps_the_code_and_has_no_category() -> None:
    receipt = one(status="0", respMessage="DELIVRD")
    assert (receipt.status, receipt.error_code) == (Status.DELIVERED, "DELIVRD")
    assert (receipt.error_category, receipt.error_permanent) == (None, None)


def test_an_unknown_status_has_a_category_only_with_a_code() -> None:
    assert one(status="2").error_category is None
    receipt = one(status="2", respMessage="EXPIRED")
    assert (receipt.status, receipt.error_category) == (Status.UNKNOWN, ErrorCategory.EXPIRED)


@pytest.mark.parametrize("code", [12, 12.0, True, {"a": "b"}, ["x"]])
def test_a_code_that_is_no_text_is_kept_as_text(code: Any) -> None:
    expected = "12" if code == 12 else json.dumps(code, separators=(",", ":"))
    assert one(status="1", respMessage=code).error_code == expected


@pytest.mark.parametrize("time", ["", None, "  "])
def test_a_receipt_without_a_time_has_none(time: str | None) -> None:
    receipt = one(receiveTime=time)
    assert (receipt.occurred_at, receipt.raw_time) == (None, "")


def test_an_absent_time_is_none() -> None:
    [receipt] = read({"smsResult": [without("receiveTime")]}).receipts
    assert receipt.occurred_at is None


@pytest.mark.parametrize(
    ("zone", "local", "expected"),
    [
        ("Asia/Shanghai", "2015-06-29 19:23:26", "2015-06-29T11:23:26"),
        ("Asia/Shanghai", " 2015-06-29 19:23:26 ", "2015-06-29T11:23:26"),
        ("Asia/Shanghai", "2015-06-29T19:23:26", "2015-06-29T11:23:26"),
        ("Asia/Shanghai", "2015-06-29 19:23:26+00:00", "2015-06-29T19:23:26"),
        ("Asia/Shanghai", "2015-06-29T19:23:26Z", "2015-06-29T19:23:26"),
        ("Asia/Shanghai", "2015-01-01 07:59:59", "2014-12-31T23:59:59"),
        ("Asia/Shanghai", "1969-12-31 00:00:00", "1969-12-30T16:00:00"),
        ("UTC", "2024-02-29 12:00:00", "2024-02-29T12:00:00"),
        ("Europe/Berlin", "2026-03-29 01:59:59", "2026-03-29T00:59:59"),
        ("Europe/Berlin", "2026-03-29 02:30:00", "2026-03-29T01:30:00"),  # skipped
        ("Europe/Berlin", "2026-03-29 03:00:00", "2026-03-29T01:00:00"),
        ("Europe/Berlin", "2026-10-25 02:30:00", "2026-10-25T00:30:00"),  # the first of two
        ("Europe/Berlin", "2026-10-25 03:00:00", "2026-10-25T02:00:00"),
        ("Asia/Kolkata", "2026-01-01 00:00:00", "2025-12-31T18:30:00"),
    ],
)
def test_a_time_is_local_to_the_account(zone: str, local: str, expected: str) -> None:
    receipt = one(Account(timezone=zone), receiveTime=local)
    assert receipt.occurred_at == utc(expected)
    assert receipt.raw_time == local.strip()


@pytest.mark.parametrize(
    ("number", "segments", "raw"),
    [
        ("2", 2, "2"),
        (2, 2, "2"),
        (" 3 ", 3, "3"),
        ("0", 0, "0"),
        ("007", 7, "007"),
        (2.0, 2, "2"),
        (2147483647, 2147483647, "2147483647"),
        ("", None, ""),
        (None, None, ""),
    ],
    ids=repr,
)
def test_segments_are_digits_or_a_number(number: Any, segments: int | None, raw: str) -> None:
    receipt = one(chargingNum=number)
    assert (receipt.segments, receipt.raw_segments) == (segments, raw)


def test_absent_segments_are_none() -> None:
    [receipt] = read({"smsResult": [without("chargingNum")]}).receipts
    assert receipt.segments is None


@pytest.mark.parametrize("phone", ["", None, "  "])
def test_a_receipt_without_a_phone_has_no_recipient(phone: str | None) -> None:
    assert one(phone=phone).recipient == ""


def test_an_absent_phone_is_no_recipient() -> None:
    [receipt] = read({"smsResult": [without("phone")]}).receipts
    assert receipt.recipient == ""


@pytest.mark.parametrize(
    ("phone", "recipient"),
    [
        ("13800138000", "+8613800138000"),
        (13800138000, "+8613800138000"),
        ("86 138-0013-8000", "+8613800138000"),
        ("138xxxxxxxx", "138xxxxxxxx"),
        pytest.param("n" * 128, "n" * 128, id="long"),
    ],
    ids=repr,
)
def test_a_recipient_is_a_number_where_it_can_be_read_as_one(phone: Any, recipient: str) -> None:
    assert one(phone=phone).recipient == recipient


@pytest.mark.parametrize(
    "sms_id",
    [
        "0E999F21",
        "e999f21",
        "short",
        pytest.param("x" * 128, id="long"),
        "\u6d88\u606f-1",
        "with blank",
        "1e5",
    ],
)
def test_an_id_is_kept_as_received(sms_id: str) -> None:
    assert one(smsId=sms_id).message_id == sms_id


def test_an_id_may_be_a_number_of_any_size() -> None:
    assert one(smsId=12345678901234567890123).message_id == "12345678901234567890123"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, Reason.NO_OBJECT),
        ("text", Reason.NO_OBJECT),
        (7, Reason.NO_OBJECT),
        ([ITEM], Reason.NO_OBJECT),
        ({}, Reason.NO_ID),
        (without("smsId"), Reason.NO_ID),
        (ITEM | {"smsId": ""}, Reason.NO_ID),
        (ITEM | {"smsId": None}, Reason.NO_ID),
        (ITEM | {"smsId": "  "}, Reason.NO_ID),
        (ITEM | {"smsId": True}, Reason.BAD_ID),
        (ITEM | {"smsId": ["a"]}, Reason.BAD_ID),
        (ITEM | {"smsId": {"a": 1}}, Reason.BAD_ID),
        (ITEM | {"smsId": -5}, Reason.BAD_ID),
        (ITEM | {"smsId": 1.5}, Reason.BAD_ID),
        (ITEM | {"smsId": "x" * 129}, Reason.TOO_LONG),
        (ITEM | {"smsId": 10**200}, Reason.TOO_LONG),
        (ITEM | {"phone": "1" * 129}, Reason.TOO_LONG),
        (ITEM | {"phone": {}}, Reason.BAD_RECIPIENT),
        (ITEM | {"phone": False}, Reason.BAD_RECIPIENT),
        (ITEM | {"phone": -13800138000}, Reason.BAD_RECIPIENT),
        (ITEM | {"phone": -13800138000.0}, Reason.BAD_RECIPIENT),
        (ITEM | {"phone": 1380013800.5}, Reason.BAD_RECIPIENT),
        (ITEM | {"respMessage": "x" * 513}, Reason.TOO_LONG),
        (ITEM | {"status": "x" * 513}, Reason.TOO_LONG),
        (ITEM | {"receiveTime": "yesterday"}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": "2015-06-29"}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": "2015-13-29 19:23:26"}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": "2015-02-29 19:23:26"}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": "2015-06-29 25:00:00"}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": "0000-00-00 00:00:00"}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": "0001-01-01 00:00:00"}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": "0001-01-01T00:00:00+00:01"}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": "0001-01-01T00:00:00Z"}, None),
        (ITEM | {"receiveTime": "9999-12-31T23:59:59-10:00"}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": "9999-12-31T23:59:59.999999Z"}, None),
        (ITEM | {"receiveTime": "2015-06-29x19:23:26"}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": 1435577006}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": True}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": {}}, Reason.BAD_TIME),
        (ITEM | {"receiveTime": "x" * 600}, Reason.BAD_TIME),
        (ITEM | {"chargingNum": "x"}, Reason.BAD_SEGMENTS),
        (ITEM | {"chargingNum": "-1"}, Reason.BAD_SEGMENTS),
        (ITEM | {"chargingNum": -1}, Reason.BAD_SEGMENTS),
        (ITEM | {"chargingNum": 2147483648}, Reason.BAD_SEGMENTS),
        (ITEM | {"chargingNum": "9" * 5000}, Reason.BAD_SEGMENTS),
        (ITEM | {"chargingNum": 1.5}, Reason.BAD_SEGMENTS),
        (ITEM | {"chargingNum": True}, Reason.BAD_SEGMENTS),
        (ITEM | {"chargingNum": [2]}, Reason.BAD_SEGMENTS),
        (ITEM | {"chargingNum": "\uff12"}, Reason.BAD_SEGMENTS),
        (ITEM | {"smsId": "a\0b"}, Reason.BAD_TEXT),
        (ITEM | {"phone": "138\0"}, Reason.BAD_TEXT),
        (ITEM | {"respMessage": "\0"}, Reason.BAD_TEXT),
        (ITEM | {"smsId": "\ud800"}, Reason.BAD_TEXT),
        (ITEM | {"respMessage": "a\udc00b"}, Reason.BAD_TEXT),
        (ITEM | {"extra": "\ud800", "\udc00": ["\0", 1]}, None),
        (ITEM | {"extra": "\ud800", "smsId": ""}, Reason.NO_ID),
        (["\ud800"], Reason.NO_OBJECT),
    ],
)
def test_an_item_that_cannot_be_read_is_set_aside_and_the_rest_is_taken(
    item: object, reason: Reason | None
) -> None:
    reading = read({"smsResult": [ITEM, item, ITEM | {"smsId": "after"}]})
    good = [receipt.message_id for receipt in reading.receipts]
    assert (good[0], good[-1]) == (SMS_ID, "after")
    assert [unread.reason for unread in reading.unread] == ([reason] if reason else [])
    for unread in reading.unread:
        assert json.loads(unread.raw) == item


def test_one_bad_item_of_a_hundred_leaves_ninety_nine() -> None:
    items = [ITEM | {"smsId": str(n)} for n in range(99)]
    reading = read({"smsResult": [*items[:50], ITEM | {"chargingNum": "x"}, *items[50:]]})
    assert (len(reading.receipts), len(reading.unread)) == (99, 1)


def test_the_bytes_of_an_unreadable_item_are_kept_as_they_came() -> None:
    raw = b'{"smsId" : "a",  "chargingNum":"x", "smsId": "b", "extra": 1e5}'
    [unread] = read(b'{"smsResult":[' + raw + b"]}").unread
    assert unread.raw == raw


@pytest.mark.parametrize(
    "number",
    [
        "1e999",
        "-1e999",
        pytest.param("1" * 5000, id="long"),
        "NaN",
        "Infinity",
        "0.0000000000000000000001",
    ],
)
@pytest.mark.parametrize("name", ["smsId", "phone", "status", "receiveTime", "chargingNum", "x"])
def test_a_huge_number_never_costs_the_rest_of_the_batch(name: str, number: str) -> None:
    item = json.dumps({key: value for key, value in ITEM.items() if key != name})[:-1]
    body = f'{{"smsResult":[{json.dumps(ITEM)},{item}, "{name}": {number}}}]}}'
    reading = read(body.encode())
    assert reading.problem is None
    assert reading.receipts[0].message_id == SMS_ID
    assert len(reading.receipts) + len(reading.unread) == 2


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("smsId", Reason.BAD_ID),
        ("phone", Reason.BAD_RECIPIENT),
        ("status", Reason.BAD_NUMBER),
        ("respMessage", Reason.BAD_NUMBER),
        ("receiveTime", Reason.BAD_TIME),
        ("chargingNum", Reason.BAD_SEGMENTS),
        ("extra", None),
    ],
)
@pytest.mark.parametrize("beside", ['{"smsId":"a"}', '{"smsId":"a","extra":"\\ud800"}'])
def test_what_is_no_number_has_the_reason_of_its_field(
    name: str, number: str, reason: Reason | None, beside: str
) -> None:
    item = json.dumps(ITEM | {name: "@"}).replace('"@"', number)
    reading = read(f'{{"smsResult":[{item},{beside}]}}'.encode())
    assert reading.receipts[-1].message_id == "a"
    assert [unread.reason for unread in reading.unread] == ([reason] if reason else [])


def test_what_was_set_aside_is_read_again_for_the_same_reason() -> None:
    [unread] = read(b'{"smsResult":[{"smsId":"a","chargingNum":NaN}]}').unread
    assert read(lushang.envelope(unread.raw)).unread == [unread]


def test_of_a_key_given_twice_the_last_one_counts() -> None:
    reading = read(b'{"smsResult":[],"smsResult":[{"smsId":"a","smsId":"b","status":"0"}]}')
    assert [receipt.message_id for receipt in reading.receipts] == ["b"]


def test_unknown_fields_are_passed_over() -> None:
    reading = read({"x": [1], "smsResult": [ITEM | {"extra": {"deep": [None]}}], "y": None})
    assert len(reading.receipts) == 1


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", Reason.NO_JSON),
        (b"   ", Reason.NO_JSON),
        (b"hello", Reason.NO_JSON),
        (b"a=1&b=x", Reason.NO_ENVELOPE),
        (b"{", Reason.NO_JSON),
        (b'{"smsResult":[}', Reason.NO_JSON),
        (b'{"smsResult":[]} trailing', Reason.NO_JSON),
        (b"\xff\xfe\xff", Reason.NO_TEXT),
        (b"\x00\x01\x02\x80\xff", Reason.NO_TEXT),
        (b"null", Reason.NO_ENVELOPE),
        (b"[]", Reason.NO_ENVELOPE),
        (b'"smsResult"', Reason.NO_ENVELOPE),
        (b"12", Reason.NO_ENVELOPE),
        (b"{}", Reason.NO_ENVELOPE),
        (b'{"smsresult":[]}', Reason.NO_ENVELOPE),
        (b'{"smsResult":null}', Reason.NO_ENVELOPE),
        (b'{"smsResult":{}}', Reason.NO_ENVELOPE),
        (b'{"smsResult":"[]"}', Reason.NO_ENVELOPE),
        (b'{"smsResult":0}', Reason.NO_ENVELOPE),
        pytest.param(b'{"smsResult":' + b"[" * 200_000, Reason.TOO_DEEP, id="deep list"),
        pytest.param(b'{"a":' * 200_000, Reason.TOO_DEEP, id="deep object"),
        pytest.param(b"[" * 200_000, Reason.NO_ENVELOPE, id="deep from the start"),
    ],
)
def test_what_is_not_the_envelope_is_a_problem_with_a_reason(body: bytes, problem: Reason) -> None:
    reading = read(body)
    assert reading.problem is problem
    assert not reading.receipts
    assert not reading.unread


def test_an_empty_list_is_no_problem_and_nothing() -> None:
    assert read({"smsResult": []}) == Reading()


DEEP = (
    b'{"smsId":"a","x":' + b"[" * 1000 + b"]" * 1000 + b"}",
    b'{"smsId":"a","x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    b"[" * 200_000 + b"]" * 200_000,
)


def test_an_item_that_nests_too_deep_does_not_cost_the_batch() -> None:
    item = json.dumps(ITEM).encode()
    for deep in DEEP:
        reading = read(b'{"a":1, "smsResult": [%b,%b , %b]}' % (item, deep, item))
        assert reading.problem is None
        assert [receipt.message_id for receipt in reading.receipts] == [SMS_ID] * 2
        reason = Reason.TOO_DEEP if deep.startswith(b"{") else Reason.NO_OBJECT
        assert reading.unread == [(reason, deep)]
        assert read(lushang.envelope(deep)).unread == reading.unread


def test_what_nests_too_deep_beside_the_list_does_not_cost_the_batch() -> None:
    item = json.dumps(ITEM).encode()
    for deep in DEEP:
        for body in (b'{"x":%b,"smsResult":[%b]}', b'{"y":[%b],"smsResult":[%b],"z":[NaN,"]}"]}'):
            assert len(read(body % (deep, item)).receipts) == 1


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"smsResult":[%b,]}', Reason.TOO_DEEP),
        (b'{"smsResult":[,%b]}', Reason.NO_JSON),
        (b'{"smsResult":[%b}', Reason.TOO_DEEP),
        (b'{"smsResult":[%b]', Reason.TOO_DEEP),
        (b'{"smsResult":[%b]} x', Reason.TOO_DEEP),
        (b'{"smsResult":[%b]}{}', Reason.TOO_DEEP),
        (b'{"smsResult":{"a":%b}}', Reason.NO_ENVELOPE),
        (b'{"smsResult":[%b,"]}', Reason.TOO_DEEP),
        (b"{:[%b]}", Reason.NO_JSON),
        (b'{{"smsResult":[%b]}}', Reason.NO_JSON),
    ],
)
def test_a_body_that_is_no_envelope_and_nests_too_deep_is_a_problem(
    body: bytes, problem: Reason
) -> None:
    assert read(body % DEEP[0]).problem is problem


@given(
    st.lists(
        st.recursive(
            st.none() | st.integers() | st.text(st.characters(codec="utf-8")),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=2), inner),
            max_leaves=5,
        )
    )
)
def test_items_are_taken_apart_as_json_has_them(items: list[Any]) -> None:
    for indent in (None, 1):
        text = json.dumps({"a": [1], "smsResult": items, "b": {"smsResult": [2]}}, indent=indent)
        apart = nesting.items(text.encode(), "smsResult")
        assert [json.loads(item) for item in apart] == items


TEXT = json.dumps(
    {"smsResult": [ITEM | {"status": "1", "respMessage": "\u7a7a\u53f7"}]}, ensure_ascii=False
)
ASCII = json.dumps({"smsResult": [ITEM]})


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"],
)
def test_a_body_in_another_encoding_is_read(encoding: str) -> None:
    [receipt] = read(TEXT.encode(encoding)).receipts
    assert receipt.error_code == "\u7a7a\u53f7"


def _multipart(name: str, value: str) -> bytes:
    head = f'--b0undary\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return f"{head}{value}\r\n--b0undary--\r\n".encode()


@pytest.mark.parametrize(
    "body",
    [
        f"  \r\n{ASCII}\n".encode(),
        b"\xef\xbb\xbf" + ASCII.encode(),
        urlencode({"data": ASCII}).encode(),
        urlencode({"sign": "abc", "n": "1", "smsResult": ASCII}).encode(),
        urlencode({"data": "\ufeff" + ASCII}).encode(),
        urlencode({"data": quote(ASCII)}).encode(),
        urlencode({"data": quote(quote(ASCII))}).encode(),
        quote(ASCII).encode(),
        f"data={ASCII}".encode(),
        urlencode({"smsResult": json.dumps([ITEM])}).encode(),
        _multipart("data", ASCII),
        _multipart("smsResult", json.dumps([ITEM])),
    ],
)
def test_the_json_may_be_wrapped(body: bytes) -> None:
    assert read(body) == read(ASCII.encode())


def test_a_form_in_gbk_is_read() -> None:
    body = "data=" + quote(TEXT.encode("gbk"))
    assert read(body.encode()).receipts[0].error_code == "\u7a7a\u53f7"


def test_an_empty_list_in_a_form_is_an_empty_list() -> None:
    assert read(b"smsResult=[]") == Reading()
    assert read(urlencode({"x": '{"smsResult":[]}'}).encode()) == Reading()


@pytest.mark.parametrize("answer", list(Answer))
def test_every_answer_is_respcode_and_message(answer: Answer) -> None:
    reply = lushang.reply(answer)
    content = json.loads(reply.body or b"null")
    assert reply.media_type == "application/json;charset=utf-8"
    if answer is Answer.NOT_FOUND:
        assert (reply.status, reply.body) == (404, b"")
    elif answer is Answer.STORED:
        assert reply.body == b'{"respCode":"00000"}'
    else:
        assert list(content) == ["respCode", "message"]
        assert content["respCode"] != "00000"
        assert reply.status >= 400


def test_a_fault_names_its_line_in_the_log() -> None:
    assert b"(ab12cd34)" in lushang.reply(Answer.FAULT, "ab12cd34").body


def test_an_adapter_is_found_by_its_name() -> None:
    adapter = all_adapters()["lushang"]
    assert adapter.METHODS == ("POST",)
    assert not adapter.CREDENTIALS


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["0", "1", "MK:0001", "2015-06-29 19:23:26", "13800138000"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
ITEMS = st.dictionaries(st.sampled_from([*ITEM, "extra"]), JSON) | JSON
WRAPS = st.sampled_from([b"%b", b"data=%b", b"\xef\xbb\xbf%b", b" %b ", b"--x\n\n%b\n--x--"])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_a_problem(body: bytes) -> None:
    reading = read(body)
    assert isinstance(reading.problem, Reason | None)


@given(st.lists(ITEMS, max_size=5), WRAPS)
def test_any_items_are_read_or_set_aside_each_for_itself(items: list[Any], wrap: bytes) -> None:
    reading = read(wrap % json.dumps({"smsResult": items}).encode())
    if reading.problem is None:
        assert len(reading.receipts) + len(reading.unread) == len(items)
    for receipt in reading.receipts:
        assert 0 < len(receipt.message_id) <= 128
        assert len(receipt.error_code) <= 512
        for text in (receipt.message_id, receipt.recipient, receipt.error_code):
            assert "\0" not in text
            text.encode()


@given(st.lists(ITEMS, max_size=3), st.data())
def test_a_damaged_body_is_read_or_a_problem(items: list[Any], data: st.DataObject) -> None:
    body = bytearray(json.dumps({"smsResult": items}).encode())
    for at in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=3)):
        body[at] = data.draw(st.integers(0, 255))
    reading = read(bytes(body))
    assert isinstance(reading.problem, Reason | None)


@pytest.mark.parametrize(("number", "shown"), [("0", "0"), ("0.0", "0"), ("1", "1"), ("7.0", "7")])
def test_an_id_may_be_any_whole_number_that_is_not_negative(number: str, shown: str) -> None:
    body = f'{{"smsResult":[{{"smsId":{number},"status":[1,"2"]}}]}}'.encode()
    [item] = read(body).receipts
    assert (item.message_id, item.provider_status) == (shown, '[1,"2"]')


@pytest.mark.parametrize("number", ["-1", "0.5", "9007199254740992.0", "true", "[]"])
def test_any_other_number_is_no_id(number: str) -> None:
    body = f'{{"smsResult":[{{"smsId":{number}}}]}}'.encode()
    [item] = read(body).unread
    assert item.reason is Reason.BAD_ID


def test_a_refusal_is_worded_to_the_byte() -> None:
    refused = lushang.reply(Answer.EMPTY)
    assert refused.body == b'{"respCode":"00018","message":"smsResult is empty"}'
    assert lushang.reply(Answer.EMPTY, "ab12").body == (
        b'{"respCode":"00018","message":"smsResult is empty (ab12)"}'
    )
