"""What moderators look up: lists, one person's tickets, an order's findings, a leaking message, the statistics."""

from typing import Any

import discord
import pytest
from databases import audit_entries
from desk import Desk, buttons, custom_id, embed, first_option, labels, reply
from simcord.actors import MemberActor
from simcord.backend.models import Poll, PollAnswer

from fileflare_bot.demo import orders
from fileflare_bot.storage.records import NewTicket, Resolution, TicketDetails, Topic
from fileflare_bot.storage.storage import Storage

LINK = f"https://my-store.com/account/orders/{orders.USED_UP}"


async def file_many(desk: Desk, storage: Storage, count: int) -> None:
    for person in range(count):
        new = NewTicket(desk.guild.id, 1000 + person, desk.channel.id, "en", Topic.OTHER, TicketDetails(words="Hi"))
        await storage.tickets.file(new)


async def test_open_requests_are_listed_oldest_first_on_pages(desk: Desk, storage: Storage) -> None:
    await desk.set_up()
    await file_many(desk, storage, 23)

    first = await desk.moderator.slash(desk.channel, "requests open")
    assert first.ephemeral
    assert (reply(first).content, embed(first).title) == ("23 help requests", None)
    assert str(embed(first).description).startswith(
        "🟠 **#1** · <@1000> · Order not known · Something else · filed <t:"
    )
    assert embed(first).footer.text == "Page 1 of 3"
    second = await desk.moderator.click(reply(first), custom_id=custom_id(reply(first), "page:open:2"))
    third = await desk.moderator.click(reply(second), custom_id=custom_id(reply(second), "page:open:3"))

    assert "**#21**" in str(embed(third).description)
    assert "**#20**" not in str(embed(third).description)
    assert [found["disabled"] for found in buttons(reply(third)) if "requests:page" in found["custom_id"]] == [
        False,
        True,
    ]


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
async def test_ten_requests_fill_a_page_and_the_last_page_ends_with_the_last_request(
    desk: Desk, storage: Storage, count: int, pages: int
) -> None:
    await desk.set_up()
    await file_many(desk, storage, count)

    shown = await desk.moderator.slash(desk.channel, "requests open")
    for number in range(2, pages + 1):
        shown = await desk.moderator.click(reply(shown), custom_id=custom_id(reply(shown), f"page:open:{number}"))

    assert embed(shown).footer.text == (f"Page {pages} of {pages}" if pages > 1 else None)
    lines = str(embed(shown).description).splitlines()
    assert len(lines) == count - 10 * (pages - 1)
    assert f"**#{count}**" in lines[-1]
    turning = [found["disabled"] for found in buttons(reply(shown)) if "requests:page" in found["custom_id"]]
    assert turning == ([False, True] if pages > 1 else [])


