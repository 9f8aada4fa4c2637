"""What people type."""

import doctest
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.cli.terminal import values
from hub.errors import BadInput


def test_the_examples_of_the_docstrings_hold() -> None:
    assert doctest.testmod(values).failed == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("15m", 900), ("12h", 43_200), ("7d", 604_800), ("2w", 1_209_600)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert values.duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1y", "7 days", "1e9d", "9999999999w"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        values.duration(text)


def test_a_time_without_a_zone_is_utc() -> None:
    expected = datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert values.instant("2026-11-23T10:00:00") == expected
    assert values.instant("2026-11-23T10:00:00Z") == expected
    assert values.instant("2026-11-23T18:00:00+08:00") == expected


def test_a_duration_as_a_time_is_that_long_ago() -> None:
    now = datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert values.instant("15m", now) == datetime(2026, 11, 23, 9, 45, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", ""])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        values.instant(text)


def test_a_credential_is_typed_or_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("a=b\n")
    assert values.credential("auth_token=a=b") == ("auth_token", "a=b")
    assert values.credential(f"auth_token=@{file}") == ("auth_token", "a=b")


@pytest.mark.parametrize("text", ["auth_token", "=x", "auth_token=", "auth_token=@/no/such/file"])
def test_a_credential_without_name_or_value_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        values.credential(text)


def test_a_refused_credential_does_not_show_its_value() -> None:
    with pytest.raises(BadInput) as caught:
        values.credential("=hunter2")
    assert "hunter2" not in str(caught.value)
