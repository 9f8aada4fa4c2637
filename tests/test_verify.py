"""`hub verify` tells what is lost, out of place, or not what it was derived from."""

import asyncio
import tracemalloc
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlmodel import Session

from hub.database.tables import Callback, Log
from hub.log.hashing import Hashing
from tests.conftest import quick_settings
from tests.making import open_log, receipt
from tests.verifying import HOUR, ROUND, full, problems, session_on


def test_a_log_that_nobody_changed_is_clean(populated: Path) -> None:
    with session_on(populated) as session:
        assert problems(session) == []


MESSAGE = "(SELECT id FROM message WHERE message_id = '{}')"
CROWDED, MANY, LONG = map(MESSAGE.format, ("c0", "much", "long"))
ITEM = "(SELECT min(id) FROM quarantine WHERE callback IS NOT NULL)"
WRONG = {
    "UPDATE log SET id = 2": "1 rows say where the log ends",
    "UPDATE log SET epoch = 'NO NAME'": "no name that a cursor can have",
    "UPDATE log SET created_at = 1 << 62": "the log has a created_at that is no instant",
    "UPDATE log SET kinds = kinds + 1": "kinds are counted",
    "UPDATE kind SET status = 99": "a kind has a status or category that there is not",
    "DELETE FROM receipt WHERE position = 9": "receipts stand between 1 and",
    "UPDATE receipt SET position = 9999 WHERE position = 9": "receipts stand from 1 to 9999",
    "DELETE FROM callback WHERE id = 1": "callbacks stand between 1 and",
    "UPDATE callback SET id = 9999 WHERE id = 1": "callbacks stand from 2 to 9999",
    "UPDATE log SET recorded_at = recorded_at + 1": "was not last written when",
    "UPDATE log SET emptied = callbacks + 1": "which never was",
    "UPDATE log SET swept = 1": "messages are purged up to 1",
    "UPDATE receipt SET recorded_at = 5 WHERE position = 9": "before the one in front of it",
    "UPDATE receipt SET error_permanent = 2 WHERE position = 9": "neither true nor false",
    "UPDATE receipt SET kind = 999 WHERE position = 9": "receipt 9 has kind 999",
    "UPDATE receipt SET message = 9999 WHERE position = 9": "receipt 9 has no message",
    "UPDATE receipt SET callback = 9999 WHERE position = 9": "receipt 9 has no callback",
    "UPDATE receipt SET received_at = 5 WHERE position = 9": "came otherwise than its callback",
    "UPDATE callback SET provider = 2 WHERE id = 2": "came otherwise than its callback",
    "UPDATE receipt SET corrects = 1 WHERE position = 9": "corrects one that is not of its",
    "UPDATE receipt SET corrects = 10 WHERE position = 9": "corrects one that is not of its",
    "UPDATE receipt SET corrects = 9999 WHERE position = 9": "corrects one that is not of its",
    "UPDATE delivery_stat SET receipts = 0 WHERE grain = 1": "delivery_stat from",
    "UPDATE delivery_stat SET segments = 0 WHERE grain = 1": "delivery_stat from",
    "UPDATE delivery_stat SET messages = 0 WHERE grain = 1": "delivery_stat from",
    "UPDATE delivery_stat SET bucket = bucket + 60000000 WHERE grain = 1": "delivery_stat from",
    "UPDATE latency_stat SET messages = 9 WHERE grain = 1": "latency_stat from",
    "UPDATE delivery_stat SET receipts = 99 WHERE grain = 15": "15-minute rows of delivery_stat",
    "UPDATE delivery_stat SET receipts = 99 WHERE grain = 360": "360-minute rows of delivery_stat",
    "UPDATE latency_stat SET messages = 99 WHERE grain = 60": "60-minute rows of latency_stat",
    "UPDATE callback SET provider = 9 WHERE id = 1": "callback 1 has no provider",
    "UPDATE callback SET body = NULL WHERE id = 1": "callback 1 keeps its body otherwise",
    "UPDATE callback SET duplicates = 9 WHERE id = 1": "callback 1 was changed",
    'UPDATE callback SET headers = \'{"a": "b"}\' WHERE id = 1': "callback 1 does not have",
    "UPDATE callback SET body = x'00' WHERE id = 1": "callback 1 does not have the body",
    "UPDATE callback SET headers = 5 WHERE id = 1": "callbacks cannot be read",
    f"UPDATE quarantine SET provider = 9 WHERE id = {ITEM}": "has no provider",
    f"UPDATE quarantine SET raw = x'00' WHERE id = {ITEM}": "is not what came",
    f"UPDATE quarantine SET reason = '' WHERE id = {ITEM}": "reason, adapter or headers",
    f"UPDATE quarantine SET adapter = '' WHERE id = {ITEM}": "reason, adapter or headers",
    f"UPDATE quarantine SET headers = '{{\"a\": 5}}' WHERE id = {ITEM}": "reason, adapter or",
    f"UPDATE quarantine SET resolved_at = 1 << 62 WHERE id = {ITEM}": "resolved_at that is no",
    f"UPDATE quarantine SET count = 0 WHERE id = {ITEM}": "more or less often than it counts",
    f"UPDATE quarantine SET last_seen_at = 5 WHERE id = {ITEM}": "more or less often than it",
    f"UPDATE quarantine SET callback = NULL WHERE id = {ITEM}": "is an item of no callback",
    f"UPDATE quarantine SET callback = 9999 WHERE id = {ITEM}": "item 1 has no callback",
    f"UPDATE quarantine SET callback = 3 WHERE id = {ITEM}": "item 1 came otherwise",
    f"UPDATE quarantine SET headers = '{{}}' WHERE id = {ITEM}": "item 1 came otherwise",
    "UPDATE log SET quarantine_bytes = 5": "and 5 are counted",
    "UPDATE message SET kind = 999 WHERE id = 1": "message 1 has kind 999",
    "UPDATE message SET key = x'00' WHERE id = 1": "message 1 has a key that is not its own",
    "UPDATE kind SET applied = 0": "is of a kind that no message of its provider is",
    "UPDATE message SET kind = (SELECT id FROM kind WHERE provider = 2)": "no message of its",
    "UPDATE message SET delivered_at = 5 WHERE id = 1": "message 1 was delivered when it was not",
    "UPDATE message SET latency = 999 WHERE id = 2": "message 2 has a latency that is none",
    "UPDATE message SET status_at = 1 << 62 WHERE id = 2": "status_at that is no instant",
    f"DELETE FROM receipt WHERE message = {CROWDED}": "has no receipts",
    "DELETE FROM receipt WHERE position = 2": "message 2 has no first receipt",
    "UPDATE message SET first_received_at = 5 WHERE id = 1": "did not begin with its first",
    "UPDATE message SET first_recorded_at = 5 WHERE id = 1": "did not begin with its first",
    "UPDATE receipt SET message_status = 9 WHERE position = 2": "receipt 2 says otherwise",
    "UPDATE receipt SET recipient_hash = 5 WHERE position = 2": "receipt 2 is not found by",
    "UPDATE receipt SET reference_hash = 5 WHERE position = 2": "receipt 2 is not found by",
    "UPDATE message SET receipt_count = 0 WHERE id = 1": "counts fewer receipts than there are",
    "UPDATE message SET segments = 99 WHERE id = 2": "message 2 is not what its receipts say",
    "UPDATE message SET conflict = 1 WHERE id = 1": "message 1 is not what its receipts say",
    "UPDATE message SET status_at = 5 WHERE id = 1": "message 1 is not what its receipts say",
    "UPDATE message SET parts = '{}' WHERE id = 2": "messages cannot be read",
    "UPDATE receipt SET network = 'x' WHERE position = 2": "message 2 does not hold the",
    "UPDATE message SET fingerprints = x'' WHERE id = 1": "message 1 does not hold the",
    f"UPDATE fingerprint SET fingerprint = 5 WHERE message = {CROWDED} AND fingerprint ="
    f" (SELECT min(fingerprint) FROM fingerprint WHERE message = {CROWDED})": "does not hold the",
    f"UPDATE receipt SET network = 'x' WHERE position = {CROWDED} + 35": "does not hold the",
    f"DELETE FROM fingerprint WHERE message = {MANY}": "does not hold the",
    "INSERT INTO fingerprint VALUES (9999, 5)": "there are fingerprints of message 9999",
    "UPDATE provider SET name = '/' WHERE id = 1": "provider 1 has a name, adapter, region",
    "UPDATE provider SET adapter = '/' WHERE id = 1": "provider 1 has a name, adapter, region",
    "UPDATE provider SET region = '/' WHERE id = 1": "provider 1 has a name, adapter, region",
    "UPDATE provider SET protocol = '/' WHERE id = 1": "provider 1 has a name, adapter, region",
    "UPDATE provider SET timezone = '/' WHERE id = 1": "provider 1 has a time zone",
    "UPDATE provider SET allow_ips = '[\"x\"]' WHERE id = 1": "provider 1 has a list of addresses",
    "UPDATE provider SET credentials = '{\"x\": 5}' WHERE id = 1": "provider 1 has a credentials",
    "UPDATE provider SET secret_hash = x'00' WHERE id = 1": "provider 1 has a secret that",
    'UPDATE provider SET old_secrets = \'[{"hash": "", "until": 5}]\'': "a secrets of before",
    "UPDATE provider SET disabled_at = 1 << 62": "a disabled_at that is no instant",
    "UPDATE consumer SET name = '/' WHERE id = 1": "consumer 1 has a name that",
    "UPDATE consumer SET token_hash = x'00'": "consumer 1 has a token that",
    "UPDATE consumer SET scopes = '[\"x\"]'": "consumer 1 has a scopes that",
    "UPDATE consumer SET providers = '[\"/\"]'": "consumer 1 has a list of providers that",
    "UPDATE consumer SET expires_at = 1 << 62": "a expires_at that is no instant",
    "UPDATE subscription SET shards = 3": "its shards do not belong together",
    "UPDATE subscription SET filter = '{\"x\": []}' WHERE shard = 1": "do not belong together",
    "UPDATE subscription SET filter = '{\"x\": []}'": "has a filter that is none",
    "DELETE FROM consumer WHERE id = 2": "subscription bills shard 0 has no consumer",
    "UPDATE subscription SET acked = 9999": "acknowledged 9999, which is no position",
    "UPDATE subscription SET unacked = -1": "held or read by nobody",
    "UPDATE subscription SET holder = '/'": "held or read by nobody",
    "UPDATE subscription SET renewed_at = 1 << 62": "a renewed_at that is no instant",
    "DELETE FROM subscription WHERE consumer = 2": "set aside by bills, is of no subscription",
    "UPDATE parked SET position = 9999": "receipt 9999, set aside by bills, never was",
    "UPDATE parked SET parked_at = 1 << 62": "a parked_at that is no instant",
}
"""What may be wrong, and a part of the sentence that tells of it."""


