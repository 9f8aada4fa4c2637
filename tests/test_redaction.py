"""No line of the log holds a phone number, however it is written; what operators need stays."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.redaction import HIDDEN, redacted, scrub
from hub.telemetry import configure_logging
from tests.chaos.process import process
from tests.chaos.siege import accounts
from tests.conftest import quick_settings
from tests.providing import STORED, answer, body

WRITINGS = (
    *("tel:13800138000", "a13800138000", "13800138000b", "x13800138000y", ":13800138000."),
    *("138-0013-8000", "138.0013.8000", "+86 138 0013 8000", "(138) 0013-8000", "0086 13800138000"),
    *("%2B8613800138000", "%2B86%20138%200013%208000", "86+138+0013+8000", "-13800138000-"),
    *('{"phone":"13800138000"}', '{"phone":13800138000}', "phone=13800138000&x=1"),
    *("id_13800138000_1", "13800138000,13900139000", "epoch:13800138000", "2026-11-13800138000"),
    *(
        "１３８００１３８０００",
        "\u202a+86 138\u00a00013\u00a08000\u202c",
        "+49 30 1234",
        "20.12.34.56",
    ),
    *(r"138\u00a00013\u00a08000", r"138\xa00013\xa08000", "abcde13800138000:7", "0138-0013-80-00"),
)

READABLE = (
    *("2026-11-20", "2026-11-20T10:00:00.123456Z", "2026-11-20 10:00:00,123 it was"),
    *("2026-11-20T10:00:00+08:00", "at 2026/11/20 10:00:00.", "from 192.168.100.17:50051"),
    *("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "624e76e6486648cd8be0dee3b5cc9a1f"),
    *("1f6c2d3e4f5a:123456789", "position 1234567", "1234567 receipts", "line 42, in read"),
    *("+86138****8000", "HTTP/1.1 404", "127.0.0.1:8000"),
)

NUMBERS = ("13800138000", "8613800138000", "4915123456789", "12025550123", "85291234567")
BETWEEN = ("", " ", "-", ".", " - ", "/", "\u00a0", "\u2011", ") ", "\u200e", "+")
BESIDE = st.text(st.sampled_from("abcxyzABCXYZ:.-_,;=\"'/ é中("), max_size=6)
ENCODINGS: tuple[Callable[[str], str], ...] = (
    *(str, quote, quote_plus, json.dumps, repr),
    lambda text: repr(text.encode()),
    lambda text: json.dumps({"phone": text, "texts": [text]}),
    lambda text: str(ValueError(f"cannot read {text!r}")),
)
_ESCAPES = re.compile(r"%[0-9A-F]{0,2}|\\u[0-9a-f]{0,4}|\\x[0-9a-f]{0,2}")  # or what is left


@st.composite
def written(draw: st.DrawFn) -> str:
    """A number in groups, with something between them, with or without a sign."""
    rest, groups = draw(st.sampled_from(NUMBERS)), []
    while rest:
        size = draw(st.integers(2, 5))
        groups.append(rest[:size])
        rest = rest[size:]
    sign = draw(st.sampled_from(("", "+", "00", "\uff0b", "+(")))
    return sign + draw(st.sampled_from(BETWEEN)).join(groups)


@settings(max_examples=2000)
@given(written(), BESIDE, BESIDE, st.sampled_from(ENCODINGS))
def test_no_writing_of_a_number_passes_whatever_is_beside_it(
    number: str, before: str, after: str, encoded: Callable[[str], str]
) -> None:
    left = _ESCAPES.sub("", scrub(encoded(before + number + after)))
    assert not [character for character in left if character.isdigit()], left


@pytest.mark.parametrize("text", WRITINGS)
def test_a_number_is_hidden(text: str) -> None:
    hidden = scrub(text)
    assert HIDDEN in hidden
    assert not re.search(r"\d{4}", _ESCAPES.sub("", hidden).replace("2026", ""))


@pytest.mark.parametrize("text", READABLE)
def test_what_operators_need_stays_readable(text: str) -> None:
    assert scrub(text) == text


@pytest.fixture(params=["json", "console"])
def lines(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    """Where the log goes, in either form."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    configure_logging("info", request.param, stream)
    try:
        yield stream
    finally:
        root.handlers[:], root.level = handlers, level
        structlog.reset_defaults()


