"""Orders that another account holds: what the customer is told, and what moderators do about it without an order ID."""

import discord
import pytest
from buyers import has
from desk import Desk, buttons, embed, first_option, labels, prefilled, reply
from doubles.faults import FAULTS
from simcord.actors import MemberActor
from simcord.builders import RoleHandle
from simcord.results import InteractionResult, ResponseMessage

from fileflare_bot.demo import orders
from fileflare_bot.orders.diagnosis import Kind
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.records import Ticket

CHANGED = "**I have changed nothing: the order no longer counts for the account that you were shown.**"
HELD = "🔴 In use by "
MISSING = "No role, or another account has my order"


@pytest.fixture
async def buyer(desk: Desk) -> RoleHandle:
    """The role of buyers, with a rule that gives it for any order, which the customer's order has brought them."""
    role = desk.guild.create_role("Buyer")
    await desk.set_up(log=True)
    await desk.confirms_the_product()
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=role)
    await desk.mydownloads(orders.DOCUMENTED)
    return role


def told(result: InteractionResult) -> str:
    """Return what a press was told beside the message that it was in."""
    return str(result.followups[-1].content) if result.followups else str(reply(result).content)


def shown(desk: Desk, number: int = 1) -> str:
    return str(desk.card(number).embeds[0].description)


async def fitting(desk: Desk) -> list[str]:
    """Return the ready-made answers that fit what was found, which come first under Answer."""
    offered = buttons(reply(await desk.press("Answer")))
    options = next(each["options"] for each in offered if each["custom_id"].endswith(":ready"))
    found = [each["label"] for each in options if each.get("emoji")]
    assert found == [each["label"] for each in options][: len(found)]
    return found


async def refuses(desk: Desk) -> None:
    """Have a second account on an order refused, as the owner."""
    setup = await desk.owner.slash(desk.channel, "store setup")
    await desk.owner.select(reply(setup), ["refuse"], custom_id="store_setup:later")


async def asks(desk: Desk, person: MemberActor | None = None) -> InteractionResult:
    """Open the order as a second account, and press Get help; return the form."""
    person = person or desk.member
    opened = await desk.mydownloads(orders.DOCUMENTED, person=person)
    label = next(each for each in labels(reply(opened)) if each in {"Get help", "Hilfe holen"})
    return await person.click(reply(opened), label=label)


async def files(desk: Desk, person: MemberActor | None = None) -> None:
    """Ask for help about the order as a second account."""
    person = person or desk.member
    await person.submit_modal(await asks(desk, person), {"topic": "no_role", "words": "It is mine!"})


@pytest.mark.usefixtures("buyer")
@pytest.mark.parametrize("refused", [True, False])
async def test_the_form_preselects_the_topic_and_the_card_says_who_holds_the_order_and_since_when(
    desk: Desk, *, refused: bool
) -> None:
    if refused:
        await refuses(desk)
    (claim,) = await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id)

    form = await asks(desk)
    assert form.modal is not None
    topics = [option for item in form.modal["components"] for option in item.get("component", {}).get("options", ())]
    assert [topic["label"] for topic in topics if topic.get("default")] == [MISSING]
    await desk.member.submit_modal(form, {"topic": "no_role", "words": "It is mine!"})

    since = f"<t:{int(claim.at.timestamp())}:d>"
    assert f"{HELD}<@{desk.customer.id}> since {since}.\n→ Ask the store owner with the order number" in shown(desk)
    assert "**Order #1050**" in shown(desk)
    assert f"**Says:** {MISSING}" in shown(desk)
    assert labels(desk.card())[5:] == ["Move", "Release"]


