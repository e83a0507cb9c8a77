"""For moderators: /claims, to see, release and move claims. For members: the button that restores their roles."""

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
from fileflare_bot.storage.records import Claim
from fileflare_bot.text import escape

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

NOBODY: Final = N_("an account that had its data deleted")
_CLAIM: Final = r"(?P<claim_id>\d{1,18})"


@app_commands.guild_only()
@app_commands.default_permissions(MODERATOR_PERMISSIONS)
class Claims(
    commands.GroupCog, group_name=locale_str("claims"), group_description=locale_str("For whom an order counts")
):
    """Shows, releases and moves claims, and restores members' roles."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._claims = bot.storage.claims
        self._roles = bot.roles

    @app_commands.command(name=locale_str("person"), description=locale_str("Show the orders that count for a person"))
    @app_commands.rename(person=locale_str("person"))
    @app_commands.describe(person=locale_str("Whose orders"))
    @replies("claims", MODERATOR)
    async def person(self, reply: Reply, person: discord.User) -> None:
        """Show a user's claims."""
        claims = await self._claims.of_user(reply.guild_id, person.id)
        await reply.show(_list(claims, reply.translator))

    @app_commands.command(name=locale_str("order"), description=locale_str("Show for whom an order counts"))
    @app_commands.rename(order_id=locale_str("order-id"))
    @app_commands.describe(order_id=locale_str("The order link or order ID that somebody gave you"))
    @replies("claims", MODERATOR)
    async def order(self, reply: Reply, order_id: app_commands.Range[str, 1, LONGEST_ORDER]) -> None:
        """Show an order's claims."""
        reference = reply.reference(order_id)
        claims = [claim for form in reference.forms for claim in await self._claims.of_order(reply.guild_id, form)]
        await reply.show(_list(claims, reply.translator))

    @route("claims:choose")
    @replies("claims_choose", MODERATOR)
    async def choose(self, reply: Reply) -> None:
        """Ask what to do with the chosen claim."""
        claim_id, _, user_id = next(iter(reply.chosen()), "").partition(":")
        claim, holder = number(claim_id), number(user_id)
        translator = reply.translator
        release, move = translator.gettext("Release"), translator.gettext("Move to another account")
        who = f"<@{holder}>" if holder else translator.gettext(NOBODY)
        text = translator.gettext(
            "The order counts for {who}. **Release** it, so that the next account that opens it holds it, or "
            "**move** it. Both take back the roles that it brought; a move gives them to the other account.",
            who=who,
        )
        buttons = [
            button(release, f"claims:release:{claim}", emoji="🔓", style=discord.ButtonStyle.danger),
            button(move, f"claims:move:{claim}", emoji="➡️"),
        ]
        await reply.show(ReplyMessage(text, view=view(buttons)))

    @route(f"claims:release:{_CLAIM}")
    @replies("claims_release", MODERATOR)
    async def release(self, reply: Reply, claim_id: str) -> None:
        """Delete a claim and remove its roles."""
        revoked = await self._roles.release(reply.guild_id, number(claim_id), reply.user.id)
        await reply.show(ReplyMessage(_revoked(reply.translator, revoked=revoked)))

    @route(f"claims:move:{_CLAIM}")
    @replies("claims_move", MODERATOR)
    async def ask_where(self, reply: Reply, claim_id: str) -> None:
        """Ask which user the claim moves to."""
        select = discord.ui.UserSelect[Any](custom_id="person")
        text = reply.translator.gettext("Whose order is it?")
        await reply.ask(modal(reply.translator.gettext("Move"), f"claims:moved:{claim_id}", labelled(text, select)))

    @route(f"claims:moved:{_CLAIM}")
    @replies("claims_moved", MODERATOR)
    async def move(self, reply: Reply, claim_id: str) -> None:
        """Move a claim and its roles to another user."""
        to = number(next(iter(reply.chosen("person")), ""))
        moved = await self._roles.move(number(claim_id), reply.member, to)
        translator = reply.translator
        text = translator.gettext("The order counts for {who} now.", who=f"<@{to}>")
        if moved:
            text += " " + translator.gettext("Its roles have moved with it.")
        else:
            text += " " + translator.gettext(
                "I could not confirm yet that all its roles have moved: I go on trying. If I lack a permission, my "
                "log channel says which."
            )
        await reply.show(ReplyMessage(text))

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
                "You have all the roles that I know of. Is one missing? Open its order with /{command}.",
                command=translator.gettext("mydownloads"),
            )
        await reply.show(ReplyMessage(text))


def _list(claims: list[Claim], translator: Translator) -> ReplyMessage:
    counted = translator.ngettext("{count} order counts", "{count} orders count", len(claims))
    lines = [
        f"**{escape(claim.label) or '?'}** · {_holder(claim, translator)} · "
        + (", ".join(f"<@&{role}>" for role in claim.given_role_ids) or "-")
        + f" · <t:{int(claim.at.timestamp())}:d>"
        for claim in claims
    ]
    text = shorten("\n".join(lines), EMBED_DESCRIPTION) or translator.gettext("There is none.")
    embed = discord.Embed(title=translator.gettext("For whom an order counts"), description=text, colour=COLOUR)
    if not claims:
        return ReplyMessage(counted, embed)
    options = [
        discord.SelectOption(label=claim.label[:OPTION_LABEL] or "?", value=f"{claim.id}:{claim.user_id or 0}")
        for claim in claims[:SELECT_OPTIONS]
    ]
    select = discord.ui.Select[Any](
        custom_id="claims:choose", placeholder=translator.gettext("Release or move one"), options=options
    )
    return ReplyMessage(counted, embed, view([select]))


def _holder(claim: Claim, translator: Translator) -> str:
    return f"<@{claim.user_id}>" if claim.user_id is not None else translator.gettext(NOBODY)


def _revoked(translator: Translator, *, revoked: bool) -> str:
    if revoked:
        return translator.gettext("The roles that it brought are taken back.")
    return translator.gettext(
        "I could not confirm yet that all its roles are taken back: I go on trying. If I lack a permission, my log "
        "channel says which."
    )


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Claims(bot))
