"""The message that shows an open order, and the buttons under a refusal."""

import math
from collections.abc import Sequence
from typing import Final

import discord

from fileflare_bot import discord_limits as limits
from fileflare_bot.downloads.open_orders import OpenOrder
from fileflare_bot.downloads.pages import LINKS_ON_A_PAGE, OrderPages, Page
from fileflare_bot.downloads.places import Span
from fileflare_bot.fileflare.errors import BadReference, LookupFailed
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.components import COLOUR, ask_button, button, view
from fileflare_bot.interactions.reply import ReplyMessage
from fileflare_bot.orders.diagnosis import Finding
from fileflare_bot.orders.findings import most_serious
from fileflare_bot.refusal import NextStep, Refusal
from fileflare_bot.roles.granting import Grant, OrderFreeLater, OrderHeldByOthers
from fileflare_bot.text import clean, escape
from fileflare_bot.tickets.intake import help_button, write_button

MOST_ROLES_SHOWN: Final = 20
LONGEST_ROLE: Final = 32  # UTF-16 units of a role's name


def order_message(
    opened: OpenOrder,
    pages: OrderPages,
    translator: Translator,
    grant: Grant | None = None,
    *,
    age: float = 0.0,
    jumped: Span | None = None,
) -> ReplyMessage:
    """Return the current page of an open order, with the roles that it brought and the age of its counts in seconds.

    ``jumped`` is what was chosen in its select, if it is why this page is shown.
    """
    page = pages.render(opened.page, translator, press=opened.press_for_help, in_server=opened.in_server)
    opened.page = page.number
    embed = discord.Embed(title=page.title, description=page.description, colour=COLOUR)
    aged = translator.ngettext("counts are {count} second old", "counts are {count} seconds old", math.ceil(age))
    embed.set_footer(text=" · ".join(part for part in (page.footer, aged if age else "") if part) or None)
    content = page.content
    if grant is not None and grant.given:
        content += "\n" + _new_roles(grant.given, translator)
    if grant is not None and grant.in_server:
        content += "\n" + translator.gettext(
            "This order brings you a role, but in the server only: open it there with /{command}.",
            command=translator.gettext("mydownloads"),
        )
    if grant is not None and grant.held_by_others:
        no_role = _no_role(opened, grant, translator)
        if opened.told:
            content += "\n" + no_role
        else:
            embed.add_field(name=translator.gettext("No role this time"), value=no_role)
    return ReplyMessage(content, embed, _page_view(page, opened, pages, translator, jumped))


def _no_role(opened: OpenOrder, grant: Grant, translator: Translator) -> str:
    """Return why an order brings no role, in one short line if its user was told before."""
    press = translator.gettext(opened.press_for_help or N_("Get help"))
    if grant.free_from is None:
        text = N_(
            "Another account here uses this order already, so it brings you no role. Whoever has its link opens the "
            "same files and shares the same downloads. Is it yours? Press {button}."
        )
        if opened.told:
            text = N_("No role: another account uses this order. Is it yours? Press {button}.")
        return translator.gettext(text, button=press)
    text = N_(
        "This order counted for an account, perhaps yours, that had its data deleted. So that nobody passes it on, it "
        "brings no role until {when}. Is it yours? Press {button}: a moderator can give it back to you sooner."
    )
    if opened.told:
        text = N_("No role until {when}. Is this order yours? Press {button}.")
    return translator.gettext(text, when=discord.utils.format_dt(grant.free_from, "D"), button=press)


def _new_roles(given: Sequence[str], translator: Translator) -> str:
    names = (limits.shorten(clean(name), LONGEST_ROLE) for name in given[:MOST_ROLES_SHOWN])
    roles = ", ".join(f"**{escape(name)}**" for name in names)
    if len(given) == 1:
        return translator.gettext("New role for you: {roles}", roles=roles)
    return translator.gettext("New roles for you: {roles}", roles=roles)


