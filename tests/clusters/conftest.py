"""Several real processes on a Discord with eight shards and one PostgreSQL."""

from collections.abc import AsyncIterator

import pytest
from clusters.fleet import SHARDS, Fleet, add_shop
from doubles.networked_discord import NetworkedDiscord
from process import Start
from shop import Shop


@pytest.fixture
async def discord() -> AsyncIterator[NetworkedDiscord]:
    async with NetworkedDiscord(shards=SHARDS).serve() as server:
        yield server


@pytest.fixture
def shops(discord: NetworkedDiscord) -> list[Shop]:
    """A shop on each shard."""
    return [add_shop(discord, shard) for shard in range(SHARDS)]


@pytest.fixture
async def fleet(
    discord: NetworkedDiscord, start: Start, postgresql_url: str, shops: list[Shop]
) -> AsyncIterator[Fleet]:
    """No process yet; at the end, no two processes may ever have believed to run one cluster."""
    assert len(shops) == SHARDS
    async with Fleet(discord, start, postgresql_url).watched() as watched:
        yield watched
