"""Forged numbers and choices are refused, and what is typed may hold what no UTF-8 holds."""

from typing import Any, Final

import pytest
from desk import Desk, Log, buttons, options, reply

from fileflare_bot.demo import orders
from fileflare_bot.storage.options import Match

HUGE: Final = str(2**63)
FORGED: Final = ("not-a-number-of-mine", HUGE, "-1", "9" * 5000, "٣", "1.5", "")
UNKNOWN: Final = "**This list is no longer live.**"
CUT: Final = "I said \ud83d and \udc00\0 no more"  # halves of a pair, and NUL


def assert_refused(log: Log, *forged: str) -> None:
    """Assert that nothing was taken for a bug, and that the log does not repeat what was sent."""
    assert "bug" not in {event.get("outcome") for event in log.all()}
    assert not [event for event in log.all() if "exception" in event or event["level"] == "error"]
    assert not [value for value in forged if len(value) > 5 and value in log.getvalue()]


@pytest.mark.parametrize("value", FORGED)
@pytest.mark.parametrize(
    "custom_id",
    [
        *("downloads:saved", "orders:forget", "requests:show", "claims:choose", "store_setup:later"),
        *("store_setup:set:support_channel_id", "store_setup:set:moderator_role_ids"),
    ],
)
async def test_a_forged_choice_is_refused(desk: Desk, log: Log, custom_id: str, value: str) -> None:
    result = await desk.forge(custom_id, desk.owner, desk.channel, values=[value])

    assert reply(result).content.startswith(UNKNOWN)
    assert_refused(log, value)


@pytest.mark.parametrize("value", [*FORGED, "0-0", "3-1", "0-9999", "-1-2", "1-2-3", "0", "0-", "-1", f"0-{HUGE}"])
async def test_a_forged_place_of_a_large_order_is_refused(desk: Desk, log: Log, value: str) -> None:
    result = await desk.mydownloads(orders.LARGE)
    custom_id = next(item["custom_id"] for item in buttons(reply(result)) if "options" in item)

    forged = await desk.forge(custom_id, desk.customer, desk.channel, values=[value])

    assert reply(forged).content.startswith(UNKNOWN)
    assert_refused(log, value)


@pytest.mark.parametrize("custom_id", ["downloads:saved", "claims:choose", "store_setup:later", "requests:show"])
async def test_a_choice_of_nothing_is_refused(desk: Desk, log: Log, custom_id: str) -> None:
    result = await desk.forge(custom_id, desk.owner, desk.channel, values=[])

    assert reply(result).content.startswith(UNKNOWN)
    assert_refused(log)


@pytest.mark.parametrize(
    "custom_id",
    [
        *("claims:choose", f"requests:page:{HUGE}:1", f"check:delete:{HUGE}:{HUGE}", "help:ask::no_such_kind."),
        *("help:ask::used_up.no_such_problem", "tickets:take:٣", "requests:page:mine:٣"),
    ],
)
async def test_a_forged_button_is_refused(desk: Desk, log: Log, custom_id: str) -> None:
    await desk.set_up()

    result = await desk.forge(custom_id, desk.moderator, desk.channel)

    if custom_id != "help:ask::used_up.no_such_problem":  # which is read when the modal is submitted
        assert reply(result).content.startswith(UNKNOWN)
    assert_refused(log, HUGE)


@pytest.mark.parametrize(
    ("custom_id", "inputs"),
    [
        ("help:file::used_up.", {"topic": "no-such-topic", "words": "hello"}),
        ("help:file::used_up.", {"topic": ["no-such-topic"], "words": "hello"}),  # of a form that was open meanwhile
        ("help:file::no_such_kind.", {"topic": "other", "words": "hello"}),
        ("help:file::used_up.no_such_problem", {"topic": "other", "words": "hello"}),
        ("tickets:resolved:1", {"reason": ["no-such-reason"], "words": "bye"}),
        *[("tickets:handed:1", {"moderator": [value]}) for value in FORGED],
        ("tickets:handed:1", {"moderator": ["1", "2"]}),
        ("tickets:handed:1", {"moderator": []}),
        *[("claims:moved:1:2:3", {"person": [value]}) for value in FORGED],
        *[("store_setup:limited", {"accounts": value, "open": value}) for value in FORGED],
    ],
)
async def test_a_forged_modal_is_refused(desk: Desk, log: Log, custom_id: str, inputs: dict[str, Any]) -> None:
    await desk.set_up()
    await desk.ask_for_help()

    result = await desk.forge(custom_id, desk.owner, desk.channel, inputs=inputs)

    assert reply(result).content.startswith((UNKNOWN, "**Nothing was changed:**", "**That person is no moderator"))
    assert_refused(log, *(value for values in inputs.values() for value in values), "no-such-topic", "no-such-reason")