async def test_an_order_that_is_moved_on_its_card_brings_the_customer_its_role_and_the_card_is_up_to_date(
    desk: Desk, buyer: RoleHandle
) -> None:
    await files(desk)

    sure = await desk.press("Move", person=desk.owner)
    assert reply(sure).ephemeral
    assert reply(sure).content == (
        f"**Move the order to <@{desk.member.id}>?** It counts for them then, no longer for <@{desk.customer.id}>, "
        f"who is not told. Roles that move with it: <@&{buyer.id}>."
    )
    assert has(desk, desk.customer, buyer)
    moved = await desk.owner.click(reply(sure), label="Move it")

    assert reply(moved).content == f"The order counts for <@{desk.member.id}> now. Its roles have moved with it."
    assert has(desk, desk.member, buyer)
    assert not has(desk, desk.customer, buyer)
    assert "In use by" not in shown(desk)
    assert "Move" not in labels(desk.card())
    assert (
        desk.notes()[-1]
        == f"➡️ <@{desk.owner.id}> has moved the order from <@{desk.customer.id}> to <@{desk.member.id}>."
    )
    lines = [str(line.embeds[0].description) for line in desk.log_channel.history()]
    assert lines[-1] == f"<@{desk.owner.id}> moved the order of request #1 to its customer."
    await desk.press("Take")
    tell = await desk.owner.click(reply(moved), label="Tell the customer")
    assert tell.modal is not None
    assert tell.modal["components"][0]["content"] == f"<@{desk.moderator.id}> has this request."
    assert prefilled(tell).startswith("Hello max, order #1050 counts for this account now")
    await desk.owner.submit_modal(tell, {"words": prefilled(tell)})
    assert desk.direct(desk.member)[-1].embeds[0].description == prefilled(tell)


async def test_who_has_left_and_come_back_gets_the_role_of_an_order_that_is_moved_to_them(
    desk: Desk, buyer: RoleHandle
) -> None:
    await desk.mydownloads(orders.LARGE, person=desk.member)
    desk.env.backend.get_guild(desk.guild.id).members[desk.member.id].role_ids.remove(buyer.id)
    await files(desk)

    sure = await desk.press("Move", person=desk.owner)
    moved = await desk.owner.click(reply(sure), label="Move it")

    assert str(reply(moved).content).endswith("Its roles have moved with it.")
    assert has(desk, desk.member, buyer)


async def test_an_order_that_is_released_on_its_card_is_free_and_the_customer_can_be_told(
    desk: Desk, buyer: RoleHandle
) -> None:
    await files(desk)

    sure = await desk.press("Release")
    assert reply(sure).content == (
        f"**Release the order?** <@{desk.customer.id}> loses it, and is not told. The next account that opens it in "
        f"this server gets it: ask <@{desk.member.id}> to open it. Roles that I take back: <@&{buyer.id}>."
    )
    released = await desk.moderator.click(reply(sure), label="Release it")

    assert reply(released).content == (
        f"**Order #1050 is free now:** have <@{desk.member.id}> open it again in this server, with /mydownloads. "
        f"<@{desk.customer.id}> no longer has <@&{buyer.id}>."
    )
    for command in ("requests open", "requests mine"):
        listed = await desk.moderator.slash(desk.channel, command)
        assert "in use by another account" not in str(embed(listed).description)
    assert not has(desk, desk.customer, buyer)
    assert "In use by" not in shown(desk)
    assert desk.notes()[-1] == f"🔓 <@{desk.moderator.id}> has released the order."
    tell = await desk.moderator.click(reply(released), label="Tell the customer")
    assert prefilled(tell) == (
        "Hello max, no other account uses order #1050 now. Open it in the server with /mydownloads, and it counts for "
        "you there."
    )
    await desk.mydownloads(orders.DOCUMENTED, person=desk.member)
    assert has(desk, desk.member, buyer)


@pytest.mark.parametrize("what", ["Move", "Release"])
async def test_a_role_that_another_order_brings_stays_and_both_question_and_result_say_so(
    desk: Desk, buyer: RoleHandle, what: str
) -> None:
    await desk.mydownloads(orders.USED_UP)
    await files(desk)
    page = await desk.owner.slash(desk.channel, "requests open")
    assert "in use by another account" in str(embed(page).description)
    keeps = f"<@{desk.customer.id}> keeps <@&{buyer.id}> through another order."

    sure = await desk.press(what, person=desk.owner)
    question = reply(sure).content
    done = await desk.owner.click(reply(sure), label=f"{what} it")

    assert question.endswith(keeps)
    assert ("Roles that I take back: none." in question) is (what == "Release")
    assert reply(done).content.endswith(keeps)
    assert "no longer has" not in reply(done).content
    assert has(desk, desk.customer, buyer)


