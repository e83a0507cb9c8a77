"""Wherever others read about an order, they read nothing of its ID, however it is written."""

from typing import Any

import pytest
from desk import Desk, buttons, first_option, reply
from orders.test_hiding import SHAPES, assert_without

from fileflare_bot.demo import orders
from fileflare_bot.storage.options import Match

TOKEN = orders.USED_UP
NOT_SENT = "**Not sent: there is an order link or an order ID in it,**"


def put_into_every_field(desk: Desk, text: str) -> None:
    """Write a text into every field of the order that Fileflare answers, except the links."""

    def written(value: Any, key: str = "") -> Any:  # noqa: ANN401 - JSON
        if isinstance(value, dict):
            return {name: inner if name == "url" else written(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [written(inner, key) for inner in value]
        return f"{text} {value}" if isinstance(value, str) or key == "order_number" else value

    desk.sample.answers[TOKEN] = written(desk.sample.answers[TOKEN])


def read_by_others(desk: Desk) -> list[str]:
    """Return everything that the bot has sent to anybody but the customer, and the names of threads."""
    channels = [desk.support, desk.log_channel, desk.channel, *desk.support.threads]
    shown = [
        f"{message.content} {[embed.to_dict() for embed in message.embeds]}"
        for channel in channels
        for message in channel.history()
    ]
    return [*shown, *(str(thread.name) for thread in desk.support.threads)]


@pytest.mark.limits(fresh_seconds=0, refresh_seconds=0)
@pytest.mark.parametrize("shape", SHAPES)
async def test_no_moderator_reads_an_orders_id_in_any_shape(desk: Desk, shape: str) -> None:
    written = SHAPES[shape](TOKEN)
    typed = "nothing" if shape in {"tags", "entities"} else written  # which nobody reads otherwise than as they are
    put_into_every_field(desk, written)
    await desk.set_up(log=True)
    await desk.owner.slash(
        desk.channel, "store roles add", match=Match.ANY_ORDER.value, role=desk.guild.create_role("Buyers")
    )
    filed = await desk.ask_for_help(TOKEN, f"my order {typed}, please")
    assert "Your help request is #1." in reply(filed).content
    await desk.forge("help:wrote:1", desk.customer, desk.channel, inputs={"words": f"again {typed} so"})
    await desk.press("Check again")
    await desk.moderator.slash(desk.channel, "answers add", name="Hi")
    await desk.forge("answers:add:Hi", desk.moderator, desk.channel, inputs={"words": "{order} {file} of yours"})
    await desk.answers(saved="Hi")
    answered = await desk.answers(words=f"I see {typed} here")
    resolved = await desk.resolves(words=f"bye {typed} now")
    for refused in (answered, resolved):
        assert reply(refused).content.startswith(NOT_SENT) == (typed == written)

    checked = await desk.moderator.slash(desk.channel, "check", **{"order-id": TOKEN})
    listed = await desk.moderator.slash(desk.channel, "requests person", person=desk.customer)
    shown = await desk.moderator.select(reply(listed), [first_option(listed)], custom_id="requests:show")
    claims = await desk.moderator.slash(desk.channel, "claims person", person=desk.customer)
    tested = await desk.owner.slash(desk.channel, "store roles test", **{"order-id": TOKEN})
    listed = await desk.owner.slash(desk.channel, "store products")
    seen = [str(buttons(reply(listed))), str(await desk.bot.storage.products.seen(desk.guild.id))]

    results = (checked, listed, shown, claims, tested, answered, resolved)
    replies = [f"{reply(each).content} {[one.to_dict() for one in reply(each).embeds]}" for each in results]
    others = [*read_by_others(desk), *replies, str(seen)]
    assert "1 order counts" in reply(claims).content
    assert any(seen)
    assert len(desk.notes()) >= 3
    assert_without(TOKEN, *others)
    assert not [text for text in others if "/download/" in text]


async def test_a_customer_who_is_named_like_the_order_is_shown_without_it(desk: Desk) -> None:
    await desk.set_up()
    customer = desk.guild.add_member(desk.env.create_user(TOKEN))

    await desk.ask_for_help(TOKEN, person=customer)

    assert "**Customer:** <@" in str(desk.card().embeds[0].description)
    assert_without(TOKEN, *read_by_others(desk))


@pytest.mark.parametrize(
    "words",
    [
        f"Use https://my-store.example/account/orders/{orders.LARGE} instead.",
        f"Try this: {orders.LARGE}",
        f"It is account/orders/{orders.LARGE} there.",
    ],
)
async def test_a_moderators_words_with_any_order_in_them_are_given_back_without_it_and_not_sent(
    desk: Desk, words: str
) -> None:
    await desk.set_up()
    await desk.ask_for_help(TOKEN)

    answered = await desk.answers(words=words)
    resolved = await desk.resolves(words=words)
    saved = await desk.forge("answers:add:Hi", desk.moderator, desk.channel, inputs={"words": words})

    for refused in (answered, resolved):
        assert reply(refused).content.startswith(NOT_SENT)
        assert words.split(maxsplit=1)[0] in reply(refused).content
        assert "[link removed]" in reply(refused).content
        assert orders.LARGE not in reply(refused).content
    assert reply(saved).content.startswith("**Not saved: there is an order link or an order ID in it,**")
    assert desk.direct() == []
    assert desk.notes() == []
    assert "Nobody has taken it yet" in str(desk.card().embeds[0].description)
    assert not desk.bot.storage.guilds.get(desk.guild.id).canned_answers


async def test_a_moderator_can_write_about_files_numbers_and_addresses(desk: Desk) -> None:
    await desk.set_up()
    await desk.ask_for_help(TOKEN)
    words = (
        "Order #1050: my-new-book-part-2.pdf is at https://my-store.example/pages/how-to-download-2024, sent with "
        "UPS 1Z999AA10123456784. Open it with /mydownloads and your order link."
    )

    await desk.answers(words=words)

    assert desk.direct()[0].embeds[0].description == words
