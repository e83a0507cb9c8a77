"""The leak guard: Discord's AutoMod blocks order links, and its rule stays as the owner wants it."""

import asyncio
from datetime import timedelta
from typing import Any

import discord
import pytest
from desk import Desk, embed, page, reply, toggle_id
from simcord.backend import serializers
from simcord.builders import ChannelHandle

from fileflare_bot import leak_guard
from fileflare_bot.demo import orders
from fileflare_bot.demo.simulator import know_patterns
from fileflare_bot.leak_guard import RULE_NAME, GuardState
from fileflare_bot.orders.leaks import PATTERNS
from fileflare_bot.storage import postponing
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.options import Options
from fileflare_bot.storage.records import GuildSettings

ELSEWHERE = 12345
LATER = "The setting is saved, but Discord has not taken the leak guard's rule yet. The rule follows by itself."
NO_ROOM = "The leak guard has no room: Discord allows 6 keyword rules. Delete one under Server Settings > AutoMod."
LINK = f"https://my-store.com/account/orders/{orders.DOCUMENTED}"


@pytest.fixture(autouse=True)
def _automod_knows_patterns(desk: Desk) -> None:
    know_patterns(desk.env.backend)


async def switch(desk: Desk) -> str:
    setup = await desk.owner.slash(desk.channel, "store setup")
    return page(await desk.owner.click(reply(setup), custom_id=toggle_id(setup, "leak_guard")))


def rules(desk: Desk) -> list[Any]:
    return list(desk.env.backend.get_guild(desk.guild.id).auto_mod_rules.values())


def lines(desk: Desk) -> list[str]:
    """Return the lines in the log channel."""
    return [str(message.embeds[0].description) for message in desk.log_channel.history()]


async def test_an_order_link_is_blocked_and_the_log_channel_is_told_without_the_link(desk: Desk) -> None:
    await desk.set_up(log=True)
    assert "🟢 **Leak guard.**" in await switch(desk)
    (rule,) = rules(desk)
    assert rule.actions[0]["metadata"]["custom_message"].endswith("Discord's list: only you see the answer.")
    assert len(rule.actions[0]["metadata"]["custom_message"]) <= 150

    await desk.customer.send(desk.channel, f"look: {LINK}")
    await desk.customer.send(desk.channel, "look: https://my-store.com/products/my-new-book")
    await desk.env.settle()

    assert [message.content for message in desk.channel.history() if message.author.name == "casey"] == [
        "look: https://my-store.com/products/my-new-book"
    ]
    what = f"I stopped a message of <@{desk.customer.id}> in <#{desk.channel.id}>"
    assert lines(desk)[-1] == f"🛡️ {what}: it held an order link or an order ID."


async def test_many_messages_in_a_minute_make_one_line_with_their_number(desk: Desk) -> None:
    await desk.set_up(log=True)
    await switch(desk)
    before = len(lines(desk))

    for author in (desk.customer, desk.member) * 10:
        await author.send(desk.channel, f"look: {LINK}")
    await desk.env.settle()

    first = f"The first one was of <@{desk.customer.id}> in <#{desk.channel.id}>."
    what = "I stopped 20 messages within a minute: they held order links or order IDs."
    assert lines(desk)[before:] == [f"🛡️ {what} {first}"]
    await desk.env.advance_time(60)
    for _ in range(2):
        await desk.customer.send(desk.channel, LINK)
        await desk.env.advance_time(59)
    assert len(lines(desk)) == before + 2
    assert "I stopped 2 messages" in lines(desk)[-1]
    assert orders.DOCUMENTED not in str([message.embeds[0].to_dict() for message in desk.log_channel.history()])


