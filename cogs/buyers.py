"""For store owners and moderators: which orders bring which roles, and for whom an order counts."""

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from cogs.downloads import COLOUR, LONGEST_OPTION
from cogs.requests import MODERATORS
from fileflare_bot.answering import Outgoing, Reply
from fileflare_bot.components import button, chosen, labelled, modal, route, view
from fileflare_bot.fileflare.budget import Asker
from fileflare_bot.fileflare.errors import BadReference
from fileflare_bot.logs import hiding
from fileflare_bot.orders.reference import OrderReference, parse_reference
from fileflare_bot.replies.limits import EMBED_DESCRIPTION, OPTION_LABEL, shorten
from fileflare_bot.replies.markdown import clean, escape
from fileflare_bot.replies.pages import summary
from fileflare_bot.replies.refusals import MissingPermission, NoSuchRule, OnlyInServer, TooManyRules
from fileflare_bot.storage.options import MOST_RULES, Match, RoleRule
from fileflare_bot.storage.records import Action, Claim, Server
from fileflare_bot.support import permissions
from fileflare_bot.support.access import require_moderator
from fileflare_bot.support.buyers import roles_for, why_not
from fileflare_bot.words import N_, Words

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_MATCHES: Final = {
    Match.ANY_ORDER: N_("any order"),
    Match.PRODUCT_ID: N_("product"),
    Match.VARIANT_ID: N_("variant"),
    Match.SKU: N_("SKU"),
    Match.TAG: N_("tag"),
    Match.VENDOR: N_("vendor"),
}
_POWERFUL: Final = ("administrator", "manage_guild", "manage_roles", "manage_messages", "kick_members", "ban_members")


def require_owner(interaction: discord.Interaction[Any]) -> int:
    """Return the server in which somebody who may manage it does something.

    Raises:
        OnlyInServer: it is no server.
        MissingPermission: they may not.
    """
    if interaction.guild_id is None:
        raise OnlyInServer
    if not interaction.permissions.manage_guild:
        raise MissingPermission(permissions.names(["manage_guild"]))
    return interaction.guild_id


