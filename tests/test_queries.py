"""Nobody is answered by default: every way to the log asks for a token, and for its scopes."""

import inspect
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from hub.access import Access, Scope
from hub.errors import Forbidden, NotFound
from hub.filter import Filter
from hub.graphql.context import Services, context_for
from hub.graphql.schema import build_schema
from hub.log.read.message_receipts import ReceiptsOf
from hub.log.read.pages import PageQuery
from hub.log.read.stats import Bucket, StatsQuery
from hub.queries.callers import access_of
from hub.queries.filters import TypedFilter
from hub.queries.lookups import MessageName
from hub.queries.queries import Core, Queries
from hub.receipt import Order
from hub.settings import Settings
from hub.telemetry import Metrics
from hub.v1 import receipts_pb2
from tests.asking import Asking, asking
from tests.calling import refused, run
from tests.making import receipt

SCHEMA = build_schema()._schema
ANY_TOKEN = {"log", "viewer"}
"""What a token without any scope is answered."""

VALUES = {"ID": '"UmVjZWlwdDox"'}
NAMES = {
    "message": {"provider": '"p1"', "messageId": '"m1"'},
    "deliveryStats": {"since": '"2026-01-01T00:00:00Z"', "until": '"2026-01-02T00:00:00Z"'},
}
"""Arguments that the field needs, whatever the schema says."""


def operation(kind: str, name: str, field: GraphQLField) -> str:
    """The shortest operation that asks for *field* of the root."""
    given = dict(NAMES.get(name, {}))
    for key, argument in field.args.items():
        if is_required_argument(argument) and key not in given:
            given[key] = _value(get_named_type(argument.type))
    arguments = ", ".join(f"{key}: {value}" for key, value in given.items())
    return f"{kind} {{ {name}{f'({arguments})' if arguments else ''} {_selection(field)} }}"


def _value(kind: GraphQLNamedType) -> str:
    return next(iter(kind.values)) if isinstance(kind, GraphQLEnumType) else VALUES[kind.name]


def _selection(field: GraphQLField) -> str:
    kind = get_named_type(field.type)
    assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
    leaf = next((n for n, f in kind.fields.items() if is_leaf_type(get_named_type(f.type))), None)
    return f"{{ {leaf or '__typename'} }}"


ROOTS = [
    (kind, name, field)
    for kind, root in (("query", SCHEMA.query_type), ("subscription", SCHEMA.subscription_type))
    if root
    for name, field in root.fields.items()
]
FIELDS = pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param(name, operation(kind, name, field), id=f"{kind}-{name}")
        for kind, name, field in ROOTS
    ],
)


async def code(hub: Asking, text: str, token: str | None) -> str | None:
    """What the operation *text* is refused with; None where it is answered."""
    if text.startswith("query"):
        answer = (await hub.send(text, token)).json()
    else:
        async with hub.events(text, token) as events:
            answer = await anext(events)
    errors = answer.get("errors")
    return errors[0]["extensions"]["code"] if errors else None


@FIELDS
async def test_every_field_of_the_schema_asks_for_a_token_and_for_a_scope(
    settings: Settings, name: str, text: str
) -> None:
    async with asking(settings) as hub:
        await hub.post(receipt("m1"))
        bare = await hub.consumer(scopes=(Scope.SUBSCRIPTIONS_WRITE,))
        assert await code(hub, text, None) == "UNAUTHENTICATED"
        expected = None if name in ANY_TOKEN | {"subscriptions"} else "FORBIDDEN"
        assert await code(hub, text, bare) == expected
        assert await code(hub, text, "") is None


def test_a_resolver_has_no_way_to_the_log_but_the_questions_of_its_caller() -> None:
    core = Core(log=_OUT_OF_REACH, feed=_OUT_OF_REACH, accounts=_OUT_OF_REACH)
    services = Services(Settings(_env_file=None), core, Metrics())
    context = context_for(services, _OUT_OF_REACH, Access("somebody", frozenset(Scope)))
    reached = {type(value).__name__ for value in vars(context).values()}
    assert reached <= {"Queries", "Progress", "DataLoader", "bool", type(_OUT_OF_REACH).__name__}
    assert [n for n, v in vars(context).items() if v is _OUT_OF_REACH] == ["operation"]


class _OutOfReach:
    def __getattr__(self, name: str) -> Any:
        def asked(*_: Any, **__: Any) -> None:
            raise AssertionError(name)

        return asked


_OUT_OF_REACH: Any = _OutOfReach()

SERVICE = receipts_pb2.DESCRIPTOR.services_by_name["ReceiptService"]


