"""The message that shows an open order, and the buttons under a refusal."""

import math
from collections.abc import Sequence
from typing import Final

import discord

from fileflare_bot.downloads.open_orders import OpenOrder
from fileflare_bot.downloads.pages import OrderPages, Page
from fileflare_bot.fileflare.errors import BadReference, LookupFailed
from fileflare_bot.i18n import Translator
from fileflare_bot.interactions.components import COLOUR, ask_button, button, view
from fileflare_bot.interactions.reply import ReplyMessage
from fileflare_bot.orders.diagnosis import Finding
from fileflare_bot.refusal import NextStep, Refusal
from fileflare_bot.roles.granting import Grant, OrderHeldByOthers
from fileflare_bot.text import clean, escape
from fileflare_bot.tickets.intake import help_button

MOST_ROLES_SHOWN: Final = 20


def order_message(
    opened: OpenOrder, pages: OrderPages, translator: Translator, grant: Grant | None = None, *, age: float = 0.0
) -> ReplyMessage:
    """Return the current page of an open order, with the roles that it brought and the age of its counts in seconds."""
    page = pages.render(opened.page, translator)
    opened.page = page.number
    embed = discord.Embed(title=page.title, description=page.description, colour=COLOUR)
    aged = translator.ngettext("counts are {count} second old", "counts are {count} seconds old", math.ceil(age))
    embed.set_footer(text=f"{page.footer} · {aged}" if age else page.footer)
    finding = next(iter(opened.findings), None)
    if grant is not None and grant.given:
        roles = ", ".join(f"**{escape(clean(name))}**" for name in grant.given[:MOST_ROLES_SHOWN])
        embed.add_field(name=translator.gettext("New for you"), value=roles)
    if grant is not None and grant.held_by_others:
        text = translator.gettext(
            "Another account here uses this order already, so it brings you no role. Is it yours? Press Get help."
        )
        embed.add_field(name=translator.gettext("No role this time"), value=text)
    return ReplyMessage(page.content, embed, _page_view(page, opened, translator, finding))


def refusal_view(
    error: Exception, refusal: Refusal, translator: Translator, opened: OpenOrder | None
) -> discord.ui.View | None:
    """Return the buttons under a refusal, and note its finding on the open order for a ticket."""
    items = []
    if refusal.next_step is NextStep.ASK:
        items.append(ask_button(translator.gettext("Get my downloads")))
    if refusal.next_step is NextStep.RETRY and opened is not None:
        items.append(_button("retry", opened, translator.gettext("Try again")))
    kind = error.finding if isinstance(error, LookupFailed | OrderHeldByOthers) else None
    if kind is not None:
        finding = Finding(kind, problem=error.problem if isinstance(error, BadReference) else None)
        if opened is not None:
            opened.failure = finding
        items.append(help_button(translator, opened.handle if opened else "", finding))
    return view(items) if items else None


def _page_view(page: Page, opened: OpenOrder, translator: Translator, finding: Finding | None) -> discord.ui.View:
    turns: Sequence[tuple[str, str, bool]] = (
        ("first", "⏮️", page.number == 1),
        ("previous", "◀️", page.number == 1),
        ("next", "▶️", page.number == page.of),
        ("last", "⏭️", page.number == page.of),
    )
    refresh = _button("refresh", opened, translator.gettext("Refresh"), emoji="🔄")
    turning = [_button(action, opened, emoji=emoji, disabled=end) for action, emoji, end in turns if page.of > 1]
    links = [discord.ui.Button[discord.ui.View](label=link.label, url=link.url) for link in page.links]
    more = [help_button(translator, opened.handle, finding)]
    if opened.savable and not opened.saved:
        more.append(_button("remember", opened, translator.gettext("Remember this order"), emoji="🔖"))
    return view(links, [*turning[:2], refresh, *turning[2:], *more])


def _button(
    action: str, opened: OpenOrder, label: str | None = None, *, emoji: str | None = None, disabled: bool = False
) -> discord.ui.Button[discord.ui.View]:
    """Return a button of an open order. Its custom_id holds the random handle, never the order's ID."""
    return button(label, f"downloads:{action}:{opened.handle}", emoji=emoji, disabled=disabled)