@pytest.mark.parametrize("change", WRONG)
def test_what_is_wrong_is_told(populated: Path, change: str) -> None:
    with session_on(populated) as session:
        session.connection().exec_driver_sql(change)

        assert [each for each in problems(session) if WRONG[change] in each]


def test_a_callback_that_counts_more_receipts_than_it_has_is_found(populated: Path) -> None:
    with session_on(populated) as session:
        log, callback = session.get_one(Log, 1), session.get_one(Callback, 1)
        callback.receipts += 1
        counts = (callback.receipts, callback.duplicates, callback.quarantined)
        rest = (callback.id, callback.provider, callback.received_at, *counts)
        callback.digest = callback.digest[:8] + Hashing(log.secret).callback(*rest)
        session.flush()

        [problem] = problems(session)

    assert "callbacks count" in problem


FIRST_KEPT = "(SELECT min(position) FROM receipt WHERE message = {})"
WRONG_AFTER_A_PURGE = {
    f"UPDATE receipt SET network = 'x' WHERE position = {FIRST_KEPT.format(LONG)}": "does not hold",
    f"UPDATE receipt SET network = 'x' WHERE position = {FIRST_KEPT.format(MANY)}": "does not hold",
    f"DELETE FROM fingerprint WHERE message = {MANY}": "does not hold",
    f"UPDATE message SET receipt_count = 5 WHERE id = {LONG}": "does not hold",
    f"UPDATE message SET receipt_count = 33 WHERE id = {MESSAGE.format('c1')}": "does not hold",
    "UPDATE receipt SET message_status = 1 WHERE position = (SELECT max(position) FROM receipt"
    f" WHERE message = {MANY})": "says otherwise of its message's status",
    f"UPDATE message SET kind = 1 WHERE id = {LONG}": "is not what its receipts say",
    "UPDATE log SET swept = oldest - 1": "has no receipts",
    "UPDATE receipt SET corrects = 0 WHERE corrects > 0": "corrects one that is not of its",
    "UPDATE log SET emptied = 0": "keeps its body otherwise",
    'UPDATE callback SET headers = \'{"a": "b"}\' WHERE body IS NULL': "does not have the body",
    "UPDATE callback SET received_at = 5 WHERE body IS NULL": "was changed",
    "UPDATE quarantine SET callback = 0 WHERE callback = 2": "has no callback",
    "DELETE FROM callback WHERE id = (SELECT min(id) FROM callback)": "callbacks stand between",
}