def test_no_field_of_a_line_holds_a_number(lines: io.StringIO) -> None:
    number = "13800138000"
    ours, others = structlog.stdlib.get_logger("hub"), logging.getLogger("library")
    ours.warning(f"read {number}", text=number, integer=int(number), raw=number.encode())
    ours.warning("nested", many=[{number: {"deep": (number, int(number))}}], error=KeyError(number))
    ours.warning("with %s", number)
    others.warning("said %s", number, extra={"about": {"tel": f"tel:{number}"}})
    for logger in (ours, others):
        logger.error("failed", exc_info=ValueError(number))
    told = lines.getvalue()
    assert told.count(HIDDEN) >= 12
    assert "138001" not in told


def test_fields_that_are_known_by_name_stay_readable(lines: io.StringIO) -> None:
    logger = structlog.stdlib.get_logger("hub")
    logger.warning("w", position=13800138000, bytes=1073741824, cursor="1f6c13800138:123456789")
    told = lines.getvalue()
    for shown in ("13800138000", "1073741824", "1f6c13800138:123456789"):
        assert shown in told


NUMBER = "13800138000"


class Odd:
    """Something whose words hold a number."""

    def __repr__(self) -> str:
        return f"<Odd {NUMBER}>"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        *((None, None), (True, True), (1.5, 1.5), (1234567, 1234567), (int(NUMBER), HIDDEN)),
        *((f"at {NUMBER}", f"at {HIDDEN}"), (Odd(), f"<Odd {HIDDEN}>")),
        ([NUMBER, 2], [HIDDEN, 2]),
        ({NUMBER: {"tel": (int(NUMBER),)}}, {HIDDEN: {"tel": [HIDDEN]}}),
        ({"position": int(NUMBER), "text": NUMBER}, {"position": int(NUMBER), "text": HIDDEN}),
        ({7: "x"}, {"7": "x"}),
    ],
)
def test_a_value_is_shown_without_the_numbers_in_it(value: object, shown: object) -> None:
    assert redacted(value) == shown


@pytest.mark.parametrize(
    "value", [int(NUMBER), NUMBER, [NUMBER], (int(NUMBER),), {int(NUMBER)}], ids=repr
)
def test_a_field_known_by_name_is_shown_with_all_that_it_holds(value: object) -> None:
    shown = redacted(value, "position")
    assert (list(value) if isinstance(value, (set, tuple)) else value) == shown
    assert redacted(Odd(), "position") == repr(Odd())


async def test_no_line_of_a_hub_that_logs_everything_holds_a_number(tmp_path: Path) -> None:
    hub_settings = quick_settings(tmp_path, log_level="debug")
    secrets = await accounts(hub_settings)
    headers = {"Authorization": f"Bearer {secrets.token}"}
    odd = ("tel:13800138000", "138-0013-8000", "+86 138 0013 8000", "a13800138000", "138.0013.8000")
    async with process(hub_settings, tmp_path) as hub, httpx.AsyncClient(timeout=30) as client:
        hub.start()
        await hub.ready()
        items = body(*({"smsId": f"m{n}", "phone": phone} for n, phone in enumerate(odd)))
        assert answer(await client.post(hub.url + secrets.callback, content=items)) == STORED
        query = "query($r: [String!]) { receipts(filter: {recipients: $r}) { head } }"
        for phone in odd:
            asked = {"query": query, "variables": {"r": [phone]}}
            assert (await client.post(f"{hub.url}/graphql", json=asked, headers=headers)).is_success
        assert await hub.stop() == 0
    assert HIDDEN in hub.lines  # the statements are there, without what they were executed with
    for line in hub.lines.splitlines():
        assert not re.search(r"1\D{0,3}3\D{0,3}8\D{0,3}0\D{0,3}0\D{0,3}1\D{0,3}3\D{0,3}8", line), (
            line
        )
