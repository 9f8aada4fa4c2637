import doctest
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.intake import peer
from hub.intake.peer import Peers

PROXY, INSIDE, OUTSIDE = "10.0.0.1", "203.0.113.9", "198.51.100.7"
ALLOWED = ("203.0.113.0/24",)


def headers(**values: str) -> list[tuple[bytes, bytes]]:
    return [(name.replace("_", "-").encode(), text.encode()) for name, text in values.items()]


def test_the_examples_of_the_docstrings_hold() -> None:
    assert doctest.testmod(peer).failed == 0


@pytest.mark.parametrize(
    ("allowed", "client", "admitted"),
    [
        ((), OUTSIDE, True),
        ((), None, True),
        (ALLOWED, INSIDE, True),
        (ALLOWED, OUTSIDE, False),
        (ALLOWED, None, False),
        (ALLOWED, "testclient", False),
        (ALLOWED, f"::ffff:{INSIDE}", True),
        ((f"::ffff:{INSIDE}",), INSIDE, True),
        (("::ffff:203.0.113.0/120",), INSIDE, True),
        (("::ffff:203.0.113.0/120",), OUTSIDE, False),
        (("::/0",), INSIDE, False),
        (("203.0.113.9",), INSIDE, True),
        (("203.0.113.9/24",), "203.0.113.1", True),
        (("2001:db8::/32", "192.0.2.1"), "2001:db8::7", True),
        (("2001:db8::/32",), INSIDE, False),
    ],
)
def test_an_allow_list_admits_addresses_and_networks(
    allowed: tuple[str, ...], client: str | None, *, admitted: bool
) -> None:
    assert Peers(()).admits(allowed, client, []) is admitted


def test_forwarded_headers_are_ignored_without_trusted_proxies() -> None:
    told = headers(x_forwarded_for=INSIDE, forwarded=f"for={INSIDE}")
    assert not Peers(()).admits(ALLOWED, OUTSIDE, told)
    assert Peers(()).admits(ALLOWED, INSIDE, headers(x_forwarded_for=OUTSIDE))


def test_forwarded_headers_are_ignored_from_whoever_is_no_trusted_proxy() -> None:
    assert not Peers((PROXY,)).admits(ALLOWED, OUTSIDE, headers(x_forwarded_for=INSIDE))


@pytest.mark.parametrize(
    ("told", "caller"),
    [
        ({}, PROXY),
        ({"x_forwarded_for": INSIDE}, INSIDE),
        ({"x_forwarded_for": f"{INSIDE}, {OUTSIDE}"}, OUTSIDE),
        ({"x_forwarded_for": f"{INSIDE}, 10.9.9.9, {PROXY}"}, INSIDE),
        ({"x_forwarded_for": f"{INSIDE}:4711"}, INSIDE),
        ({"x_forwarded_for": "[2001:db8::7]:4711"}, "2001:db8::7"),
        ({"x_forwarded_for": f"{INSIDE}, unknown"}, None),
        ({"x_forwarded_for": f"{INSIDE}, "}, None),
        ({"x_forwarded_for": "10.0.0.7, 10.0.0.8"}, "10.0.0.7"),
        ({"forwarded": f"for={INSIDE}"}, INSIDE),
        ({"forwarded": f'For="{INSIDE}:80";proto=https;by=10.0.0.1'}, INSIDE),
        ({"forwarded": 'for="[2001:db8::7]:4711"'}, "2001:db8::7"),
        ({"forwarded": f"for={INSIDE}, for={OUTSIDE};by={PROXY}"}, OUTSIDE),
        ({"forwarded": "for=_hidden"}, None),
        ({"forwarded": "proto=https"}, PROXY),
        ({"x_forwarded_for": INSIDE, "forwarded": f"for={INSIDE}"}, INSIDE),
        ({"x_forwarded_for": INSIDE, "forwarded": f"for={OUTSIDE}"}, None),
    ],
    ids=repr,
)
def test_behind_trusted_proxies_the_caller_is_the_last_hop_that_is_none_of_them(
    told: dict[str, str], caller: str | None
) -> None:
    address = Peers(("10.0.0.0/8",)).address(PROXY, headers(**told))
    assert address == (ip_address(caller) if caller else None)


def test_several_lines_of_one_header_are_one_path() -> None:
    lines = [(b"x-forwarded-for", INSIDE.encode()), (b"x-forwarded-for", OUTSIDE.encode())]
    assert Peers((PROXY,)).address(PROXY, lines) == ip_address(OUTSIDE)


@given(st.text(), st.text())
def test_any_header_gives_an_address_or_none(one: str, other: str) -> None:
    told = [
        (b"x-forwarded-for", one.encode("utf-8", "replace")),
        (b"forwarded", other.encode("utf-8", "replace")),
    ]
    Peers((PROXY,)).address(PROXY, told)
