"""Where a server is to listen, and which setting is wrong where it cannot."""

import errno
import socket
from typing import Any, Literal, NamedTuple

from hub.errors import StartError
from hub.settings import Settings, variable

Surface = Literal["http", "callback", "grpc"]

_HOST_FAULTS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENODEV, errno.EINVAL}


class SocketAddress(NamedTuple):
    """What a socket is bound to."""

    family: socket.AddressFamily
    address: Any


def resolve(settings: Settings, surface: Surface) -> SocketAddress:
    """Where *surface* is to listen.  Raises `StartError` where its host is none."""
    host, port = settings.address(surface)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise _host_refused(surface, host, "it cannot be resolved") from None
    return SocketAddress(found[0][0], found[0][4])


def refusal(settings: Settings, surface: Surface, error: OSError | None) -> StartError:
    """What to tell where *surface* cannot listen because of *error*."""
    host, port = settings.address(surface)
    reason = (error.strerror if error else None) or "another program may be using the port"
    if error and error.errno in _HOST_FAULTS:
        return _host_refused(surface, host, reason)
    name = variable(f"{surface}_port")
    return StartError(f"{name} holds {port}, and {host}:{port} cannot be listened on: {reason}")


def probe(address: SocketAddress) -> OSError | None:
    """Why nothing can listen at *address*; None where something could."""
    try:
        with socket.socket(address.family, socket.SOCK_STREAM) as listener:
            listener.bind(address.address)
    except OSError as error:
        return error
    return None


def _host_refused(surface: Surface, host: str, reason: str) -> StartError:
    takes = "it takes an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all"
    return StartError(f"{variable(f'{surface}_host')} holds {host!r}: {reason}; {takes}")