@pytest.mark.usefixtures("buyer")
async def test_in_german_the_card_and_the_confirmation_say_the_same(desk: Desk) -> None:
    desk.server_speaks("de")
    await desk.bot.storage.guilds.change_options(
        desk.guild.id, desk.owner.id, lambda options: options.model_copy(update={"language": "de"})
    )
    for person in (desk.member, desk.owner):
        desk.speaks(person, "de")
    await files(desk)

    (card,) = [message for message in desk.support.history() if message.embeds]
    held = f"🔴 Zählt für <@{desk.customer.id}> seit <t:"
    assert held in str(card.embeds[0].description)
    assert labels(card)[4:] == ["Einzelheiten", "Übertragen", "Freigeben"]
    sure = await desk.owner.click(card, label="Freigeben")
    assert reply(sure).content.startswith("**Die Bestellung freigeben?** Sie zählt dann nicht mehr für")
    sure = await desk.owner.click(card, label="Übertragen")
    assert reply(sure).content.startswith(f"**Die Bestellung auf <@{desk.member.id}> übertragen?**")
    moved = await desk.owner.click(reply(sure), label="Jetzt übertragen")
    assert (
        desk.notes()[-1]
        == f"➡️ <@{desk.owner.id}> hat die Bestellung von <@{desk.customer.id}> auf <@{desk.member.id}> übertragen."
    )
    tell = await desk.owner.click(reply(moved), label="Dem Kunden schreiben")
    assert prefilled(tell).startswith("Hallo max, Bestellung #1050 zählt jetzt für dieses Konto")


async def test_a_moderator_who_may_not_give_the_role_is_refused_on_the_card_too(desk: Desk, buyer: RoleHandle) -> None:
    await files(desk)
    (claim,) = await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id)

    refused = await desk.press("Move")
    shown_claim = f"{claim.id}:{claim.user_id}:{claim.shown.milliseconds}"
    forged = await desk.forge(f"claims:sure:move:1:{shown_claim}", desk.moderator, desk.support)

    for result in (refused, forged):
        assert reply(result).content == (
            "**Press Release instead, and have the customer open the order in this server with /mydownloads.** Moving "
            f"it takes Manage Roles and a role above <@&{buyer.id}>: somebody who has both can press **Move**."
        )
        assert labels(reply(result)) == ["Release"]
    asked = await desk.moderator.click(reply(refused), label="Release")
    assert reply(asked).content.startswith("**Release the order?**")
    assert has(desk, desk.customer, buyer)
    assert not has(desk, desk.member, buyer)


async def test_with_several_accounts_on_an_order_the_moderator_chooses_whose(desk: Desk, buyer: RoleHandle) -> None:
    await desk.bot.storage.guilds.change_options(
        desk.guild.id, desk.owner.id, lambda options: options.model_copy(update={"accounts_per_order": 2})
    )
    await desk.mydownloads(orders.DOCUMENTED, person=desk.colleague)
    await files(desk)
    assert f"<@{desk.customer.id}> since" in shown(desk)
    assert f"<@{desk.colleague.id}> since" in shown(desk)

    asked = await desk.press("Release")
    assert reply(asked).content.startswith(
        f"Several accounts hold this order. Whose is it?\n1. <@{desk.customer.id}> · <t:"
    )
    second = buttons(reply(asked))[0]["options"][1]["value"]
    sure = await desk.moderator.select(reply(asked), [second], custom_id="claims:whose:release:1")
    await desk.moderator.click(reply(sure), label="Release it")

    assert not has(desk, desk.colleague, buyer)
    assert has(desk, desk.customer, buyer)
    assert "In use by" not in shown(desk)


