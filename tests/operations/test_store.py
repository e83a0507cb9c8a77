"""What a store owner sets up in the real process when Discord fails in the middle."""

from typing import Any, Final

import pytest
from doubles.networked_discord import Fault, NetworkedDiscord
from process import Bot, Start
from shop import Shop, team_channel
from simcord.backend.models import Message

from fileflare_bot.leak_guard import RULE_NAME

NOW: Final = (  # the reconciler comes every half second, and its pauses are short
    "import datetime, fileflare_bot.app as app, fileflare_bot.storage.postponing as postponing; "
    "app.FileflareBot._tend_storage.change_interval(seconds=0.5); "
    "postponing.FIRST_PAUSE = datetime.timedelta(seconds=0.2)"
)
LATER: Final = "The setting is saved, but Discord has not taken the leak guard's rule yet. The rule follows by itself."


@pytest.fixture
async def prompt_bot(start: Start, discord: NetworkedDiscord, shop: Shop) -> Bot:
    """A bot process that tries again soon."""
    running = await start(first=NOW)
    await discord.connected()
    assert shop.guild_id
    return running


def rules(shop: Shop) -> list[Any]:
    return [*shop.discord.backend.guilds[shop.guild_id].auto_mod_rules.values()]


def creating(method: str, path: str, _body: Any) -> bool:  # noqa: ANN401 - JSON
    return method == "POST" and path.endswith("/auto-moderation/rules")


async def switch(shop: Shop) -> str:
    """Switch the leak guard on or off, and return what the page says."""
    setup = await shop.discord.slash(shop.owner, shop.channel, "store setup").done()
    assert setup.message is not None
    await shop.discord.press(shop.owner, setup.message, "toggle:leak_guard:").done()
    return str(shop.discord.backend.messages[shop.channel][setup.message.id].components)


async def check(shop: Shop) -> str:
    """Press Check, and return what it says."""
    setup = await shop.discord.slash(shop.owner, shop.channel, "store setup").done()
    return (await shop.press(shop.owner, setup.message, "Check")).text


@pytest.mark.parametrize(
    ("status", "after"), [(503, False), (503, True), (0, True), (502, True)], ids=["refused", "lost", "cut", "repeated"]
)
async def test_a_rule_whose_creation_failed_or_was_not_confirmed_is_there_once_in_the_end(
    prompt_bot: Bot, discord: NetworkedDiscord, shop: Shop, status: int, *, after: bool
) -> None:
    discord.faults.append(Fault(creating, status, after=after))

    page = await switch(shop)

    assert (LATER in page) is (status != 502), "discord.py itself repeats a call after a 502"
    await discord.until(lambda: [rule.name for rule in rules(shop)] == [RULE_NAME])
    assert "The leak guard is on." in await check(shop)
    assert len(rules(shop)) == 1
    assert discord.say(shop.customer, shop.channel, "https://a-store.com/account/orders/" + "a" * 32) is None
    assert await prompt_bot.stop() == 0


async def test_a_guard_that_is_switched_off_before_its_rule_is_known_leaves_no_rule(
    bot: Bot, discord: NetworkedDiscord, shop: Shop
) -> None:
    discord.faults.append(Fault(creating, 503, after=True))
    assert LATER in await switch(shop)
    assert len(rules(shop)) == 1

    await switch(shop)

    assert rules(shop) == []
    assert await bot.stop() == 0


async def test_a_rule_is_deleted_later_if_discord_does_not_take_the_deletion(
    prompt_bot: Bot, discord: NetworkedDiscord, shop: Shop
) -> None:
    await switch(shop)
    discord.faults.append(Fault(lambda method, path, _body: method == "DELETE" and "auto-moderation" in path, 503))

    assert LATER in await switch(shop)

    await discord.until(lambda: rules(shop) == [])
    assert await prompt_bot.stop() == 0


@pytest.mark.parametrize("after", [False, True])
async def test_a_process_that_is_killed_while_it_creates_the_rule_has_it_once_after_the_next_start(
    start: Start, bot: Bot, discord: NetworkedDiscord, shop: Shop, *, after: bool
) -> None:
    setup = await discord.slash(shop.owner, shop.channel, "store setup").done()
    assert setup.message is not None
    discord.faults.append(Fault(creating, 0, after=after, act=bot.process.kill))
    discord.press(shop.owner, setup.message, "toggle:leak_guard:")
    await bot.process.wait()

    again = await start(first=NOW)

    await discord.until(lambda: len(rules(shop)) == 1)
    await discord.until(lambda: discord.sessions)
    assert "The leak guard is on." in await check(shop)
    assert len(rules(shop)) == 1
    assert await again.stop() == 0


def panels(shop: Shop) -> list[Message]:
    return [message for message in shop.messages(shop.channel) if message.embeds and not message.flags]


