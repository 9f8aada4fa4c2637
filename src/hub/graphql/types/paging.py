"""What a page of a list is asked for, and what it says of its place."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import strawberry

from hub.errors import BadInput
from hub.graphql.types.scalars import CursorText

PAGE = 50
"""Entries of a page where nothing else is asked for."""
MOST_PER_PAGE = 500
_NUMBER = re.compile(r"[0-9]{1,18}")


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Relay's, with cursors of the log."""

    start_cursor: CursorText | None = strawberry.field(
        description="`before` of the page in front; null on an empty page."
    )
    end_cursor: CursorText | None = strawberry.field(
        description="`after` of the next page; null on an empty last page."
    )
    previous: strawberry.Private[Callable[[], Awaitable[bool]]]
    following: strawberry.Private[Callable[[], Awaitable[bool]]]

    @strawberry.field(
        description="Whether there is more after this page.  A page that looked at many rows and"
        " found few may end early; then this is true, and endCursor is where to go on."
    )
    async def has_next_page(self) -> bool:
        return await self.following()

    @strawberry.field(description="Whether there is more before this page.")
    async def has_previous_page(self) -> bool:
        return await self.previous()


def known(answer: bool) -> Callable[[], Awaitable[bool]]:  # noqa: FBT001  # it is the answer
    """*answer*, for a question that may have to be looked up elsewhere."""

    async def answered() -> bool:
        return answer

    return answered


@dataclass(frozen=True, slots=True)
class Window:
    """A page: *size* entries from one end of what lies between two cursors."""

    size: int
    after: str | None
    before: str | None
    backwards: bool
    """Whether it is the last ones that are wanted."""


def window(
    first: int | None, after: str | None, last: int | None = None, before: str | None = None
) -> Window:
    """The page that the arguments ask for; raises `BadInput` where they contradict."""
    if first is not None and last is not None:
        message = "take first or last, not both"
        raise BadInput(message, field="last")
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= MOST_PER_PAGE:
            message = f"{name} takes 0 to {MOST_PER_PAGE}"
            raise BadInput(message, field=name)
    size = PAGE if first is None and last is None else first or last or 0
    return Window(size, after, before, backwards=last is not None)


def number_in(text: str) -> int | None:
    """The whole number that *text* is, if it is one that a row may have."""
    return int(text) if _NUMBER.fullmatch(text) else None
