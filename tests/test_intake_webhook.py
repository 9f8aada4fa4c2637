import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import func, select
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from hub.accounts.administration import Administration, NewProvider
from hub.database.columns import table
from hub.database.tables import Callback, QuarantineRow
from hub.filter import Filter
from hub.http import application
from hub.log.read.quarantine import QuarantineItem
from hub.receipt import Entry, Order
from hub.service import Hub, running
from hub.settings import Settings
from tests.conftest import quick_settings
from tests.engines import rows

ITEM = {
    "smsId": "624e76e6486648cd8be0dee3b5ccyyyy",
    "phone": "13800138000",
    "status": "0",
    "respMessage": "",
    "receiveTime": "2015-06-29 19:23:26",
    "chargingNum": "2",
}
SAMPLE = {"smsResult": [ITEM, ITEM | {"phone": "13900139000"}]}
CALLBACK = "/callbacks/{provider}/{secret}"
STORED = b'{"respCode":"00000"}'


@dataclass(frozen=True)
class Posting:
    """A running hub, and a client at one callback URL of it."""

    hub: Hub
    url: str
    client: httpx.AsyncClient

    async def post(self, body: object = SAMPLE, **options: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(self.url, content=content, **options)

    async def entries(self) -> list[Entry]:
        return await self.hub.log.read(0, 10_000)

    async def quarantine(self) -> list[QuarantineItem]:
        return (await self.hub.log.quarantine(visible=None, limit=100)).items

    async def callbacks(self) -> list[Any]:
        return list(await rows(self.hub.store, select(table(Callback))))


@asynccontextmanager
async def posting(settings: Settings, **account: Any) -> AsyncIterator[Posting]:
    async with running(settings) as hub, httpx.AsyncClient(timeout=20) as client:
        secret = await Administration(hub.store).add_provider(
            NewProvider(**({"name": "main", "adapter": "lushang"} | account))
        )
        yield Posting(hub, f"{hub.http_url}/callbacks/main/{secret}", client)


@pytest.fixture
async def at(settings: Settings) -> AsyncIterator[Posting]:
    async with posting(settings) as there:
        yield there


def answer(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/json;charset=utf-8"
    if response.status_code == 404:
        assert response.content == b""
        return 404, ""
    content = response.json()
    assert set(content) <= {"respCode", "message"}
    return response.status_code, content["respCode"]


async def test_the_documented_sample_is_stored_and_answered_byte_for_byte(
    any_settings: Settings,
) -> None:
    async with posting(any_settings) as at:
        response = await at.post()
        assert (response.status_code, response.content) == (200, STORED)
        assert response.headers["content-type"] == "application/json;charset=utf-8"
        first, second = await at.entries()
        assert (first.position, second.position) == (1, 2)
        assert first.message_id == second.message_id == ITEM["smsId"]
        assert (first.recipient, second.recipient) == ("+8613800138000", "+8613900139000")
        assert first.occurred_at == 1435577006_000000
        assert (first.segments, second.segments) == (2, 2)


async def test_the_same_batch_again_is_acknowledged_and_changes_nothing(at: Posting) -> None:
    for _ in range(3):
        assert (await at.post()).content == STORED
    assert len(await at.entries()) == 2
    counted = [(row.receipts, row.duplicates) for row in await at.callbacks()]
    assert counted == [(2, 0), (0, 2), (0, 2)]


async def test_a_hundred_posts_of_one_receipt_at_once_are_one_entry(
    any_settings: Settings,
) -> None:
    async with posting(any_settings) as at:
        body = {"smsResult": [ITEM]}
        responses = await asyncio.gather(*(at.post(body) for _ in range(100)))
        assert {response.content for response in responses} == {STORED}
        assert len(await at.entries()) == 1
        assert sum(row.duplicates for row in await at.callbacks()) == 99


async def test_the_body_and_the_headers_that_help_to_read_it_are_kept(at: Posting) -> None:
    headers = {
        "Content-Type": "application/json;charset=utf-8",
        "User-Agent": "lushang/1",
        "X-Request-Id": "r" * 1000,
        "Authorization": "Bearer hidden",
        "Cookie": "hidden=1",
    }
    body = json.dumps(SAMPLE, indent=4).encode()
    await at.post(body, headers=headers)
    [callback] = await at.callbacks()
    assert callback.body == body
    assert callback.headers == {
        "content-type": "application/json;charset=utf-8",
        "user-agent": "lushang/1",
        "x-request-id": "r" * 256,
    }


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (None, json.dumps(SAMPLE).encode()),
        ("text/plain", json.dumps(SAMPLE).encode()),
        ("application/x-www-form-urlencoded", json.dumps(SAMPLE).encode()),
        ("application/x-www-form-urlencoded", urlencode({"d": json.dumps(SAMPLE)}).encode()),
        ("application/json; charset=gbk", b"\xef\xbb\xbf" + json.dumps(SAMPLE).encode()),
        ("nonsense", json.dumps(SAMPLE).encode("utf-16")),
    ],
    ids=["none", "text", "json as form", "form", "byte order mark", "utf-16"],
)
async def test_a_wrong_content_type_does_not_matter(
    at: Posting, content_type: str | None, body: bytes
) -> None:
    response = await at.post(body, headers={"Content-Type": content_type} if content_type else {})
    assert response.content == STORED
    assert len(await at.entries()) == 2


