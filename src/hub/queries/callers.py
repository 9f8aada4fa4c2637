"""Who calls: from the text of an Authorization header, or metadata, to an access."""

from hub.access import Access
from hub.accounts import Accounts


async def access_of(accounts: Accounts, authorization: str) -> Access:
    """What the caller of *authorization* may do.  Raises `Unauthenticated`."""
    return await accounts.access(bearer(authorization))


def bearer(authorization: str) -> str | None:
    """
    The token in the text of an Authorization header.

    >>> bearer("Bearer abc"), bearer("Basic abc")
    ('abc', None)
    """
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