async def test_what_has_changed_meanwhile_is_said_and_nothing_happens(desk: Desk, buyer: RoleHandle) -> None:
    await files(desk)
    sure = [await desk.press(label, person=desk.owner) for label in ("Move", "Move", "Release")]
    await desk.owner.click(reply(sure[0]), label="Move it")

    again = await desk.owner.click(reply(sure[1]), label="Move it")  # the same press, as its answer was lost
    assert reply(again).content == f"The order counts for <@{desk.member.id}> now."
    assert labels(reply(again)) == ["Tell the customer"]
    late = await desk.forge("claims:ask:move:1", desk.owner, desk.support)
    assert reply(late).content == f"{CHANGED} It counts for <@{desk.member.id}> now."
    assert has(desk, desk.member, buyer)


async def test_a_release_that_is_pressed_twice_says_the_same(desk: Desk, buyer: RoleHandle) -> None:
    await files(desk)
    sure = [await desk.press("Release", person=desk.owner) for _ in range(2)]
    await desk.owner.click(reply(sure[0]), label="Release it")

    again = await desk.owner.click(reply(sure[1]), label="Release it")

    assert reply(again).content.startswith("**Order #1050 is free now:** have ")
    assert labels(reply(again)) == ["Tell the customer"]
    assert not has(desk, desk.customer, buyer)


@pytest.mark.usefixtures("buyer")
@pytest.mark.parametrize("label", ["Move", "Release"])
async def test_the_order_of_a_request_that_was_closed_meanwhile_is_not_said_to_have_changed(
    desk: Desk, label: str
) -> None:
    await files(desk)
    sure = await desk.press(label, person=desk.owner)
    await desk.resolves()

    asked = await desk.forge(f"claims:ask:{label.lower()}:1", desk.owner, desk.support)
    done = await desk.owner.click(reply(sure), label=f"{label} it")

    assert reply(asked).content.startswith("**The help request is closed already:**")
    assert told(done).startswith("**The help request is closed already:**")
    (claim,) = await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id)
    assert claim.user_id == desk.customer.id


async def test_an_order_is_not_moved_to_somebody_who_has_left(desk: Desk, buyer: RoleHandle) -> None:
    await files(desk)
    sure = await desk.press("Move", person=desk.owner)
    del desk.env.backend.get_guild(desk.guild.id).members[desk.member.id]

    refused = await desk.owner.click(reply(sure), label="Move it")

    assert reply(refused).content.startswith("**They are not in this server, so I have changed nothing:**")
    assert has(desk, desk.customer, buyer)
    assert f"{HELD}<@{desk.customer.id}>" in shown(desk)


async def test_a_holder_who_deletes_their_data_is_no_longer_named_and_the_order_can_be_moved(
    desk: Desk, buyer: RoleHandle
) -> None:
    await files(desk)
    page = await desk.customer.slash(desk.channel, "privacy")
    asked = await desk.customer.click(reply(page), label="Delete it")
    await desk.customer.click(reply(asked), label="Delete for good")
    await desk.later()

    assert f"<@{desk.customer.id}>" not in shown(desk)
    assert f"{HELD}an account that had its data deleted since <t:" in shown(desk)
    sure = await desk.press("Move", person=desk.owner)
    await desk.owner.click(reply(sure), label="Move it")
    assert has(desk, desk.member, buyer)


@pytest.mark.usefixtures("buyer")
@pytest.mark.parametrize("number", ["1", "#1", " 1 "])
async def test_claims_order_takes_the_number_of_a_help_request(desk: Desk, number: str) -> None:
    await files(desk)

    listed = await desk.moderator.slash(desk.channel, "claims order", **{"order-id": number})

    assert reply(listed).content == "**Help request #1 · Order #1050**\n1 order counts"
    assert f"<@{desk.customer.id}>" in str(embed(listed).description)
    chosen = await desk.moderator.select(reply(listed), [first_option(listed)], custom_id="claims:choose")
    await desk.moderator.click(reply(chosen), label="Release")
    await desk.later()
    assert "In use by" not in shown(desk)


