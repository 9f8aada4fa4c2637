"""The URL that providers call: `/callbacks/{provider}/{secret}`."""

import secrets
import time
import traceback
from collections.abc import Callable
from typing import Any

import structlog
from starlette.types import Receive, Scope, Send

from hub.accounts import Account, Accounts
from hub.errors import Draining, Overloaded, StoreUnavailable
from hub.intake.adapters import all_adapters
from hub.intake.adapters.adapter import Adapter, Answer, Call, Reason
from hub.intake.body import Ended, HungUp, declared_length, read_body
from hub.intake.codes import Codes
from hub.intake.peer import Headers, Peers
from hub.intake.reading import BodyReader, Reading
from hub.intake.reply import must_close, respond, respond_and_close
from hub.log import Arrival, Unreadable, Writer
from hub.receipt import ErrorCategory
from hub.settings import Settings
from hub.telemetry import Metrics

STORED_HEADERS = ("content-type", "content-encoding", "user-agent", "x-request-id")
"""Headers that are stored with a body, beside those that the adapter names; never credentials."""

ANSWERS: dict[type[Exception], Answer] = {
    Overloaded: Answer.OVERLOADED,
    StoreUnavailable: Answer.STORE_UNAVAILABLE,
    Draining: Answer.DRAINING,
}

_DEFAULT_ADAPTER = "lushang"
"""The dialect of answers where no account tells which."""
_MAX_HEADER = 256

logger = structlog.stdlib.get_logger(__name__)


class Webhook:
    """
    Answers callbacks.  A provider gets success only after the commit is on disk, and whoever
    gets anything but success may send the same again.
    """

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        writer: Writer,
        metrics: Metrics,
        draining: Callable[[], bool],
    ) -> None:
        self._base = settings.callback_base
        self._limit, self._seconds = settings.max_body_bytes, settings.body_seconds
        self._accounts, self._writer, self._metrics = accounts, writer, metrics
        self._draining = draining
        self._adapters = all_adapters()
        self._reader = BodyReader(Codes.load(settings.codes_file))
        self._peers = Peers(settings.trusted_proxies)
        self._outcomes: dict[tuple[str, Answer], Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        started = time.perf_counter()
        adapter, account, reference = self._adapters[_DEFAULT_ADAPTER], None, ""
        try:
            names = scope["path_params"]
            account = await self._accounts.provider(names["provider"], names["secret"])
            if account is None:
                answer = Answer.NOT_FOUND
            else:
                adapter = self._adapters[account.adapter]
                answer = await self._answer(scope, receive, account, adapter)
        except Ended as ended:
            answer = ended.answer
        except HungUp:
            return
        except Exception as error:  # noqa: BLE001  a provider never sees a traceback
            answer = ANSWERS.get(type(error), Answer.FAULT)
            reference = _report(error, account) if answer is Answer.FAULT else ""
        self._count(account.name if account else "", answer, started)
        if must_close(answer, scope, self._limit):
            await respond_and_close(receive, send, adapter, answer, reference)
        else:
            await respond(send, adapter, answer, reference)

    async def _answer(
        self, scope: Scope, receive: Receive, account: Account, adapter: Adapter
    ) -> Answer:
        """Check in the order of the contract, then store."""
        headers: Headers = scope["headers"]
        if scope["method"] not in adapter.METHODS:
            return Answer.WRONG_METHOD
        if not self._admits(scope, account):
            return Answer.WRONG_PEER
        if self._draining():
            return Answer.DRAINING
        if (declared_length(headers) or 0) > self._limit:
            return Answer.TOO_LARGE
        body = await read_body(receive, self._limit, self._seconds)
        received_at = time.time_ns() // 1000
        if scope["method"] == "GET":
            body = scope["query_string"]
        call = Call(scope["method"], self._url(scope), _named(headers), body, received_at)
        if reason := adapter.authenticate(call, account):
            logger.warning("callback refused", provider=account.name, reason=reason)
            return Answer.UNAUTHENTIC
        return await self._take(call, account, adapter)

    async def _take(self, call: Call, account: Account, adapter: Adapter) -> Answer:
        reading = await self._read(call, account, adapter)
        if reading.problem:
            logger.warning(
                "callback unreadable", provider=account.name, reason=reading.problem.value
            )
        unreadable = reading.unreadable(call.body)
        if not (unreadable or reading.receipts):
            return Answer.EMPTY
        await self._writer.write(_arrival(call, account, adapter, reading, unreadable))
        self._count_unexplained(account.name, reading)
        if reading.problem:
            return Answer.FAULT if reading.problem is Reason.FAULT else Answer.UNREADABLE
        return Answer.STORED

    async def _read(self, call: Call, account: Account, adapter: Adapter) -> Reading:
        try:
            return await self._reader.read(adapter, account, call.body, call.headers)
        except Exception as error:  # noqa: BLE001  the bytes are kept for a better adapter
            _report(error, account)
            return Reading(problem=Reason.FAULT)

    def _admits(self, scope: Scope, account: Account) -> bool:
        if not account.allow_ips:
            return True
        client, headers = scope.get("client"), scope["headers"]
        direct = client[0] if client else None
        if self._peers.admits(account.allow_ips, direct, headers):
            return True
        peer = self._peers.address(direct, headers)
        logger.warning("caller not in the allow-list", provider=account.name, peer=str(peer))
        return False

    def _url(self, scope: Scope) -> str:
        path = scope.get("raw_path", b"").decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        return f"{self._base}{path}?{query}" if query else f"{self._base}{path}"

    def _count(self, provider: str, answer: Answer, started: float) -> None:
        counter = self._outcomes.get((provider, answer))
        if counter is None:
            counter = self._metrics.callbacks.labels(provider, answer.name.lower())
            self._outcomes[provider, answer] = counter
        counter.inc()
        self._metrics.callback_seconds.observe(time.perf_counter() - started)

    def _count_unexplained(self, provider: str, reading: Reading) -> None:
        unknown = ErrorCategory.UNKNOWN
        count = sum(1 for r in reading.receipts if r.error_category is unknown and r.error_code)
        if count:
            self._metrics.unknown_codes.labels(provider).inc(count)


def _arrival(
    call: Call,
    account: Account,
    adapter: Adapter,
    reading: Reading,
    unreadable: list[Unreadable],
) -> Arrival:
    names = [name for name in (*STORED_HEADERS, *adapter.HEADERS) if name in call.headers]
    return Arrival(
        provider_id=account.id,
        provider=account.name,
        adapter=f"{account.adapter}/{adapter.VERSION}",
        received_at=call.received_at,
        body=call.body,
        headers={name: call.headers[name][:_MAX_HEADER] for name in names},
        receipts=reading.receipts,
        unreadable=unreadable,
    )


def _named(headers: Headers) -> dict[str, str]:
    named: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        named[key] = f"{named[key]}, {text}" if key in named else text
    return named


def _report(error: Exception, account: Account | None) -> str:
    """Log where *error* came from, without what it says, which may hold data; name the line."""
    reference = secrets.token_hex(4)
    logger.error(
        "callback failed",
        reference=reference,
        provider=account.name if account else "",
        error=type(error).__name__,
        trace="".join(traceback.format_tb(error.__traceback__)),
    )
    return reference