async def test_a_request_in_a_list_links_to_its_card_and_opens_with_its_buttons(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()

    page = await desk.moderator.slash(desk.channel, "requests open")
    url = f"https://discord.com/channels/{desk.guild.id}/{desk.support.id}/{desk.card().id}"
    assert f"**[#1]({url})** · <@{desk.customer.id}> · Order #1051 · no downloads left" in str(embed(page).description)
    (select,) = [item for item in buttons(reply(page)) if item["custom_id"] == "requests:show"]
    shown = await desk.moderator.select(reply(page), [select["options"][0]["value"]], custom_id="requests:show")

    assert shown.ephemeral
    assert (reply(shown).content, embed(shown).title) == ("Help request #1", None)
    assert labels(reply(shown)) == ["Take", "Check again", "Answer", "Resolve", "Details", "Post the card again"]
    assert select["options"][0]["description"] == "Order #1051 · casey · A file has no downloads left"


async def test_mine_are_those_that_i_have_taken(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.ask_for_help(orders.EMPTY, "Where?")
    await desk.press("Take", number=2)

    mine = await desk.moderator.slash(desk.channel, "requests mine")
    theirs = await desk.colleague.slash(desk.channel, "requests mine")

    assert "#2" in str(embed(mine).description)
    assert "#1" not in str(embed(mine).description).replace("#1052", "")
    assert embed(theirs).description == "You have taken none. /requests open shows those that wait."


async def test_one_persons_requests_are_found_by_command_and_by_their_menu(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.resolves()
    await desk.ask_for_help(person=desk.member)

    by_command = await desk.moderator.slash(desk.channel, "requests person", person=desk.customer)
    by_menu = await desk.moderator.context_menu(desk.channel, "Help requests", desk.customer)

    assert reply(by_command).content == reply(by_menu).content == "1 help request"
    assert str(embed(by_menu).description).startswith("🟢 **[#1]")


async def test_check_shows_findings_without_a_link_or_the_id(desk: Desk) -> None:
    checked = await desk.moderator.slash(desk.channel, "check", **{"order-id": LINK})

    assert checked.ephemeral
    assert reply(checked).content == "Order #1051 · 2 files · 1 download left"
    assert "🔴 wallpapers.zip: no downloads left" in str(embed(checked).description)
    assert "🟡 wallpapers-bonus.zip: one download left" in str(embed(checked).description)
    assert "**Payment:**" in str(embed(checked).fields[0].value)
    everything = str(embed(checked).to_dict()) + reply(checked).content + str(buttons(reply(checked)))
    assert orders.USED_UP not in everything
    assert "http" not in everything


@pytest.mark.parametrize(
    ("pasted", "found"),
    [
        ("#1050", "🔴 What was pasted is an order number, not an order ID"),
        (orders.UNKNOWN, "knows no order with the ID"),
        (orders.EMPTY, "there are no files on it"),
    ],
)
async def test_check_says_what_a_bad_paste_or_an_empty_order_means(desk: Desk, pasted: str, found: str) -> None:
    checked = await desk.moderator.slash(desk.channel, "check", **{"order-id": pasted})

    assert found in str(embed(checked).description)


async def test_check_calls_an_outage_an_outage(desk: Desk) -> None:
    await desk.sample.stop()

    checked = await desk.moderator.slash(desk.channel, "check", **{"order-id": orders.USED_UP})

    assert "That is an outage" in str(embed(checked).description)


async def test_an_order_in_a_public_message_is_checked_in_private_and_the_message_deleted(desk: Desk) -> None:
    await desk.set_up(log=True)
    leak = await desk.customer.send(desk.channel, f"why does {LINK} not work??")

    checked = await desk.moderator.context_menu(desk.channel, "Check order in this message", leak)
    assert checked.ephemeral
    assert "🔴 wallpapers.zip: no downloads left" in str(embed(checked).description)
    assert "Whoever reads that message can have these files." in reply(checked).content
    deleted = await desk.moderator.click(reply(checked), label="Delete the message")

    assert reply(deleted).content.startswith("The message is deleted.")
    assert leak.id not in [message.id for message in desk.channel.history()]
    assert "deleted a message that held an order link" in str(desk.log_channel.history()[-1].embeds[0].description)
    again = await desk.moderator.click(reply(checked), label="Delete the message")
    assert reply(again).content.startswith("**I could not delete that message.**")


@pytest.mark.parametrize("action", ["check:delete", "requests:delete"])
@pytest.mark.parametrize("where", ["another channel", "another server"])
async def test_a_message_outside_of_the_buttons_channel_is_not_deleted(desk: Desk, where: str, action: str) -> None:
    await desk.set_up(log=True)
    if where == "another channel":
        author, channel = desk.owner, desk.support
    else:
        owner = desk.env.create_user("otto")
        guild = desk.env.create_guild("The Other Shop", owner=owner)
        author, channel = MemberActor(desk.env, guild, owner), guild.create_text_channel("general")
    message = await author.send(channel, "not yours to delete")

    refused = await desk.forge(f"{action}:{channel.id}:{message.id}", desk.moderator, desk.channel)

    assert reply(refused).content.startswith("**I could not delete that message.**")
    assert message.id in [each.id for each in channel.history()]
    assert "deleted a message" not in str([line.embeds[0].description for line in desk.log_channel.history()])


async def test_who_may_not_manage_messages_in_a_channel_deletes_none_there(desk: Desk) -> None:
    closed = discord.PermissionOverwrite(manage_messages=False)
    channel = desk.guild.create_text_channel("closed", overwrites={desk.guild.roles["Team"]: closed})
    message = await desk.owner.send(channel, "not yours to delete")

    refused = await desk.forge(f"check:delete:{channel.id}:{message.id}", desk.moderator, channel)

    assert reply(refused).content == "**Only people with the permission Manage Messages can do that here.**"
    assert message.id in [each.id for each in channel.history()]


async def test_a_message_without_an_order_is_said_to_have_none_and_is_not_offered_for_deletion(desk: Desk) -> None:
    message = await desk.customer.send(desk.channel, "my order is #1050")

    checked = await desk.moderator.context_menu(desk.channel, "Check order in this message", message)

    assert "pasted is an order number" in str(embed(checked).description)
    assert labels(reply(checked)) == []


@pytest.mark.parametrize("token", [orders.UNKNOWN, "an outage"])
async def test_only_a_message_with_an_order_that_fileflare_knows_is_offered_for_deletion(
    desk: Desk, token: str
) -> None:
    if token == "an outage":
        await desk.sample.stop()
        token = orders.USED_UP
    message = await desk.customer.send(desk.channel, f"https://my-store.com/account/orders/{token}")

    checked = await desk.moderator.context_menu(desk.channel, "Check order in this message", message)

    assert reply(checked).content == "No order"
    assert labels(reply(checked)) == []


async def test_a_moderator_by_role_deletes_a_message_only_where_they_may_manage_messages(desk: Desk) -> None:
    volunteers = desk.guild.create_role("Volunteers")
    volunteer = desk.guild.add_member(desk.env.create_user("vera"), roles=[volunteers])
    await desk.set_up(roles=[volunteers])
    menus = [command for command in await desk.bot.tree.fetch_commands() if command.name.startswith("Check order")]
    desk.guild.set_command_permissions(menus[0], {volunteers: True})
    allowed = discord.PermissionOverwrite(manage_messages=True)
    theirs = desk.guild.create_text_channel("theirs", overwrites={volunteers: allowed})
    leak, in_theirs = [await desk.customer.send(channel, LINK) for channel in (desk.channel, theirs)]

    checked = await volunteer.context_menu(desk.channel, "Check order in this message", leak)
    refused = await volunteer.click(reply(checked), label="Delete the message")
    checked = await volunteer.context_menu(theirs, "Check order in this message", in_theirs)
    deleted = await volunteer.click(reply(checked), label="Delete the message")

    assert reply(refused).content == "**Only people with the permission Manage Messages can do that here.**"
    assert leak.id in [message.id for message in desk.channel.history()]
    assert reply(deleted).content.startswith("The message is deleted.")
    assert theirs.history() == []


async def test_a_permission_that_is_taken_away_before_the_press_counts(desk: Desk) -> None:
    await desk.set_up(roles=[desk.guild.roles["Team"]])
    leak = await desk.customer.send(desk.channel, LINK)
    checked = await desk.moderator.context_menu(desk.channel, "Check order in this message", leak)
    team = desk.env.backend.get_guild(desk.guild.id).roles[desk.guild.roles["Team"].id]
    team.permissions = discord.Permissions.none().value

    refused = await desk.moderator.click(reply(checked), label="Delete the message")

    assert "with the permission Manage Messages" in reply(refused).content
    assert leak.id in [message.id for message in desk.channel.history()]


async def test_an_order_in_a_forwarded_message_is_found_and_the_forward_deleted(desk: Desk) -> None:
    source = await desk.customer.send(desk.channel, f"why does {LINK} not work??")
    forward = await desk.customer.forward(source, desk.channel)

    checked = await desk.moderator.context_menu(desk.channel, "Check order in this message", forward)
    assert "🔴 wallpapers.zip: no downloads left" in str(embed(checked).description)
    await desk.moderator.click(reply(checked), label="Delete the message")

    assert [message.id for message in desk.channel.history()] == [source.id]


PICTURE = "https://cdn.example/a.png"
TEXT = {"type": 10, "content": f"See {LINK}"}
OPTION = {"label": "Mine", "value": "1", "description": LINK}
BUTTON = {"type": 2, "style": 5, "label": "Open", "url": LINK}


@pytest.mark.parametrize(
    "parts",
    [
        {"embeds": [{"type": "rich", "title": f"Mine: {LINK}"}]},
        {"embeds": [{"type": "rich", "description": ("x " * 2000) + LINK}]},
        {"embeds": [{"type": "rich", "title": "Mine", "url": LINK}]},
        {"embeds": [{"type": "rich", "fields": [{"name": "Order", "value": LINK, "inline": False}]}]},
        {"embeds": [{"type": "rich", "fields": [{"name": LINK, "value": "Order", "inline": False}]}]},
        {"embeds": [{"type": "rich", "footer": {"text": LINK}}]},
        {"embeds": [{"type": "rich", "author": {"name": "an_author_of_long_name", "url": LINK}}]},
        {"embeds": [{"type": "rich", "author": {"name": "an_author", "icon_url": LINK}}]},
        {"embeds": [{"type": "rich", "footer": {"text": "x", "icon_url": LINK}}]},
        {"embeds": [{"type": "link", "url": PICTURE, "provider": {"name": LINK}}]},
        {"embeds": [{"type": "link", "url": PICTURE, "provider": {"name": "x", "url": LINK}}]},
        {"embeds": [{"type": "rich", "title": "x", "image": {"url": LINK}}]},
        {"embeds": [{"type": "rich", "title": "x", "thumbnail": {"url": LINK}}]},
        {"embeds": [{"type": "video", "title": "x", "video": {"url": LINK}}]},
        {"embeds": [{"type": "rich", "title": "x"}, {"type": "rich", "title": "y", "description": LINK}]},
        {"components": [{"type": 1, "components": [BUTTON]}]},
        {"components": [{"type": 1, "components": [BUTTON | {"label": LINK, "url": PICTURE}]}]},
        {"components": [{"type": 1, "components": [{"type": 3, "custom_id": "x", "options": [OPTION]}]}]},
        {"components": [{"type": 1, "components": [{"type": 5, "custom_id": "x", "placeholder": LINK}]}]},
        {"flags": 1 << 15, "components": [{"type": 12, "items": [{"media": {"url": PICTURE}, "description": LINK}]}]},
        {"flags": 1 << 15, "components": [{"type": 12, "items": [{"media": {"url": LINK}}]}]},
        {
            "flags": 1 << 15,
            "components": [
                {
                    "type": 9,
                    "components": [TEXT | {"content": "x"}],
                    "accessory": {"type": 11, "media": {"url": PICTURE}, "description": LINK},
                }
            ],
        },
        {"flags": 1 << 15, "components": [{"type": 17, "components": [{"type": 1, "components": [BUTTON]}]}]},
        {"flags": 1 << 15, "components": [TEXT]},
        {"flags": 1 << 15, "components": [{"type": 17, "components": [TEXT]}]},
        {"flags": 1 << 15, "components": [{"type": 9, "components": [TEXT | {"content": "x"}], "accessory": BUTTON}]},
    ],
)
@pytest.mark.parametrize("forwarded", [False, True])
async def test_an_order_is_found_wherever_a_message_can_hold_text(
    desk: Desk, parts: dict[str, Any], *, forwarded: bool
) -> None:
    message = await desk.customer.send(desk.channel, "look")
    stored = desk.env.backend.get_message(desk.channel.id, message.id)
    for name, value in parts.items():
        setattr(stored, name, value)
    if forwarded:
        message = await desk.customer.forward(message, desk.channel)

    checked = await desk.moderator.context_menu(desk.channel, "Check order in this message", message)

    assert "🔴 wallpapers.zip: no downloads left" in str(embed(checked).description)
    assert labels(reply(checked)) == ["Delete the message"]


async def test_an_order_is_found_in_a_files_name_and_description_and_in_a_poll(desk: Desk) -> None:
    await desk.customer.send(desk.channel, attachments=[(f"order {orders.USED_UP} .png", b"x")])
    described = await desk.customer.send(desk.channel, attachments=[("a.png", b"x")])
    desk.env.backend.get_message(desk.channel.id, described.id).attachments[0]["description"] = LINK
    for question, answer in (("Mine?", LINK), (LINK, "Yes")):
        poll = Poll(question, [PollAnswer(1, answer)], "2030-01-01T00:00:00+00:00")
        desk.env.backend.create_message(desk.channel.id, desk.customer.id, poll=poll)

    messages = desk.channel.history()
    assert len(messages) == 4
    for message in messages:
        checked = await desk.moderator.context_menu(desk.channel, "Check order in this message", message)
        assert labels(reply(checked)) == ["Delete the message"]


async def test_the_statistics_are_of_7_and_30_days(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.ask_for_help(orders.EMPTY, "Where?")
    await desk.answers(words="Hello.")
    await desk.resolves()

    shown = await desk.moderator.slash(desk.channel, "requests stats")

    assert embed(shown).description == "1 open request"
    week, month = embed(shown).fields
    assert (week.name, month.name) == ("The last 7 days", "The last 30 days")
    assert str(week.value).startswith("2 requests filed\nMedian time to the first answer: ")
    assert "not known yet" not in str(week.value)
    assert "Commonest findings: " in str(week.value)
    assert "no downloads left (1)" in str(week.value)


async def test_every_action_of_a_moderator_has_an_audit_entry(desk: Desk, storage: Storage) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.press("Take")
    await desk.press("Check again")
    await desk.moderator.submit_modal(await desk.press("Hand over"), {"moderator": [desk.colleague]})
    await desk.answers(words="Hello.")
    await desk.resolves()
    await desk.press("Reopen")
    await desk.moderator.slash(desk.channel, "check", **{"order-id": orders.USED_UP})

    actions = await audit_entries(storage, desk.guild.id)

    by_moderator = [(str(each.action), each.number) for each in actions if each.actor_id == desk.moderator.id]
    assert by_moderator == [
        ("took", 1),
        ("checked", 1),
        ("handed_over", 1),
        ("answered", 1),
        ("resolved", 1),
        ("reopened", 1),
        ("looked_up", None),
    ]


async def test_a_card_that_was_opened_from_the_list_shows_what_was_done_with_it(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    listed = await desk.moderator.slash(desk.channel, "requests open")
    copy = await desk.moderator.select(reply(listed), [first_option(listed)], custom_id="requests:show")

    taken = await desk.moderator.click(reply(copy), label="Take")

    assert reply(taken).content == "Help request #1 is yours now."
    assert f"**Taken** by <@{desk.moderator.id}>" in str(embed(taken).description)
    assert "Take" not in labels(reply(taken))
    form = await desk.moderator.click(reply(taken), label="Resolve")
    assert form.modal is not None
    assert form.modal["title"] == "Resolve request #1"
    closed = await desk.moderator.submit_modal(form, {"reason": [Resolution.FIXED]})
    assert "**Resolved:**" in str(embed(closed).description)
    assert labels(reply(closed)) == ["Reopen", "Details"]
    again = await desk.moderator.click(reply(closed), label="Reopen")
    assert "Post the card again" in labels(reply(again))


async def test_what_waits_for_a_moderator_comes_first_and_a_customers_reply_is_marked_everywhere(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.ask_for_help(orders.EMPTY, "Where?")
    for number in (1, 2):
        await desk.answers(ready="no_email", number=number)
    answered = str(embed(await desk.moderator.slash(desk.channel, "requests mine")).description).splitlines()
    assert ["#1]" in answered[0], "#2]" in answered[1]] == [True, True]
    assert all(" · answered · filed <t:" in line for line in answered)

    form = await desk.at_home.click(desk.direct()[1], label="Write back")
    await desk.at_home.submit_modal(form, {"words": "It is still\n*empty*."})

    for command in ("requests mine", "requests open"):
        first, second = str(embed(await desk.moderator.slash(desk.channel, command)).description).splitlines()
        assert "#2]" in first
        assert " · ✍️ wrote back <t:" in first
        assert "✍️" not in second
    assert f"**Taken** by <@{desk.moderator.id}>. ✍️ **Wrote back** <t:" in str(desk.card(2).embeds[0].description)
    shown = str(embed(await desk.press("Details", number=2)).description)
    assert "> Where?\n" in shown
    assert "**Wrote back** <t:" in shown
    assert "> It is still\n> \\*empty\\*." in shown

    await desk.answers(words="Now?", number=2)
    assert "✍️" not in str(desk.card(2).embeds[0].description)


async def test_a_reopened_request_says_who_reopened_it_and_what_its_customer_wrote_last(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help()
    await desk.answers(words="Look again.", person=desk.colleague)
    form = await desk.at_home.click(desk.direct()[-1], label="Write back")
    await desk.at_home.submit_modal(form, {"words": "Still no file."})
    await desk.resolves()

    await desk.press("Reopen")

    listed = await desk.moderator.slash(desk.channel, "requests open")
    line = f" · ↩️ reopened by <@{desk.moderator.id}> · ✍️ wrote back <t:"
    assert line in str(embed(listed).description)
    copy = await desk.moderator.select(reply(listed), [first_option(listed)], custom_id="requests:show")
    for shown in (embed(copy), desk.card().embeds[0]):
        assert f"**Taken** by <@{desk.colleague.id}>, reopened by <@{desk.moderator.id}>." in str(shown.description)
        assert "> ✍️ Still no file." in str(shown.description)
    await desk.answers(words="Now?")
    assert "eopened" not in str(desk.card().embeds[0].description)
    assert "✍️" not in str(desk.card().embeds[0].description)


async def test_a_request_about_a_missing_role_says_so_in_the_lists_or_that_another_account_has_the_order(
    desk: Desk,
) -> None:
    await desk.set_up()
    await desk.confirms_the_product()
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=desk.guild.create_role("Buyer"))
    await desk.ask_for_help(topic="no_role")

    line = str(embed(await desk.moderator.slash(desk.channel, "requests open")).description)
    assert " · No role, or another account has my order, no downloads left · filed <t:" in line

    (claim,) = await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id)
    await desk.bot.storage.claims.move(desk.guild.id, claim.shown, desk.owner.id, desk.member.id, lambda _claim: None)
    line = str(embed(await desk.moderator.slash(desk.channel, "requests open")).description)
    assert " · in use by another account, no downloads left · filed <t:" in line


async def test_that_no_order_counts_for_a_person_names_them(desk: Desk) -> None:
    shown = await desk.moderator.slash(desk.channel, "claims person", person=desk.member)

    assert embed(shown).description == (
        f"No order counts for <@{desk.member.id}> now. One does once they open it first with /mydownloads."
    )