@pytest.mark.usefixtures("buyer")
async def test_a_number_of_no_help_request_or_of_one_without_an_order_is_refused(desk: Desk) -> None:
    form = await desk.customer.click(reply(await desk.mydownloads("#1050")), label="Get help")
    await desk.customer.submit_modal(form, {"topic": "other", "words": "?", "number": "1042"})

    without = await desk.moderator.slash(desk.channel, "claims order", **{"order-id": "1"})
    unknown = await desk.moderator.slash(desk.channel, "claims order", **{"order-id": "#1050"})

    assert reply(without).content.startswith("**No order is known for this help request.**")
    assert reply(unknown).content.startswith("**There is no help request #1050 here.** If 1050 is an order number: I")


@pytest.mark.parametrize("what", ["Move", "Release"])
async def test_a_question_on_a_card_is_only_about_the_holder_whom_it_names(
    desk: Desk, buyer: RoleHandle, what: str
) -> None:
    await files(desk)
    old = await desk.press(what, person=desk.owner)
    (claim,) = await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id)
    await desk.bot.roles.move(claim.shown, await moderator(desk), desk.colleague.id)

    late = await desk.owner.click(reply(old), label=f"{what} it")

    assert reply(late).content == f"{CHANGED} It counts for <@{desk.colleague.id}> now."
    assert not labels(reply(late))
    assert has(desk, desk.colleague, buyer)
    assert not has(desk, desk.member, buyer)
    assert f"{HELD}<@{desk.colleague.id}> since" in shown(desk)


@pytest.mark.parametrize("what", ["Move", "Release"])
async def test_a_question_on_a_card_does_not_reach_who_opens_the_order_once_it_is_released(
    desk: Desk, buyer: RoleHandle, what: str
) -> None:
    await files(desk)
    early, old = [await desk.press(what, person=desk.owner) for _ in range(2)]
    (claim,) = await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id)
    await desk.bot.roles.release(desk.guild.id, claim.shown, desk.owner.id)

    free = await desk.owner.click(reply(early), label=f"{what} it")
    freed = f"{CHANGED} It counts for nobody now" if what == "Move" else "**Order #1050 is free now:**"
    assert reply(free).content.startswith(freed)
    await desk.mydownloads(orders.DOCUMENTED, person=desk.colleague)  # SQLite gives their claim the same number
    late = await desk.owner.click(reply(old), label=f"{what} it")

    assert reply(late).content == f"{CHANGED} It counts for <@{desk.colleague.id}> now."
    assert has(desk, desk.colleague, buyer)


@pytest.mark.parametrize("what", ["Release", "Move to another account"])
async def test_a_question_of_claims_is_only_about_the_holder_whom_it_names(
    desk: Desk, buyer: RoleHandle, what: str
) -> None:
    listed = await desk.owner.slash(desk.channel, "claims person", person=desk.customer)
    old = await desk.owner.select(reply(listed), [first_option(listed)], custom_id="claims:choose")
    (claim,) = await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id)
    await desk.bot.roles.move(claim.shown, await moderator(desk), desk.colleague.id)

    late = await desk.owner.click(reply(old), label=what)
    if what != "Release":
        late = await desk.owner.submit_modal(late, {"person": [desk.member]})

    assert reply(late).content == f"{CHANGED} It counts for <@{desk.colleague.id}> now."
    assert has(desk, desk.colleague, buyer)
    assert not has(desk, desk.member, buyer)


@pytest.mark.usefixtures("buyer")
async def test_an_account_that_was_chosen_of_several_must_still_hold_the_order(desk: Desk) -> None:
    await desk.bot.storage.guilds.change_options(
        desk.guild.id, desk.owner.id, lambda options: options.model_copy(update={"accounts_per_order": 2})
    )
    await desk.mydownloads(orders.DOCUMENTED, person=desk.colleague)
    await files(desk)
    asked = await desk.press("Release")
    first = buttons(reply(asked))[0]["options"][0]["value"]
    (claim,) = await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id)
    await desk.bot.roles.move(claim.shown, await moderator(desk), desk.owner.id)

    late = await desk.moderator.select(reply(asked), [first], custom_id="claims:whose:release:1")

    assert reply(late).content == f"{CHANGED} It counts for <@{desk.owner.id}>, <@{desk.colleague.id}> now."


