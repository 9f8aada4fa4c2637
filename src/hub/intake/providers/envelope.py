"""Where a body keeps its JSON: whatever its encoding, its Content-Type, or the form around it."""

import json
from collections.abc import Iterator
from urllib.parse import parse_qsl, unquote_plus

_MOST_FIELDS = 100
_MOST_CODINGS = 3


def json_texts(body: bytes) -> Iterator[tuple[str, bytes]]:
    """
    Every text in *body* that may be JSON, as UTF-8, with the name of the form field that carries
    it, empty for the body itself.  Nothing at all where *body* is no text.
    """
    text = utf8(body)
    if text is None:
        return
    yield "", text
    if text.lstrip()[:1] in b"{[":
        return
    fields = _multipart(text) if text.lstrip().startswith(b"--") else _urlencoded(text)
    for name, value in fields:
        yield name, value.strip().lstrip("\ufeff").encode()


def utf8(body: bytes) -> bytes | None:
    """*body* as UTF-8 without a byte order mark, from UTF-8, 16, 32 or GB18030; None otherwise."""
    if body.isascii() and b"\0" not in body:
        return body
    for encoding in (json.detect_encoding(body), "gb18030"):
        try:
            return body.decode(encoding).encode()
        except UnicodeError:
            continue
    return None


def _urlencoded(text: bytes) -> Iterator[tuple[str, str]]:
    for encoding in ("utf-8", "gb18030"):
        try:
            fields = parse_qsl(
                text.decode().strip(),
                keep_blank_values=True,
                max_num_fields=_MOST_FIELDS,
                encoding=encoding,
                errors="strict",
            )
        except ValueError:
            continue
        for name, value in fields:
            # Some clients send the JSON in the place of the name.
            yield (name, _decoded(value)) if value else ("", _decoded(name))
        return


def _decoded(value: str) -> str:
    for _ in range(_MOST_CODINGS):  # some senders encode twice
        if not value.lstrip().startswith("%"):
            break
        value = unquote_plus(value)
    return value


def _multipart(text: bytes) -> Iterator[tuple[str, str]]:
    boundary = text.lstrip().split(b"\n", 1)[0].strip()
    for part in text.split(boundary)[1 : _MOST_FIELDS + 1]:
        head, _, content = part.replace(b"\r\n", b"\n").partition(b"\n\n")
        name = head.partition(b'name="')[2].partition(b'"')[0]
        yield name.decode(), _decoded(content.decode())
