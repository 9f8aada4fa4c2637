"""
What error codes mean: data, since the same code means different things in different mouths.

A row belongs to a layer: `account:NAME`, `provider:ADAPTER`, `protocol:SGIP`, or `default`; the
first layer that knows a code wins, in this order.  The layer of a built-in row is that of its file:
`providers/ADAPTER.csv`, `protocols/sgip.csv`, `default.csv`.  Where the public tables contradict
each other, the row's meaning says so and which side was taken.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple, Self

from hub.errors import StartError
from hub.receipt import ErrorCategory, Status

_CACHE_SIZE = 4096
_DEFAULT = "default"


class Meaning(NamedTuple):
    """What one code says."""

    category: ErrorCategory
    permanent: bool | None = None
    """Whether trying again is useless; None where nobody knows."""
    status: Status | None = None
    """Which failure it is, where the code tells more than the provider's status."""
    text: str = ""
    """A few words for people; empty where nobody has explained the code."""


UNEXPLAINED = Meaning(ErrorCategory.UNKNOWN)


class Codes:
    """The layered table of error codes, read once and asked often."""

    def __init__(self, rows: Iterable[dict[str, str]]) -> None:
        self._exact: dict[tuple[str, str], Meaning] = {}
        self._plain: dict[tuple[str, str], Meaning] = {}
        for row in rows:
            self._add(row["layer"], row["pattern"].upper(), _meaning(row))
        self.look_up = lru_cache(_CACHE_SIZE)(self._look_up)

    @classmethod
    def load(cls, overrides: Path | None = None) -> Self:
        """The built-in table, with the rows of the CSV file *overrides* in front of it."""
        own = [] if overrides is None else _read_overrides(overrides)
        return cls([*built_in(), *own])

    def _look_up(self, code: str, *, account: str, adapter: str, protocol: str) -> Meaning:
        """What *code* means to this account; `UNEXPLAINED` where no layer knows it."""
        for spoken, form in _forms(code, protocol.upper()):
            layers = (f"account:{account}", f"provider:{adapter}", f"protocol:{spoken}", _DEFAULT)
            for layer in layers:
                meaning = self._exact.get((layer, form)) or self._plain.get((layer, form))
                if meaning:
                    return meaning
        return UNEXPLAINED

    def _add(self, layer: str, pattern: str, meaning: Meaning) -> None:
        self._exact[layer, pattern] = meaning
        plain = _plain(pattern)
        if plain == pattern:
            self._plain[layer, plain] = meaning
        else:
            self._plain.setdefault((layer, plain), meaning)


def built_in() -> Iterator[dict[str, str]]:
    """The rows that come with the hub, each with its layer."""
    files = resources.files(__package__)
    yield from _rows(files / "default.csv", _DEFAULT)
    for name in protocols():
        yield from _rows(files / "protocols" / f"{name.lower()}.csv", f"protocol:{name}")
    for name in _names("providers"):
        yield from _rows(files / "providers" / f"{name}.csv", f"provider:{name}")


def protocols() -> list[str]:
    """The gateway protocols with codes of their own, as an account names them."""
    return [name.upper() for name in _names("protocols")]


def _names(folder: str) -> list[str]:
    found = (resources.files(__package__) / folder).iterdir()
    return sorted(file.name.removesuffix(".csv") for file in found if file.name.endswith(".csv"))


def _rows(file: Traversable, layer: str) -> Iterator[dict[str, str]]:
    rows = csv.DictReader(file.read_text(encoding="utf-8").splitlines(), strict=True)
    return ({"layer": layer, **row} for row in rows)


def _meaning(row: dict[str, str]) -> Meaning:
    return Meaning(
        ErrorCategory[row["category"]],
        {"true": True, "false": False, "": None}[row["permanent"]],
        Status[row["status"]] if row["status"] else None,
        row["meaning"],
    )


def _read_overrides(path: Path) -> list[dict[str, str]]:
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True))
        Codes(rows)
    except OSError as error:
        message = f"HUB_CODES_FILE: {error.strerror}: {error.filename}"
        raise StartError(message) from error
    except (KeyError, AttributeError, TypeError, ValueError, csv.Error) as error:
        message = (
            f"HUB_CODES_FILE holds {str(path)!r}, which is no table of codes ({error}); it takes"
            " CSV with the columns layer,pattern,category,permanent,status,meaning"
        )
        raise StartError(message) from error
    return rows


_LETTERS = re.compile(r"([A-Z]{2})[:_\- ]?([0-9]{2,5})")
_WORD = re.compile(r"([A-Z]{3,})[:_\- ]([0-9]{1,5})")
_NUMBER = re.compile(r"-?[0-9]{1,3}")
_SPOKEN = re.compile(r"(SGIP|SMGP|RP)[:_ ](?:[0-9][:_ ])?(-?[0-9]{1,3})")


def _forms(code: str, protocol: str) -> Iterator[tuple[str, str]]:
    """Ways to read *code*, the most exact first, each with the gateway protocol it speaks."""
    code = code.strip().upper().replace("\uff1a", ":")  # the full-width colon
    yield protocol, code
    if match := _SPOKEN.fullmatch(code):
        yield ("SMGP" if match[1] == "SMGP" else "SGIP"), str(int(match[2]))
        return
    plain = _plain(code)
    yield protocol, plain
    whole, cut, _detail = plain.rpartition("_")
    if cut:
        yield protocol, _plain(whole)


def _plain(code: str) -> str:
    """
    *code* in the one form of all its deformations.

    >>> _plain("MK00001"), _plain("HD:19"), _plain("UNDELIV:601"), _plain("006")
    ('MK:0001', 'HD:0019', 'UNDELIV_601', '6')
    """
    if match := _LETTERS.fullmatch(code):
        return f"{match[1]}:{int(match[2]):04d}"
    if match := _WORD.fullmatch(code):
        return f"{match[1]}_{match[2]}"
    return str(int(code)) if _NUMBER.fullmatch(code) else code