class BuyersRoles(commands.Cog):
    """The commands /store roles …, a part of the Store cog."""

    _bot: "FileflareBot"

    roles = app_commands.Group(name=locale_str("roles"), description=locale_str("Give roles to buyers"))

    @roles.command(name=locale_str("add"), description=locale_str("Give buyers of something a role"))
    @app_commands.rename(
        match=locale_str("match"), role=locale_str("role"), value=locale_str("value"), second=locale_str("second-role")
    )
    @app_commands.describe(
        match=locale_str("What an order must have"),
        role=locale_str("The role that its buyer gets"),
        value=locale_str("Which product, variant, SKU, tag or vendor; nothing for any order"),
        second=locale_str("Another role that its buyer gets"),
    )
    @app_commands.choices(
        match=[
            app_commands.Choice(name=locale_str(sentence), value=match.value) for match, sentence in _MATCHES.items()
        ]
    )
    async def add_rule(
        self,
        interaction: discord.Interaction["FileflareBot"],
        match: str,
        role: discord.Role,
        value: app_commands.Range[str, 1, 100] | None = None,
        second: discord.Role | None = None,
    ) -> None:
        """Keep a rule, and switch buyers' roles on with the first."""

        async def work(reply: Reply) -> None:
            server = self._bot.storage.servers.get(require_owner(interaction))
            kind = Match(match)
            if kind is not Match.ANY_ORDER and not (value or "").strip():
                raise NoSuchRule
            roles = [role, *([second] if second is not None else [])]
            rule = RoleRule(
                match=kind,
                value="" if kind is Match.ANY_ORDER else (value or ""),
                role_ids=tuple(dict.fromkeys(each.id for each in roles)),
            )
            rules = (*server.options.rules, rule)
            if len(rules) > MOST_RULES:
                raise TooManyRules
            await reply.waiting_for(self._keep(interaction, server, rules=rules, buyers_roles=True))
            words = reply.words
            lines = [words.gettext("Saved. Whoever opens such an order here gets the role:"), _rule_line(rule, words)]
            lines += [f"⚠️ {warning}" for warning in _warnings(interaction.guild, roles, words)]
            await reply.show(Outgoing("\n".join(lines)))

        await self._bot.answering.reply(interaction, "roles_add", work)

    @add_rule.autocomplete("value")
    async def _values(
        self, interaction: discord.Interaction["FileflareBot"], current: str
    ) -> list[app_commands.Choice[str]]:
        guild_id = require_owner(interaction)
        match = str(interaction.namespace.match or "")
        if match not in set(Match) or match == Match.ANY_ORDER:
            return []
        seen = await self._bot.storage.claims.products(guild_id, Match(match), current)
        return [
            app_commands.Choice(name=shorten(clean(each.label) or each.value, OPTION_LABEL), value=each.value)
            for each in seen
        ]

    @roles.command(name=locale_str("list"), description=locale_str("Show which orders bring which roles"))
    async def list_rules(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Show the rules, each with what is in its way."""

        async def work(reply: Reply) -> None:
            server = self._bot.storage.servers.get(require_owner(interaction))
            words = reply.words
            lines = []
            for number, rule in enumerate(server.options.rules, start=1):
                lines.append(f"**{number}.** " + _rule_line(rule, words))
                lines += ["⚠️ " + words.gettext(why, role=role) for role, why in _troubles(interaction.guild, rule)]
            text = shorten("\n".join(lines), EMBED_DESCRIPTION) or words.gettext(
                "None yet. Begin with /store roles add."
            )
            embed = discord.Embed(title=words.gettext("Buyers' roles"), description=text, colour=COLOUR)
            on, off = words.gettext("Buyers' roles are on."), words.gettext("Buyers' roles are off; see /store setup.")
            await reply.show(Outgoing(on if server.options.buyers_roles else off, embed))

        await self._bot.answering.reply(interaction, "roles_list", work)

    @roles.command(name=locale_str("test"), description=locale_str("See which roles an order would bring"))
    @app_commands.rename(order_id=locale_str("order-id"))
    @app_commands.describe(order_id=locale_str("An order link or order ID"))
    async def test_rules(
        self,
        interaction: discord.Interaction["FileflareBot"],
        order_id: app_commands.Range[str, 1, LONGEST_OPTION],
    ) -> None:
        """Show what the rules make of an order, and give nothing."""
        reference = parse_reference(order_id)
        token = reference.token if isinstance(reference, OrderReference) else ""

        async def work(reply: Reply) -> None:
            server = self._bot.storage.servers.get(require_owner(interaction))
            if not isinstance(reference, OrderReference):
                raise BadReference(reference)
            asker = Asker(interaction.user.id, interaction.guild_id)
            order = await reply.waiting_for(self._bot.lookups.find(reference, asker))
            roles = ", ".join(f"<@&{role}>" for role in roles_for(order, server.options.rules))
            words = reply.words
            text = words.gettext("It brings: {roles}", roles=roles) if roles else words.gettext("It brings no role.")
            embed = discord.Embed(description=shorten(text, EMBED_DESCRIPTION), colour=COLOUR)
            await reply.show(Outgoing(summary(order, words), embed))

        with hiding(order_id, token):
            await self._bot.answering.reply(interaction, "roles_test", work)

    @roles.command(name=locale_str("remove"), description=locale_str("Take a rule away; nobody loses a role by it"))
    @app_commands.rename(number=locale_str("number"))
    @app_commands.describe(number=locale_str("The number that /store roles list shows"))
    async def remove_rule(
        self, interaction: discord.Interaction["FileflareBot"], number: app_commands.Range[int, 1, MOST_RULES]
    ) -> None:
        """Take a rule away."""

        async def work(reply: Reply) -> None:
            server = self._bot.storage.servers.get(require_owner(interaction))
            rules = list(server.options.rules)
            if number > len(rules):
                raise NoSuchRule
            gone = rules.pop(number - 1)
            await reply.waiting_for(self._keep(interaction, server, rules=tuple(rules)))
            await reply.show(Outgoing(reply.words.gettext("Removed:") + " " + _rule_line(gone, reply.words)))

        await self._bot.answering.reply(interaction, "roles_remove", work)

    async def _keep(
        self,
        interaction: discord.Interaction["FileflareBot"],
        server: Server,
        **changed: Any,  # noqa: ANN401 - options
    ) -> Server:
        """Keep some of a server's options, and tell the log channel."""
        options = server.options.model_copy(update=changed)
        kept = await self._bot.storage.servers.change(server.guild_id, interaction.user.id, options=options)
        await self._bot.desk.log(server.guild_id, Action.CHANGED_SETUP, interaction.user.id)
        return kept


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


def _rule_line(rule: RoleRule, words: Words) -> str:
    value = f" `{clean(rule.value).replace('`', '')}`" if rule.value else ""
    roles = ", ".join(f"<@&{role}>" for role in rule.role_ids)
    return words.gettext(_MATCHES[rule.match]) + value + " → " + roles


def _troubles(guild: discord.Guild | None, rule: RoleRule) -> list[tuple[int, str]]:
    if guild is None:
        return []
    return [(role, why) for role in rule.role_ids if (why := why_not(guild, role)) is not None]


def _warnings(guild: discord.Guild | None, roles: list[discord.Role], words: Words) -> list[str]:
    """Return what is in the way of giving these roles, or dangerous about it."""
    found = []
    for role in roles:
        why = why_not(guild, role.id) if guild is not None else None
        if why is not None:
            found.append(words.gettext(why, role=role.id))
        strong = [name for name in _POWERFUL if getattr(role.permissions, name)]
        if strong:
            named = permissions.names(strong)
            found.append(
                words.gettext("Every buyer could then {permissions}: take that from the role.", permissions=named)
            )
    return found


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
