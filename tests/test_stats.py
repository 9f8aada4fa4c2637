"""Statistics from the roll-up equal a recount of the log."""

import itertools
import random
from collections import Counter, defaultdict
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from hub.errors import BadInput
from hub.filter import Filter
from hub.log.derive.latency import bucket, percentile
from hub.log.read.stats import Bucket, Group, StatsQuery, buckets
from hub.log.write import commit
from hub.receipt import Entry, ErrorCategory, Status
from hub.settings import Settings
from tests.making import OpenLog, open_log, receipt

HOUR = 3_600_000_000
START = 1_774_400_000_000_000  # some days before clocks change in Europe


async def fill(hub: OpenLog, chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    """Receipts over eight days."""
    now = START
    for _ in range(80):
        now += chance.randrange(5 * HOUR)
        monkeypatch.setattr(commit, "_now", lambda now=now: now)
        receipts = [
            receipt(
                f"m{chance.randrange(150)}",
                chance.choice(list(Status)),
                raw_time=str(chance.random()),
                segments=chance.choice((None, 1, 3)),
                error_category=chance.choice((None, ErrorCategory.ABSENT)),
                occurred_at=chance.choice((None, now - chance.randrange(HOUR))),
            )
            for _ in range(5)
        ]
        await hub.post(*receipts, provider=chance.choice((1, 2)))
    return await hub.entries()


def start_of(instant: int, kind: Bucket, zone: str) -> int:
    local = datetime.fromtimestamp(instant / 1e6, ZoneInfo(zone))
    local = local.replace(second=0, microsecond=0)
    if kind is not Bucket.MINUTE:
        local = local.replace(minute=0)
    if kind is Bucket.DAY:
        local = local.replace(hour=0, fold=0)
    return int(local.timestamp()) * 1_000_000


def recount(query: StatsQuery, visible: list[Entry]) -> dict[tuple[object, ...], tuple[int, int]]:
    """(bucket, provider, status, category) → receipts, segments."""
    test = query.wanted.test() or (lambda _entry: True)
    totals: defaultdict[tuple[object, ...], Counter[str]] = defaultdict(Counter)

    def key(instant: int, provider: str, status: object, category: object) -> tuple[object, ...]:
        return (
            start_of(instant, query.bucket, query.zone),
            provider if Group.PROVIDER in query.group_by else None,
            status if Group.STATUS in query.group_by else None,
            category if Group.ERROR_CATEGORY in query.group_by else None,
        )

    for entry in visible:
        if test(entry):
            cell = totals[
                key(entry.recorded_at, entry.provider, entry.status, entry.error_category)
            ]
            cell.update(receipts=1, segments=entry.segments or 0)
    return {k: (c["receipts"], c["segments"]) for k, c in totals.items()}


@pytest.mark.parametrize("kind", list(Bucket))
@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu"])
async def test_receipts_and_segments_equal_a_recount(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, kind: Bucket, zone: str
) -> None:
    chance = random.Random(f"{kind}{zone}")
    async with open_log(settings) as hub:
        entries = await fill(hub, chance, monkeypatch)
        minute = 60_000_000
        first = entries[40 if kind is Bucket.MINUTE else 0].recorded_at // minute * minute
        last = first + (30 * HOUR if kind is Bucket.MINUTE else 8 * 24 * HOUR) + 7 * minute
        visible = [entry for entry in entries if first <= entry.recorded_at < last]
        for groups in ((), (Group.PROVIDER,), (Group.STATUS, Group.ERROR_CATEGORY)):
            for wanted in (Filter(), Filter(providers=("p1",)), Filter(statuses=(Status.SENT,))):
                query = StatsQuery(first, last, kind, zone, frozenset(groups), wanted)
                rows = await hub.log.stats(query)
                found = {
                    (r.bucket_start, r.provider, r.status, r.error_category): (
                        r.receipts,
                        r.segments,
                    )
                    for r in rows
                    if r.receipts
                }
                assert found == recount(query, visible)


async def test_messages_count_where_they_began_by_their_present_status(
    any_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_log(any_settings) as hub:
        monkeypatch.setattr(commit, "_now", lambda: START)
        await hub.post(receipt("m1", Status.SENT), receipt("m2", Status.SENT))
        monkeypatch.setattr(commit, "_now", lambda: START + 3 * HOUR)
        delivered = receipt("m1", Status.DELIVERED, occurred_at=START + 3 * HOUR - 2_000_000)
        await hub.post(delivered)

        query = StatsQuery(START, START + 4 * HOUR, Bucket.HOUR, group_by=frozenset({Group.STATUS}))
        rows = await hub.log.stats(query)
        [total] = await hub.log.stats(StatsQuery(START, START + 1, Bucket.DAY))

    first = start_of(START, Bucket.HOUR, "UTC")
    later = start_of(START + 3 * HOUR, Bucket.HOUR, "UTC")
    shown = {(r.bucket_start, r.status): (r.receipts, r.messages, r.delivered_share) for r in rows}
    assert shown == {
        (first, Status.SENT): (2, 1, 0.0),
        (first, Status.DELIVERED): (0, 1, 1.0),
        (later, Status.DELIVERED): (1, 0, None),
    }
    assert (total.messages, total.delivered_share) == (2, 0.5)
    assert total.latency_p50_ms == pytest.approx(2000, rel=0.06)


def test_percentiles_are_within_a_bucket_of_the_truth() -> None:
    chance = random.Random(3)
    latencies = sorted(chance.lognormvariate(8, 2) for _ in range(5000))
    counts = Counter(bucket(0, int(value * 1000)) or 0 for value in latencies)

    for share in (0.5, 0.95):
        truth = latencies[int(share * len(latencies)) - 1]
        assert percentile(counts.items(), share) == pytest.approx(truth, rel=0.06, abs=1)
    assert percentile([], 0.5) is None
    assert bucket(10_000, 5) == 0
    assert bucket(None, 5) is None


def test_days_follow_the_clocks_of_their_zone() -> None:
    spring = int(datetime(2026, 3, 28, 23, tzinfo=ZoneInfo("Europe/Berlin")).timestamp())
    query = StatsQuery(spring * 10**6, (spring + 86400 * 2) * 10**6, Bucket.DAY, "Europe/Berlin")

    lengths = [(end - start) // HOUR for start, end in buckets(query)]

    assert lengths == [24, 23, 24]


LORD_HOWE = "Australia/Lord_Howe"  # whose clocks change by half an hour, at 02:00
BACK, ON = (2026, 4, 5), (2026, 10, 4)


def around(day: tuple[int, int, int]) -> StatsQuery:
    """The hours from midnight to six of *day* on Lord Howe Island."""
    ends = (datetime(*day, hour, tzinfo=ZoneInfo(LORD_HOWE)).timestamp() for hour in (0, 6))
    since, until = (int(end) * 10**6 for end in ends)
    return StatsQuery(since, until, Bucket.HOUR, LORD_HOWE)


@pytest.mark.parametrize(
    ("day", "starts", "minutes"),
    [
        pytest.param(BACK, "00:00 01:00 02:00 03:00 04:00 05:00", [60, 90, 60, 60, 60, 60]),
        pytest.param(ON, "00:00 01:00 02:30 03:00 04:00 05:00", [60, 60, 30, 60, 60, 60]),
    ],
)
def test_hours_are_those_of_clocks_that_change_by_half_an_hour(
    day: tuple[int, int, int], starts: str, minutes: list[int]
) -> None:
    found = buckets(around(day))

    local = [datetime.fromtimestamp(start / 1e6, ZoneInfo(LORD_HOWE)) for start, _ in found]
    assert [f"{start:%H:%M}" for start in local] == starts.split()
    assert [(end - start) // 60_000_000 for start, end in found] == minutes


@pytest.mark.parametrize("day", [BACK, ON])
async def test_hours_of_clocks_that_change_by_half_an_hour_equal_a_recount(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, day: tuple[int, int, int]
) -> None:
    query = around(day)
    async with open_log(settings) as hub:
        for instant in range(query.since, query.until, 10 * 60_000_000):
            monkeypatch.setattr(commit, "_now", lambda instant=instant: instant)
            await hub.post(receipt(f"m{instant}", segments=1))
        rows = await hub.log.stats(query)
        entries = await hub.entries()

    found = {(r.bucket_start, None, None, None): (r.receipts, r.segments) for r in rows}
    assert found == recount(query, entries)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Antarctica/Troll", "Africa/Monrovia"])
@pytest.mark.parametrize("year", [1971, 1972, 2026])
def test_hours_follow_on_from_each_other_in_every_zone(zone: str, year: int) -> None:
    since = int(datetime(year, 1, 1, tzinfo=ZoneInfo("UTC")).timestamp()) * 10**6
    for month in range(6):
        start = since + month * 1400 * HOUR
        found = buckets(StatsQuery(start, start + 1500 * HOUR, Bucket.HOUR, zone))
        assert all(one[1] == other[0] for one, other in itertools.pairwise(found))
        assert {(end - start) // HOUR for start, end in found} <= {0, 1}
        assert found[-1][1] >= start + 1500 * HOUR


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"until": START}, "until"),
        ({"since": -62_135_596_800_000_000, "until": -62_135_510_400_000_000}, "since"),
        ({"since": 253_402_128_000_000_000, "until": 253_402_300_799_000_000}, "since"),
        ({"zone": "Mars/Olympus"}, "timeZone"),
        ({"zone": "../etc/passwd"}, "timeZone"),
        ({"until": START + 10**16, "bucket": Bucket.MINUTE}, "bucket"),
    ],
)
def test_a_query_that_cannot_be_answered_names_its_field(
    changes: dict[str, object], field: str
) -> None:
    values: dict[str, object] = {"since": START, "until": START + HOUR, "bucket": Bucket.DAY}

    with pytest.raises(BadInput) as refused:
        buckets(StatsQuery(**(values | changes)))  # type: ignore[arg-type]

    assert refused.value.field == field