def posting(shop: Shop) -> Any:  # noqa: ANN401 - picks calls
    return lambda method, path, _body: (method, path) == ("POST", f"/channels/{shop.channel}/messages")


async def test_a_panel_whose_posting_was_not_confirmed_is_not_posted_again(
    bot: Bot, discord: NetworkedDiscord, shop: Shop
) -> None:
    discord.faults.append(Fault(posting(shop), 0, after=True))
    first = await discord.slash(shop.owner, shop.channel, "store panel").done()
    assert first.text.startswith("**Discord has not confirmed the panel yet;** I go on trying.")
    assert len(panels(shop)) == 1

    second = await discord.slash(shop.owner, shop.channel, "store panel").done()

    assert second.text.startswith("The panel is posted.")
    assert len(panels(shop)) == 1
    assert await bot.stop() == 0


async def test_a_panel_is_posted_once_when_the_process_is_killed_and_the_command_used_again(
    start: Start, bot: Bot, discord: NetworkedDiscord, shop: Shop
) -> None:
    discord.faults.append(Fault(posting(shop), 0, after=True, act=bot.process.kill))
    discord.slash(shop.owner, shop.channel, "store panel")
    await bot.process.wait()
    again = await start()
    await discord.until(lambda: discord.sessions)

    second = await discord.slash(shop.owner, shop.channel, "store panel").done()

    assert second.text.startswith("The panel is posted.")
    assert len(panels(shop)) == 1
    assert await again.stop() == 0


async def test_a_panel_that_discord_does_not_take_at_once_is_posted_by_itself(
    prompt_bot: Bot, discord: NetworkedDiscord, shop: Shop
) -> None:
    failing = Fault(posting(shop), 0, times=None)
    discord.faults.append(failing)
    first = await discord.slash(shop.owner, shop.channel, "store panel").done()
    assert first.text.startswith("**Discord has not confirmed the panel yet;** I go on trying.")
    assert panels(shop) == []

    discord.faults.remove(failing)

    await discord.until(lambda: len(panels(shop)) == 1)
    again = await discord.slash(shop.owner, shop.channel, "store panel").done()
    assert again.text.startswith("The panel is posted anew,")
    assert len(panels(shop)) == 1
    assert await prompt_bot.stop() == 0


async def test_a_panel_whose_change_was_cut_off_by_the_end_of_the_process_is_changed_after_the_next_start(
    start: Start, bot: Bot, discord: NetworkedDiscord, shop: Shop
) -> None:
    await discord.slash(shop.owner, shop.channel, "store panel").done()
    setup = await discord.slash(shop.owner, shop.channel, "store setup").done()
    assert setup.message is not None
    edits = Fault(
        lambda method, path, _body: method == "PATCH" and path.startswith(f"/channels/{shop.channel}/messages/"),
        0,
        act=bot.process.kill,
    )
    discord.faults.append(edits)
    discord.press(shop.owner, setup.message, "store_setup:language", ["de"])
    await bot.process.wait()

    again = await start(first=NOW)

    await discord.until(lambda: panels(shop)[0].embeds[0]["title"] == "Deine Downloads")
    assert len(panels(shop)) == 1
    assert await again.stop() == 0


async def test_rules_that_are_added_at_once_are_all_kept(bot: Bot, discord: NetworkedDiscord, shop: Shop) -> None:
    buyer = discord.backend.create_role(shop.guild_id, "Buyer")
    adding = [
        discord.slash(
            shop.owner, shop.channel, "store roles add", match="tag", role=str(buyer.id), value=f"tag-{number}"
        )
        for number in range(8)
    ]
    for each in adding:
        assert (await each.done()).text.startswith("Saved.")

    listed = await discord.slash(shop.owner, shop.channel, "store roles list").done()

    assert listed.message is not None
    for number in range(8):
        assert f"tag-{number}" in str(listed.message.embeds[0])
    assert await bot.stop() == 0


async def test_a_request_that_waits_for_a_working_channel_is_posted_when_the_owner_chooses_one(
    start: Start, bot: Bot, discord: NetworkedDiscord, shop: Shop
) -> None:
    assert await bot.stop() == 0
    again = await start(first=NOW + "; postponing.FIRST_PAUSE = datetime.timedelta(hours=1)")
    await discord.until(lambda: discord.sessions)
    discord.faults.append(
        Fault(
            lambda method, path, _body: (method, path) == ("POST", f"/channels/{shop.support}/messages"),
            403,
            code=50001,
            times=None,
        )
    )
    await shop.ask_for_help()
    elsewhere = team_channel(discord, shop.guild_id, "another")
    setup = await discord.slash(shop.owner, shop.channel, "store setup").done()
    assert setup.message is not None

    await discord.press(shop.owner, setup.message, "support_channel_id", [str(elsewhere.id)]).done()

    await discord.until(lambda: [message for message in shop.messages(elsewhere.id) if message.embeds])
    assert await again.stop() == 0
