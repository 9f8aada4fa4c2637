"""What is told of a setting that cannot be used."""

import pytest

from hub.errors import StartError
from hub.settings import load


@pytest.mark.parametrize(
    ("name", "held", "told"),
    [
        ("HUB_PUBLIC_URL", "not a url", "not a url"),
        ("HUB_PUBLIC_URL", "hub.example.com", "hub.example.com"),
        ("HUB_PUBLIC_URL", "ftp://hub.example.com/a", "ftp://hub.example.com/a"),
        ("HUB_PUBLIC_URL", "https://hub:secret@example.com/a", "https://hub:***@example.com/a"),
        ("HUB_PUBLIC_URL", "https://secret@example.com", "https://***@example.com"),
        ("HUB_PUBLIC_URL", "hub:secret@example.com", "hub:***@example.com"),
        ("HUB_PUBLIC_URL", "https://h/?a=1&token=secret#x", "https://h/?a=1&token=***#x"),
        ("HUB_PUBLIC_URL", "https://h/?API_KEY=secret", "https://h/?API_KEY=***"),
        ("HUB_DATABASE_URL", "mysql://hub:s3/cr@et@db:5/hub", "mysql://hub:***@db:5/hub"),
        ("HUB_DATABASE_URL", "postgresql+asyncpg://hub:secret/hub",
         "postgresql+asyncpg://hub:***/hub"),
        ("HUB_DATABASE_URL", "postgresql://db:5432/hub?password=secret",
         "postgresql://db:5432/hub?password=***"),
        ("HUB_GRAPHQL_ALLOWED_ORIGINS", "https://a:secret@a.example,https://b:secret@b.example",
         "https://a:***@b.example"),
        ("HUB_LOG_LEVEL", "lo@ud", "lo@ud"),
    ],
)  # fmt: skip
def test_a_bad_setting_is_told_as_it_is_without_its_secrets(
    monkeypatch: pytest.MonkeyPatch, name: str, held: str, told: str
) -> None:
    monkeypatch.setenv(name, held)
    with pytest.raises(StartError) as raised:
        load()
    assert str(raised.value).startswith(f"{name} holds {told!r}: ")
