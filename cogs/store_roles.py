"""For store owners: which orders bring which roles; a part of the Store cog."""

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands
from pydantic import ValidationError

from cogs.downloads import COLOUR, LONGEST_OPTION
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, OPTION_LABEL, shorten
from fileflare_bot.downloads.pages import summary
from fileflare_bot.fileflare.errors import BadReference
from fileflare_bot.fileflare.request_queue import Asker
from fileflare_bot.i18n import N_, Words
from fileflare_bot.interactions import permissions
from fileflare_bot.interactions.responder import Outgoing, Reply
from fileflare_bot.logs import hiding
from fileflare_bot.orders.reference import OrderReference, parse_reference
from fileflare_bot.refusal import MissingPermission, NoSuchRule, OnlyInServer, TooManyRules, WrongValue
from fileflare_bot.roles import roles_for, why_not
from fileflare_bot.storage.options import MOST_RULES, Match, Options, RoleRule
from fileflare_bot.storage.records import Action, Server
from fileflare_bot.text import clean

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
            await reply.waiting_for(keep_options(self._bot, interaction, server, rules=rules, buyers_roles=True))
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
            await reply.waiting_for(keep_options(self._bot, interaction, server, rules=tuple(rules)))
            await reply.show(Outgoing(reply.words.gettext("Removed:") + " " + _rule_line(gone, reply.words)))

        await self._bot.answering.reply(interaction, "roles_remove", work)


async def keep_options(
    bot: "FileflareBot",
    interaction: discord.Interaction["FileflareBot"],
    server: Server,
    **changed: Any,  # noqa: ANN401 - options
) -> Server:
    """Keep some of a server's options, and tell the log channel.

    Raises:
        WrongValue: one of them cannot be that; nothing is changed.
    """
    try:
        options = Options.model_validate(server.options.model_dump() | changed)
    except ValidationError as error:
        raise wrong_value(error) from None
    kept = await bot.storage.servers.change(server.guild_id, interaction.user.id, options=options)
    await bot.desk.log(server.guild_id, Action.CHANGED_SETUP, interaction.user.id)
    return kept


def wrong_value(error: ValidationError) -> WrongValue:
    """Return the refusal for the first value that is wrong; none of them is in it."""
    first = error.errors(include_url=False, include_input=False)[0]
    return WrongValue(".".join(str(part) for part in first["loc"]), str(first["msg"]).removeprefix("Value error, "))


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
