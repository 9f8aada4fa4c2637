"""What can be asked, and what each caller sees of it."""

import time
from pathlib import Path
from typing import Any

import pytest

from hub.access import Scope
from hub.filter import Shard
from hub.log.read.quarantine import MOST_BYTES
from hub.receipt import DeliveryEvidence, ErrorCategory, Receipt, Status, message_key
from hub.settings import Settings
from hub.subscriptions.administration import Declaration, create
from tests.asking import Asking, asking
from tests.engines import reader_of, statements
from tests.making import receipt

OPERATIONS = Path(__file__).parent.parent / "graphql" / "operations"
NUMBER = "+8613800138000"
MASKED = "+86138****8000"

EVERY_FIELD = """{ receipts { nodes {
  id position messageKey provider messageId recipient status providerStatus errorCode errorCategory
  errorPermanent deliveryEvidence occurredAt receivedAt recordedAt segments part partCount network
  price currency clientReference applied messageStatus corrects
  message { messageKey status receipts { position } }
} } }"""


async def test_a_receipt_shows_all_that_its_provider_gave(any_settings: Settings) -> None:
    given = receipt(
        "m1",
        Status.UNDELIVERED,
        provider_status="1",
        error_code="MI:0013",
        error_category=ErrorCategory.BLOCKED,
        error_permanent=True,
        delivery_evidence=DeliveryEvidence.CARRIER,
        occurred_at=1_604_921_006_000_000,
        segments=2,
        part=1,
        part_count=2,
        network="460-00",
        price="0.0450",
        currency="CNY",
        client_reference="order 7",
    )
    async with asking(any_settings, [given]) as hub:
        [entry] = await hub.entries()
        [shown] = (await hub.ask(EVERY_FIELD))["receipts"]["nodes"]
        assert shown.pop("id")
        assert shown.pop("receivedAt").endswith("Z")
        assert shown.pop("recordedAt").endswith("Z")
        key = message_key(entry.key)
        assert shown == {
            "position": "1",
            "messageKey": key,
            "provider": "p1",
            "messageId": "m1",
            "recipient": NUMBER,
            "status": "UNDELIVERED",
            "providerStatus": "1",
            "errorCode": "MI:0013",
            "errorCategory": "BLOCKED",
            "errorPermanent": True,
            "deliveryEvidence": "CARRIER",
            "occurredAt": "2020-11-09T11:23:26.000000Z",
            "segments": 2,
            "part": 1,
            "partCount": 2,
            "network": "460-00",
            "price": "0.0450",
            "currency": "CNY",
            "clientReference": "order 7",
            "applied": True,
            "messageStatus": "UNDELIVERED",
            "corrects": None,
            "message": {
                "messageKey": key,
                "status": "UNDELIVERED",
                "receipts": [{"position": "1"}],
            },
        }


async def test_what_was_not_given_is_null(settings: Settings) -> None:
    async with asking(
        settings, [Receipt(message_id="m1", status=Status.SENT, provider_status="3")]
    ) as hub:
        [shown] = (await hub.ask(EVERY_FIELD))["receipts"]["nodes"]
        absent = {name for name, value in shown.items() if value is None}
        assert absent == {
            "recipient", "errorCode", "errorCategory", "errorPermanent", "occurredAt", "segments",
            "part", "partCount", "network", "price", "currency", "clientReference", "corrects",
        }  # fmt: skip
        assert shown["deliveryEvidence"] == "UNSPECIFIED"


RECIPIENTS = "{ receipts { nodes { recipient } } messages { nodes { recipient } } }"


async def test_a_number_is_masked_without_its_scope_wherever_it_is_shown(
    settings: Settings,
) -> None:
    async with asking(settings, [receipt("m1")]) as hub:
        token = await hub.consumer()
        answer = await hub.send(RECIPIENTS, token)
        assert NUMBER not in answer.text
        assert answer.text.count(MASKED) == 2
        text = (
            'query($m: String!) { message(provider: "p1", messageId: $m)'
            " { recipient receipts { recipient message { recipient } } } }"
        )
        nested = await hub.send(text, token, m="m1")
        assert NUMBER not in nested.text
        assert nested.text.count(MASKED) == 3


