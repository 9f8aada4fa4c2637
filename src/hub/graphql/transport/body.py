"""Reading a request's body, which is refused once it is too large or too slow."""

import asyncio

from cross_web import HTTPException, StarletteRequestAdapter
from starlette.requests import ClientDisconnect, Request

from hub.settings import Settings


class BoundedBody(StarletteRequestAdapter):
    """A request whose body is read up to a limit, whatever its headers say of its length."""

    def __init__(self, request: Request, settings: Settings) -> None:
        super().__init__(request)
        self._settings = settings

    @property
    def content_type(self) -> str:
        """What the body is said to be, in small letters."""
        return self.headers.get("content-type", "").lower()

    async def get_body(self) -> bytes:
        """The body.  Raises `HTTPException` with 413 or 408."""
        most = self._settings.max_body_bytes
        length = self.headers.get("content-length", "")
        if length.isdigit() and int(length) > most:
            raise _too_large(most)
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                return await self._read(most)
        except TimeoutError:
            raise HTTPException(408, "the body did not arrive in time") from None
        except ClientDisconnect:
            raise HTTPException(400, "the body ended early") from None

    async def _read(self, most: int) -> bytes:
        body = bytearray()
        async for chunk in self._request.stream():
            body += chunk
            if len(body) > most:
                raise _too_large(most)
        return bytes(body)


def _too_large(most: int) -> HTTPException:
    return HTTPException(413, f"the body may have {most} bytes at most")
