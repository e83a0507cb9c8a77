"""What people do with the bot, as the table of faults sees it: a scene, then one press that is the operation."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from doubles.discord_people import Interaction
from shop import Shop
from simcord.backend.models import Message

from fileflare_bot.demo import orders
from fileflare_bot.storage.records import Resolution

Press = Callable[[], Interaction]
Scene = Callable[[Shop], Awaitable[Press]]
Values = Callable[[Shop], dict[str, Any]]
ANSWER: Final = "Try again."
WORDS: Final = "No luck."
TITLE: Final = "Your books"
BYE: Final[dict[str, Any]] = {"reason": [Resolution.FIXED], "words": "Bye."}
PICTURE: Final = b"\x89PNG\r\n\x1a\n the picture"
LEAK: Final = f"look: https://app.fileflare.com/orders/{orders.DOCUMENTED}"


@dataclass(frozen=True, slots=True)
class Operation:
    """``scene`` prepares it and returns the press, which makes so many calls to Discord.

    ``promise`` is what a reply says once it is done (a pattern), and ``broken`` what makes that untrue: a pattern of
    disagreements or facts.
    """

    scene: Scene
    calls: int
    promise: str = ""
    broken: str = ""


def on_card(label: str, values: Values | None = None, *, before: tuple[Scene, ...] = ()) -> Scene:
    """A moderator presses a button of a card, and fills in its modal if it has one."""

    async def prepare(shop: Shop) -> Press:
        await shop.ask_for_help()
        for scene in before:
            await (await scene(shop))().done()
        if values is None:
            return lambda: shop.discord.press(shop.moderator, shop.card(), label)
        shown = await shop.press(shop.moderator, shop.card(), label)
        return lambda: shop.discord.submit(shop.moderator, shown, **values(shop))

    return prepare


def then(label: str, **values: str | list[str]) -> Scene:
    """A moderator goes on with the card that is there."""

    async def prepare(shop: Shop) -> Press:
        if not values:
            return lambda: shop.discord.press(shop.moderator, shop.card(), label)
        shown = await shop.press(shop.moderator, shop.card(), label)
        return lambda: shop.discord.submit(shop.moderator, shown, **values)

    return prepare


async def file(shop: Shop) -> Press:
    """A customer asks for help."""
    shown = await shop.press(shop.customer, (await shop.look_up()).message, "Get help")
    return lambda: shop.discord.submit(shop.customer, shown, topic="nothing_left", words="It is broken.")


async def file_with_screenshot(shop: Shop) -> Press:
    """A customer asks for help, and attaches a screenshot."""
    setup = await shop.discord.slash(shop.owner, shop.channel, "store setup").done()
    await shop.press(shop.owner, setup.message, "store_setup:toggle:help_screenshots:on")
    shown = await shop.press(shop.customer, (await shop.look_up()).message, "Get help")
    file = shop.discord.upload("picture.png", PICTURE)
    return lambda: shop.discord.submit(shop.customer, shown, topic="nothing_left", words="See this.", screenshot=file)


async def answer(shop: Shop) -> Press:
    """A moderator answers a customer."""
    await shop.ask_for_help()
    shown = await shop.answer_form()
    return lambda: shop.discord.submit(shop.moderator, shown, words=ANSWER)


async def write_back(shop: Shop) -> Press:
    """A customer writes back below an answer."""
    await (await answer(shop))().done()
    shown = await shop.press(shop.customer, shop.direct()[0], "Write back")
    return lambda: shop.discord.submit(shop.customer, shown, words=WORDS)


async def solve(shop: Shop) -> Press:
    """A customer says that it is solved."""
    await (await answer(shop))().done()
    return lambda: shop.discord.press(shop.customer, shop.direct()[0], "It is solved")


async def grant(shop: Shop) -> Press:
    """A customer opens an order that brings a role."""
    await shop.add_rule()
    return lambda: shop.discord.slash(shop.customer, shop.channel, "mydownloads", order_id=orders.DOCUMENTED)


def on_claim(label: str, values: Values | None = None) -> Scene:
    """The owner, who may give its roles, releases or moves a claim."""

    async def prepare(shop: Shop) -> Press:
        await (await grant(shop))().done()
        listed = await shop.discord.slash(shop.owner, shop.channel, "claims order", order_id=orders.DOCUMENTED).done()
        chosen = await shop.discord.press(
            shop.owner, _message(listed), "claims:choose", shop.discord.options(_message(listed), "claims:choose")
        ).done()
        if values is None:
            return lambda: shop.discord.press(shop.owner, _message(chosen), label)
        shown = await shop.press(shop.owner, chosen.message, label)
        return lambda: shop.discord.submit(shop.owner, shown, **values(shop))

    return prepare


async def move_on_card(shop: Shop) -> Press:
    """The owner moves an order to the customer of a card, whose order another account holds."""
    await (await grant(shop))().done()
    opened = await shop.discord.slash(shop.moderator, shop.channel, "mydownloads", order_id=orders.DOCUMENTED).done()
    shown = await shop.press(shop.moderator, opened.message, "Get help")
    await shop.discord.submit(shop.moderator, shown, topic="no_role", words="It is mine.").done()
    sure = await shop.press(shop.owner, shop.card(), "claims:ask:move")
    return lambda: shop.discord.press(shop.owner, _message(sure), "claims:sure:move")


async def delete_data(shop: Shop) -> Press:
    """A customer deletes what is stored about them: two help requests, and an order that brought a role."""
    await (await grant(shop))().done()
    await shop.ask_for_help()
    shown = await shop.discord.slash(shop.customer, shop.channel, "privacy").done()
    sure = await shop.press(shop.customer, shown.message, "Delete it")
    return lambda: shop.discord.press(shop.customer, _message(sure), "Delete for good")


async def post_panel(shop: Shop) -> Press:
    """An owner posts the panel."""
    return lambda: shop.discord.slash(shop.owner, shop.channel, "store panel")


async def post_panel_anew(shop: Shop) -> Press:
    """An owner posts the panel where one is already."""
    await (await post_panel(shop))().done()
    return await post_panel(shop)


async def word_panel(shop: Shop) -> Press:
    """An owner changes the words of a panel that is posted."""
    await (await post_panel(shop))().done()
    setup = await shop.discord.slash(shop.owner, shop.channel, "store setup").done()
    shown = await shop.press(shop.owner, setup.message, "The panel's words")
    return lambda: shop.discord.submit(shop.owner, shown, title=TITLE)


async def import_settings(shop: Shop) -> Press:
    """An owner imports settings with the leak guard on and a saved answer."""
    content = (
        b'{"version": 1, "support_channel": "support", "log_channel": "log", '
        b'"answers": [{"name": "Hello", "text": "Hi!"}], "options": {"leak_guard": true}}'
    )
    file = shop.discord.upload("settings.json", content)
    shown = await shop.discord.slash(shop.owner, shop.channel, "store import", file=file).done()
    return lambda: shop.discord.press(shop.owner, _message(shown), "Replace my settings")


async def delete_message(shop: Shop) -> Press:
    """A moderator deletes a message that leaks an order."""
    leak = shop.discord.say(shop.customer, shop.channel, LEAK)
    assert leak is not None
    checked = await shop.discord.menu(shop.moderator, "Check order in this message", leak).done()
    return lambda: shop.discord.press(shop.moderator, _message(checked), "Delete the message")


def limited(*before: Scene, **limits: str) -> Scene:
    """An owner sets limits, which makes a customer's request due that nobody goes on with."""

    async def prepare(shop: Shop) -> Press:
        await shop.ask_for_help()
        for scene in before:
            await (await scene(shop))().done()
        setup = await shop.discord.slash(shop.owner, shop.channel, "store setup").done()
        shown = await shop.press(shop.owner, setup.message, "store_setup:limits")
        return lambda: shop.discord.submit(shop.owner, shown, accounts="1", **limits)

    return prepare


