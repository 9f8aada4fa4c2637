"""Bodies that somebody could send, by mistake or not, and what may come back for them."""

import json
import random
from collections.abc import Iterator

from tests.providing import batch, body

ANSWERS = {
    (200, "00000"),
    (400, "00016"),
    (400, "00018"),
    (413, "00004"),
}
"""All that a body may be answered with while the store is well."""

_ENVELOPE = b'{"smsResult":[%b]}'
_ITEM = b'{"smsId":%b,"phone":%b,"status":%b,"respMessage":%b,"receiveTime":%b,"chargingNum":%b}'
_FIELDS = ("smsId", "phone", "status", "respMessage", "receiveTime", "chargingNum")
_ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "gbk", "big5", "shift_jis", "latin-1")

VALUES: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "nothing": b"",
    "an object": b'{"a":{"b":[]}}',
    "a list": b"[[[[1]]]]",
    "deep lists": b"[" * 5_000 + b"]" * 5_000,
    "deep lists without end": b"[" * 50_000,
    "deep objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    "a number of many digits": b"9" * 50_000,
    "a number out of range": b"1e400",
    "a tiny number": b"1e-400",
    "a negative number": b"-1",
    "a number past 64 bits": b"18446744073709551616",
    "no number": b"NaN",
    "infinity": b"Infinity",
    "a lone high surrogate": rb'"\ud800"',
    "a lone low surrogate": rb'"\udfff"',
    "surrogates the wrong way round": rb'"\udc00\ud800"',
    "a NUL": rb'"a\u0000b"',
    "a raw NUL": b'"a\0b"',
    "control characters": rb'"\u0001\u001b[2J\u202e"',
    "noncharacters": '"\ufffe\uffff\U0010ffff"'.encode(),
    "raw line breaks": b'"a\r\nb"',
    "bytes that are no text": b'"\xff\xfe\xfa"',
    "an overlong slash": b'"\xc0\xaf"',
    "an escape cut off": rb'"\u12"',
    "a long text": b'"' + b"x" * 200_000 + b'"',
    "many characters of four bytes": '"\U0001f4e8"'.encode() * 1,
    "an old time": b'"0000-00-00 00:00:00"',
    "a time that never was": b'"2026-02-30 25:61:61"',
    "a formula": b"\"=cmd|'/c calc'!A1\"",
    "SQL": b'"\'; DROP TABLE receipt; --"',
}
"""JSON, or what pretends to be, to stand where a field's value stands."""

_WHOLE: list[bytes] = [
    b"",
    b"\0",
    b"{",
    b"[]",
    b"null",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b'{"smsResult":null}',
    b'{"smsResult":{}}',
    b'{"smsResult":[]}',
    b'{"smsResult":[null,1,"x",[],{}]}',
    b'{"smsResult":[' + b"{}," * 2_000 + b"{}]}",
    b'{"smsResult":[' + b"[" * 100_000,
    b'{"smsResult":' * 10_000,
    b'{"a":1,' * 10_000,
    b'{"smsResult":[],"smsResult":null}',
    b'{"smsResult":null,"smsResult":[]}',
    b'{"' + b"k" * 500_000 + b'":1}',
    b"smsResult=%5B%5D",
    b"smsResult=" + b"%" * 10_000,
    b"a=1&" * 50_000,
    b" " * 1_000_000,
    b"\0" * 1_000_000,
    b"\x1f\x8b\x08\x00" + b"\0" * 1000,  # looks like gzip
    b"--x\r\nContent-Disposition: form-data; name=smsResult\r\n\r\n[]\r\n--x--",
]


def bodies(seed: int, count: int) -> Iterator[bytes]:
    """Every one that has a name, then *count* that chance makes of them."""
    yield from _WHOLE
    for value in VALUES.values():
        for field in _FIELDS:
            yield _ENVELOPE % _item(**{field: value})
            yield _ENVELOPE % b",".join((_item(), _item(**{field: value}), _item()))
    for encoding in _ENCODINGS:
        yield body({"respMessage": "\u77ed\u4fe1"}).decode().encode(encoding, "replace")
        yield json.dumps({"smsResult": "\u77ed"}, ensure_ascii=False).encode(encoding, "replace")
    for field in _FIELDS:  # a key given twice
        yield _ENVELOPE % (b'{"%b":"1",' % field.encode() + _item()[1:])
    chance = random.Random(seed)
    for _ in range(count):
        yield _damaged(chance)


def _item(**values: bytes) -> bytes:
    given = dict.fromkeys(_FIELDS, b'"1"') | {"receiveTime": b'"2026-11-20 10:00:00"'} | values
    return _ITEM % tuple(given[name] for name in _FIELDS)


def _damaged(chance: random.Random) -> bytes:
    """A good body with bytes changed, cut out or put in, or its encoding mistaken."""
    damaged = bytearray(batch(chance.randrange(1000), chance.randint(1, 5)))
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(damaged))
        match chance.randrange(4):
            case 0:
                damaged[place] = chance.randrange(256)
            case 1:
                del damaged[place : place + chance.randint(1, 20)]
            case 2:
                damaged[place:place] = chance.choice(list(VALUES.values()))[:1000]
            case _:
                damaged[place:place] = chance.randbytes(chance.randint(1, 8))
        damaged = damaged or bytearray(b"x")
    return bytes(damaged)
