"""What the API refuses, and what it does not tell."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query
from structlog.testing import capture_logs

from hub.errors import StartError
from hub.log.read.log import ReceiptLog
from hub.log.read.pages import Page
from hub.settings import Settings
from tests.asking import Asking, asking
from tests.conftest import quick_settings
from tests.making import receipt

OPERATIONS = Path(__file__).parent.parent / "graphql" / "operations"
DEEP = "{ messages { nodes " + "{ receipts { message " * 6 + "{ status }" + " } }" * 6 + " } }"
INTROSPECTION = "{ __schema { types { name fields { name type { name ofType { name } } } } } }"


@pytest.mark.parametrize(
    ("query", "limits", "cost", "limit"),
    [
        pytest.param(DEEP, {}, 15, 12, id="depth"),
        pytest.param("{ " + "x " * 2000 + "}", {}, 2001, 2000, id="tokens"),
        pytest.param("#\n" * 3000 + "{ log { head } }", {}, 2001, 2000, id="comments"),
        pytest.param(
            "{ " + " ".join(f"a{n}: __typename" for n in range(31)) + " }", {}, 31, 30, id="aliases"
        ),
        pytest.param(
            "{ a: __typename ...F ...F } fragment F on Query { b: __typename }",
            {"graphql_max_aliases": 2},
            3,
            2,
            id="aliases in fragments",
        ),
        pytest.param(
            "{ ...A } fragment A on Query { log { ...B } } fragment B on Log { head }",
            {"graphql_max_depth": 1},
            2,
            1,
            id="depth in fragments",
        ),
    ],
)
async def test_a_document_beyond_its_limits_is_too_complex_and_says_by_how_much(
    tmp_path: Path, query: str, limits: dict[str, Any], cost: int, limit: int
) -> None:
    async with asking(quick_settings(tmp_path, **limits)) as hub:
        refusal = await hub.error(query)
        assert refusal == {"code": "TOO_COMPLEX", "cost": cost, "limit": limit}


async def test_a_document_too_deep_to_be_read_is_refused(settings: Settings) -> None:
    async with asking(settings) as hub:
        too_complex = {"code": "TOO_COMPLEX", "cost": 13, "limit": 12}
        for query in ("{ a " * 660 + "}" * 660, "{ a(x: " + "[" * 900 + "]" * 900 + ") }"):
            assert await hub.error(query) == too_complex
        readable = "{ a(x: " + "[" * 20 + "]" * 20 + ") }"
        assert (await hub.error(readable))["code"] == "BAD_USER_INPUT"  # there is no such field


async def test_a_number_of_more_digits_than_can_be_read_is_refused(settings: Settings) -> None:
    async with asking(settings) as hub:
        for digits in ("9" * 101, "9" * 5000, "-" + "9" * 5000):
            for text in (f"{{ receipts(first: {digits}) {{ head }} }}", f"{{ a(b: [{digits}]) }}"):
                assert (await hub.error(text, None))["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("query", "variables", "cost"),
    [
        ("{ receipts(first: 200) { nodes { position } } }", {}, 202),
        ("{ receipts { nodes { position status } } }", {}, 102),
        ("{ receipts(last: 200) { edges { node { position } cursor } } }", {}, 602),
        ("query($n: Int) { receipts(first: $n) { nodes { position } } }", {"n": 300}, 302),
        ("query($n: Int = 300) { receipts(first: $n) { nodes { position } } }", {}, 302),
        ("{ messages(first: 30) { nodes { receipts { position } } } }", {}, 332),
        (
            """{ receipts(first: 100) { ...F } }
              fragment F on ReceiptConnection { nodes { ...G } }
              fragment G on Receipt { position status }""",
            {},
            202,
        ),
        (
            """{ deliveryStats(since: "2026-01-01T00:00:00Z", until: "2026-01-11T00:00:00Z",
              bucket: HOUR) { receipts } }""",
            {},
            242,
        ),
        ("subscription { receipts(batchSize: 500) { receipts { position } } }", {}, 502),
    ],
)
async def test_the_cost_follows_from_page_sizes_before_anything_runs(
    tmp_path: Path, query: str, variables: dict[str, Any], cost: int
) -> None:
    async with asking(quick_settings(tmp_path, graphql_max_cost=100)) as hub:
        refusal = await hub.error(query, **variables)
        assert refusal == {"code": "TOO_COMPLEX", "cost": cost, "limit": 100}


async def test_the_heaviest_page_that_is_meant_to_be_asked_for_is_within_limits(
    settings: Settings,
) -> None:
    async with asking(settings, [receipt("m1")]) as hub:
        text = """{ messages(first: 100) { nodes { messageKey status receipts {
          position messageKey provider messageId recipient status providerStatus errorCode
          errorCategory errorPermanent occurredAt receivedAt recordedAt segments } } } }"""
        await hub.ask(text)


async def test_the_schema_can_be_asked_for_unless_a_setting_forbids(tmp_path: Path) -> None:
    async with asking(quick_settings(tmp_path / "a")) as hub:
        assert "__schema" in await hub.ask(get_introspection_query(), None)
    async with asking(quick_settings(tmp_path / "b", graphql_introspection=False)) as hub:
        refused = (await hub.send(INTROSPECTION)).json()["errors"]
        assert {error["extensions"]["code"] for error in refused} == {"BAD_USER_INPUT"}
        assert await hub.ask("{ __typename }")


GUESSES: list[tuple[str, dict[str, Any]]] = [
    ("{ receipt { head } }", {}),
    ("{ receipts(fist: 1) { head } }", {}),
    ("{ receipts }", {}),
    ("{ receipts(order: NEWEST_FIRS) { head } }", {}),
    ("query($f: ReceiptFilters) { receipts(filter: $f) { head } }", {}),
    ("query($f: ReceiptFilter) { receipts(filter: $f) { head } }", {"f": {"status": []}}),
    ("query($o: Order!) { receipts(order: $o) { head } }", {"o": "NEWEST_FIRS"}),
    ("subscription { receipt { cursor } }", {}),
]


@pytest.mark.parametrize(("query", "variables"), GUESSES)
async def test_who_guesses_names_is_helped_only_where_the_schema_is_open(
    settings: Settings, tmp_path: Path, query: str, variables: dict[str, Any]
) -> None:
    async with asking(settings) as hub:
        assert "Did you mean" in (await hub.send(query, **variables)).text
        for token in (None, "unknown"):
            assert "Did you mean" not in (await hub.send(query, token, **variables)).text
    async with asking(quick_settings(tmp_path / "b", graphql_introspection=False)) as hub:
        assert "Did you mean" not in (await hub.send(query, **variables)).text
        async with hub.socket() as socket:
            await socket.subscribe(query, **variables)
            answer = await socket.receive()
            assert "errors" in answer["payload"] or answer["type"] == "error"
            assert "Did you mean" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("query", "variables", "field"),
    [
        ('{ receipts(recordedAfter: "yesterday") { head } }', {}, "recordedAfter"),
        ("{ receipts(after: 5) { head } }", {}, "after"),
        ('{ receipts(filter: {statuses: ["x"]}) { head } }', {}, "filter"),
        ("query($when: DateTime) { receipts(recordedAfter: $when) { head } }", {"when": 5}, "when"),
    ],
)
async def test_a_value_that_cannot_be_read_is_named_by_its_argument_or_variable(
    settings: Settings, query: str, variables: dict[str, Any], field: str
) -> None:
    async with asking(settings) as hub:
        refusal = await hub.error(query, **variables)
        assert refusal == {"code": "BAD_USER_INPUT", "field": field}


async def test_only_trusted_documents_run_where_a_folder_is_set(tmp_path: Path) -> None:
    async with asking(quick_settings(tmp_path, trusted_documents=OPERATIONS)) as hub:
        text = (OPERATIONS / "whoami.graphql").read_text()
        assert "viewer" in await hub.ask(text)
        assert "viewer" in await hub.ask(" ".join(text.split("\n")[1:]))
        by_name = await _post(hub, {"operationName": "WhoAmI"})
        assert by_name.json()["data"]["viewer"]["name"] == "all"
        for other in ("{ viewer { name } }", text.replace("name", "name scopes"), INTROSPECTION):
            assert (await hub.error(other))["code"] == "FORBIDDEN"
        async with hub.socket() as socket:
            await socket.subscribe((OPERATIONS / "live-receipts.graphql").read_text())
            await socket.next()
            await socket.subscribe("subscription { receipts { cursor } }", "2")
            assert (await socket.error())["code"] == "FORBIDDEN"


@pytest.mark.parametrize("content", [None, "{ viewer", "{ viewer { name } }", "query A { no }"])
async def test_a_folder_that_holds_no_good_documents_stops_the_start(
    tmp_path: Path, content: str | None
) -> None:
    folder = tmp_path / "trusted"
    folder.mkdir()
    if content is not None:
        (folder / "a.graphql").write_text(content)
    with pytest.raises((StartError, ExceptionGroup)) as failure:
        async with asking(quick_settings(tmp_path, trusted_documents=folder)):
            pass
    assert "HUB_TRUSTED_DOCUMENTS" in _texts(failure.value)


def _texts(error: BaseException) -> str:
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return str(error) + "".join(map(_texts, inner))


# Requests that are none.


async def _post(hub: Asking, body: Any, **headers: str) -> httpx.Response:
    given = {"authorization": f"Bearer {hub.token}", "content-type": "application/json"} | headers
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return await hub.client.post(hub.url, content=content, headers=given)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("{", 400),
        ("5", 400),
        ("[]", 400),
        ('[{"query": "{ log { head } }"}]', 400),
        (b"\xff\xfe", 400),
        ('{"query": 5}', 400),
        ('{"query": "{ log { head } }", "variables": []}', 400),
        ('{"query": "{ log { head } }", "operationName": 5}', 400),
        ("{}", 400),
        ('{"query": null}', 400),
        ('{"query": ""}', 400),
        ('{"operationName": "A"}', 400),
        ('{"query": "query A { log { head } } query B { log { head } }"}', 200),
        ('{"query": "{ log { head } }", "operationName": "Other"}', 200),
        ('{"query": "query($n: Int!) { receipts(first: $n) { head } }"}', 200),
        ('{"query": "mutation { a }"}', 200),
    ],
)
async def test_what_is_no_request_is_told_so(
    settings: Settings, body: bytes | str, status: int
) -> None:
    async with asking(settings) as hub:
        answer = await _post(hub, body)
        assert answer.status_code == status
        for error in answer.json()["errors"]:
            assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_what_any_page_may_send_is_not_taken(settings: Settings, kind: str) -> None:
    async with asking(settings) as hub:
        answer = await _post(hub, {"query": "{ log { head } }"}, **{"content-type": kind})
        assert answer.status_code == httpx.codes.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize(
    "kind", ["Application/JSON; charset=UTF-8", "application/json;charset=utf-8"]
)
async def test_a_content_type_is_read_whatever_its_case(settings: Settings, kind: str) -> None:
    async with asking(settings) as hub:
        answer = await _post(hub, {"query": "{ viewer { name } }"}, **{"content-type": kind})
        assert answer.json() == {"data": {"viewer": {"name": "all"}}}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "REPORT"])
async def test_methods_other_than_get_and_post_are_told_so(settings: Settings, method: str) -> None:
    async with asking(settings) as hub:
        answer = await hub.client.request(method, hub.url)
        assert answer.status_code == httpx.codes.METHOD_NOT_ALLOWED
        assert answer.headers["allow"] == "GET, POST"
        if method != "HEAD":
            [error] = answer.json()["errors"]
            assert error["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("accept", ["application/json", "text/html", "text/event-stream"])
async def test_nothing_is_asked_by_get(settings: Settings, accept: str) -> None:
    async with asking(settings) as hub:
        headers = {"accept": accept, "authorization": f"Bearer {hub.token}"}
        for query in ("{ log { head } }", "subscription { receipts { cursor } }"):
            answer = await hub.client.get(hub.url, params={"query": query}, headers=headers)
            assert answer.status_code == httpx.codes.METHOD_NOT_ALLOWED
            assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused_whether_its_length_is_said_or_not(
    tmp_path: Path, *, chunked: bool
) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(64):
            sent += 4096
            yield b" " * 4096
            await asyncio.sleep(0)

    async with asking(quick_settings(tmp_path, max_body_bytes=8192)) as hub:
        headers = {"content-type": "application/json"}
        if chunked:
            answer = await hub.client.post(hub.url, content=body(), headers=headers)
        else:
            answer = await hub.client.post(hub.url, content=b" " * 8193, headers=headers)
        assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
        async with hub.socket() as socket:
            await socket.send({"type": "ping", "payload": {"x": "y" * 9000}})
            assert await socket.closing() == 1009


async def test_pages_of_an_allowed_origin_may_call_the_api_and_others_may_not(
    tmp_path: Path,
) -> None:
    settings = quick_settings(tmp_path, graphql_allowed_origins="https://app.example")
    async with asking(settings) as hub:
        preflight = {
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
        }
        for origin, allowed in [("https://app.example", True), ("https://other.example", False)]:
            asked = await hub.client.options(hub.url, headers={"origin": origin} | preflight)
            assert asked.is_success is allowed
            answer = await _post(hub, {"query": "{ __typename }"}, origin=origin)
            assert ("access-control-allow-origin" in answer.headers) is allowed


# Faults.


async def test_an_unexpected_fault_shows_a_reference_that_is_in_the_log(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        message = "the secret is 12345"
        raise RuntimeError(message)

    async with asking(settings, [receipt("m1")]) as hub:
        monkeypatch.setattr(ReceiptLog, "page", broken)
        monkeypatch.setattr(ReceiptLog, "message", broken)
        with capture_logs() as lines:
            answer = await hub.send("{ receipts { head } }")
            await _is_masked(answer.json(), answer.text, lines)
            async with hub.socket() as socket:
                await socket.subscribe(
                    'subscription { message(provider: "p1", messageId: "m1") { status } }'
                )
                message = await socket.receive()
                assert message["type"] == "error"
                await _is_masked({"errors": message["payload"]}, json.dumps(message), lines)


async def test_a_value_that_cannot_be_shown_is_a_fault_of_the_hub(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def huge(log: ReceiptLog, *_: object, **__: object) -> Page:
        [entry] = await log.read(0, 1)
        return Page(
            [entry._replace(segments=2**40)], more=False, resume=0, bounds=await log.bounds()
        )

    async with asking(settings, [receipt("m1")]) as hub:
        monkeypatch.setattr(ReceiptLog, "page", huge)
        with capture_logs() as lines:
            answer = await hub.send("{ receipts { nodes { segments } } }")
            await _is_masked(answer.json(), answer.text, lines)


async def _is_masked(answer: Any, text: str, lines: list[Any]) -> None:
    [error] = answer["errors"]
    assert "secret" not in text
    assert error["extensions"]["code"] == "INTERNAL"
    reference = error["extensions"]["reference"]
    assert reference in error["message"]
    assert [line for line in lines if line.get("reference") == reference]


async def test_a_variable_that_cannot_be_read_does_not_come_back_with_its_number(
    settings: Settings,
) -> None:
    async with asking(settings) as hub:
        text = "query($f: ReceiptFilter) { receipts(filter: $f) { head } }"
        answer = await hub.send(text, f={"recipients": ["+8613800138000"], "other": 1})
        [error] = answer.json()["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "13800138000" not in answer.text


# The page.


async def test_a_browser_gets_graphiql_and_needs_no_other_host(settings: Settings) -> None:
    async with asking(settings) as hub:
        page = await hub.client.get(hub.url, headers={"accept": "text/html,*/*;q=0.8"})
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert not re.search(r"https?://", page.text)
        files = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
        assert len(files) >= 6
        for file in files:
            answer = await hub.client.get(hub.hub.http_url + file)
            assert answer.status_code == httpx.codes.OK
            if file.endswith(".css"):
                assert not re.search(r"url\(['\"]?https?:|@import", answer.text)
        missing = await hub.client.get(f"{hub.url}/assets/..%2fpage.py")
        assert missing.status_code == httpx.codes.NOT_FOUND
