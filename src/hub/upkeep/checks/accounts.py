"""
Provider accounts and consumers.  Nothing is derived from what people set, so it is only checked
that each value is one that could have been set.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import select

from hub.access import Scope
from hub.database import Consumer, Provider, table
from hub.upkeep.checks.moment import Moment

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WORD = re.compile(r"[a-z][a-z0-9_-]*")
_REGION = re.compile(r"[A-Z]{2}")
_PROTOCOL = re.compile(r"[A-Z0-9]*")
_HASH_BYTES = 32


def check(moment: Moment) -> None:
    """Check all accounts and consumers, and that kinds are of accounts."""
    for row in moment.connection.execute(select(table(Provider))):
        _provider(moment, row)
    for row in moment.connection.execute(select(table(Consumer))):
        _consumer(moment, row)


def _provider(moment: Moment, row: Any) -> None:
    texts = (
        (_NAME, row.name),
        (_WORD, row.adapter),
        (_REGION, row.region),
        (_PROTOCOL, row.protocol),
    )
    credentials = row.credentials.items()
    old = row.old_secrets
    right = {
        "name, adapter, region or protocol": all(p.fullmatch(text) for p, text in texts),
        "time zone": row.timezone in available_timezones(),
        "list of addresses": all(map(_is_network, row.allow_ips)),
        "credentials": all(isinstance(text, str) for each in credentials for text in each),
        "secret": len(row.secret_hash) == _HASH_BYTES,
        "secrets of before": all(_is_old_secret(each) for each in old),
    }
    _tell(moment, f"provider {row.id}", (what for what, good in right.items() if not good))
    moment.instants(f"provider {row.id}", row, "created_at", "disabled_at")


def _consumer(moment: Moment, row: Any) -> None:
    right = {
        "name": _NAME.fullmatch(row.name),
        "token": len(row.token_hash) == _HASH_BYTES,
        "scopes": set(row.scopes) <= set(Scope),
        "list of providers": all(_NAME.fullmatch(name) for name in row.providers or ()),
    }
    _tell(moment, f"consumer {row.id}", (what for what, good in right.items() if not good))
    moment.instants(f"consumer {row.id}", row, "created_at", "expires_at", "revoked_at")


def _tell(moment: Moment, whose: str, wrong: Iterable[str]) -> None:
    for what in wrong:
        moment.problem(f"{whose} has a {what} that nobody can have set")


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _is_old_secret(old: Any) -> bool:
    return len(bytes.fromhex(old["hash"])) == _HASH_BYTES and isinstance(old["until"], int)