@pytest.mark.parametrize(
    "query",
    [
        '{ receipts(filter: {recipients: ["13800138000"]}) { head } }',
        '{ messages(filter: {recipients: ["13800138000"]}) { head } }',
        '{ message(provider: "p1", messageId: "m1", recipient: "13800138000") { status } }',
        "{ quarantine { nodes { reason } } }",
    ],
)
async def test_what_needs_another_scope_is_forbidden(settings: Settings, query: str) -> None:
    async with asking(settings, [receipt("m1")]) as hub:
        token = await hub.consumer()
        assert (await hub.error(query, token))["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    "query",
    [
        "{ receipts { head } }",
        "{ messages { head } }",
        '{ message(provider: "p1", messageId: "m1") { status } }',
        '{ node(id: "UmVjZWlwdDox") { id } }',
        """{ deliveryStats(since: "2020-01-01T00:00:00Z", until: "2020-01-02T00:00:00Z",
          bucket: DAY) { receipts } }""",
    ],
)
async def test_receipts_need_their_scope(settings: Settings, query: str) -> None:
    async with asking(settings, [receipt("m1")]) as hub:
        token = await hub.consumer(scopes=(Scope.OPERATIONS_READ,))
        assert (await hub.error(query, token))["code"] == "FORBIDDEN"


@pytest.mark.parametrize("scope", list(Scope))
async def test_the_log_and_the_viewer_open_to_any_token(settings: Settings, scope: Scope) -> None:
    async with asking(settings) as hub:
        token = await hub.consumer(scopes=(scope,))
        answer = await hub.ask("{ log { head } viewer { scopes } }", token)
        assert answer["viewer"]["scopes"] == [scope]


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (Scope.OPERATIONS_READ, ["mine", "others"]),
        (Scope.RECEIPTS_READ, ["mine"]),
        (Scope.SUBSCRIPTIONS_WRITE, ["mine"]),
        (Scope.RECIPIENTS_READ, None),
    ],
)
async def test_operations_see_all_subscriptions_and_their_owner_sees_its_own(
    settings: Settings, scope: Scope, seen: list[str] | None
) -> None:
    text = "{ subscriptions { name } }"
    async with asking(settings) as hub:
        token = await hub.consumer(name="me", scopes=(scope,))
        for owner, name in (("me", "mine"), ("all", "others")):
            await create(hub.hub.store, Declaration(owner, name, {}, Shard()), 0)
        if seen is None:
            assert (await hub.error(text, token))["code"] == "FORBIDDEN"
            return
        answer = await hub.ask(text, token)
        assert sorted(row["name"] for row in answer["subscriptions"]) == seen


@pytest.mark.parametrize("token", [None, "unknown"])
async def test_without_a_good_token_there_is_nothing_but_the_schema(
    settings: Settings, token: str | None
) -> None:
    async with asking(settings, [receipt("m1")]) as hub:
        for query in ("{ receipts { head } }", "{ viewer { name } }", "{ log { head } }"):
            assert (await hub.error(query, token))["code"] == "UNAUTHENTICATED"
        assert await hub.ask("{ __typename }", token) == {"__typename": "Query"}


async def test_an_expired_token_is_no_token(settings: Settings) -> None:
    async with asking(settings) as hub:
        token = await hub.consumer(expires_at=time.time_ns() // 1000 - 1)
        assert (await hub.error("{ log { head } }", token))["code"] == "UNAUTHENTICATED"


async def test_another_providers_receipts_do_not_exist_for_a_limited_consumer(
    any_settings: Settings,
) -> None:
    async with asking(any_settings, [receipt("m1"), receipt("m2")]) as hub:
        await hub.post(receipt("m1"), provider=2)
        token = await hub.consumer(providers=("p2",))
        [entry, *_] = await hub.entries()
        key = message_key(entry.key)
        for filter_ in (None, {"providers": ["p1", "p2"]}, {"messageIds": ["m1"]}):
            text = """query($f: ReceiptFilter) {
              receipts(filter: $f) { nodes { position } }
              messages(filter: $f) { nodes { provider receipts { position } } } }"""
            answer = await hub.ask(text, token, f=filter_)
            assert answer["receipts"]["nodes"] == [{"position": "3"}]
            [message] = answer["messages"]["nodes"]
            assert message == {"provider": "p2", "receipts": [{"position": "3"}]}
        text = """query($k: String!, $since: DateTime!, $until: DateTime!) {
          byKey: message(messageKey: $k) { status }
          byId: message(provider: "p1", messageId: "m1") { status }
          receipt: node(id: "UmVjZWlwdDox") { id }
          deliveryStats(since: $since, until: $until, bucket: DAY, groupBy: PROVIDER) {
            provider receipts messages }
          quiet: receipts(filter: {providers: ["p1"]}) { nodes { position } } }"""
        answer = await hub.ask(text, token, k=key, **_around())
        [stat] = answer.pop("deliveryStats")
        assert stat == {"provider": "p2", "receipts": "1", "messages": "1"}
        assert answer == {"byKey": None, "byId": None, "receipt": None, "quiet": {"nodes": []}}


def _around() -> dict[str, str]:
    now = time.time()
    shown = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + d)) for d in (-3600, 3600)]
    return {"since": shown[0], "until": shown[1]}