@pytest.mark.parametrize("what", ["Move", "Release"])
async def test_every_question_about_an_order_can_be_left_without_a_change(
    desk: Desk, buyer: RoleHandle, what: str
) -> None:
    await files(desk)
    listed = await desk.owner.slash(desk.channel, "claims person", person=desk.customer)
    asked = [
        await desk.press(what, person=desk.owner),
        await desk.owner.select(reply(listed), [first_option(listed)], custom_id="claims:choose"),
    ]

    for question in asked:
        kept = await desk.owner.click(reply(question), label="Keep it")
        assert reply(kept).content == "All right: I have changed nothing."
        assert not labels(reply(kept))

    assert has(desk, desk.customer, buyer)


async def moderator(desk: Desk) -> discord.Member:
    """Return the owner as discord.py knows them."""
    guild = desk.bot.get_guild(desk.guild.id)
    assert guild is not None
    return guild.get_member(desk.owner.id) or await guild.fetch_member(desk.owner.id)


async def test_check_again_names_who_holds_the_order_in_the_cards_order_and_offers_the_buttons_it_names(
    desk: Desk, buyer: RoleHandle
) -> None:
    await files(desk)
    await desk.press("Take")

    checked = await desk.press("Check again", person=desk.owner)

    said = reply(checked).content
    assert said.startswith(f"**Help request #1**, which <@{desk.moderator.id}> has\nNothing has changed.\n{HELD}")
    assert f"<@{desk.customer.id}> since <t:" in said.split(HELD)[1]
    assert said.endswith("\n**Details** has all findings.")
    assert "no files on this product" not in said
    assert labels(reply(checked)) == ["Move", "Release"]
    sure = await desk.owner.click(reply(checked), label="Move")
    await desk.owner.click(reply(sure), label="Move it")
    assert has(desk, desk.member, buyer)
    again = await desk.press("Check again")
    assert reply(again).content.startswith("**Help request #1**\n✅ No longer: Another account")
    assert not labels(reply(again))


NOT_YET = "🟡 The order does not count for them yet, so it has brought no role.\n→ Have them open it"


async def test_a_card_about_a_missing_role_says_first_whether_the_order_counts_and_which_role_it_brings(
    desk: Desk, buyer: RoleHandle
) -> None:
    await desk.ask_for_help(orders.USED_UP, "I have the links, but no role.", topic="no_role")

    said = (
        f"✅ The order counts for them and brings <@&{buyer.id}>.\n→ Missing? **Refresh** under their files **in this "
        "server** brings it; else store owner: /store status."
    )
    assert said in shown(desk)
    assert shown(desk).index(said) < shown(desk).index("🔴 wallpapers.zip")
    assert said in str(embed(await desk.press("Details")).description)
    assert (await fitting(desk))[0] == "No role: open the order in the server"


async def test_details_say_which_of_the_orders_roles_the_customer_has_now(desk: Desk, buyer: RoleHandle) -> None:
    async def said() -> list[str | None]:
        fields = embed(await desk.press("Details")).fields
        return [field.value for field in fields if field.name == "Roles that the order brings"]

    reader = desk.guild.create_role("Reader")
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=reader)
    await desk.ask_for_help(orders.USED_UP, "I have the links, but no role.", topic="no_role")
    await files(desk)
    desk.env.backend.remove_member_role(desk.guild.id, desk.customer.id, reader.id)

    assert await said() == [f"✅ They have <@&{buyer.id}>.\n🔴 They do not have <@&{reader.id}>."]
    desk.env.inject_error("GET", "/guilds/*/members/*", status=500, times=None)
    assert await said() == [f"<@&{buyer.id}>, <@&{reader.id}>: I could not read whether they have them."]
    desk.env.backend.faults.clear()
    del desk.env.backend.get_guild(desk.guild.id).members[desk.customer.id]
    assert await said() == ["They are not in this server any more."]
    others = embed(await desk.press("Details", number=2)).fields
    assert "Roles that the order brings" not in [field.name for field in others]


