"""For moderators: for whom an order counts; and the members' way to get their roles back."""

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from cogs.downloads import COLOUR, LONGEST_OPTION
from cogs.requests import MODERATORS
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, OPTION_LABEL, shorten
from fileflare_bot.fileflare.errors import BadReference
from fileflare_bot.i18n import Words
from fileflare_bot.interactions.access import require_moderator
from fileflare_bot.interactions.components import button, chosen, labelled, modal, route, view
from fileflare_bot.interactions.responder import Outgoing, Reply
from fileflare_bot.logs import hiding
from fileflare_bot.orders.reference import OrderReference, parse_reference
from fileflare_bot.refusal import OnlyInServer
from fileflare_bot.storage.records import Action, Claim
from fileflare_bot.text import escape

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot


@app_commands.guild_only()
@app_commands.default_permissions(MODERATORS)
class Claims(
    commands.GroupCog, group_name=locale_str("claims"), group_description=locale_str("For whom an order counts")
):
    """Moderators' view of claims, and the members' way to get their roles back."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot

    @app_commands.command(name=locale_str("person"), description=locale_str("Show the orders that count for a person"))
    @app_commands.rename(person=locale_str("person"))
    @app_commands.describe(person=locale_str("Whose orders"))
    async def person(self, interaction: discord.Interaction["FileflareBot"], person: discord.User) -> None:
        """Show a person's claims."""

        async def work(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)
            claims = await reply.waiting_for(self._bot.storage.claims.of_person(server.guild_id, person.id))
            await reply.show(_claims(claims, reply.words))

        await self._bot.answering.reply(interaction, "claims", work)

    @app_commands.command(name=locale_str("order"), description=locale_str("Show for whom an order counts"))
    @app_commands.rename(order_id=locale_str("order-id"))
    @app_commands.describe(order_id=locale_str("The order link or order ID that somebody gave you"))
    async def order(
        self,
        interaction: discord.Interaction["FileflareBot"],
        order_id: app_commands.Range[str, 1, LONGEST_OPTION],
    ) -> None:
        """Show an order's claims."""
        reference = parse_reference(order_id)

        async def work(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)
            if not isinstance(reference, OrderReference):
                raise BadReference(reference)
            claims = await reply.waiting_for(self._bot.storage.claims.of_order(server.guild_id, reference))
            await reply.show(_claims(claims, reply.words))

        with hiding(order_id, reference.token if isinstance(reference, OrderReference) else ""):
            await self._bot.answering.reply(interaction, "claims", work)

    @route("claims:choose")
    async def choose(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Ask what to do with the claim that was chosen."""
        claim_id, _, person_id = next(iter(chosen(interaction)), "0:0").partition(":")

        async def work(reply: Reply) -> None:
            require_moderator(interaction, self._bot.storage)
            words = reply.words
            release, move = words.gettext("Release"), words.gettext("Move to another account")
            text = words.gettext(
                "The order counts for {who}. **Release** it, so that the next account that opens it holds it, or "
                "**move** it. Both take back the roles that it brought.",
                who=f"<@{person_id}>",
            )
            buttons = [
                button(release, f"claims:release:{claim_id}", emoji="🔓", style=discord.ButtonStyle.danger),
                button(move, f"claims:move:{claim_id}", emoji="➡️"),
            ]
            await reply.show(Outgoing(text, view=view(buttons)))

        await self._bot.answering.reply(interaction, "claims_choose", work)

    @route(r"claims:release:(?P<claim_id>\d{1,18})")
    async def release(self, interaction: discord.Interaction["FileflareBot"], claim_id: str) -> None:
        """Take a claim and its roles away."""

        async def work(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)

            async def whole() -> bool:
                releasing = self._bot.storage.claims.release(server.guild_id, int(claim_id), interaction.user.id)
                claim, roles = await releasing
                await self._bot.desk.log(server.guild_id, Action.RELEASED_CLAIM, interaction.user.id)
                return await self._bot.desk.buyers.take_back(server, claim.person_id, roles)

            await reply.show(Outgoing(_released(taken=await reply.waiting_for(whole()), words=reply.words)))

        await self._bot.answering.reply(interaction, "claims_release", work)

    @route(r"claims:move:(?P<claim_id>\d{1,18})")
    async def ask_where(self, interaction: discord.Interaction["FileflareBot"], claim_id: str) -> None:
        """Ask to whom."""

        async def show_modal(reply: Reply) -> None:
            require_moderator(interaction, self._bot.storage)
            select = discord.ui.UserSelect[Any](custom_id="person")
            text = reply.words.gettext("Whose order is it?")
            await reply.ask(modal(reply.words.gettext("Move"), f"claims:moved:{claim_id}", labelled(text, select)))

        await self._bot.answering.reply(interaction, "claims_move", show_modal)

    @route(r"claims:moved:(?P<claim_id>\d{1,18})")
    async def move(self, interaction: discord.Interaction["FileflareBot"], claim_id: str) -> None:
        """Give a claim to another account; its roles come when that account opens the order or restores its roles."""
        to = int(next(iter(chosen(interaction, "person")), "0"))

        async def work(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)

            async def whole() -> bool:
                moving = self._bot.storage.claims.move(server.guild_id, int(claim_id), interaction.user.id, to)
                claim, roles = await moving
                await self._bot.desk.log(server.guild_id, Action.MOVED_CLAIM, interaction.user.id)
                return await self._bot.desk.buyers.take_back(server, claim.person_id, roles)

            taken = await reply.waiting_for(whole())
            text = reply.words.gettext(
                "The order counts for {who} now. They get its roles when they open it, or with **Restore my roles**.",
                who=f"<@{to}>",
            )
            await reply.show(Outgoing(text + " " + _released(taken=taken, words=reply.words)))

        await self._bot.answering.reply(interaction, "claims_moved", work)

    @route("claims:restore")
    async def restore(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Give a member back the roles of the orders that count for them."""

        async def work(reply: Reply) -> None:
            if not isinstance(interaction.user, discord.Member):
                raise OnlyInServer
            server = self._bot.storage.servers.get(interaction.user.guild.id)
            roles = await reply.waiting_for(self._bot.desk.buyers.restore(interaction.user, server))
            words = reply.words
            if roles:
                given = ", ".join(f"<@&{role}>" for role in roles)
                await reply.show(Outgoing(words.gettext("Welcome back! You have again: {roles}", roles=given)))
            else:
                await reply.show(
                    Outgoing(
                        words.gettext(
                            "You have all the roles that I know of. Is one missing? Open its order with /{command}.",
                            command=words.gettext("mydownloads"),
                        )
                    )
                )

        await self._bot.answering.reply(interaction, "roles_restored", work)


def _claims(claims: list[Claim], words: Words) -> Outgoing:
    counted = words.ngettext("{count} order counts", "{count} orders count", len(claims))
    lines = [
        f"**{escape(claim.label) or '?'}** · <@{claim.person_id}> · "
        + (", ".join(f"<@&{role}>" for role in claim.role_ids) or "-")
        + f" · <t:{int(claim.at.timestamp())}:d>"
        for claim in claims
    ]
    text = shorten("\n".join(lines), EMBED_DESCRIPTION) or words.gettext("There is none.")
    embed = discord.Embed(title=words.gettext("For whom an order counts"), description=text, colour=COLOUR)
    if not claims:
        return Outgoing(counted, embed)
    options = [
        discord.SelectOption(label=claim.label[:OPTION_LABEL] or "?", value=f"{claim.id}:{claim.person_id}")
        for claim in claims[:25]
    ]
    select = discord.ui.Select[Any](
        custom_id="claims:choose", placeholder=words.gettext("Release or move one"), options=options
    )
    return Outgoing(counted, embed, view([select]))


def _released(*, taken: bool, words: Words) -> str:
    if taken:
        return words.gettext("The roles that it brought are taken back.")
    return words.gettext("I could not take its roles back: I lack Manage Roles, or a role is above mine.")


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Claims(bot))