@pytest.mark.parametrize("change", WRONG_AFTER_A_PURGE)
def test_what_is_wrong_is_told_after_a_purge(purged: Path, change: str) -> None:
    with session_on(purged) as session:
        session.connection().exec_driver_sql(change)

        assert [each for each in problems(session) if WRONG_AFTER_A_PURGE[change] in each]


async def test_a_longer_log_takes_no_more_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.upkeep.checks.moment.ROWS_AT_ONCE", 20)
    settings = quick_settings(tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    peaks = []
    for hours in (range(4), range(4, 20)):
        async with open_log(settings) as hub:
            for minute in (60 * hour + minute for hour in hours for minute in range(0, 60, 10)):
                now = ROUND + minute * HOUR // 60
                monkeypatch.setattr("hub.log.write.commit._now", lambda now=now: now)
                fresh = (full(f"{minute}.{n}", occurred_at=now - n * 10_000) for n in range(10))
                await hub.post(*fresh, receipt("crowded", raw_time=str(minute)))
        peaks.append(await asyncio.to_thread(peak, engine))
    engine.dispose()

    assert peaks[1] < 1.5 * peaks[0]


def peak(engine: Engine) -> int:
    """Bytes that a check takes at most."""
    with Session(engine) as session:
        assert problems(session) == []  # what is compiled once is not counted
        tracemalloc.start()
        assert problems(session) == []
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return most
