"""What `/metrics` shows of a running hub."""

from hub.settings import Settings
from tests.providing import Providing, providing


async def test_whether_the_hub_is_ready_is_known_without_a_question_to_readyz(
    settings: Settings,
) -> None:
    async with providing(settings) as at:
        assert "hub_ready 1.0" in await exposed(at)
        at.hub.feed.drain()
        assert "hub_ready 0.0" in await exposed(at)


async def exposed(at: Providing) -> list[str]:
    return (await at.client.get(f"{at.hub.http_url}/metrics")).text.splitlines()