DELIVERED: Final = "Sent by direct message", "arrived 0 times"
OPERATIONS: Final[dict[str, Operation]] = {
    "file": Operation(file, 3, "The moderators have it", "0 cards"),
    "file with a screenshot": Operation(file_with_screenshot, 4, "Your screenshot is with it", "^0 screenshots"),
    "take": Operation(on_card("Take"), 2),
    "hand over": Operation(
        on_card("Hand over", lambda shop: {"moderator": [str(shop.owner)]}, before=(then("Take"),)), 3
    ),
    "answer": Operation(answer, 5, *DELIVERED),
    "write back": Operation(write_back, 4, "The moderators have it", "notes of the customer's"),
    "solve": Operation(solve, 5),
    "resolve": Operation(on_card("Resolve", lambda _: BYE), 6, *DELIVERED),
    "reopen": Operation(on_card("Reopen", before=(then("Resolve", reason=[Resolution.FIXED]),)), 3),
    "grant": Operation(grant, 1, "New role for you", "has the role: False"),
    "release": Operation(on_claim("Release"), 2, "is free now.*no longer has <@&", "has the role: True"),
    "move": Operation(
        on_claim("Move to another account", lambda shop: {"person": [str(shop.owner)]}),
        4,
        "Its roles have moved with it",
        "has the role",
    ),
    "move on a card": Operation(move_on_card, 6, "Its roles have moved with it", "has the role"),
    "delete one's data": Operation(delete_data, 3, r"^\*\*Deleted:\*\* 1 help request", "cards|has the role|removals"),
    "panel": Operation(post_panel, 1, "The panel is posted", "0 panels"),
    "panel anew": Operation(post_panel_anew, 2, "the old one is taken down", "[02] panels"),
    "word the panel": Operation(word_panel, 2, "what your customers see now", "panel shows"),
    "import": Operation(import_settings, 4),
    "remind": Operation(limited(remind="1"), 2),
    "ask and close": Operation(limited(answer, close="1"), 10),
    "delete a message": Operation(delete_message, 3, "The message is deleted", "a leak is there"),
}


def _message(shown: Interaction) -> Message:
    assert shown.message is not None
    return shown.message
