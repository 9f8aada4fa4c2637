"""
lushang, and whoever else pushes `{"smsResult": [{smsId, phone, status, …}]}`.

Nothing is signed, so the secret in the URL and the allow-list are what tells who calls.  One
smsId may stand for several recipients.  docs/providers.md describes the dialect.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from hub.intake.adapters import fields, nesting
from hub.intake.adapters.adapter import (
    MAX_CODE,
    Answer,
    Call,
    CalledAccount,
    Reason,
    Reply,
    Unread,
)
from hub.intake.adapters.clock import instant
from hub.intake.adapters.envelope import json_texts
from hub.intake.adapters.fields import Refused
from hub.intake.codes import UNEXPLAINED, Codes, Meaning
from hub.phone import normalise
from hub.receipt import Receipt, Status

VERSION = "1"
METHODS = ("POST",)
HEADERS: tuple[str, ...] = ()
CREDENTIALS: Mapping[str, str] = MappingProxyType({})

STATUS = {"0": Status.DELIVERED, "1": Status.UNDELIVERED}

REPLIES = {
    Answer.WRONG_METHOD: (405, "00003", "use POST"),
    Answer.WRONG_PEER: (403, "00166", "this address may not call here"),
    Answer.UNAUTHENTIC: (403, "00006", "the signature is missing or wrong"),
    Answer.TOO_LARGE: (413, "00004", "the body is too large"),
    Answer.TOO_SLOW: (408, "00110", "the body did not arrive in time"),
    Answer.UNREADABLE: (400, "00016", "the body is not JSON with a list smsResult"),
    Answer.EMPTY: (400, "00018", "smsResult is empty"),
    Answer.OVERLOADED: (503, "00008", "too much is waiting; nothing was taken, send it again"),
    Answer.STORE_UNAVAILABLE: (503, "00017", "the store is away; nothing was taken, send it again"),
    Answer.DRAINING: (503, "00017", "shutting down; nothing was taken, send it again"),
    Answer.FAULT: (500, "00079", "internal error; nothing was taken"),
}

_MEDIA_TYPE = "application/json;charset=utf-8"
_STORED = Reply(200, b'{"respCode":"00000"}', _MEDIA_TYPE)
_NOT_FOUND = Reply(404, b"", _MEDIA_TYPE)


def authenticate(call: Call, account: CalledAccount) -> str:  # noqa: ARG001  nothing is signed
    """Nothing is signed: whoever knows the URL's secret is lushang."""
    return ""


def reply(answer: Answer, reference: str = "") -> Reply:
    """
    `{"respCode":"00000"}`, byte for byte, or `{"respCode":"…","message":"…"}`; nothing at all to
    whoever does not know the URL.
    """
    if answer is Answer.STORED:
        return _STORED
    if answer is Answer.NOT_FOUND:
        return _NOT_FOUND
    status, code, message = REPLIES[answer]
    content = {"respCode": code, "message": f"{message} ({reference})" if reference else message}
    body = json.dumps(content, separators=(",", ":")).encode()
    return Reply(status, body, _MEDIA_TYPE)


def read(
    body: bytes,
    headers: Mapping[str, str],  # noqa: ARG001  the Content-Type is often wrong
    account: CalledAccount,
    codes: Codes,
) -> Reason | Iterator[Receipt | Unread]:
    """What *body* holds, each item for itself."""
    items = _items(body)
    return items if isinstance(items, Reason) else _ItemReader(account, codes).each(items)


def envelope(item: bytes) -> bytes:
    """A body that holds just this one *item*."""
    return b'{"smsResult":[%b]}' % item


class _Envelope(msgspec.Struct, rename="camel"):
    sms_result: list[msgspec.Raw]


class _Item(msgspec.Struct, rename="camel"):
    sms_id: Any = None
    phone: Any = None
    status: Any = None
    resp_message: Any = None
    receive_time: Any = None
    charging_num: Any = None


_read_envelope = msgspec.json.Decoder(_Envelope).decode
_read_item = msgspec.json.Decoder(_Item).decode


def _items(body: bytes) -> Iterable[msgspec.Raw] | Reason:
    """The items of the envelope, or why there is none."""
    problem = Reason.NO_TEXT
    for field, text in json_texts(body):
        wrapped = b'{"smsResult":%b}' % text if field == "smsResult" and text[:1] == b"[" else text
        try:
            return _list(wrapped)
        except RecursionError:
            return _deep_list(wrapped)
        except (msgspec.ValidationError, KeyError, TypeError):
            problem = Reason.NO_ENVELOPE
        except ValueError:
            problem = Reason.NO_JSON if problem is Reason.NO_TEXT else problem
    return problem