@pytest.mark.usefixtures("buyer")
@pytest.mark.parametrize("what", ["Move", "Release"])
async def test_a_move_names_the_open_request_of_who_loses_the_order_and_its_card_says_who_has_it_then(
    desk: Desk, what: str
) -> None:
    await desk.ask_for_help(orders.DOCUMENTED, "Where is my role?", topic="no_role")
    await files(desk)
    assert "✅ The order counts for them" in shown(desk)

    sure = await desk.press(what, person=desk.owner, number=2)
    named = f"<@{desk.customer.id}> has an open help request about it: [#1](https://discord.com/channels/"
    assert named in reply(sure).content
    await desk.owner.click(reply(sure), label=f"{what} it")
    await desk.bot.reconciler.run()

    if what == "Move":
        assert f"{HELD}<@{desk.member.id}> since" in shown(desk)
    else:
        assert NOT_YET in shown(desk)


@pytest.mark.usefixtures("buyer")
async def test_the_card_says_that_the_order_does_not_count_yet_until_it_does(desk: Desk) -> None:
    await desk.ask_for_help(orders.USED_UP, "No role.", topic="no_role")
    claims = await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id)
    await desk.bot.storage.claims.release(desk.guild.id, claims[0].shown, desk.moderator.id)
    await desk.press("Take")

    assert f"{NOT_YET} with /mydownloads **in this server**." in shown(desk)
    await desk.mydownloads(orders.USED_UP)
    await desk.later()

    assert "✅ The order counts for them and brings" in shown(desk)


async def test_the_card_says_that_no_rule_gives_a_role_for_the_order(desk: Desk, buyer: RoleHandle) -> None:
    await desk.owner.slash(desk.channel, "store roles remove", rule="1")
    await desk.owner.slash(desk.channel, "store roles add", match="product_id", value="1", role=buyer)

    await desk.ask_for_help(orders.USED_UP, "No role.", topic="no_role")

    assert "🟡 The order counts for them, but no rule gives a role for it.\n→ Store owner: /store roles." in shown(desk)


async def test_after_a_release_the_answers_button_says_that_roles_are_given_in_the_server_alone(
    desk: Desk, buyer: RoleHandle
) -> None:
    await desk.mydownloads(orders.USED_UP, person=desk.member)
    await desk.ask_for_help(orders.USED_UP, "It is mine!", topic="no_role")
    released = await desk.moderator.click(reply(await desk.press("Release")), label="Release it")
    tell = await desk.moderator.click(reply(released), label="Tell the customer")
    await desk.moderator.submit_modal(tell, {"words": prefilled(tell)})
    in_server = "This order brings you a role, but in the server only: open it there with /mydownloads."

    opened = await desk.at_home.click(desk.direct()[-1], label="Open my order")

    assert in_server in reply(opened).content
    await desk.mydownloads(orders.USED_UP)
    assert has(desk, desk.customer, buyer)
    opened = await desk.at_home.click(reply(opened), label="Refresh")
    assert in_server not in reply(opened).content


@pytest.mark.usefixtures("buyer")
async def test_a_card_sends_nobody_to_an_order_that_can_bring_no_role(desk: Desk) -> None:
    await desk.ask_for_help(orders.EMPTY, "No role.", topic="no_role")

    assert "does not count for them yet" not in shown(desk)
    assert "there are no files on it" in shown(desk)
    assert "No role: open the order in the server" not in await fitting(desk)


@pytest.mark.usefixtures("buyer")
async def test_after_a_move_the_other_customers_card_its_details_and_both_questions_say_whose_decision_it_was(
    desk: Desk,
) -> None:
    await desk.ask_for_help(orders.DOCUMENTED, "Where is the rest?", topic="files_missing")
    await files(desk)
    await desk.owner.click(reply(await desk.press("Move", person=desk.owner, number=2)), label="Move it")
    await desk.resolves(number=2)
    await desk.bot.reconciler.run()

    said = f" <@{desk.owner.id}> moved it to <@{desk.member.id}> <t:"
    assert said in shown(desk)
    assert shown(desk).partition("> Where is the rest?")[2].strip().startswith(HELD)
    assert said in str(embed(await desk.press("Details")).description)
    for what in ("Move", "Release"):
        assert said in str(reply(await desk.press(what, person=desk.owner)).content)


