"""Logging and metrics, set up once.  No line and no label holds a number, a token or a secret."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from hub.redaction import redacted

_CHATTY = ("alembic", "uvicorn", "httpx", "asyncio")
"""Libraries that report ordinary things as if an operator should know."""
_TRAFFIC = ("uvicorn", "websockets")
"""Libraries that write at debug what passes through them: a caller's text, in writings of numbers
that nobody can foresee."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000)


class Metrics:
    """What `/metrics` shows.  One per hub, with a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.callbacks = self._counter("callbacks", "Callbacks answered.", ("provider", "outcome"))
        self.receipts = self._counter("receipts", "Receipts stored.", ("provider", "status"))
        self.duplicates = self._counter("duplicates", "Receipts already known.", ("provider",))
        self.quarantined = self._counter(
            "quarantined", "Items and bodies that cannot be read.", ("provider", "reason")
        )
        self.unknown_codes = self._counter(
            "unknown_codes", "Failures whose code nobody has explained.", ("provider",)
        )
        self.callback_seconds = self._histogram(
            "callback_seconds", "From a callback's arrival to its answer.", _SECONDS
        )
        self.commit_seconds = self._histogram("commit_seconds", "One transaction.", _SECONDS)
        self.commit_receipts = self._histogram("commit_receipts", "Receipts per commit.", _SIZES)
        self.commit_failures = self._counter("commit_failures", "Transactions failed.", ("cause",))
        self.queue = self._gauge("queue_receipts", "Receipts waiting for a commit.")
        self.head = self._gauge("head_position", "Position of the newest receipt.")
        self.oldest = self._gauge("oldest_position", "Position of the oldest kept receipt.")
        self.followers = self._gauge("followers", "Open streams.", ("surface",))
        self.frames = self._counter("frames", "Frames sent on streams.", ("surface",))
        self.streams_ended = self._counter("streams_ended", "Streams ended.", ("surface", "reason"))
        self.max_lag = self._gauge(
            "follower_lag_max", "Positions the slowest open stream is behind."
        )
        self.subscription_lag = self._gauge(
            "subscription_lag", "Positions a subscription is behind.", ("consumer", "name")
        )
        self.subscription_lag_seconds = self._gauge(
            "subscription_lag_seconds", "Seconds a subscription is behind.", ("consumer", "name")
        )
        self.subscription_unacked = self._gauge(
            "subscription_unacked", "Receipts sent and not acknowledged.", ("consumer", "name")
        )
        self.subscription_held = self._gauge(
            "subscription_held", "1 while a reader holds the subscription.", ("consumer", "name")
        )
        self.subscription_last_ack = self._gauge(
            "subscription_last_ack_timestamp_seconds",
            "When a reader last acknowledged something; absent until one does.",
            ("consumer", "name", "shard"),
        )
        self.wal_bytes = self._gauge("sqlite_wal_bytes", "Size of SQLite's write-ahead log.")
        self.purged = self._counter("purged", "Rows purged by retention.", ("table",))
        self.purge_held = self._gauge(
            "purge_held_seconds", "How long lagging subscriptions have held the purge back."
        )
        self.ready = self._gauge("ready", "1 if /readyz would answer 200 now.")

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(f"hub_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"hub_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"hub_{name}", text, buckets=buckets, registry=self.registry)


def configure_logging(level: str, form: str, stream: TextIO | None = None) -> None:
    """Send every log line of the process, ours and the libraries', to *stream* (stderr)."""
    stream = stream or sys.stderr
    console = form == "console" or (form == "auto" and stream.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty())
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _TRAFFIC:
        logging.getLogger(name).setLevel(logging.INFO)
    if level != "debug":
        for name in _CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide numbers, tokens and secrets in every field; see `hub.redaction`."""
    for name, value in event.items():
        if not name.startswith("_"):  # the library's own
            event[name] = redacted(value, name)
    return event
