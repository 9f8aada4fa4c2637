"""Whether a text is the kind of URL that a setting takes."""

import re
from urllib.parse import urlsplit

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[^\s/?#@:\[\]]+)(:[0-9]{1,5})?")
_LARGEST_PORT = 65_535
_SECRET_VALUE = re.compile(
    r"(?i)([?&;][\w.\-]*(?:pass|pwd|secret|token|key|auth|sig|cred)[\w.\-]*=)[^&;#]*"
)


def http_url(host: str, port: int) -> str:
    """
    The URL of a web server at *host* and *port*, without a slash at its end.

    >>> http_url("::1", 8000)
    'http://[::1]:8000'
    """
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def without_secrets(text: str) -> str:
    """
    The URL *text*, or what should have been one, without what may be a password or a token.

    >>> without_secrets("postgresql+asyncpg://hub:secret@db:many/hub?sslpassword=secret")
    'postgresql+asyncpg://hub:***@db:many/hub?sslpassword=***'
    """
    scheme, mark, rest = text.partition("://") if "://" in text else ("", "", text)
    user, at, rest = rest.rpartition("@")
    if at:
        name, colon, _ = user.partition(":")
        user = f"{name}:***" if colon else "***"
    elif mark:  # where a host is missing, its port is a password
        rest = re.sub(r"^([^/?#:\[\]]*):(?!\d*(?:[/?#]|$))[^/?#]*", r"\1:***", rest)
    return scheme + mark + user + at + _SECRET_VALUE.sub(r"\1***", rest)


def is_origin(text: str) -> bool:
    """
    Whether *text* is what browsers send as the origin of a page.

    >>> is_origin("https://app.example.com:8443"), is_origin("https://app.example.com/")
    (True, False)
    """
    return bool(_ORIGIN.fullmatch(text))


def is_web_address(text: str) -> bool:
    """Whether *text* is where a web server is reached: no user, no query, no fragment."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or "@" in parts.netloc or re.search(r"\s", text))
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and plain and port != 0


def is_database(text: str) -> bool:
    """Whether *text* names an SQLite file or a PostgreSQL database, each with its driver."""
    from sqlalchemy.engine import make_url  # noqa: PLC0415  heavy, and few settings need it
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415

    try:
        url = make_url(text)
        urlsplit(text)
    except (ArgumentError, ValueError):
        return False
    if url.get_backend_name() == "sqlite":  # whatever driver it names: the hub has its own threads
        return not url.host and _is_file(url.database or "")
    port = 1 if url.port is None else url.port
    return url.drivername == "postgresql+asyncpg" and 0 < port <= _LARGEST_PORT


def _is_file(name: str) -> bool:
    return bool(name) and name != ":memory:" and not name.startswith("file:") and name[-1] != "/"