async def test_a_message_is_found_by_what_a_person_types(settings: Settings) -> None:
    text = """query($r: String) {
      message(provider: "p1", messageId: "m1", recipient: $r) { recipient receiptCount } }"""
    two = [receipt("m1"), receipt("m1", recipient="+8613900139000")]
    async with asking(settings, two) as hub:
        for typed in ("138 0013 8000", "+86 138-0013-8000", "008613800138000", NUMBER):
            found = await hub.ask(text, r=typed)
            assert found["message"] == {"recipient": NUMBER, "receiptCount": 1}
        assert (await hub.ask(text, r="13700137000"))["message"] is None
        refusal = await hub.error(text)
        assert refusal == {"code": "RECIPIENT_REQUIRED", "field": "recipient"}


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        'provider: "p1"',
        'messageId: "m1"',
        'messageKey: "m_zz"',
        'messageKey: "m_00000000000000000000000000000000", provider: "p1"',
    ],
)
async def test_a_message_must_be_named_one_way(settings: Settings, arguments: str) -> None:
    async with asking(settings) as hub:
        named = f"({arguments})" if arguments else ""
        refusal = await hub.error(f"{{ message{named} {{ status }} }}")
        assert refusal["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("text", ["a\x00", "x" * 513])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ('query($t: String!) { message(provider: $t, messageId: "m1") { status } }', "provider"),
        ('query($t: String!) { message(provider: "p1", messageId: $t) { status } }', "messageId"),
        ("query($t: String!) { quarantine(provider: $t) { nodes { reason } } }", "provider"),
        (
            "query($t: String!) { receipts(filter: {messageIds: [$t]}) { head } }",
            "filter.messageIds[0]",
        ),
    ],
)
async def test_text_that_cannot_be_stored_is_not_looked_up(
    any_settings: Settings, query: str, field: str, text: str
) -> None:
    async with asking(any_settings) as hub:
        refusal = await hub.error(query, t=text)
        assert refusal == {"code": "BAD_USER_INPUT", "field": field}


async def test_a_node_is_found_by_its_global_id(settings: Settings) -> None:
    async with asking(settings, [receipt("m1")]) as hub:
        await hub.spoil()
        text = "{ receipts { nodes { id message { id } } } quarantine { nodes { id } } }"
        answer = await hub.ask(text)
        [shown] = answer["receipts"]["nodes"]
        [item] = answer["quarantine"]["nodes"]
        node = "query($id: ID!) { node(id: $id) { __typename id } }"
        for kind, id_ in [
            ("Receipt", shown["id"]),
            ("Message", shown["message"]["id"]),
            ("QuarantineItem", item["id"]),
        ]:
            found = await hub.ask(node, id=id_)
            assert found["node"] == {"__typename": kind, "id": id_}
        assert (await hub.ask(node, id="UmVjZWlwdDoy"))["node"] is None
        assert (await hub.error(node, id="nonsense"))["field"] == "id"


