"""
Keyed hashes that rows are found by.  The key is made with the database, so that an index shows
nothing of a number to whoever sees only the index.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from msgspec import msgpack

from hub.receipt import Receipt

FINGERPRINT_BYTES = 8
DIGEST_BYTES = 16
HALF_BYTES = 8
"""Of what is a hash of some values, then of others."""


class Hashing:
    """The hashes of one database."""

    def __init__(self, secret: bytes) -> None:
        self._message = _hasher(secret, b"message")
        self._whole = _hasher(secret, b"whole")
        self._veil = _bytes_hasher(secret, b"veil")
        self._recipient = _hasher(secret, b"recipient")
        self._reference = _hasher(secret, b"reference")
        self._receipt = _bytes_hasher(secret, b"receipt")
        self._body = _bytes_hasher(secret, b"body")
        self._callback = _bytes_hasher(secret, b"callback")

    def key(self, provider: int, message_id: str, recipient: str) -> bytes:
        """The key of a message as stored: 8 bytes for the id, 8 for all that names it."""
        whole = f"{provider}\0{len(recipient)}\0{recipient}{message_id}"
        return self._message(message_id) + self._whole(whole)

    def shown(self, key: bytes) -> bytes:
        """
        A stored key as readers see it.  Its second half differs at random from message to message
        and veils the first, so that keys have no more in common than random ones.
        """
        return _xor(key[:8], self._veil(key[8:])) + key[8:]

    def stored(self, shown: bytes) -> bytes:
        """The key that `shown` made *shown* of."""
        return self.shown(shown)  # what veils it also unveils it

    def key_range(self, message_id: str) -> tuple[bytes, bytes]:
        """The least and the greatest key that a message with this id can have."""
        start = self._message(message_id)
        return start + bytes(8), start + b"\xff" * 8

    def recipient(self, recipient: str) -> int | None:
        """What receipts to *recipient* are found by; None without one."""
        return _signed(self._recipient(recipient)) if recipient else None

    def reference(self, reference: str) -> int | None:
        """What receipts with this client reference are found by; None without one."""
        return _signed(self._reference(reference)) if reference else None

    def mixed(self, row: Sequence[Any], kind: Sequence[int]) -> int:
        """
        The fingerprint in a receipt's *row*, mixed with a hash of what *kind* stands for and of
        the row's other values.  Mixed again it is as before, unless a value was changed meanwhile.
        """
        position, _, message, callback, fingerprint, *rest = row
        values = msgpack.encode((position, *kind, message, callback, *rest))
        return int(fingerprint) ^ _signed(self._receipt(values))

    def body(self, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The first half of a callback's digest: of what came."""
        return self._body(msgpack.encode((body, sorted(headers.items()))))

    def callback(self, *values: int) -> bytes:
        """The second half: of its id, provider, arrival, receipts, duplicates and quarantined."""
        return self._callback(msgpack.encode(values))


def fingerprint(receipt: Receipt) -> bytes:
    """8 bytes that are the same when a receipt of the same message comes again."""
    # Packed, each field carries its length: no character of one can pass for the end of another.
    fields = msgpack.encode(
        (
            receipt.part,
            receipt.provider_status,
            receipt.error_code,
            receipt.raw_time,
            receipt.raw_segments,
            receipt.corrects,
        )
    )
    return blake2b(fields, digest_size=FINGERPRINT_BYTES).digest()


def stored_fingerprint(value: bytes) -> int:
    """A fingerprint as the 64-bit integer that a receipt's row holds."""
    return _signed(value)


def digest(provider: int, whole: bool, raw: bytes) -> bytes:  # noqa: FBT001
    """What identical unreadable bytes of one provider account have in common."""
    prefix = f"{provider}\0{int(whole)}\0".encode()
    return blake2b(prefix + raw, digest_size=DIGEST_BYTES).digest()


def _hasher(secret: bytes, person: bytes) -> Callable[[str], bytes]:
    hashed = _bytes_hasher(secret, person)
    return lambda text: hashed(text.encode("utf-8", "surrogatepass"))


def _bytes_hasher(secret: bytes, person: bytes) -> Callable[[bytes], bytes]:
    start = blake2b(key=secret, digest_size=8, person=person)

    def hashed(data: bytes) -> bytes:
        copy = start.copy()
        copy.update(data)
        return copy.digest()

    return hashed


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(len(one))


def _signed(value: bytes) -> int:
    return int.from_bytes(value, signed=True)
