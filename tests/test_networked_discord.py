"""The networked stand-in for Discord does what the tests of whole processes rely on."""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import discord as discord_py
import pytest
from doubles.loopback import IDENTIFY
from doubles.networked_discord import Fault, NetworkedDiscord


class Rest:
    """Makes REST calls as the bot, and returns the status and the answer."""

    def __init__(self, discord: NetworkedDiscord, session: aiohttp.ClientSession) -> None:
        self._discord = discord
        self._session = session

    async def call(self, method: str, path: str, **body: Any) -> tuple[int, Any]:  # noqa: ANN401 - JSON
        """Make a call with this JSON."""
        headers = {"Authorization": f"Bot {self._discord.token}"}
        url = f"{self._discord.url}{path}"
        async with self._session.request(method, url, json=body or None, headers=headers) as response:
            return response.status, await response.json() if response.content_type == "application/json" else None


class Place:
    """A server with a channel, a member and the bot."""

    def __init__(self, discord: NetworkedDiscord) -> None:
        backend = discord.backend
        self.member = backend.make_user("casey").id
        self.guild = backend.create_guild("Shop").id
        self.channel = backend.create_channel(self.guild, "downloads").id
        backend.add_member(self.guild, self.member)
        self.direct = backend.get_dm_channel(self.member).id


@pytest.fixture
async def networked() -> AsyncIterator[NetworkedDiscord]:
    async with NetworkedDiscord().serve() as server:
        yield server


@pytest.fixture
def rest(networked: NetworkedDiscord, session: aiohttp.ClientSession) -> Rest:
    return Rest(networked, session)


@pytest.fixture
def place(networked: NetworkedDiscord) -> Place:
    return Place(networked)


def posting(method: str, path: str, _body: object) -> bool:
    return method == "POST" and path.endswith("/messages")


async def test_a_second_message_with_a_nonce_is_not_created(
    networked: NetworkedDiscord, rest: Rest, place: Place
) -> None:
    path = f"/channels/{place.channel}/messages"
    _, first = await rest.call("POST", path, content="One", nonce="1.1", enforce_nonce=True)
    _, second = await rest.call("POST", path, content="Two", nonce="1.1", enforce_nonce=True)
    _, other = await rest.call("POST", path, content="Three", nonce="1.2", enforce_nonce=True)

    assert (second["id"], second["content"]) == (first["id"], "One")
    assert other["id"] != first["id"]
    assert len(networked.backend.messages[place.channel]) == 2


async def test_a_nonce_is_forgotten_after_its_time(networked: NetworkedDiscord, rest: Rest, place: Place) -> None:
    networked.nonce_seconds = 0
    path = f"/channels/{place.channel}/messages"
    for _ in range(2):
        await rest.call("POST", path, content="One", nonce="1.1", enforce_nonce=True)

    assert len(networked.backend.messages[place.channel]) == 2


async def test_a_message_has_one_thread(rest: Rest, place: Place) -> None:
    _, message = await rest.call("POST", f"/channels/{place.channel}/messages", content="A card")
    path = f"/channels/{place.channel}/messages/{message['id']}/threads"

    assert (await rest.call("POST", path, name="#1"))[1]["id"] == message["id"]
    status, refused = await rest.call("POST", path, name="#1")
    assert (status, refused["code"]) == (400, 160004)


async def test_a_message_opens_an_archived_thread(networked: NetworkedDiscord, rest: Rest, place: Place) -> None:
    _, message = await rest.call("POST", f"/channels/{place.channel}/messages", content="A card")
    await rest.call("POST", f"/channels/{place.channel}/messages/{message['id']}/threads", name="#1")
    await rest.call("PATCH", f"/channels/{message['id']}", archived=True)
    state = networked.backend.channels[int(message["id"])].thread_metadata
    assert state is not None
    assert state.archived

    await rest.call("POST", f"/channels/{message['id']}/messages", content="A note")

    assert not state.archived


async def test_direct_messages_can_be_closed_and_reach_nobody_who_has_left(
    networked: NetworkedDiscord, rest: Rest, place: Place
) -> None:
    path = f"/channels/{place.direct}/messages"
    networked.closed_to.add(place.member)
    closed = await rest.call("POST", path, content="Hello")
    networked.backend.remove_member(place.guild, place.member)
    left = await rest.call("POST", path, content="Hello")

    assert [(status, error["code"]) for status, error in (closed, left)] == [(403, 50007), (403, 50278)]


