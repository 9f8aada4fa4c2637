"""
JSON that nests deeper than its readers go, taken apart without going down.

Readers descend by one call for each level and stop at the interpreter's limit, wherever in the body
that is.  Here depth is a number, so that one deep item costs its neighbours nothing.
"""

import json
import re
from dataclasses import dataclass, field

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{]++|[\]}]++|[,:"]', re.DOTALL)
_ITEM = 2
"""Depth at which the items of a list stand, which stands in an object."""


def items(text: bytes, name: str) -> list[bytes]:
    """
    The items of the list *name* in the object *text*, each as it stands there, readable or not.
    Of a name given twice the last one counts.  Raises `ValueError` where
    it is no object with that list.
    """
    scan = _Scan(text, name)
    for token in _TOKEN.finditer(text):
        scan.take(token)
    if scan.depth or scan.found is None or text[scan.end :].strip():
        raise ValueError
    return scan.found


@dataclass(slots=True)
class _Scan:
    text: bytes
    name: str
    depth: int = 0
    end: int = 0
    """Where the object ends."""
    found: list[bytes] | None = None
    _key: bytes = b""
    _wanted: bool = False
    """Whether what stands after this is the value of the name."""
    _start: int = 0
    """Where the present item starts; 0 outside of the list."""
    _cuts: list[bytes] = field(default_factory=list)

    def take(self, token: re.Match[bytes]) -> None:
        first = token[0][:1]
        if self.depth == 0 and (self.end or token[0] != b"{" or self.text[: token.start()].strip()):
            raise ValueError
        if first in b"[{":
            self._open(token)
        elif first in b"]}":
            self._close(token)
        elif token[0] == b'"':
            raise ValueError
        elif first == b'"':
            self._key = token[0] if self.depth == 1 else self._key
        elif self.depth == 1:
            self._wanted = first == b":" and json.loads(self._key) == self.name
        elif self.depth == _ITEM and first == b"," and self._start:
            self._cut(token.start(), token.end())

    def _open(self, token: re.Match[bytes]) -> None:
        run = token[0]
        if self.depth == 1 and self._wanted:
            if run[:1] != b"[":
                raise ValueError
            self._cuts, self._start = [], token.start() + 1
        self.depth += len(run)

    def _close(self, token: re.Match[bytes]) -> None:
        levels = len(token[0])
        if levels > self.depth:
            raise ValueError
        if self._start and self.depth - levels < _ITEM:
            end = token.start() + self.depth - _ITEM
            if self._cuts or self.text[self._start : end].strip():
                self._cut(end, 0)
            self.found, self._start = self._cuts, 0
        self.depth -= levels
        self.end = token.end()

    def _cut(self, end: int, start: int) -> None:
        item = self.text[self._start : end].strip()
        if not item:
            raise ValueError
        self._cuts.append(item)
        self._start = start