async def test_the_quarantine_opens_to_operations_and_its_bytes_to_who_may_see_numbers(
    any_settings: Settings,
) -> None:
    async with asking(any_settings) as hub:
        for number in range(3):
            await hub.spoil(b'{"n": %d}' % number)
        await hub.spoil(b'{"n": 2}')
        text = """query($a: Cursor) { quarantine(first: 2, after: $a) {
          nodes { provider reason adapter count resolvedAt whole }
          pageInfo { hasNextPage hasPreviousPage endCursor } } }"""
        token = await hub.consumer(scopes=(Scope.RECEIPTS_READ, Scope.OPERATIONS_READ))
        page = (await hub.ask(text, token))["quarantine"]
        assert page["nodes"][0] == {
            "provider": "p1",
            "reason": "BAD_TIME",
            "adapter": "test/1",
            "count": 2,
            "resolvedAt": None,
            "whole": False,
        }
        assert page["pageInfo"]["hasNextPage"]
        rest = (await hub.ask(text, token, a=page["pageInfo"]["endCursor"]))["quarantine"]
        assert len(rest["nodes"]) == 1
        assert not rest["pageInfo"]["hasNextPage"]
        assert rest["pageInfo"]["hasPreviousPage"]
        raw = "{ quarantine(first: 1) { nodes { raw rawBase64 } } }"
        answer = (await hub.send(raw, token)).json()
        assert answer["data"]["quarantine"]["nodes"] == [{"raw": None, "rawBase64": None}]
        assert {e["extensions"]["code"] for e in answer["errors"]} == {"FORBIDDEN"}
        [item] = (await hub.ask(raw))["quarantine"]["nodes"]
        assert item == {"raw": '{"n": 2}', "rawBase64": "eyJuIjogMn0="}
        limited = await hub.consumer(providers=("p2",), scopes=tuple(Scope))
        assert (await hub.ask(text, limited))["quarantine"]["nodes"] == []
        assert (await hub.error(text, token, a="nonsense"))["field"] == "after"


async def test_bytes_in_quarantine_are_read_where_they_are_asked_for_and_within_a_bound(
    settings: Settings,
) -> None:
    async with asking(settings) as hub:
        for number in range(3):
            await hub.spoil(b"%d" % number + bytes(MOST_BYTES // 2))
        with statements(reader_of(hub.hub.store)) as plain:
            await hub.ask("{ quarantine(first: 3) { nodes { id reason } } }")
        text = "query($n: Int!) { quarantine(first: $n) { nodes { raw } } }"
        with statements(reader_of(hub.hub.store)) as two:
            assert len((await hub.ask(text, n=1))["quarantine"]["nodes"]) == 1
        answer = (await hub.send(text, n=3)).json()

    def reads(asked: list[tuple[str, Any]]) -> list[str]:
        return [each for each, _ in asked if "raw" in each.replace("length(quarantine.raw)", "")]

    assert (reads(plain), len(reads(two))) == ([], 1)
    assert [node["raw"] for node in answer["data"]["quarantine"]["nodes"]] == [None] * 3
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
    assert {error["extensions"]["field"] for error in answer["errors"]} == {"first"}


async def test_the_viewer_learns_what_the_token_is_good_for(settings: Settings) -> None:
    async with asking(settings) as hub:
        token = await hub.consumer(
            name="dashboard", providers=("p2", "p1"), expires_at=4_102_444_800_000_000
        )
        answer = await hub.ask("{ viewer { name scopes providers expiresAt } }", token)
        assert answer["viewer"] == {
            "name": "dashboard",
            "scopes": ["receipts:read"],
            "providers": ["p1", "p2"],
            "expiresAt": "2100-01-01T00:00:00.000000Z",
        }
        everyone = await hub.ask("{ viewer { providers expiresAt } }")
        assert everyone["viewer"] == {"providers": None, "expiresAt": None}


async def test_the_log_shows_its_ends_as_cursors(settings: Settings) -> None:
    async with asking(settings, [receipt("m1"), receipt("m2")]) as hub:
        log = (await hub.ask("{ log { epoch oldest head } }"))["log"]
        assert log["oldest"] == f"{log['epoch']}:0"
        assert log["head"] == f"{log['epoch']}:2"


STATS = (OPERATIONS / "delivery-stats.graphql").read_text()


async def test_statistics_count_receipts_and_messages_in_groups(any_settings: Settings) -> None:
    good = [receipt(f"m{n}", segments=2) for n in range(3)]
    bad = receipt("x", Status.EXPIRED, segments=1, error_category=ErrorCategory.EXPIRED)
    async with asking(any_settings, [*good, bad]) as hub:
        answer = await hub.ask(STATS, bucket="DAY", groupBy=["STATUS"], **_around())
        rows = {row["status"]: row for row in answer["deliveryStats"]}
        assert {s: (r["receipts"], r["segments"], r["messages"]) for s, r in rows.items()} == {
            "DELIVERED": ("3", "6", "3"),
            "EXPIRED": ("1", "1", "1"),
        }
        whole = await hub.ask(STATS, bucket="DAY", timeZone="Asia/Shanghai", **_around())
        days = whole["deliveryStats"]  # two of them around midnight
        assert sum(int(day["receipts"]) for day in days) == 4
        counted = [(int(day["messages"]), day["deliveredShare"]) for day in days]
        assert sum(messages for messages, _ in counted) == 4
        assert sum(messages * share for messages, share in counted if messages) == 3


async def test_a_latency_of_many_years_is_a_number(settings: Settings) -> None:
    late = receipt("m1", occurred_at=1_425_890_000_000_000)
    async with asking(settings, [late]) as hub:
        text = """query($since: DateTime!, $until: DateTime!) {
          deliveryStats(since: $since, until: $until, bucket: DAY) {
            latencyP50Ms latencyP95Ms } }"""
        [stat] = (await hub.ask(text, **_around()))["deliveryStats"]
        assert stat["latencyP50Ms"] == stat["latencyP95Ms"] > 2**31


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"filter": {"messageIds": ["m1"]}}, "filter.messageIds"),
        ({"filter": {"appliedOnly": True}}, "filter.appliedOnly"),
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"since": "2030-01-01T00:00:00Z", "until": "2020-01-01T00:00:00Z"}, "until"),
        (
            {"since": "2000-01-01T00:00:00Z", "bucket": "HOUR", "until": "2001-01-01T00:00:00Z"},
            "bucket",
        ),
    ],
)
async def test_statistics_refuse_what_they_cannot_count(
    settings: Settings, arguments: dict[str, Any], field: str
) -> None:
    async with asking(settings) as hub:
        given = _around() | {"bucket": "DAY"} | arguments
        refusal = await hub.error(STATS, **given)
        assert refusal["code"] in {"BAD_USER_INPUT", "TOO_COMPLEX"}
        assert refusal.get("field", field) == field


