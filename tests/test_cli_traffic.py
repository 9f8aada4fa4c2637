"""What `hub simulate` sends."""

import json
import random
from collections import Counter
from typing import Any

from hub.cli.terminal.posting import latencies
from hub.cli.terminal.traffic import FAILURE_CODES, Mix, Traffic


def items(mix: Mix, count: int, seed: int = 7) -> list[dict[str, Any]]:
    traffic = Traffic(mix, batch=10, chance=random.Random(seed))
    found: list[dict[str, Any]] = []
    while len(found) < count:
        found += json.loads(traffic.post().body)["smsResult"]
    return found


def test_outcomes_come_in_the_shares_that_were_asked_for() -> None:
    shares = Counter(item["status"] for item in items(Mix(failures=0.2), 5000))
    assert 0.17 < shares["1"] / shares.total() < 0.23
    assert shares["0"] > shares["1"] > shares["2"] > 0


def test_failures_carry_codes_of_gateways_and_deliveries_carry_times() -> None:
    for item in items(Mix(failures=0.5), 500):
        if item["status"] == "1":
            assert item["respMessage"] in FAILURE_CODES
        if item["status"] == "0":
            assert len(item["receiveTime"]) == len("2015-06-29 19:23:26")


def test_duplicates_repeat_an_earlier_item_to_the_letter() -> None:
    traffic = Traffic(Mix(duplicates=0.3), batch=10, chance=random.Random(7))
    made = [traffic.post() for _ in range(100)]
    seen = Counter(json.dumps(item) for post in made for item in json.loads(post.body)["smsResult"])
    assert sum(post.duplicates for post in made) == seen.total() - len(seen) > 0


def test_some_failures_are_delivered_after_all() -> None:
    every = items(Mix(failures=0.9, second_thoughts=0.5, duplicates=0), 500)
    delivered = {item["smsId"] for item in every if item["status"] == "0"}
    failed = {item["smsId"] for item in every if item["status"] == "1"}
    assert delivered & failed


def test_a_post_is_no_larger_than_what_is_left_to_send() -> None:
    traffic = Traffic(Mix(), batch=50, chance=random.Random(7))
    assert all(traffic.post(3).receipts <= 3 for _ in range(100))


def test_percentiles_are_by_nearest_rank_and_absent_without_an_answer() -> None:
    assert latencies([0.001 * n for n in range(1, 102)]) == {
        "p50": 51.0, "p95": 96.0, "p99": 100.0, "max": 101.0,
    }  # fmt: skip
    assert set(latencies([]).values()) == {None}