async def test_unknown_provider_wrong_secret_and_disabled_account_are_not_told_apart(
    at: Posting,
) -> None:
    base = at.url.rsplit("/", 2)[0]
    await Administration(at.hub.store).add_provider(NewProvider(name="off", adapter="lushang"))
    secret = await Administration(at.hub.store).rotate_provider("off", 0)
    await Administration(at.hub.store).disable_provider("off")
    paths = ("nobody/x", "main/wrong", f"off/{secret}", "nobody/" + at.url.rsplit("/", 1)[1])
    answers = [await at.client.post(f"{base}/{path}", json=SAMPLE) for path in paths]
    assert {answer(response) for response in answers} == {(404, "")}
    assert len({response.content for response in answers}) == 1
    assert await at.entries() == []


async def test_a_rotated_secret_works_until_its_grace_is_over(at: Posting) -> None:
    register = Administration(at.hub.store)
    fresh = await register.rotate_provider("main", 3_600_000_000)
    assert (await at.post()).content == STORED
    url = at.url.rsplit("/", 1)[0]
    assert (await at.client.post(f"{url}/{fresh}", json=SAMPLE)).content == STORED
    last = await register.rotate_provider("main", 0)
    await at.hub.accounts.load()
    assert answer(await at.client.post(f"{url}/{fresh}", json=SAMPLE)) == (404, "")
    assert (await at.client.post(f"{url}/{last}", json=SAMPLE)).content == STORED


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
async def test_a_wrong_method_is_refused_and_told_the_right_one(at: Posting, method: str) -> None:
    response = await at.client.request(method, at.url, json=SAMPLE)
    assert answer(response) == (405, "00003")
    assert response.headers["allow"] == "POST"
    wrong = await at.client.request(method, at.url + "x", json=SAMPLE)
    assert answer(wrong) == (404, "")
    assert await at.entries() == []


async def test_a_caller_outside_the_allow_list_is_refused(settings: Settings) -> None:
    async with posting(settings, allow_ips=("203.0.113.0/24",)) as at:
        forged = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
        assert answer(await at.post()) == (403, "00166")
        assert answer(await at.post(headers=forged)) == (403, "00166")
        assert answer(await at.post(b"x" * 2_000_000)) == (403, "00166")
        assert answer(await at.client.get(at.url)) == (405, "00003")
        assert await at.entries() == []


async def test_a_caller_inside_the_allow_list_is_served(settings: Settings) -> None:
    async with posting(settings, allow_ips=("127.0.0.0/8", "::1")) as at:
        assert (await at.post()).content == STORED