@pytest.mark.parametrize("method", [method.name for method in SERVICE.methods])
async def test_every_call_of_the_service_asks_for_a_token_and_for_a_scope(
    settings: Settings, method: str
) -> None:
    described = SERVICE.methods_by_name[method]
    request = getattr(receipts_pb2, described.input_type.name)()
    if described.client_streaming:
        request.open.subscription = "billing"
    async with run(settings) as hub, hub.caller(Scope.SUBSCRIPTIONS_WRITE) as caller:
        bare = (("authorization", f"Bearer {caller.token}"),)
        for metadata, expected in ((None, "UNAUTHENTICATED"), (bare, "FORBIDDEN")):
            asked = iter([request]) if described.client_streaming else request
            call = getattr(caller.stub, method)(asked, metadata=metadata)
            if method == "GetLog" and metadata:
                assert (await call).epoch
            else:
                assert (await refused(call)).reason == expected


WANTED = Filter()
_NOW, _HOUR = time.time_ns() // 1000, 3_600_000_000
TODAY = StatsQuery(_NOW - _HOUR, _NOW + _HOUR, Bucket.HOUR)
QUESTIONS: dict[str, Callable[[Queries], Any]] = {
    "filter": lambda q: q.filter(TypedFilter()),
    "receipts": lambda q: q.receipts(PageQuery(WANTED, Order.OLDEST_FIRST, 1)),
    "receipt": lambda q: q.receipt(1),
    "messages": lambda q: q.messages(TypedFilter(), limit=1),
    "message": lambda q: q.message(MessageName(provider="p1", message_id="m1")),
    "messages_named": lambda q: q.messages_named([MessageName(provider="p1", message_id="m1")]),
    "messages_by_key": lambda q: q.messages_by_key([bytes(16)]),
    "receipts_of": lambda q: q.receipts_of([]),
    "changes": lambda q: q.changes(MessageName(provider="p1", message_id="m1")),
    "stats": lambda q: q.stats(TODAY, TypedFilter()),
    "quarantine": lambda q: q.quarantine("", limit=1),
    "raw_bytes": lambda q: q.raw_bytes([1]),
    "subscriptions": lambda q: q.subscriptions(),
    "start": lambda q: q.start(),
    "follow": lambda q: q.follow(WANTED, 0, batch_size=1),
}
ANYONE = {"bounds", "access", "unmasked"}


def test_every_question_is_known_to_the_test_below() -> None:
    public = {name for name in vars(Queries) if not name.startswith("_")} | {"access"}
    assert public == QUESTIONS.keys() | ANYONE


@pytest.mark.parametrize("question", QUESTIONS)
async def test_every_question_is_refused_without_its_scope(question: str) -> None:
    core = Core(log=_OUT_OF_REACH, feed=_OUT_OF_REACH, accounts=_Accounts())  # type: ignore[arg-type]
    with pytest.raises(Forbidden):
        asked = QUESTIONS[question](Queries(core, Access("somebody", frozenset())))
        if inspect.isawaitable(asked):
            await asked


NOTHING: dict[str, Any] = {
    "receipt": None,
    "message": None,
    "messages_named": [None],
    "messages_by_key": {},
    "receipts_of": [],
    "stats": [],
    "raw_bytes": {},
    "subscriptions": [],
    "start": 2,
}
"""What is answered to a caller to whom no receipt is visible; of pages and streams below."""
ALIKE = {"start", "subscriptions", "messages_by_key", "receipts_of"}
"""What is answered alike to everyone, as it is asked here."""


async def answered(asked: Any) -> Any:
    """What comes of a question, as rows where it gives a page or a stream."""
    if isinstance(asked, AsyncGenerator):
        async with aclosing(asked):
            async for frame in asked:
                return list(frame.entries)
    given = await asked
    rows = () if isinstance(given, dict) else ("entries", "messages", "items")
    return next((list(getattr(given, name)) for name in rows if hasattr(given, name)), given)


async def test_a_limited_caller_finds_nothing_of_other_providers(settings: Settings) -> None:
    async with asking(settings, [receipt("m1"), receipt("m2")]) as hub:
        await hub.spoil()
        core = Core(log=hub.hub.log, feed=hub.hub.feed, accounts=hub.hub.accounts)
        token = await hub.consumer(providers=("p2",), scopes=tuple(Scope))
        limited = Queries(core, await access_of(core.accounts, f"Bearer {token}"))
        everyone = Queries(core, await access_of(core.accounts, f"Bearer {hub.token}"))
        for question in QUESTIONS.keys() - {"filter", "changes"}:
            ask, nothing = QUESTIONS[question], NOTHING.get(question, [])
            assert await answered(ask(limited)) == nothing, question
            if question not in ALIKE:
                assert await answered(ask(everyone)) != nothing, question
        found = await everyone.message(MessageName(provider="p1", message_id="m1"))
        assert found is not None
        assert await limited.messages_by_key([found.key]) == {}
        assert (await everyone.receipts_of([ReceiptsOf(found)]))[0].entries
        with pytest.raises(NotFound):
            await limited.receipts_of([ReceiptsOf(found)])


class _Accounts:
    def regions(self) -> tuple[str, ...]:
        return ("CN",)