def _list(text: bytes) -> Iterable[msgspec.Raw]:
    try:
        return _read_envelope(text).sms_result
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # The whole body is refused for NaN or half a surrogate pair in one item; the standard
        # library lets them pass, so that each item is judged for itself.
        content = _standard_json(text)["smsResult"]
        if not isinstance(content, list):
            raise TypeError from None
        return (msgspec.Raw(json.dumps(item).encode()) for item in content)


def _deep_list(text: bytes) -> Iterable[msgspec.Raw] | Reason:
    try:
        return [msgspec.Raw(item) for item in nesting.items(text, "smsResult")]
    except ValueError:
        return Reason.TOO_DEEP


class _ItemReader:
    """Reads the items of one body."""

    def __init__(self, account: CalledAccount, codes: Codes) -> None:
        self._account = account
        self._zone = ZoneInfo(account.timezone)
        self._look_up = codes.look_up

    def each(self, items: Iterable[msgspec.Raw]) -> Iterator[Receipt | Unread]:
        for raw in items:
            try:
                read: Receipt | Unread = self._receipt(raw)
            except Refused as refusal:
                read = Unread(refusal.reason, bytes(raw))
            yield read

    def _receipt(self, raw: msgspec.Raw) -> Receipt:
        """The receipt in one item; `Refused` where it cannot be read."""
        item = _parse(raw)
        message_id = fields.identity(item.sms_id, Reason.BAD_ID)
        if not message_id:
            raise Refused(Reason.NO_ID)
        phone = fields.identity(item.phone, Reason.BAD_RECIPIENT)
        provider_status = fields.code(item.status)
        code = fields.code(item.resp_message)
        raw_time = fields.text(item.receive_time, MAX_CODE, too_long=Reason.BAD_TIME)
        raw_segments = fields.text(item.charging_num, MAX_CODE, too_long=Reason.BAD_SEGMENTS)
        status, meaning = self._verdict(provider_status, code)
        return Receipt(
            message_id=message_id,
            status=status,
            provider_status=provider_status,
            recipient=normalise(phone, self._account.region) if phone else "",
            error_code=code,
            error_category=meaning.category if meaning else None,
            error_permanent=meaning.permanent if meaning else None,
            occurred_at=self._instant(raw_time) if raw_time else None,
            raw_time=raw_time,
            segments=fields.number(raw_segments) if raw_segments else None,
            raw_segments=raw_segments,
        )

    def _verdict(self, provider_status: str, code: str) -> tuple[Status, Meaning | None]:
        status = STATUS.get(provider_status, Status.UNKNOWN)
        if status is Status.DELIVERED:
            return status, None
        if not code:
            return status, UNEXPLAINED if status.failed else None
        account = self._account
        meaning = self._look_up(
            code, account=account.name, adapter=account.adapter, protocol=account.protocol
        )
        if status.failed and meaning.status is not None:
            status = meaning.status
        return status, meaning

    def _instant(self, text: str) -> int:
        try:
            return instant(text, self._zone)
        except ValueError:
            raise Refused(Reason.BAD_TIME) from None


def _parse(raw: msgspec.Raw) -> _Item:
    try:
        return _read_item(raw)
    except RecursionError:
        raise Refused(Reason.TOO_DEEP) from None
    except msgspec.DecodeError:
        return _parse_odd(bytes(raw))


def _parse_odd(raw: bytes) -> _Item:
    """An item with NaN, a number out of any range or half a surrogate pair somewhere."""
    if not raw.startswith(b"{"):
        raise Refused(Reason.NO_OBJECT)
    try:
        content = _standard_json(raw)
    except RecursionError:
        raise Refused(Reason.TOO_DEEP) from None
    except ValueError:
        raise Refused(Reason.BAD_TEXT) from None
    return _Item(*(content.get(name) for name in _Item.__struct_encode_fields__))


def _standard_json(text: bytes) -> Any:
    return json.loads(text, parse_int=_integer)


def _integer(digits: str) -> float:
    try:
        return int(digits)
    except ValueError:  # more digits than Python reads
        return float(digits)
