"""Where a body keeps its JSON: whatever its encoding, its Content-Type, or the form around it."""

import json
import re
from collections.abc import Iterator

_MOST_FIELDS = 100
_MOST_CODINGS = 3
_ASCII = re.compile("[\0-\x7f]++")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


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
    if text.count(b"&") >= _MOST_FIELDS:
        return
    pairs = [field.partition("=") for field in text.decode().strip().split("&") if field]
    for encoding in ("utf-8", "gb18030"):
        try:
            fields = [(_unquoted(n, encoding), _unquoted(v, encoding)) for n, _, v in pairs]
        except UnicodeError:
            continue
        for name, value in fields:
            # Some clients send the JSON in the place of the name.
            yield (name, _decoded(value)) if value else ("", _decoded(name))
        return


def _decoded(value: str) -> str:
    for _ in range(_MOST_CODINGS):  # some senders encode twice
        if not value.lstrip().startswith("%"):
            break
        before, value = value, _unquoted(value, "utf-8", "replace")
        if value == before:
            break
    return value


def _unquoted(text: str, encoding: str, errors: str = "strict") -> str:
    """
    *text* without the escapes of a form, all of them at once: the standard library takes each `%`
    for itself, which for a megabyte of nothing else is more than a second.
    """

    def characters(ascii_run: re.Match[str]) -> str:
        return _bytes(ascii_run[0].encode()).decode(encoding, errors)

    return _ASCII.sub(characters, text.replace("+", " "))


def _bytes(text: bytes) -> bytes:
    parts = _ESCAPE.split(text)  # in turn: what stands between escapes, and their digits
    digits = bytes.fromhex(b"".join(parts[1::2]).decode())
    parts[1::2] = [digits[at : at + 1] for at in range(len(digits))]
    return b"".join(parts)


def _multipart(text: bytes) -> Iterator[tuple[str, str]]:
    boundary = text.lstrip().split(b"\n", 1)[0].strip()
    for part in text.split(boundary, _MOST_FIELDS + 1)[1 : _MOST_FIELDS + 1]:
        head, _, content = part.replace(b"\r\n", b"\n").partition(b"\n\n")
        name = head.partition(b'name="')[2].partition(b'"')[0]
        yield name.decode(), _decoded(content.decode())
