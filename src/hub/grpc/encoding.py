"""
Bytes for streams.  An entry is encoded once for each mask, whoever reads it, as a frame with one
receipt; a frame of many is those bytes in a row, since protobuf merges messages that are joined.
Both kinds of responses have the receipts in the same field, so both streams share the bytes.
"""

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from hub.feed import Frame
from hub.grpc import messages
from hub.receipt import Cursor, Entry
from hub.subscriptions import Delivery
from hub.v1 import receipts_pb2 as pb

MAX_FRAME_BYTES = 3 * 1024 * 1024
"""Clients refuse messages of more than 4 MiB unless told otherwise."""

REMEMBERED_BYTES = 16 * 1024 * 1024
"""Most memory for encoded entries, and as much again for slices."""

_OVERHEAD = 300
"""What a remembered value takes beside its own bytes."""


class Encoder:
    """Encodes frames, and remembers the newest entries and slices of the log that it encoded."""

    def __init__(self, remembered_bytes: int = REMEMBERED_BYTES) -> None:
        self._epoch = ""
        self._entries = _Newest(remembered_bytes)
        self._slices = _Newest(remembered_bytes)

    def frames(self, frame: Frame, *, unmasked: bool) -> Iterator[bytes]:
        """*frame* as `StreamReceiptsResponse`, in as many as its size needs."""
        for position, data in self._pieces(frame, unmasked=unmasked):
            rest = pb.StreamReceiptsResponse(
                cursor=str(Cursor(frame.epoch, position)),
                lag=frame.head - position,
                caught_up=frame.caught_up and position == frame.position,
                server_time=_now(),
            )
            yield data + rest.SerializeToString()

    def deliveries(self, delivery: Delivery, *, unmasked: bool) -> Iterator[bytes]:
        """*delivery* as `ConsumeResponse`, in as many as its size needs."""
        frame = delivery.frame
        for position, data in self._pieces(frame, unmasked=unmasked):
            rest = pb.ConsumeResponse(
                cursor=str(Cursor(frame.epoch, position)),
                lag=frame.head - position,
                caught_up=frame.caught_up and position == frame.position,
                server_time=_now(),
                acked_cursor=delivery.acked_cursor,
                standby=delivery.standby,
            )
            yield data + rest.SerializeToString()

    def fitting(self, epoch: str, entries: Sequence[Entry], *, unmasked: bool) -> tuple[int, bytes]:
        """How many of the first *entries* of a log fit into one response, and their bytes."""
        if epoch != self._epoch:  # another log, whose positions mean other receipts
            self._epoch = epoch
            self._entries.clear()
            self._slices.clear()
        data = self._slice(entries, unmasked=unmasked)
        while len(data) > MAX_FRAME_BYTES and len(entries) > 1:
            entries = entries[: len(entries) // 2]
            data = self._slice(entries, unmasked=unmasked)
        return len(entries), data

    def _pieces(self, frame: Frame, *, unmasked: bool) -> Iterator[tuple[int, bytes]]:
        """The position that each piece covers, and its receipts; one piece where there are none."""
        rest = frame.entries
        while True:
            count, data = self.fitting(frame.epoch, rest, unmasked=unmasked)
            if count == len(rest):
                yield frame.position, data
                return
            yield min(rest[count - 1].position, frame.position), data
            rest = rest[count:]

    def _slice(self, entries: Sequence[Entry], *, unmasked: bool) -> bytes:
        if not entries:
            return b""
        first, last = entries[0].position, entries[-1].position
        # Only what follows on from each other is a slice; a replay stands beside younger receipts.
        dense = last - first + 1 == len(entries)
        if not dense or any(entry.position != at for at, entry in enumerate(entries, first)):
            return self._join(entries, unmasked=unmasked)
        key = (first, last, unmasked)
        found = self._slices.get(key)
        if found is None:
            found = self._slices.put(key, self._join(entries, unmasked=unmasked))
        return found

    def _join(self, entries: Sequence[Entry], *, unmasked: bool) -> bytes:
        return b"".join([self._entry(entry, unmasked=unmasked) for entry in entries])

    def _entry(self, entry: Entry, *, unmasked: bool) -> bytes:
        key = (entry.position, unmasked)
        found = self._entries.get(key)
        if found is None:
            receipts = [messages.receipt(entry, unmasked=unmasked)]
            encoded = pb.StreamReceiptsResponse(receipts=receipts).SerializeToString()
            found = self._entries.put(key, encoded)
        return found


class _Newest:
    """Values by key; the first put in are forgotten once all of them take *most* bytes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._values: OrderedDict[tuple[int, ...], bytes] = OrderedDict()

    def get(self, key: tuple[int, ...]) -> bytes | None:
        return self._values.get(key)

    def put(self, key: tuple[int, ...], value: bytes) -> bytes:
        self._values[key] = value
        self._taken += len(value) + _OVERHEAD
        while self._taken > self._most:
            _key, oldest = self._values.popitem(last=False)
            self._taken -= len(oldest) + _OVERHEAD
        return value

    def clear(self) -> None:
        self._values.clear()
        self._taken = 0


def _now() -> Timestamp:
    return messages.instant(time.time_ns() // 1000)