async def test_what_is_blocked_while_discord_takes_the_line_is_told_in_one_call(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.set_up(log=True)
    await switch(desk)
    change, changes = desk.bot.modlog.change, []

    async def slowly(line: discord.Message, text: str) -> None:
        changes.append(text)
        for _ in range(100):
            await asyncio.sleep(0)
        await change(line, text)

    monkeypatch.setattr(desk.bot.modlog, "change", slowly)
    for _ in range(50):
        desk.env.backend.create_message(desk.channel.id, desk.customer.id, LINK)
    await desk.env.settle()

    assert "I stopped 50 messages" in lines(desk)[-1]
    assert len(changes) <= 3


@pytest.mark.parametrize("gone", ["the line", "the permission to post it"])
async def test_if_the_line_is_gone_no_other_takes_its_place_within_the_minute(desk: Desk, gone: str) -> None:
    await desk.set_up(log=True)
    await switch(desk)
    before = lines(desk)
    if gone != "the line":
        desk.env.inject_error("POST", f"/channels/{desk.log_channel.id}/messages", status=403, code=50013)
    await desk.customer.send(desk.channel, LINK)
    if gone == "the line":
        desk.env.backend.delete_message(desk.log_channel.id, desk.log_channel.history()[-1].id)

    await desk.customer.send(desk.channel, LINK)
    assert lines(desk) == before
    await desk.env.advance_time(60)
    await desk.customer.send(desk.channel, LINK)

    assert len(lines(desk)) == len(before) + 1


async def test_a_rule_that_is_deleted_or_changed_comes_back(desk: Desk) -> None:
    await desk.set_up(log=True)
    await switch(desk)

    desk.env.backend.delete_auto_mod_rule(desk.guild.id, rules(desk)[0].id)
    await desk.env.settle()
    (again,) = rules(desk)
    desk.env.backend.edit_auto_mod_rule(desk.guild.id, again.id, {"enabled": False, "trigger_metadata": {}})
    await desk.env.settle()

    (repaired,) = rules(desk)
    assert repaired.enabled
    assert repaired.trigger_metadata["regex_patterns"] == [*PATTERNS]
    assert "Somebody changed the rule of the leak guard" in str(desk.log_channel.history()[-1].embeds[0].description)


async def test_a_word_that_somebody_adds_to_the_rule_is_taken_out_again(desk: Desk) -> None:
    await switch(desk)
    (rule,) = rules(desk)

    metadata = {**rule.trigger_metadata, "keyword_filter": ["refund"]}
    desk.env.backend.edit_auto_mod_rule(desk.guild.id, rule.id, {"trigger_metadata": metadata})
    await desk.env.settle()

    (repaired,) = rules(desk)
    assert repaired.trigger_metadata["keyword_filter"] == []
    assert repaired.trigger_metadata["regex_patterns"] == [*PATTERNS]
    assert (await desk.customer.send(desk.channel, "how do I get a refund?")) is not None
    assert "how do I get a refund?" in [message.content for message in desk.channel.history()]


async def test_it_is_deleted_when_it_is_switched_off_and_stays_deleted(desk: Desk) -> None:
    await switch(desk)

    await switch(desk)

    assert rules(desk) == []


async def test_the_bots_own_deletion_is_not_taken_for_somebody_elses(desk: Desk) -> None:
    await desk.set_up(log=True)
    await switch(desk)

    await switch(desk)
    await desk.env.settle()

    assert rules(desk) == []
    assert not [line for line in desk.log_channel.history() if "Somebody" in str(line.embeds[0].description)]


async def test_if_the_database_fails_meanwhile_the_owner_is_told_and_it_is_settled_later(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await switch(desk)

    async def away(_guild_id: int, _rule_id: int | None) -> GuildSettings:
        raise StorageUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(desk.bot.storage.guilds, "set_leak_rule", away)
        shown = await switch(desk)
    assert LATER in shown
    assert await desk.bot.storage.guilds.due_leak_guards() == [desk.guild.id]
    await desk.bot.reconciler.run()

    assert rules(desk) == []
    assert await desk.bot.storage.guilds.due_leak_guards() == []
    assert desk.bot.storage.guilds.get(desk.guild.id).leak_rule_id is None


@pytest.mark.parametrize(("status", "code"), [(403, 50013), (503, 0)])
async def test_if_discord_refuses_the_deletion_the_owner_is_told_and_the_rule_is_deleted_at_the_next_change(
    desk: Desk, status: int, code: int
) -> None:
    await switch(desk)
    desk.env.inject_error("DELETE", "/guilds/*/auto-moderation/rules/*", status=status, code=code)

    shown = await switch(desk)
    assert "⚪ **Leak guard.**" in shown
    assert "⚠️" in shown
    assert len(rules(desk)) == 1
    await desk.set_up()

    assert rules(desk) == []


async def test_moderator_roles_are_spared_unless_the_owner_wants_otherwise(desk: Desk) -> None:
    role = desk.guild.create_role("Volunteers")
    await desk.set_up(roles=[role])
    await switch(desk)
    assert rules(desk)[0].exempt_roles == [role.id]

    setup = await desk.owner.slash(desk.channel, "store setup")
    await desk.owner.click(reply(setup), custom_id=toggle_id(setup, "leak_guard_spares_moderators"))

    assert rules(desk)[0].exempt_roles == []


async def test_without_manage_server_the_owner_is_told_what_to_give(desk: Desk) -> None:
    desk.env.inject_error("POST", "/guilds/*/auto-moderation/rules", status=403, code=50013)

    assert "The leak guard needs the permission Manage Server: give it to my role." in await switch(desk)


def fill_the_slots(desk: Desk) -> None:
    """Let others make six keyword rules, and Discord refuse another."""
    body = {"name": "other", "event_type": 1, "trigger_type": 1, "trigger_metadata": {}, "actions": []}
    for _ in range(6):
        desk.env.backend.create_auto_mod_rule(desk.guild.id, desk.owner.id, body)
    desk.env.inject_error("POST", "/guilds/*/auto-moderation/rules", status=400, code=50035, times=None)


async def test_without_room_for_a_seventh_rule_the_owner_is_told_to_delete_one(desk: Desk) -> None:
    fill_the_slots(desk)

    assert NO_ROOM in await switch(desk)
    assert f"⚠️ {NO_ROOM}" in await status(desk)


@pytest.mark.parametrize(
    ("method", "path", "said"), [("POST", "rules", NO_ROOM), ("GET", "rules/*", LATER), ("GET", "rules", LATER)]
)
async def test_a_rule_that_is_gone_and_cannot_be_put_back_is_named_in_the_status_until_it_is_there_again(
    desk: Desk, method: str, path: str, said: str
) -> None:
    await switch(desk)
    (rule,) = rules(desk)
    if said == NO_ROOM:
        fill_the_slots(desk)
    else:
        desk.env.inject_error(method, f"/guilds/*/auto-moderation/{path}", status=503)

    desk.env.backend.delete_auto_mod_rule(desk.guild.id, rule.id)
    await desk.env.settle()

    assert f"⚠️ {said}" in await status(desk)
    desk.env.backend.faults.clear()
    await desk.later()
    assert said not in await status(desk)


async def test_a_repair_that_succeeds_after_one_that_failed_is_seen_in_the_status_at_once(desk: Desk) -> None:
    await switch(desk)
    (rule,) = rules(desk)
    desk.env.inject_error("PATCH", "/guilds/*/auto-moderation/rules/*", status=503)

    seen = []
    for _ in range(2):
        desk.env.backend.edit_auto_mod_rule(desk.guild.id, rule.id, {"enabled": False})
        await desk.env.settle()
        seen.append(LATER in await status(desk))

    assert rules(desk)[0].enabled
    assert seen == [True, False]


async def test_rules_of_other_kinds_take_no_room(desk: Desk) -> None:
    body = {"name": "other", "event_type": 1, "trigger_type": 3, "trigger_metadata": {}, "actions": []}
    for _ in range(6):
        desk.env.backend.create_auto_mod_rule(desk.guild.id, desk.owner.id, body)
    desk.env.inject_error("POST", "/guilds/*/auto-moderation/rules", status=400, code=50035)

    assert "Discord did not take the leak guard's rule." in await switch(desk)


async def test_a_missing_permission_that_is_given_later_is_noticed_by_the_reconciler(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postponing, "FIRST_PAUSE", timedelta(0))
    desk.env.inject_error("POST", "/guilds/*/auto-moderation/rules", status=403, code=50013)
    await switch(desk)
    assert rules(desk) == []

    await desk.bot.reconciler.run()

    assert len(rules(desk)) == 1
    assert await desk.bot.storage.guilds.due_leak_guards() == []


async def test_a_rule_is_repaired_five_times_within_any_hour(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await switch(desk)

    async def deleted() -> int:
        desk.env.backend.delete_auto_mod_rule(desk.guild.id, rules(desk)[0].id)
        await desk.env.settle()
        return len(rules(desk))

    assert [await deleted() for _ in range(6)] == [1, 1, 1, 1, 1, 0]
    await desk.bot.leak_guard.ensure(joined(desk))
    assert await deleted() == 0
    await desk.bot.leak_guard.ensure(joined(desk))
    monkeypatch.setattr(leak_guard, "HOUR_SECONDS", 0)  # an hour later
    assert await deleted() == 1


GAVE_UP = "**The leak guard has stopped.** Somebody changed or deleted its rule again and again"


async def deleted_too_often(desk: Desk, times: int = 6) -> None:
    for _ in range(times):
        desk.env.backend.delete_auto_mod_rule(desk.guild.id, rules(desk)[0].id)
        await desk.env.settle()


async def status(desk: Desk) -> str:
    return str(embed(await desk.owner.slash(desk.channel, "store status")).description)


async def check(desk: Desk) -> str:
    setup = await desk.owner.slash(desk.channel, "store setup")
    return reply(await desk.owner.click(reply(setup), label="Check")).content


async def test_when_it_gives_up_it_says_so_once_and_in_the_status_until_a_check_puts_the_rule_back(desk: Desk) -> None:
    await desk.set_up(log=True)
    await switch(desk)
    await deleted_too_often(desk, 5)
    assert GAVE_UP not in await status(desk)

    await deleted_too_often(desk, 1)

    assert lines(desk)[-1].startswith(f"🛡️ {GAVE_UP}")
    assert f"⚠️ {GAVE_UP}" in await status(desk)
    told = await check(desk)
    assert "⚠️ I had stopped putting the leak guard's rule back" in told
    assert "✅ The leak guard is on." in told
    assert len(rules(desk)) == 1
    assert GAVE_UP not in await status(desk)
    assert "I had stopped" not in await check(desk)
    assert len([line for line in lines(desk) if GAVE_UP in line]) == 1


async def test_a_rule_that_goes_on_being_changed_is_spoken_of_once_until_somebody_changes_it_back(desk: Desk) -> None:
    await desk.set_up(log=True)
    await switch(desk)
    await deleted_too_often(desk, 5)
    rule_id = rules(desk)[0].id

    for enabled in (False, False, False):
        desk.env.backend.edit_auto_mod_rule(desk.guild.id, rule_id, {"enabled": enabled})
        await desk.env.settle()

    assert len([line for line in lines(desk) if GAVE_UP in line]) == 1
    desk.env.backend.edit_auto_mod_rule(desk.guild.id, rule_id, {"enabled": True})
    await desk.env.settle()
    assert GAVE_UP not in await status(desk)


async def test_the_bots_own_change_after_many_repairs_is_not_taken_for_somebody_elses(desk: Desk) -> None:
    await desk.set_up(log=True)
    await switch(desk)
    await deleted_too_often(desk)

    await check(desk)
    await desk.env.settle()

    assert desk.bot.leak_guard.failed(desk.guild.id) is None


@pytest.mark.parametrize("log_channel", ["none", "closed to the bot"])
async def test_without_a_log_channel_the_owner_is_told_that_it_gave_up(desk: Desk, log_channel: str) -> None:
    if log_channel != "none":
        await desk.set_up(log=True)
    await switch(desk)
    await deleted_too_often(desk, 5)
    if log_channel != "none":
        desk.env.inject_error("POST", f"/channels/{desk.log_channel.id}/messages", status=403, code=50013)

    await deleted_too_often(desk, 1)

    (told,) = ChannelHandle(desk.env, None, desk.env.backend.get_dm_channel(desk.owner.id)).history()
    assert str(told.embeds[0].description).startswith(f"🛡️ {GAVE_UP}")


async def test_a_server_of_another_process_is_left_alone(desk: Desk) -> None:
    await desk.bot.storage.guilds.change(ELSEWHERE, desk.owner.id, options=Options(leak_guard=True))
    due = await desk.bot.storage.guilds.due_leak_guards()

    await desk.bot.reconciler.run()

    assert due == await desk.bot.storage.guilds.due_leak_guards() == [ELSEWHERE]


async def test_a_rule_that_was_deleted_while_the_bot_was_away_is_recreated_at_the_start(desk: Desk) -> None:
    await switch(desk)
    desk.env.backend.get_guild(desk.guild.id).auto_mod_rules.clear()

    await desk.restart()

    assert len(rules(desk)) == 1


async def test_two_who_switch_it_on_at_once_get_one_rule(desk: Desk) -> None:
    guild = joined(desk)
    options = Options(leak_guard=True)
    await desk.bot.storage.guilds.change(guild.id, desk.owner.id, options=options)

    states = await asyncio.gather(desk.bot.leak_guard.ensure(guild), desk.bot.leak_guard.ensure(guild))

    assert set(states) == {GuardState.ON}
    assert [rule.id for rule in rules(desk)] == [desk.bot.storage.guilds.get(guild.id).leak_rule_id]


async def test_a_restore_while_it_is_switched_on_makes_one_rule(desk: Desk) -> None:
    await switch(desk)
    (rule,) = rules(desk)
    desk.env.backend.get_guild(desk.guild.id).auto_mod_rules.clear()
    guard, guild = desk.bot.leak_guard, joined(desk)

    await asyncio.gather(guard.ensure(guild), guard.repair(guild, rule.id), guard.ensure(guild))

    assert [rule.id for rule in rules(desk)] == [desk.bot.storage.guilds.get(guild.id).leak_rule_id]


async def test_a_rule_whose_creation_was_not_confirmed_is_taken_over(desk: Desk) -> None:
    await switch(desk)
    (rule,) = rules(desk)
    await desk.bot.storage.guilds.set_leak_rule(desk.guild.id, None)

    assert await desk.bot.leak_guard.ensure(joined(desk)) is GuardState.ON

    assert [each.id for each in rules(desk)] == [rule.id]
    assert desk.bot.storage.guilds.get(desk.guild.id).leak_rule_id == rule.id


async def test_a_rule_of_that_name_that_somebody_else_made_is_left_alone(desk: Desk) -> None:
    body = {"name": RULE_NAME, "event_type": 1, "trigger_type": 1, "trigger_metadata": {}, "actions": []}
    theirs = desk.env.backend.create_auto_mod_rule(desk.guild.id, desk.owner.id, body)

    await switch(desk)

    assert len(rules(desk)) == 2
    assert desk.bot.storage.guilds.get(desk.guild.id).leak_rule_id not in {None, theirs.id}


def joined(desk: Desk) -> discord.Guild:
    guild = desk.bot.get_guild(desk.guild.id)
    assert guild is not None
    return guild


async def test_at_the_start_a_server_that_fails_or_is_unavailable_stops_no_other(desk: Desk) -> None:
    await switch(desk)
    backend = desk.env.backend
    del backend.get_guild(desk.guild.id).auto_mod_rules[rules(desk)[0].id]
    backend.emit("GUILD_DELETE", {"id": str(desk.guild.id), "unavailable": True})
    await desk.env.settle()

    await desk.events.on_shard_ready(0)
    assert rules(desk) == []
    backend.emit("GUILD_CREATE", {**serializers.guild_create_payload(backend, backend.get_guild(desk.guild.id))})
    await desk.env.settle()

    assert len(rules(desk)) == 1
