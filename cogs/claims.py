"""For moderators: /claims, to see, release and move claims. For members: the button that restores their roles."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.discord_limits import EMBED_DESCRIPTION, OPTION_LABEL, SELECT_OPTIONS, shorten
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.access import CUSTOMER, MODERATOR, MODERATOR_PERMISSIONS, OnlyInServer
from fileflare_bot.interactions.components import COLOUR, LONGEST_ORDER, button, labelled, modal, view
from fileflare_bot.interactions.reply import Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, route
from fileflare_bot.interactions.values import number
from fileflare_bot.refusal import Refusal
from fileflare_bot.roles.granting import INSTEAD_OF_MOVING, ClaimChange
from fileflare_bot.roles.rights import MayNotGive, check_may_give
from fileflare_bot.storage.errors import HeldByThem, NoSuchClaim, NotPossibleNow
from fileflare_bot.storage.records import Claim, ShownClaim, Ticket
from fileflare_bot.text import escape
from fileflare_bot.tickets.card import claim_buttons
from fileflare_bot.tickets.holders import standing_of
from fileflare_bot.tickets.texts import holder, moves, order_of, title

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_SHOWN: Final = r"(?P<shown>\d{1,18}:\d{1,20}:\d{1,15})"  # a claim, its holder or 0, and when it was made
_TICKET: Final = r"(?P<ticket_id>\d{1,18})"
_WHAT: Final = r"(?P<what>move|release)"
_TOLD: Final = {"move": "moved", "release": "released"}  # the built-in answers about it
_TICKET_NUMBER: Final = re.compile(r"#?(\d{1,9})", re.ASCII)  # shorter than any order ID


@app_commands.guild_only()
@app_commands.default_permissions(MODERATOR_PERMISSIONS)
class Claims(
    commands.GroupCog, group_name=locale_str("claims"), group_description=locale_str("For whom an order counts")
):
    """Shows, releases and moves claims, and restores members' roles."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._storage = bot.storage
        self._claims = bot.storage.claims
        self._roles = bot.roles
        self._desk = bot.desk

    @app_commands.command(name=locale_str("person"), description=locale_str("Show the orders that count for a person"))
    @app_commands.rename(person=locale_str("person"))
    @app_commands.describe(person=locale_str("Whose orders"))
    @replies("claims", MODERATOR)
    async def person(self, reply: Reply, person: discord.User) -> None:
        """Show a user's claims."""
        claims = await self._claims.of_user(reply.guild_id, person.id)
        none = reply.translator.gettext(
            "No order counts for {who} now. One does once they open it first with /{command}.",
            who=f"<@{person.id}>",
            command=reply.translator.gettext("mydownloads"),
        )
        await reply.show(_list(claims, reply.translator, none=none))

    @app_commands.command(name=locale_str("order"), description=locale_str("Show for whom an order counts"))
    @app_commands.rename(order_id=locale_str("order-id"))
    @app_commands.describe(order_id=locale_str("An order link, an order ID, or the number of a help request"))
    @replies("claims", MODERATOR)
    async def order(self, reply: Reply, order_id: app_commands.Range[str, 1, LONGEST_ORDER]) -> None:
        """Show an order's claims."""
        about = ""
        if ticket_number := _TICKET_NUMBER.fullmatch(order_id.strip()):
            ticket, reference = await self._desk.order_of(reply.guild_id, number(ticket_number[1]))
            reply.hide(reference.token)
            about = f"**{title(ticket, reply.translator)} · {order_of(ticket, reply.translator)}**\n"
        else:
            reference = reply.reference(order_id)
        claims = [claim for form in reference.forms for claim in await self._claims.of_order(reply.guild_id, form)]
        await reply.show(_list(claims, reply.translator, about))

    @route("claims:choose")
    @replies("claims_choose", MODERATOR, updates=True)
    async def choose(self, reply: Reply) -> None:
        """Ask what to do with the chosen claim."""
        claim = _read(next(iter(reply.chosen()), ""))
        translator = reply.translator
        release, move = translator.gettext("Release"), translator.gettext("Move to another account")
        who = holder(claim, translator)
        text = translator.gettext(
            "The order counts for {who}. **Release** it, so that the next account that opens it holds it, or "
            "**move** it. Both take back the roles that no other order of theirs brings, and I do not tell them; a "
            "move gives its roles to the other account.",
            who=who,
        )
        buttons = [
            button(release, f"claims:release:{_key(claim)}", emoji="🔓", style=discord.ButtonStyle.danger),
            button(move, f"claims:move:{_key(claim)}", emoji="➡️"),
            _keep(translator),
        ]
        await reply.show(ReplyMessage(text, view=view(buttons)))

    @route("claims:keep")
    @replies("claims_keep", MODERATOR, updates=True)
    async def keep(self, reply: Reply) -> None:
        """Leave a claim as it is."""
        await reply.show(ReplyMessage(reply.translator.gettext("All right: I have changed nothing.")))

    @route(f"claims:release:{_SHOWN}")
    @replies("claims_release", MODERATOR, updates=True)
    async def release(self, reply: Reply, shown: str) -> None:
        """Delete a claim and remove its roles."""
        change = await self._roles.release(reply.guild_id, _read(shown), reply.user.id)
        await reply.show(ReplyMessage(_released(reply.translator, change)))

    @route(f"claims:move:{_SHOWN}")
    @replies("claims_move", MODERATOR)
    async def ask_where(self, reply: Reply, shown: str) -> None:
        """Ask which user the claim moves to."""
        select = discord.ui.UserSelect[Any](custom_id="person")
        text = reply.translator.gettext("Whose order is it?")
        await reply.ask(modal(reply.translator.gettext("Move"), f"claims:moved:{shown}", labelled(text, select)))

    @route(f"claims:moved:{_SHOWN}")
    @replies("claims_moved", MODERATOR, updates=True)
    async def move(self, reply: Reply, shown: str) -> None:
        """Move a claim and its roles to another user."""
        to = number(next(iter(reply.chosen("person")), ""))
        change = await self._roles.move(_read(shown), reply.member, to)
        await reply.show(ReplyMessage(_moved(reply.translator, to, change)))

    @route(f"claims:ask:{_WHAT}:{_TICKET}")
    @replies("claims_ask", MODERATOR)
    async def confirm(self, reply: Reply, what: str, ticket_id: str) -> None:
        """Ask to confirm a move or a release of a ticket's order; if several accounts hold it, ask which one."""
        ticket = await self._open_ticket(reply, ticket_id)
        holders = (await standing_of(self._storage, ticket)).holders
        if not holders:
            raise NoSuchClaim(await self._holders(ticket))
        if len(holders) > 1:
            await reply.show(_whose(holders, what, ticket, reply.translator))
        else:
            await self._ask(reply, holders[0], what, ticket)

    @route(f"claims:whose:{_WHAT}:{_TICKET}")
    @replies("claims_whose", MODERATOR, updates=True)
    async def confirm_chosen(self, reply: Reply, what: str, ticket_id: str) -> None:
        """Ask to confirm a move or a release of the chosen one of several accounts' claims."""
        shown = _read(next(iter(reply.chosen()), ""))
        ticket = await self._open_ticket(reply, ticket_id)
        holders = (await standing_of(self._storage, ticket)).holders
        claim = next((claim for claim in holders if claim.shown == shown), None)
        if claim is None:
            raise NoSuchClaim(await self._holders(ticket))
        await self._ask(reply, claim, what, ticket)

    @route(f"claims:sure:{_WHAT}:{_TICKET}:{_SHOWN}")
    @replies("claims_done", MODERATOR, updates=True)
    async def confirmed(self, reply: Reply, what: str, ticket_id: str, shown: str) -> None:
        """Move a claim to the customer of a ticket, or release it, and offer to tell them."""
        ticket = await self._open_ticket(reply, ticket_id)
        translator = reply.translator
        try:
            if what == "move":
                change = await self._roles.move(_read(shown), reply.member, ticket.user_id, number=ticket.number)
                text = _moved(translator, ticket.user_id, change)
            else:
                released = _read(shown)
                change = await self._roles.release(reply.guild_id, released, reply.user.id, number=ticket.number)
                text = _released(translator, change, ticket)
        except HeldByThem:  # the same press once more, or a colleague's
            text = _counts_for(translator, ticket.user_id)
        except NoSuchClaim:
            holders = await self._holders(ticket)
            if what == "move" or holders != []:
                await self._desk.show(ticket)
                raise NoSuchClaim(holders) from None
            text = _is_free(translator, ticket)
        await self._desk.show(ticket)
        told = f"tickets:write:{ticket.id}:ready:{_TOLD[what]}"
        tell = button(translator.gettext("Tell the customer"), told, emoji="✉️", style=discord.ButtonStyle.primary)
        await reply.show(ReplyMessage(text, view=view([tell])))

    async def _ask(self, reply: Reply, claim: Claim, what: str, ticket: Ticket) -> None:
        if what == "move":
            check_may_give(reply.member, claim.role_ids, INSTEAD_OF_MOVING)
        lost, kept = await self._roles.lost_and_kept(reply.guild_id, claim.shown)
        moving = claim.role_ids if what == "move" else lost
        asked = _confirmation(claim, what, ticket, reply.translator, moving=moving, kept=kept)
        said = moves([claim], reply.translator)
        about = ticket.guild_id, claim.user_id or 0, ticket.details.reference
        if theirs := await self._storage.tickets.open_about(*about):
            open_one = N_("{who} has an open help request about it: {number}.")
            who = holder(claim, reply.translator)
            said.append(reply.translator.gettext(open_one, who=who, number=theirs.linked))
        await reply.show(replace(asked, content=" ".join([asked.content, *said])))

    async def _open_ticket(self, reply: Reply, ticket_id: str) -> Ticket:
        """Return a ticket whose order can be moved or released.

        Raises:
            NotPossibleNow: it is resolved.
        """
        ticket = await self._desk.ticket(number(ticket_id), reply.guild_id)
        reply.offer = partial(_instead_of_moving, ticket=ticket)
        if ticket.resolved:
            raise NotPossibleNow(closed_by=ticket.resolved_by, at=ticket.resolved_at)
        return ticket

    async def _holders(self, ticket: Ticket) -> list[int | None] | None:
        """Return for whom a ticket's order counts, None if it has none."""
        reference = ticket.details.reference
        if reference is None:
            return None
        return [claim.user_id for claim in await self._claims.of_order(ticket.guild_id, reference)]

    @route("claims:restore")
    @replies("roles_restored", CUSTOMER)
    async def restore(self, reply: Reply) -> None:
        """Restore the roles of a member's claims."""
        if not isinstance(reply.user, discord.Member):
            raise OnlyInServer
        roles, complete = await self._roles.restore(reply.user, reply.settings)
        translator = reply.translator
        if roles:
            given = ", ".join(f"<@&{role}>" for role in roles)
            text = translator.gettext("Welcome back! You have again: {roles}", roles=given)
        elif not complete:
            text = translator.gettext("I could not confirm yet that you have all your roles; I go on trying.")
        else:
            text = translator.gettext(
                "You have all the roles that I know of. Is one missing? Open its order with /{command}; if it brings "
                "none, press **{help}** there.",
                command=translator.gettext("mydownloads"),
                help=translator.gettext("Get help"),
            )
        await reply.show(ReplyMessage(text))


