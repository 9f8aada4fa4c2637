"""A message, live."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from hub.access import Access
from hub.feed import Feed
from hub.filter import Filter
from hub.log import MessageLookup, ReceiptLog
from hub.receipt import Message


async def changes(
    log: ReceiptLog, feed: Feed, access: Access, named: MessageLookup
) -> AsyncGenerator[Message, None]:
    """
    The message as it is, then at every change, up to a final status.  The head is read before
    the message, so that no change falls between them.  Raises `RecipientRequired`.
    """
    position = (await log.bounds()).head
    last = await log.message(named, access.providers)
    if last is not None:
        yield last
        if last.status.final:
            return
        named = replace(named, key=last.key)
    follower = feed.follow(access, _wanted(access, named, last), position)
    async with aclosing(follower):
        async for frame in follower:
            keys = {entry.key for entry in frame.entries}
            if not keys or (named.key is not None and named.key not in keys):
                continue
            found = await log.message(named, access.providers)
            if found is None or found == last:
                continue
            yield found
            if found.status.final:
                return
            last, named = found, replace(named, key=found.key)


def _wanted(access: Access, named: MessageLookup, known: Message | None) -> Filter:
    """A filter that lets the message's receipts through, and as few others as it can."""
    message_id = known.message_id if known else named.message_id
    provider = known.provider if known else named.provider
    return access.limit(
        Filter(
            providers=(provider,) if provider else (),
            message_ids=(message_id,) if message_id else (),
        )
    )
