"""A channel to the hub, and calls over it whose silence is noticed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import grpc
import stamina

from hub.client.errors import SilentStream, Unavailable, typed
from hub.v1 import receipts_pb2_grpc

OnUnavailable = Callable[[Unavailable], None]
"""Is told why a call is tried again or a stream begun again; what it raises ends the call."""

_Result = TypeVar("_Result")
_OPTIONS = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 64 * 1024 * 1024),
    ("grpc.max_reconnect_backoff_ms", 10_000),
)


@dataclass(frozen=True, slots=True)
class Tls:
    """How to speak TLS with the hub."""

    ca: Path | None = None
    """PEM of the authorities to trust; those of the system if absent."""
    certificate: Path | None = None
    """PEM chain to show to a hub that asks for one (mTLS)."""
    key: Path | None = None
    """PEM key of the certificate."""

    def credentials(self) -> grpc.ChannelCredentials:
        """What a channel needs."""
        files = (self.ca, self.key, self.certificate)
        ca, key, chain = (None if path is None else path.read_bytes() for path in files)
        return grpc.ssl_channel_credentials(ca, key, chain)


class Connection:
    """One channel and one token.  The channel opens with the first call."""

    def __init__(
        self,
        target: str,
        token: str,
        tls: Tls | None,
        silence_seconds: float,
        patience_seconds: float | None,
        on_unavailable: OnUnavailable | None,
    ) -> None:
        self._target, self._tls = target, tls
        self._silence_seconds = silence_seconds
        self._patience_seconds = patience_seconds
        self._channel: grpc.aio.Channel | None = None
        self.on_unavailable = on_unavailable or _say_nothing
        self.metadata = (("authorization", f"Bearer {token}"),)

    @property
    def stub(self) -> Any:
        """The service's calls."""
        if self._channel is None:
            credentials = self._tls and self._tls.credentials()
            self._channel = (
                grpc.aio.secure_channel(self._target, credentials, options=_OPTIONS)
                if credentials
                else grpc.aio.insecure_channel(self._target, options=_OPTIONS)
            )
        return receipts_pb2_grpc.ReceiptServiceStub(self._channel)

    async def close(self) -> None:
        """Close the channel and what is open on it."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None

    async def ask(self, name: str, request: Any) -> Any:
        """The answer to *request* by the call *name*; asked again while the hub is away."""

        async def answer() -> Any:
            try:
                return await getattr(self.stub, name)(request, metadata=self.metadata)
            except grpc.aio.AioRpcError as error:
                raise typed(error) from None

        return await self._patiently(answer)

    async def listen(
        self, start: Callable[[], Any], opening: Any = None
    ) -> tuple["Listening", Any]:
        """
        A stream that *start* begins, *opening* being the first thing said, and its first frame;
        begun again while the hub is away.
        """

        async def begun() -> tuple[Listening, Any]:
            listening = Listening(start(), self._silence_seconds)
            try:
                if opening is not None:
                    await listening.say(opening)
                return listening, await listening.next()
            except BaseException:
                listening.hang_up()
                raise

        return await self._patiently(begun)

    async def _patiently(self, work: Callable[[], Awaitable[_Result]]) -> _Result:
        """What *work* gives, tried again while the hub is away."""
        async for attempt in stamina.retry_context(
            on=Unavailable,
            attempts=None,
            timeout=self._patience_seconds,
            wait_initial=0.1,
            wait_max=10.0,
            wait_jitter=1.0,
        ):
            with attempt:
                try:
                    return await work()
                except Unavailable as error:
                    self.on_unavailable(error)
                    raise
        raise Unavailable


class Listening:
    """A stream that is being read."""

    def __init__(self, call: Any, silence_seconds: float) -> None:
        self.call = call
        self._silence_seconds = silence_seconds
        self._silent = False

    async def next(self) -> Any:
        """The next frame, or None at the end; raises `HubCallError`, `SilentStream` for one."""
        timer = asyncio.get_running_loop().call_later(self._silence_seconds, self._give_up)
        try:
            frame = await self.call.read()
        except grpc.aio.AioRpcError as error:
            raise typed(error) from None
        except asyncio.CancelledError:
            if self._silent:
                raise SilentStream from None
            raise
        finally:
            timer.cancel()
        return None if frame is grpc.aio.EOF else frame

    async def say(self, request: Any) -> None:
        """Send *request*; raises `HubCallError`."""
        try:
            await self.call.write(request)
        except grpc.aio.AioRpcError as error:
            raise typed(error) from None
        except asyncio.InvalidStateError:  # the call has ended; reading it tells why
            await self.next()

    def hang_up(self) -> None:
        """End the stream, if it has not ended."""
        self.call.cancel()

    def _give_up(self) -> None:
        self._silent = True
        self.call.cancel()


def _say_nothing(_error: Unavailable) -> None:
    """For those who do not ask."""