def _list(claims: list[Claim], translator: Translator, about: str = "", none: str = "") -> ReplyMessage:
    counted = about + translator.ngettext("{count} order counts", "{count} orders count", len(claims))
    lines = [
        f"**{escape(claim.label) or '?'}** · {holder(claim, translator)} · "
        + (", ".join(f"<@&{role}>" for role in claim.given_role_ids) or "-")
        + f" · <t:{int(claim.at.timestamp())}:d>"
        for claim in claims
    ]
    none = none or translator.gettext(
        "None now: an order counts for the account that opens it first with /{command}.",
        command=translator.gettext("mydownloads"),
    )
    text = shorten("\n".join(lines), EMBED_DESCRIPTION) or none
    embed = discord.Embed(title=translator.gettext("For whom an order counts"), description=text, colour=COLOUR)
    if not claims:
        return ReplyMessage(counted, embed)
    options = [
        discord.SelectOption(label=claim.label[:OPTION_LABEL] or "?", value=_key(claim.shown))
        for claim in claims[:SELECT_OPTIONS]
    ]
    select = discord.ui.Select[Any](
        custom_id="claims:choose", placeholder=translator.gettext("Release or move one"), options=options
    )
    return ReplyMessage(counted, embed, view([select]))


def _whose(holders: Sequence[Claim], what: str, ticket: Ticket, translator: Translator) -> ReplyMessage:
    text = translator.gettext("Several accounts hold this order. Whose is it?")
    lines = [
        f"{place}. {holder(claim, translator)} · <t:{int(claim.at.timestamp())}:d>"
        for place, claim in _numbered(holders)
    ]
    options = [discord.SelectOption(label=f"{place}.", value=_key(claim.shown)) for place, claim in _numbered(holders)]
    select = discord.ui.Select[Any](custom_id=f"claims:whose:{what}:{ticket.id}", options=options)
    return ReplyMessage("\n".join([text, *lines]), view=view([select], [_keep(translator)]))


