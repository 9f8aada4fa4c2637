"""Who may see what: tokens, scopes, masks.  Pure; `hub.accounts` stores who they belong to."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum

from hub.errors import Forbidden
from hub.filter import Filter
from hub.receipt import Micros

MASK = "****"
_PREFIX = 6  # +86138
_NUMBER = re.compile(r"\+?[0-9xX*]{9,15}")  # providers' samples have letters for digits


class Scope(StrEnum):
    """What a token may be used for."""

    RECEIPTS_READ = "receipts:read"
    """Receipts, messages, statistics; recipients are masked."""
    RECIPIENTS_READ = "recipients:read"
    """Recipients in full, and as filters."""
    SUBSCRIPTIONS_WRITE = "subscriptions:write"
    """Create durable subscriptions."""
    OPERATIONS_READ = "operations:read"
    """The quarantine and other consumers' subscriptions."""


@dataclass(frozen=True, slots=True)
class Access:
    """What one consumer may do: the answer to a valid token."""

    consumer: str
    scopes: frozenset[str]
    providers: frozenset[str] | None = None
    """The only providers it sees; None for all."""
    expires_at: Micros | None = None
    token_hash: bytes = b""

    def has(self, scope: Scope) -> bool:
        """Whether the token carries *scope*."""
        return scope in self.scopes

    def require(self, scope: Scope) -> None:
        """Raise `Forbidden` unless the token carries *scope*."""
        if scope not in self.scopes:
            message = f"this needs the scope {scope}, which the token does not carry"
            raise Forbidden(message)

    @property
    def unmasked(self) -> bool:
        """Whether recipients are shown in full."""
        return Scope.RECIPIENTS_READ in self.scopes

    def limit(self, wanted: Filter) -> Filter:
        """*wanted*, narrowed to what this consumer may see; raises where it asks for more."""
        self.require(Scope.RECEIPTS_READ)
        if wanted.recipients:
            self.require(Scope.RECIPIENTS_READ)
        return wanted.limited(self.providers)

    def sees(self, provider: str) -> bool:
        """Whether receipts of *provider* exist for this consumer."""
        return self.providers is None or provider in self.providers


def new_token() -> str:
    """A fresh secret of 192 random bits, safe in URLs and headers."""
    return secrets.token_urlsafe(24)


def token_hash(token: str) -> bytes:
    """What is stored of a secret.  Secrets are random, so a plain hash cannot be guessed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def same_hash(one: bytes, other: bytes) -> bool:
    """Compare two hashes in constant time."""
    return hmac.compare_digest(one, other)


def mask(recipient: str) -> str:
    """
    *recipient* with its middle hidden: `+8613800138000` becomes `+86138****8000`.  What does not
    look like one number is hidden whole, since nobody knows which part of it names a person.

    >>> mask("+8613800138000"), mask("13800138000,13900139000")
    ('+86138****8000', '****')
    """
    if not _NUMBER.fullmatch(recipient):
        return MASK
    return f"{recipient[: min(len(recipient) - 8, _PREFIX)]}{MASK}{recipient[-4:]}"