async def test_an_automod_pattern_stops_a_message(networked: NetworkedDiscord, rest: Rest, place: Place) -> None:
    status, _ = await rest.call(
        "POST",
        f"/guilds/{place.guild}/auto-moderation/rules",
        name="Order links",
        event_type=discord_py.AutoModRuleEventType.message_send.value,
        trigger_type=discord_py.AutoModRuleTriggerType.keyword.value,
        trigger_metadata={"regex_patterns": [r"/orders/\d+"]},
        actions=[{"type": discord_py.AutoModRuleActionType.block_message.value, "metadata": {}}],
        enabled=True,
    )

    assert status == 200
    assert networked.say(place.member, place.channel, "Look: shop.example/orders/12") is None
    assert networked.say(place.member, place.channel, "Look: shop.example/cart") is not None


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_call_can_fail_before_or_after_it_takes_effect(
    networked: NetworkedDiscord, rest: Rest, place: Place, *, after: bool
) -> None:
    path = f"/channels/{place.channel}/messages"
    networked.faults.append(Fault(posting, status=0, after=after))
    with pytest.raises(aiohttp.ClientError):
        await rest.call("POST", path, content="One")
    networked.faults.append(Fault(posting, status=429))
    limited = await rest.call("POST", path, content="Two")

    assert limited == (429, {"message": "As the test wants it.", "code": 0, "retry_after": 0.05, "global": False})
    assert (await rest.call("POST", path, content="Three"))[0] == 200
    said = [message.content for message in networked.backend.messages[place.channel].values()]
    assert said == (["One"] if after else []) + ["Three"]


async def test_a_call_can_be_held_back(networked: NetworkedDiscord, rest: Rest, place: Place) -> None:
    held = asyncio.Event()
    networked.faults.append(Fault(posting, status=None, held=held))
    calling = asyncio.create_task(rest.call("POST", f"/channels/{place.channel}/messages", content="One"))
    await asyncio.sleep(0.1)
    assert not calling.done()
    assert not networked.backend.messages.get(place.channel)

    held.set()

    assert (await calling)[0] == 200


@pytest.mark.parametrize(("after", "made"), [(False, 1), (True, 2)], ids=["before", "after"])
async def test_a_fault_kills_a_process_at_a_call(
    networked: NetworkedDiscord, place: Place, *, after: bool, made: int
) -> None:
    code = (
        "import http.client, json, sys\n"
        "for number in range(3):\n"
        "    connection = http.client.HTTPConnection(sys.argv[1])\n"
        "    headers = {'Authorization': 'Bot ' + sys.argv[3], 'Content-Type': 'application/json'}\n"
        "    connection.request('POST', sys.argv[2], json.dumps({'content': str(number)}), headers)\n"
        "    connection.getresponse().read()\n"
    )
    base, _, version = networked.url.removeprefix("http://").partition("/")
    path = f"/{version}/channels/{place.channel}/messages"

    def second(method: str, path: str, body: Any) -> bool:  # noqa: ANN401 - JSON
        return posting(method, path, body) and body["content"] == "1"

    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, base, path, networked.token)
    networked.faults.append(Fault(second, status=0, after=after, act=process.kill))

    assert await process.wait() == -9
    assert len(networked.backend.messages[place.channel]) == made


async def test_each_of_two_shards_gets_its_own_servers(session: aiohttp.ClientSession) -> None:
    async with NetworkedDiscord(shards=2).serve() as networked:
        guilds = [networked.backend.create_guild("Shop", shard_id=shard, shard_count=2).id for shard in (0, 1)]
        for shard in (0, 1):
            async with session.ws_connect(networked.gateway_url) as socket:
                await socket.receive_json()
                intents = discord_py.Intents(guilds=True).value
                identity = {"token": networked.token, "intents": intents, "shard": [shard, 2]}
                await socket.send_json({"op": IDENTIFY, "d": identity})
                ready, created = await socket.receive_json(), await socket.receive_json()

            assert [guild["id"] for guild in ready["d"]["guilds"]] == [str(guilds[shard])]
            assert created["d"]["id"] == str(guilds[shard])