def _numbered(holders: Sequence[Claim]) -> list[tuple[int, Claim]]:
    return list(enumerate(holders[:SELECT_OPTIONS], 1))


def _confirmation(
    claim: Claim, what: str, ticket: Ticket, translator: Translator, *, moving: Iterable[int], kept: Iterable[int]
) -> ReplyMessage:
    """Return the question that confirms a move or a release, with its button."""
    who, to = holder(claim, translator), f"<@{ticket.user_id}>"
    roles = _mentions(moving) or translator.gettext("none")
    if what == "move":
        text = translator.gettext(
            "**Move the order to {to}?** It counts for them then, no longer for {who}, who is not told. Roles that "
            "move with it: {roles}.",
            to=to,
            who=who,
            roles=roles,
        )
        label = translator.gettext("Move it")
    else:
        text = translator.gettext(
            "**Release the order?** {who} loses it, and is not told. The next account that opens it in this server "
            "gets it: ask {to} to open it. Roles that I take back: {roles}.",
            to=to,
            who=who,
            roles=roles,
        )
        label = translator.gettext("Release it")
    text = " ".join([text, *_kept(translator, who, kept)])
    sure = button(label, f"claims:sure:{what}:{ticket.id}:{_key(claim.shown)}", style=discord.ButtonStyle.danger)
    return ReplyMessage(text, view=view([sure, _keep(translator)]))


