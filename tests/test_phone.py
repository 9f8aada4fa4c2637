import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import phone
from hub.phone import candidates, normalise


def test_the_examples_hold() -> None:
    assert doctest.testmod(phone).failed == 0


@pytest.mark.parametrize(
    "text",
    [
        "13800138000",
        "+8613800138000",
        "8613800138000",
        "008613800138000",
        " 13800138000 ",
        "138-0013-8000",
        "+86 138 0013 8000",
        "(86)138.0013.8000",
        "\uff11\uff13\uff18\uff10\uff10\uff11\uff13\uff18\uff10\uff10\uff10",
    ],
)
def test_a_mainland_mobile_has_one_form(text: str) -> None:
    assert normalise(text) == "+8613800138000"


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("07911 123456", "GB", "+447911123456"),
        ("447911123456", "CN", "+447911123456"),
        ("00447911123456", "CN", "+447911123456"),
        ("+852 5123 4567", "CN", "+85251234567"),
        ("51234567", "HK", "+85251234567"),
        ("0171 1234567", "DE", "+491711234567"),
        ("010-62551234", "CN", "+861062551234"),
        ("+8613800138000", "GB", "+8613800138000"),
    ],
)
def test_other_numbers_follow_their_numbering_plan(text: str, region: str, expected: str) -> None:
    assert normalise(text, region) == expected


@pytest.mark.parametrize(
    "text", ["138xxxxxxxx", "10086", "12345", "nobody", "", "+", "99999999999999"]
)
def test_what_is_no_number_stays_as_it_came(text: str) -> None:
    assert normalise(text) == text


def test_a_person_may_type_a_number_of_any_of_the_accounts_regions() -> None:
    assert candidates(" 51234567 ", ("CN", "HK")) == ("51234567", "+85251234567")
    assert candidates("138xxxxxxxx", ()) == ("138xxxxxxxx",)


NUMBERS = st.from_regex(r"\+?[0-9][0-9 ()-]{4,18}[0-9]", fullmatch=True)


@given(st.text(max_size=30) | NUMBERS, st.sampled_from(["CN", "US", "GB", "ZZ"]))
def test_any_text_gives_a_text_and_its_form_is_stable(text: str, region: str) -> None:
    once = normalise(text, region)
    assert normalise(once, region) == once