def refusal_view(
    error: Exception,
    refusal: Refusal,
    translator: Translator,
    opened: OpenOrder | None,
    claimed_number: str = "",
    *,
    in_server: bool,
) -> discord.ui.View | None:
    """Return the buttons under a refusal, and note its finding on the open order for a ticket.

    ``claimed_number`` is an order number that was pasted instead of an order ID. Without ``in_server``, none
    asks for help: direct messages have no help desk.
    """
    items = []
    if refusal.next_step is NextStep.ASK:
        items.append(ask_button(translator.gettext("Get my downloads")))
    if refusal.next_step is NextStep.RETRY and opened is not None:
        items.append(_button("retry", opened, translator.gettext("Try again")))
    kind = error.finding if isinstance(error, LookupFailed | OrderHeldByOthers | OrderFreeLater) else None
    if kind is not None:
        finding = Finding(kind, problem=error.problem if isinstance(error, BadReference) else None)
        if opened is not None:
            opened.failure = finding
        if in_server:
            items.append(help_button(translator, opened.handle if opened else "", finding, claimed_number))
        elif opened is not None and opened.ticket_id is not None:
            items.append(write_button(translator, opened.ticket_id))
    return view(items) if items else None


def _page_view(
    page: Page, opened: OpenOrder, pages: OrderPages, translator: Translator, jumped: Span | None
) -> discord.ui.View:
    links = [discord.ui.Button[discord.ui.View](label=link.label, url=link.url) for link in page.links]
    turning = []
    if page.of > 1:
        previous, following = translator.gettext("Previous"), translator.gettext("Next")
        turning += [
            _button("previous", opened, previous, emoji="◀️", disabled=page.number == 1),
            _button("next", opened, following, emoji="▶️", disabled=page.number == page.of),
        ]
    finding = []
    if opened.pages is not None and opened.pages.order.asset_count > LINKS_ON_A_PAGE:
        finding.append(find_button(opened, translator))
    if pages.wanted:
        finding.append(all_button(opened, translator))
    more = [_button("refresh", opened, translator.gettext("Refresh"), emoji="🔄"), *_help_buttons(opened, translator)]
    if opened.savable and not opened.saved:
        more.append(_button("remember", opened, translator.gettext("Remember this order"), emoji="🔖"))
    if page.of == 1:
        return view(links, [*finding, *more])
    return view([_jump_select(page, opened, pages, translator, jumped)], [*turning, *finding], links, more)


def find_button(opened: OpenOrder, translator: Translator) -> discord.ui.Button[discord.ui.View]:
    """Return the button that asks for a part of a name."""
    return _button("find", opened, translator.gettext("Find"), emoji="🔎")


def all_button(opened: OpenOrder, translator: Translator) -> discord.ui.Button[discord.ui.View]:
    """Return the button that shows all files."""
    return _button("all", opened, translator.gettext("All files"), emoji="↩️")


def _help_buttons(opened: OpenOrder, translator: Translator) -> list[discord.ui.Button[discord.ui.View]]:
    """Return the button that reaches moderators from here, if there is one."""
    if opened.ticket_id is not None:
        return [write_button(translator, opened.ticket_id)]
    return [help_button(translator, opened.handle, most_serious(opened.findings))] if opened.in_server else []


def _jump_select(
    page: Page, opened: OpenOrder, pages: OrderPages, translator: Translator, jumped: Span | None
) -> discord.ui.Select[discord.ui.View]:
    """Return the select that jumps to a product or a page. The values of its options hold no names."""
    options = [
        discord.SelectOption(
            label=choice.label, value=choice.value, description=choice.description, default=choice.here
        )
        for choice in pages.places.choices(page.number, jumped, translator)
    ]
    placeholder = translator.gettext("Go to a product or a page")
    return discord.ui.Select(custom_id=f"downloads:jump:{opened.handle}", placeholder=placeholder, options=options)


def _button(
    action: str, opened: OpenOrder, label: str, *, emoji: str | None = None, disabled: bool = False
) -> discord.ui.Button[discord.ui.View]:
    """Return a button of an open order. Its custom_id holds the random handle, never the order's ID."""
    return button(label, f"downloads:{action}:{opened.handle}", emoji=emoji, disabled=disabled)
