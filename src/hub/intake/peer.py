"""Who really calls: the peer's address, through trusted proxies, against an allow-list."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Headers = Sequence[tuple[bytes, bytes]]
"""As ASGI has them: lower-case names, in the order they came."""

_Address = IPv4Address | IPv6Address
_MAPPED_BITS = 96
_Networks = tuple[IPv4Network | IPv6Network, ...]


class Peers:
    """Knows which proxies' forwarded headers are believed: those of *trusted*, and no others."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._trusted = _networks(tuple(trusted))

    def admits(self, allowed: tuple[str, ...], client: str | None, headers: Headers) -> bool:
        """
        Whether the caller is in *allowed*, addresses or networks; empty allows anyone.  A caller
        whose address is unknown, or of whom two proxy headers name two, is in no list.
        """
        if not allowed:
            return True
        address = self.address(client, headers)
        return address is not None and _within(address, _networks(allowed))

    def address(self, client: str | None, headers: Headers) -> _Address | None:
        """The caller's address: *client*, or behind trusted proxies the hop before them."""
        direct = _address(client or "")
        if direct is None or not _within(direct, self._trusted):
            return direct
        paths = [path for path in (_x_forwarded_for(headers), _forwarded(headers)) if path]
        callers = {self._before_proxies(path) for path in paths} or {direct}
        return callers.pop() if len(callers) == 1 else None

    def _before_proxies(self, path: list[str]) -> _Address | None:
        hop: _Address | None = None
        for text in reversed(path):
            hop = _address(text)
            if hop is None or not _within(hop, self._trusted):
                break
        return hop


def network(text: str) -> IPv4Network | IPv6Network:
    """
    The address or network *text*; IPv4 written as IPv6 is IPv4, as callers' addresses are.  Raises
    `ValueError`.

    >>> network("::ffff:10.1.2.3"), network("10.1.2.3/8")
    (IPv4Network('10.1.2.3/32'), IPv4Network('10.0.0.0/8'))
    """
    found = ip_network(text, strict=False)
    mapped = found.network_address.ipv4_mapped if isinstance(found, IPv6Network) else None
    if mapped is None or found.prefixlen < _MAPPED_BITS:
        return found
    return IPv4Network((mapped, found.prefixlen - _MAPPED_BITS))


def _x_forwarded_for(headers: Headers) -> list[str]:
    return [hop for value in _values(headers, b"x-forwarded-for") for hop in value.split(",")]


def _forwarded(headers: Headers) -> list[str]:
    hops = []
    for value in _values(headers, b"forwarded"):
        for element in value.split(","):
            for pair in element.split(";"):
                name, _, hop = pair.partition("=")
                if name.strip().lower() == "for":
                    hops.append(hop.strip().strip('"'))
    return hops


def _values(headers: Headers, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key == name]


def _address(text: str) -> _Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(1024)
def _networks(texts: tuple[str, ...]) -> _Networks:
    return tuple(network(text) for text in texts)


def _within(address: _Address, networks: _Networks) -> bool:
    return any(address in network for network in networks)