@pytest.mark.usefixtures("buyer")
async def test_a_move_is_not_named_once_the_order_was_released_and_opened_again(desk: Desk) -> None:
    await files(desk)
    await desk.owner.click(reply(await desk.press("Move", person=desk.owner)), label="Move it")
    (claim,) = await desk.bot.storage.claims.of_user(desk.guild.id, desk.member.id)
    await desk.bot.roles.release(desk.guild.id, claim.shown, desk.owner.id)
    await desk.mydownloads(orders.DOCUMENTED, person=desk.member)
    await files(desk, desk.colleague)

    assert f"{HELD}<@{desk.member.id}> since <t:" in shown(desk, 2)
    assert "moved it to" not in shown(desk, 2)


HELD_ANSWERS = ["In use by another account", "I am asking the store whose order it is"]


@pytest.mark.usefixtures("buyer")
async def test_the_ready_made_answers_come_in_the_cards_order(desk: Desk) -> None:
    await desk.mydownloads(orders.USED_UP)
    opened = await desk.mydownloads(orders.USED_UP, person=desk.member)
    form = await desk.member.click(reply(opened), label="Get help")
    await desk.member.submit_modal(form, {"topic": "no_role", "words": "It is mine!"})

    assert (await fitting(desk))[:3] == [*HELD_ANSWERS, "Nothing left: passed on to the store owner"]


@pytest.mark.usefixtures("buyer")
async def test_the_answers_about_another_account_fit_as_soon_as_one_holds_the_order(desk: Desk) -> None:
    await desk.ask_for_help(orders.DOCUMENTED, topic="no_role")
    assert "In use by another account" not in await fitting(desk)
    (claim,) = await desk.bot.storage.claims.of_user(desk.guild.id, desk.customer.id)

    await desk.bot.roles.move(claim.shown, await moderator(desk), desk.member.id)

    assert (await fitting(desk))[:2] == HELD_ANSWERS


@pytest.mark.usefixtures("buyer")
@pytest.mark.parametrize(("label", "said"), [("Take", "Help request #1 is yours now."), ("Check again", "Nothing has")])
@pytest.mark.parametrize("copied", [True, False])
async def test_what_was_done_before_the_database_went_away_is_not_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, label: str, said: str, *, copied: bool
) -> None:
    await files(desk)
    message: ResponseMessage | discord.Message = desk.card()
    if copied:
        page = await desk.moderator.slash(desk.channel, "requests open")
        shown = await desk.moderator.select(reply(page), [first_option(page)], custom_id="requests:show")
        message = reply(shown)

    show = desk.bot.desk.show

    async def away(*_arguments: object) -> None:
        raise StorageUnavailable("away")

    async def goes_away(ticket: Ticket) -> Ticket:
        shown = await show(ticket)
        monkeypatch.setattr(desk.bot.storage.tickets, "get", away)
        monkeypatch.setattr(desk.bot.storage.claims, "of_order", away)
        return shown

    monkeypatch.setattr(desk.bot.desk, "show", goes_away)
    done = await desk.moderator.click(message, label=label)

    assert said in reply(done).content
    assert "My database" not in reply(done).content


@pytest.mark.limits(refresh_seconds=0.0)
@pytest.mark.usefixtures("buyer")
async def test_check_again_does_not_say_that_nobody_else_holds_an_order_that_is_not_found_any_more(desk: Desk) -> None:
    await files(desk)
    desk.sample.fault = FAULTS["not_found"]

    checked = await desk.press("Check again")

    assert "No longer: Another account" not in reply(checked).content + desk.notes()[-1]
    assert "🔴 Fileflare knows no order" in reply(checked).content
    assert labels(reply(checked)) == ["Move", "Release"]
    ticket = await desk.bot.storage.tickets.get(1)
    assert {Kind.HELD_BY_OTHERS, Kind.NOT_FOUND} == {finding.kind for finding in ticket.details.findings}