@pytest.mark.parametrize("number", ["0", "-1", str(2**70), "rule-", "rule-0123456789abcdef"])
async def test_a_forged_number_of_a_rule_removes_none(desk: Desk, log: Log, number: str) -> None:
    role = desk.guild.create_role("Buyers")
    await desk.owner.slash(desk.channel, "store roles add", match=Match.ANY_ORDER.value, role=role)

    forged = [{"name": "rule", "type": 3, "value": number}]
    result = await desk.forge_command("store roles remove", desk.owner, forged)

    assert reply(result).content.startswith("**")
    assert len(desk.bot.storage.guilds.get(desk.guild.id).options.rules) == 1
    assert_refused(log)


async def test_a_forged_match_is_refused(desk: Desk, log: Log) -> None:
    role = desk.guild.create_role("Buyers")
    found = {"id": str(role.id), "name": "Buyers", "permissions": "0", "position": 1, "color": 0, "hoist": False}
    found |= {"managed": False, "mentionable": False}
    forged = [
        {"name": "match", "type": 3, "value": "no-such-match"},
        {"name": "role", "type": 8, "value": str(role.id)},
    ]

    result = await desk.forge_command("store roles add", desk.owner, forged, resolved={"roles": {str(role.id): found}})

    assert reply(result).content.startswith(UNKNOWN)
    assert_refused(log, "no-such-match")


async def test_halves_of_a_pair_in_what_customers_and_moderators_write_are_replaced(desk: Desk, log: Log) -> None:
    await desk.set_up()
    opened = await desk.mydownloads(orders.USED_UP)
    asked = await desk.customer.click(reply(opened), label="Get help")
    modal = asked.modal
    assert modal is not None
    filed = await desk.forge(
        str(modal["custom_id"]), desk.customer, desk.channel, inputs={"topic": "other", "words": CUT}
    )
    assert "Your help request is #1." in reply(filed).content
    wrote = await desk.forge("help:wrote:1", desk.customer, desk.channel, inputs={"words": f"{CUT}!"})
    answered = await desk.forge("tickets:answered:1", desk.moderator, desk.channel, inputs={"words": CUT})
    resolved = await desk.forge(
        "tickets:resolved:1", desk.moderator, desk.channel, inputs={"reason": ["answered"], "words": CUT}
    )

    for result in (wrote, answered, resolved):
        assert not reply(result).content.startswith("**Something")
    cleaned = CUT.replace("\ud83d", "\ufffd").replace("\udc00", "\ufffd").replace("\0", "\ufffd")
    assert cleaned in str(reply(await desk.press("Details")).embeds[0].description)
    assert len([note for note in desk.notes() if cleaned in note]) == 3
    assert_refused(log)


async def test_halves_of_a_pair_in_texts_of_the_store_are_replaced(desk: Desk, log: Log) -> None:
    words = await desk.forge(
        "store_setup:worded", desk.owner, desk.channel, inputs={"title": CUT, "text": CUT, "where": CUT}
    )
    assert reply(words).content.startswith("Saved.")
    await desk.owner.slash(desk.channel, "store panel")
    saved = await desk.forge("answers:add:Hi \ud83d", desk.moderator, desk.channel, inputs={"words": CUT})
    assert "is saved" in reply(saved).content

    listed = await desk.moderator.slash(desk.channel, "answers list")

    assert "Hi" in str(reply(listed).embeds[0].description)
    assert "\ufffd" in str(desk.channel.history()[-1].embeds[0].title)
    assert_refused(log)


async def test_halves_of_a_pair_in_options_of_commands_are_replaced(desk: Desk, log: Log) -> None:
    pasted = [{"name": "order-id", "type": 3, "value": f"\ud83d {orders.DOCUMENTED} \0"}]

    found = await desk.forge_command("mydownloads", desk.customer, pasted)
    checked = await desk.forge_command("check", desk.moderator, pasted)
    name = await desk.forge_command("answers remove", desk.moderator, [{"name": "name", "type": 3, "value": CUT}])

    assert "Order #1050" in reply(found).content
    assert "Order #1050" in reply(checked).content
    assert reply(name).content.startswith("**There is no saved answer of that name.**")
    assert not options(found)
    assert_refused(log)