async def test_a_trusted_proxy_tells_who_calls(tmp_path: Path) -> None:
    settings = quick_settings(tmp_path, trusted_proxies=("127.0.0.1",))
    async with posting(settings, allow_ips=("203.0.113.0/24",)) as at:
        inside, outside = "203.0.113.9", "198.51.100.7"
        for value, expected in ((inside, 200), (f"{inside}, {outside}", 403), (outside, 403)):
            response = await at.post(headers={"X-Forwarded-For": value})
            assert response.status_code == expected
        both = {"X-Forwarded-For": outside, "Forwarded": f"for={inside}"}
        assert answer(await at.post(headers=both)) == (403, "00166")


async def test_a_body_over_the_limit_is_refused_unread(tmp_path: Path) -> None:
    async with posting(quick_settings(tmp_path, max_body_bytes=4096)) as at:
        fits = json.dumps(SAMPLE).encode().ljust(4096)
        assert (await at.post(fits)).content == STORED
        response = await at.post(fits + b" ")
        assert answer(response) == (413, "00004")
        assert response.headers["connection"] == "close"
        assert len(await at.callbacks()) == 1
        assert await at.quarantine() == []


async def _raw(url: str, *pieces: bytes) -> bytes:
    """What comes back on one connection after *pieces*, to the end of a JSON object."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"POST %b HTTP/1.1\r\nHost: h\r\n" % parts.path.encode() + b"".join(pieces))
    try:
        async with asyncio.timeout(10):
            return await reader.readuntil(b"}")
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_chunked_body_over_the_limit_is_refused_before_its_end(tmp_path: Path) -> None:
    async with posting(quick_settings(tmp_path, max_body_bytes=4096)) as at:
        chunk = b"400\r\n" + b" " * 1024 + b"\r\n"
        answered = await _raw(at.url, b"Transfer-Encoding: chunked\r\n\r\n", chunk * 5)
        assert answered.startswith(b"HTTP/1.1 413 ")
        assert b'"respCode":"00004"' in answered


async def test_a_chunked_body_without_end_is_cut_off(tmp_path: Path) -> None:
    async with posting(quick_settings(tmp_path, max_body_bytes=4096)) as at:
        parts = urlsplit(at.url)
        _reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"POST %b HTTP/1.1\r\nHost: h\r\n" % parts.path.encode())
        writer.write(b"Transfer-Encoding: chunked\r\n\r\n")

        async def send_without_end() -> None:
            while True:
                writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
                await writer.drain()

        with pytest.raises(ConnectionError):
            await send_without_end()
        assert (await at.post()).content == STORED


async def test_a_client_that_sends_all_before_it_reads_still_gets_its_answer(
    at: Posting,
) -> None:
    assert answer(await at.post(b" " * 10_000_000)) == (413, "00004")
    assert (await at.post()).content == STORED


async def test_a_huge_announced_body_is_refused_before_any_of_it(at: Posting) -> None:
    answered = await _raw(at.url, b"Content-Length: 10000000000\r\nExpect: 100-continue\r\n\r\n")
    assert answered.startswith(b"HTTP/1.1 413 ")


async def test_a_body_that_does_not_arrive_in_time_is_given_up(tmp_path: Path) -> None:
    async with posting(quick_settings(tmp_path, body_seconds=0.2)) as at:
        for beginning in (b"", b'{"smsResult":['):
            answered = await _raw(at.url, b"Content-Length: 100\r\n\r\n", beginning)
            assert answered.startswith(b"HTTP/1.1 408 ")
            assert b'"respCode":"00110"' in answered
        assert await at.quarantine() == []
        assert (await at.post()).content == STORED


async def test_a_body_in_many_small_chunks_is_put_together(at: Posting) -> None:
    body = json.dumps(SAMPLE).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 7):
            yield body[start : start + 7]

    response = await at.client.post(at.url, content=pieces())
    assert response.content == STORED
    assert len(await at.entries()) == 2


async def test_a_provider_that_hangs_up_leaves_nothing(at: Posting) -> None:
    parts = urlsplit(at.url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"POST %b HTTP/1.1\r\nHost: h\r\n" % parts.path.encode())
    writer.write(b"Content-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await at.post()).content == STORED
    assert len(await at.callbacks()) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "NO_JSON"),
        (b"hello", "NO_JSON"),
        (b"{}", "NO_ENVELOPE"),
        (b'{"smsResult":null}', "NO_ENVELOPE"),
        (b'{"smsResult":{"smsId":"a"}}', "NO_ENVELOPE"),
        pytest.param(b'{"smsResult":' + b"[" * 100_000, "TOO_DEEP", id="deep"),
        (b"\x00\xff\xfe", "NO_TEXT"),
    ],
)
async def test_a_body_that_is_not_the_envelope_is_kept_once_and_counted(
    at: Posting, body: bytes, reason: str
) -> None:
    for _ in range(3):
        assert answer(await at.post(body, headers={"User-Agent": "a/1"})) == (400, "00016")
    [item] = await at.quarantine()
    assert (item.reason, item.count, item.whole) == (reason, 3, True)
    assert await at.hub.log.raw_bytes([item.id]) == {item.id: body}
    assert (item.provider, item.adapter, item.resolved_at) == ("main", "lushang/1", None)
    assert item.headers == {"user-agent": "a/1"}
    assert await at.entries() == []


async def test_an_empty_list_is_refused_and_not_kept(at: Posting) -> None:
    assert answer(await at.post({"smsResult": []})) == (400, "00018")
    assert await at.quarantine() == []
    assert await at.callbacks() == []


async def test_one_unreadable_item_of_a_hundred_is_kept_apart(at: Posting) -> None:
    items = [ITEM | {"smsId": str(number)} for number in range(99)]
    bad = ITEM | {"chargingNum": "x"}
    assert (await at.post({"smsResult": [*items, bad]})).content == STORED
    assert len(await at.entries()) == 99
    [item] = await at.quarantine()
    assert (item.reason, item.whole) == ("BAD_SEGMENTS", False)
    assert json.loads((await at.hub.log.raw_bytes([item.id]))[item.id]) == bad
    [callback] = await at.callbacks()
    assert (callback.receipts, callback.quarantined) == (99, 1)


async def test_a_batch_of_nothing_but_unreadable_items_is_kept_and_acknowledged(
    at: Posting,
) -> None:
    assert (await at.post({"smsResult": [{}, None]})).content == STORED
    assert {item.reason for item in await at.quarantine()} == {"NO_ID", "NO_OBJECT"}


ODD = [
    ITEM | {"smsId": "a\0"},
    ITEM | {"smsId": "\ud800"},
    ITEM | {"respMessage": "\udfff", "status": "1"},
    ITEM | {"status": "\0"},
    ITEM | {"phone": "\0"},
    ITEM | {"chargingNum": 2**31},
    ITEM | {"chargingNum": 10**400},
    ITEM | {"receiveTime": "9999-12-31 23:59:59"},
    ITEM | {"receiveTime": "0001-01-01 00:00:00"},
    ITEM | {"smsId": "\U0001f4e8" * 128},
    ITEM | {"status": "1", "respMessage": "\u0001\u007f\ufffe\uffff" * 100},
    ITEM | {"status": {"a": ["\0"]}},
    ITEM,
]


async def test_odd_text_and_numbers_are_stored_or_kept_apart_on_either_database(
    any_settings: Settings,
) -> None:
    async with posting(any_settings) as at:
        assert (await at.post({"smsResult": ODD})).content == STORED
        stored, kept = len(await at.entries()), len(await at.quarantine())
        assert (stored, kept) == (5, 8)


async def test_a_writer_that_drains_takes_nothing_and_says_so(at: Posting) -> None:
    await at.hub.writer.drain()
    assert answer(await at.post()) == (503, "00017")
    assert await at.entries() == []


async def test_draining_takes_nothing_more(at: Posting) -> None:
    at.hub.feed.draining.set()
    response = await at.post()
    assert answer(response) == (503, "00017")
    assert int(response.headers["retry-after"]) > 0
    assert await at.entries() == []


async def test_a_locked_store_takes_nothing_and_a_full_queue_says_so_at_once(
    tmp_path: Path,
) -> None:
    settings = quick_settings(tmp_path, lock_seconds=1, commit_queue=1)
    async with posting(settings) as at:
        await at.post()
        with closing(sqlite3.connect(tmp_path / "hub.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            bodies = [{"smsResult": [ITEM | {"smsId": str(number)}]} for number in range(8)]
            responses = await asyncio.gather(*(at.post(body) for body in bodies))
            assert {answer(response) for response in responses} == {(503, "00008"), (503, "00017")}
            assert all(int(response.headers["retry-after"]) > 0 for response in responses)
            unreadable = await at.post(b"{}")
            assert answer(unreadable) == (503, "00017")
            other.execute("ROLLBACK")
        assert len(await at.entries()) == 2
        assert await at.quarantine() == []
        assert (await at.post(bodies[0])).content == STORED


async def test_a_fault_is_answered_without_a_trace_and_logged_without_data(
    settings: Settings,
) -> None:
    async with posting(settings, adapter="of another version") as at:
        with capture_logs() as lines:
            response = await at.post()
        assert answer(response) == (500, "00079")
        [line] = [line for line in lines if line["log_level"] == "error"]
        assert line["reference"] in response.json()["message"]
        assert "Traceback" not in response.text
        assert "13800138000" not in repr(lines)
        assert at.url.rsplit("/", 1)[1] not in repr(lines)


async def test_an_account_in_an_unheard_of_zone_keeps_the_body_and_says_fault(
    settings: Settings,
) -> None:
    async with posting(settings, timezone="Nowhere/Land") as at:
        assert answer(await at.post()) == (500, "00079")
        [item] = await at.quarantine()
        assert item.reason == "FAULT"
        assert await at.hub.log.raw_bytes([item.id]) == {item.id: json.dumps(SAMPLE).encode()}


async def test_no_line_holds_a_number_or_the_secret(at: Posting) -> None:
    with capture_logs() as lines:
        await at.post()
        await at.post(b'13800138000 {"smsResult":')
        await at.post({"smsResult": [ITEM | {"chargingNum": "x"}]})
        await at.client.get(at.url)
    assert "13800138000" not in repr(lines)
    assert at.url.rsplit("/", 1)[1] not in repr(lines)


async def test_outcomes_and_unexplained_codes_are_counted(at: Posting) -> None:
    await at.post({"smsResult": [ITEM | {"status": "1", "respMessage": "XX:9"}]})
    await at.post(b"x")
    await at.client.post(f"{at.hub.http_url}/callbacks/13800138000/x")
    text = (await at.client.get(f"{at.hub.http_url}/metrics")).text
    for line in (
        'hub_callbacks_total{outcome="stored",provider="main"} 1.0',
        'hub_callbacks_total{outcome="unreadable",provider="main"} 1.0',
        'hub_callbacks_total{outcome="not_found",provider=""} 1.0',
        'hub_unknown_codes_total{provider="main"} 1.0',
        'hub_quarantined_total{provider="main",reason="NO_JSON"} 1.0',
    ):
        assert line in text
    assert "13800138000" not in text


async def test_failure_then_success_and_success_then_failure_are_conflicts(at: Posting) -> None:
    failed, delivered = ITEM | {"status": "1", "respMessage": "MK:0024"}, ITEM
    for first, second in ((failed, delivered), (delivered, failed)):
        sms_id = f"{first['status']} first"
        for item in (first, second):
            await at.post({"smsResult": [item | {"smsId": sms_id}]})
        entries = [entry for entry in await at.entries() if entry.message_id == sms_id]
        assert [entry.applied for entry in entries] == [True, first is failed]
        assert entries[-1].message_status.name == "DELIVERED"


async def test_the_route_is_in_the_openapi_page(at: Posting) -> None:
    page = (await at.client.get(f"{at.hub.http_url}/openapi.json")).json()
    [route] = [path for path in page["paths"] if path.startswith("/callbacks/")]
    documented = page["paths"][route]["post"]
    assert set(documented["responses"]) == {
        *("200", "400", "403", "404", "405", "408", "413", "500", "503")
    }
    assert [named["name"] for named in documented["parameters"]] == ["provider", "secret"]
    assert all(named["description"] for named in documented["parameters"])
    summaries = [each["summary"] for path in page["paths"].values() for each in path.values()]
    assert not [summary for summary in summaries if "Handle" in summary]
    assert "13800138000" not in json.dumps(page)


async def test_the_page_tells_every_field_of_the_body_with_its_unit_and_zone(at: Posting) -> None:
    page = (await at.client.get(f"{at.hub.http_url}/openapi.json")).json()
    [body] = page["paths"][CALLBACK]["post"]["requestBody"]["content"].values()
    items = body["schema"]["properties"]["smsResult"]["items"]
    assert set(items["properties"]) == set(ITEM)
    assert all(len(field["description"]) > 20 for field in items["properties"].values())
    said = {name: field["description"] for name, field in items["properties"].items()}
    assert "Asia/Shanghai" in said["receiveTime"]
    assert "UTC" in said["receiveTime"]
    assert "Segments" in said["chargingNum"]
    assert (await at.post(body["example"])).content == STORED


async def test_the_page_tells_every_answer_as_it_is_given(at: Posting) -> None:
    page = (await at.client.get(f"{at.hub.http_url}/openapi.json")).json()
    answers = page["paths"][CALLBACK]["post"]["responses"]
    given = [
        await at.post(),
        await at.post(b"x"),
        await at.post({"smsResult": []}),
        await at.post(b" " * 2_000_000),
        await at.client.get(at.url),
    ]
    for response in given:
        content = answers[str(response.status_code)]["content"]["application/json"]
        assert response.json() in [each["value"] for each in content["examples"].values()]
    assert (await at.client.post(at.url + "x")).content == b""
    assert "content" not in answers["404"]
    assert "Retry-After" in answers["503"]["headers"]


async def test_callbacks_stand_first_in_the_one_routing_table() -> None:
    async def webhook(scope: Scope, _receive: Receive, send: Send) -> None:
        called.append(scope["path_params"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    called: list[dict[str, str]] = []
    app = application.application(application.Callbacks(webhook, {}))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        for method, path in (("POST", "/callbacks/p/s"), ("PROPFIND", "/callbacks/p/s/")):
            assert (await client.request(method, path)).status_code == 204
        assert (await client.post("/callbacks/p")).status_code == 404
    assert called == [{"provider": "p", "secret": "s"}] * 2
    assert {getattr(route, "endpoint", None) for route in app.routes[:2]} == {app.callbacks}
    assert [path for path in app.openapi()["paths"] if "callbacks" in path] == [CALLBACK]


async def test_a_receipt_is_found_by_a_filter_once_it_is_acknowledged(at: Posting) -> None:
    await at.post()
    wanted = Filter(recipients=("+8613800138000",))
    page = await at.hub.log.page(wanted, order=Order.NEWEST_FIRST, limit=10)
    assert [entry.position for entry in page.entries] == [1]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
ITEMS = st.dictionaries(st.sampled_from(list(ITEM)), VALUES) | VALUES
BODIES = st.binary(max_size=100) | st.lists(ITEMS, max_size=4).map(
    lambda items: json.dumps({"smsResult": items}).encode()
)


@given(body=BODIES)
@hypothesis.settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_bytes_are_stored_kept_or_refused_as_the_contract_says(
    at: Posting, body: bytes
) -> None:
    before, kept = len(await at.callbacks()), await _times_kept(at)
    got = answer(await at.post(body))
    assert got in {(200, "00000"), (400, "00016"), (400, "00018")}
    callbacks = (await at.callbacks())[before:]
    assert len(callbacks) == (1 if got == (200, "00000") else 0)
    unread = int(got == (400, "00016"))
    for stored in callbacks:
        items = len(json.loads(body)["smsResult"])
        assert stored.receipts + stored.duplicates + stored.quarantined == items
        unread += stored.quarantined
    assert await _times_kept(at) - kept == unread


async def _times_kept(at: Posting) -> int:
    """How many bodies and items were set aside, each as often as it came."""
    return (await rows(at.hub.store, select(func.sum(table(QuarantineRow).c.count))))[0][0] or 0
