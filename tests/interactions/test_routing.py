"""Every entry point declares its audience; every custom_id that any version has posted still finds its handler."""

from collections.abc import Iterator

import discord
import pytest
from desk import Desk
from discord import app_commands

from fileflare_bot.interactions.access import CUSTOMER, MODERATOR, OWNER, Audience
from fileflare_bot.interactions.routing import audience_of

# The custom_ids of earlier versions, and their handlers.
FORMER = {
    "request:take:7": "take",
    "request:handover:7": "hand_over",
    "request:handed:7": "handed",
    "request:check:7": "check",
    "request:answer:7:used_up.last_one": "answer",
    "request:answer:7:": "answer",
    "tickets:answer:7:used_up.last_one": "answer",
    "request:answered:7": "answered",
    "request:resolve:7": "resolve",
    "request:resolved:7": "resolved",
    "request:reopen:7": "reopen",
    "request:post:7": "post_again",
    "requests:delete:1:2": "delete_message",
    "requests:page:open:2": "turn",
    "requests:page:123456789012345678:2": "turn",
    "requests:show": "show",
    "orders:open": "chosen",
    "orders:forget": "forget",
    "orders:forget_all": "ask",
    "downloads:ask": "ask",
    "downloads:order": "submitted",
    "downloads:refresh:abc-DEF_123": "refresh",
    "downloads:retry:abc-DEF_123": "refresh",
    "downloads:first:abc-DEF_123": "turn",
    "downloads:remember:abc-DEF_123": "remember",
    "help:ask:abc-DEF_123:used_up.": "ask",
    "help:file::wrong_reference.order_number": "file",
    "help:read:7": "read",
    "help:write:7": "write",
    "help:wrote:7": "wrote",
    "help:solved:7": "solved",
    "claims:choose": "choose",
    "claims:keep": "keep",
    "claims:release:7:8:9": "release",
    "claims:move:7:8:9": "ask_where",
    "claims:moved:7:0:9": "move",
    "claims:ask:move:7": "confirm",
    "claims:whose:move:7": "confirm_chosen",
    "claims:sure:release:7:8:9:10": "confirmed",
    "claims:restore": "restore",
    "answers:add:Hello there": "keep",
    "privacy:file": "file",
    "privacy:delete": "ask",
    "privacy:keep": "keep",
    "privacy:gone": "delete",
    "store:set:support_channel_id": "choose",
    "store:set:moderator_role_ids": "choose",
    "store:language": "choose_language",
    "store:later": "choose_later",
    "store:toggle:leak_guard": "toggle",
    "store_setup:toggle:leak_guard": "toggle",
    "store:words": "ask_words",
    "store:worded": "keep_words",
    "store:limits": "ask_limits",
    "store:limited": "keep_limits",
    "store:check": "check",
}


def entries(desk: Desk) -> Iterator[tuple[str, object]]:
    """Return every command, context menu, autocomplete and route with its entry point."""
    for command in desk.bot.tree.walk_commands():
        if isinstance(command, app_commands.Command):
            yield command.qualified_name, command.callback
            for parameter in command._params.values():  # noqa: SLF001 - the public view hides the callback
                if callable(parameter.autocomplete):
                    yield f"{command.qualified_name} {parameter.name}", parameter.autocomplete
    for kind in (discord.AppCommandType.message, discord.AppCommandType.user):
        for menu in desk.bot.tree.get_commands(type=kind):
            yield menu.name, menu.callback
    for pattern, entry in desk.bot.routes:
        yield pattern.pattern, entry


async def test_every_entry_point_declares_its_audience(desk: Desk) -> None:
    declared = {name: audience_of(entry) for name, entry in entries(desk)}

    assert len(declared) >= 90
    assert [name for name, audience in declared.items() if audience is None] == []


@pytest.mark.parametrize(
    ("prefix", "audience"),
    [
        ("store ", OWNER),
        ("store_setup:", OWNER),
        ("store_products:", OWNER),
        ("store:", OWNER),
        ("requests", MODERATOR),
        ("tickets:", MODERATOR),
        ("request:", MODERATOR),
        ("check", MODERATOR),
        ("answers", MODERATOR),
        ("claims ", MODERATOR),
        ("Check order in this message", MODERATOR),
        ("Help requests", MODERATOR),
        ("help:", CUSTOMER),
        ("privacy", CUSTOMER),
        ("myorders", CUSTOMER),
        ("mydownloads", CUSTOMER),
    ],
)
async def test_what_is_for_owners_or_moderators_is_for_nobody_else(desk: Desk, prefix: str, audience: Audience) -> None:
    found = {name: audience_of(entry) for name, entry in entries(desk) if name.startswith(prefix)}

    assert found
    assert set(found.values()) == {audience}


async def test_every_custom_id_of_an_earlier_version_still_finds_its_handler(desk: Desk) -> None:
    led = {custom_id: desk.bot.routes.find(custom_id) for custom_id in FORMER}

    assert {custom_id: found[0].__name__ for custom_id, found in led.items() if found is not None} == FORMER


async def test_no_custom_id_leads_to_two_handlers(desk: Desk) -> None:
    for custom_id in FORMER:
        assert len([pattern for pattern, _entry in desk.bot.routes if pattern.fullmatch(custom_id)]) == 1