def _instead_of_moving(
    error: Exception, _refusal: Refusal, translator: Translator, *, ticket: Ticket
) -> discord.ui.View | None:
    """Return the button under the refusal of a move, to release the order."""
    return view(claim_buttons(ticket, translator)[1:]) if isinstance(error, MayNotGive) else None


def _keep(translator: Translator) -> discord.ui.Button[discord.ui.View]:
    return button(translator.gettext("Keep it"), "claims:keep")


def _key(claim: ShownClaim) -> str:
    return f"{claim.id}:{claim.user_id or 0}:{claim.milliseconds}"


def _read(key: str) -> ShownClaim:
    """Return the claim that a key of _key() names.

    Raises:
        ListExpired: the key is forged, or an earlier version's.
    """
    claim_id, _, rest = key.partition(":")
    user_id, _, milliseconds = rest.partition(":")
    return ShownClaim(number(claim_id), number(user_id) or None, number(milliseconds))


def _counts_for(translator: Translator, user_id: int) -> str:
    return translator.gettext("The order counts for {who} now.", who=f"<@{user_id}>")


def _is_free(translator: Translator, ticket: Ticket) -> str:
    return translator.gettext(
        "**{order} is free now:** have {to} open it again in this server, with /{command}.",
        order=order_of(ticket, translator),
        to=f"<@{ticket.user_id}>",
        command=translator.gettext("mydownloads"),
    )


def _moved(translator: Translator, to: int, change: ClaimChange) -> str:
    parts = [_counts_for(translator, to)]
    if not change.settled:
        parts.append(
            translator.gettext(
                "I could not confirm yet that all its roles have moved: I go on trying. If I lack a permission, my log "
                "channel says which."
            )
        )
    elif change.claim.role_ids:
        parts.append(translator.gettext("Its roles have moved with it."))
    return " ".join([*parts, *_kept(translator, holder(change.claim, translator), change.kept)])


def _released(translator: Translator, change: ClaimChange, ticket: Ticket | None = None) -> str:
    """Return which order is free now, for whom, and which roles its holder has lost and kept."""
    who = holder(change.claim, translator)
    if ticket is None:
        order = escape(change.claim.label) or translator.gettext("The order")
        text = translator.gettext("**{order} is free now:** the next account that opens it holds it.", order=order)
    else:
        text = _is_free(translator, ticket)
    parts = [text]
    if not change.settled:
        parts.append(
            translator.gettext(
                "I could not confirm yet that all its roles are taken back: I go on trying. If I lack a permission, "
                "my log channel says which."
            )
        )
    elif change.lost:
        parts.append(translator.gettext("{who} no longer has {roles}.", who=who, roles=_mentions(change.lost)))
    return " ".join([*parts, *_kept(translator, who, change.kept)])


def _kept(translator: Translator, who: str, role_ids: Iterable[int]) -> list[str]:
    """Return the sentence about the roles that somebody keeps; empty if there are none."""
    roles = _mentions(role_ids)
    return [translator.gettext("{who} keeps {roles} through another order.", who=who, roles=roles)] if roles else []


def _mentions(role_ids: Iterable[int]) -> str:
    return ", ".join(f"<@&{role}>" for role in role_ids)


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Claims(bot))