@pytest.mark.parametrize("file", sorted(OPERATIONS.glob("*.graphql")), ids=lambda f: f.stem)
async def test_the_operations_of_the_folder_run(settings: Settings, file: Path) -> None:
    variables: dict[str, Any] = {
        "message-by-id": {"provider": "p1", "messageId": "m1"},
        "live-message": {"provider": "p1", "messageId": "m1"},
        "search-messages": {"filter": {"recipients": ["138 0013 8000"]}},
        "delivery-stats": _around() | {"bucket": "HOUR", "groupBy": ["PROVIDER"]},
    }
    text, given = file.read_text(), variables.get(file.stem, {})  # noqa: ASYNC240  # a small one
    async with asking(settings, [receipt("m1")]) as hub:
        if "subscription " not in text:
            assert await hub.ask(text, **given)
            return
        async with hub.socket() as socket:
            await socket.subscribe(text, **given)
            assert (await socket.receive())["type"] == "next"


async def test_a_page_of_messages_with_receipts_takes_a_constant_number_of_statements(
    any_settings: Settings,
) -> None:
    text = """query($n: Int!) { messages(first: $n) { nodes {
      messageId receipts { position message { status } } } } }"""
    async with asking(any_settings, [receipt(f"m{n}") for n in range(100)]) as hub:
        await hub.ask(text, n=1)
        one = await _statements(hub, text, n=1)
        hundred = await _statements(hub, text, n=100)
        assert len(hundred) == len(one)
        assert len(hundred) <= 4


async def _statements(hub: Asking, text: str, **variables: Any) -> list[str]:
    with statements(reader_of(hub.hub.store)) as seen:
        await hub.ask(text, **variables)
    # What polls the log is left out.
    return [each for each, _ in seen if "message" in each or "receipt" in each]
