"""For store owners: /store roles, the rules for buyers' roles."""

from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.discord_limits import EMBED_DESCRIPTION, OPTION_LABEL, shorten
from fileflare_bot.fileflare.errors import BadReference
from fileflare_bot.fileflare.request_queue import Requester
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions import permissions
from fileflare_bot.interactions.access import OWNER
from fileflare_bot.interactions.components import COLOUR, LONGEST_ORDER
from fileflare_bot.interactions.reply import Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, suggests
from fileflare_bot.interactions.values import member
from fileflare_bot.orders.labels import summary
from fileflare_bot.orders.reference import OrderReference, parse_reference
from fileflare_bot.refusal import Refusal
from fileflare_bot.roles import LONGEST_VALUE, roles_for, why_not, with_rule, without_rule
from fileflare_bot.storage.options import MOST_RULES, Match, Options, RoleRule
from fileflare_bot.store.changes import with_values
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


class RoleOfEverybody(Refusal):
    """Raised when a rule would give buyers the role @everyone."""

    sentence = N_("**Everybody has the role @everyone already.** Choose a role that only buyers get.")
    outcome = "role_of_everybody"


class StoreRoles(
    commands.GroupCog, group_name=locale_str("roles"), group_description=locale_str("Give roles to buyers")
):
    """Adds, lists, tests and removes rules for buyers' roles."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._claims = bot.storage.claims
        self._lookups = bot.lookups
        self._settings = bot.store_settings

    @app_commands.command(name=locale_str("add"), description=locale_str("Give buyers of something a role"))
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
    @replies("roles_add", OWNER)
    async def add(
        self,
        reply: Reply,
        match: str,
        role: discord.Role,
        value: app_commands.Range[str, 1, 100] | None = None,
        second: discord.Role | None = None,
    ) -> None:
        """Store a rule, and switch buyers' roles on."""
        roles = [role, *([second] if second is not None else [])]
        if any(each.is_default() for each in roles):
            raise RoleOfEverybody

        added: list[RoleRule] = []
        wanted = (value or "")[:LONGEST_VALUE]

        def add(options: Options) -> Options:
            rules = with_rule(options.rules, member(Match, match), wanted, [each.id for each in roles])
            added.append(rules[-1])
            rules = options.rules if rules[-1] in options.rules else rules  # it was added, but not confirmed
            return with_values(rules=rules, buyers_roles=True)(options)

        await self._settings.change_options(reply.guild, reply.user.id, add)
        translator = reply.translator
        saved = translator.gettext("Saved. Whoever opens such an order here gets the role:")
        warnings = [f"⚠️ {warning}" for warning in _warnings(reply.guild, roles, translator)]
        await reply.show(ReplyMessage("\n".join([saved, _rule_line(added[-1], translator), *warnings])))

    @add.autocomplete("value")
    @suggests(OWNER)
    async def _values(self, interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
        match = str(interaction.namespace.match or "")
        if match not in set(Match) or match == Match.ANY_ORDER:
            return []
        seen = await self._claims.products(interaction.guild_id or 0, Match(match), current)
        return [
            app_commands.Choice(name=shorten(clean(each.label) or each.value, OPTION_LABEL), value=each.value)
            for each in seen
        ]

    @app_commands.command(name=locale_str("list"), description=locale_str("Show which orders bring which roles"))
    @replies("roles_list", OWNER)
    async def show_all(self, reply: Reply) -> None:
        """Show the rules, and why the bot cannot give some of their roles."""
        options, translator = reply.settings.options, reply.translator
        lines = []
        for number, rule in enumerate(options.rules, start=1):
            lines.append(f"**{number}.** " + _rule_line(rule, translator))
            whys = ((role, why_not(reply.guild, role)) for role in rule.role_ids)
            lines += ["⚠️ " + translator.gettext(why, role=role) for role, why in whys if why is not None]
        none = translator.gettext("None yet. Begin with /store roles add.")
        text = shorten("\n".join(lines), EMBED_DESCRIPTION) or none
        embed = discord.Embed(title=translator.gettext("Buyers' roles"), description=text, colour=COLOUR)
        on = translator.gettext("Buyers' roles are on.")
        off = translator.gettext("Buyers' roles are off; see /store setup.")
        await reply.show(ReplyMessage(on if options.buyers_roles else off, embed))

    @app_commands.command(name=locale_str("test"), description=locale_str("See which roles an order would bring"))
    @app_commands.rename(order_id=locale_str("order-id"))
    @app_commands.describe(order_id=locale_str("An order link or order ID"))
    @replies("roles_test", OWNER)
    async def test(self, reply: Reply, order_id: app_commands.Range[str, 1, LONGEST_ORDER]) -> None:
        """Show which roles an order would bring, without giving them."""
        reply.hide(order_id)
        reference = parse_reference(order_id)
        if not isinstance(reference, OrderReference):
            raise BadReference(reference)
        reply.hide(reference.token)
        order = (await self._lookups.find(reference, Requester(reply.user.id, reply.guild_id))).order
        roles = ", ".join(f"<@&{role}>" for role in roles_for(order, reply.settings.options.rules))
        translator = reply.translator
        text = translator.gettext("It brings: {roles}", roles=roles)
        text = text if roles else translator.gettext("It brings no role.")
        embed = discord.Embed(description=shorten(text, EMBED_DESCRIPTION), colour=COLOUR)
        await reply.show(ReplyMessage(summary(order, translator), embed))

    @app_commands.command(
        name=locale_str("remove"), description=locale_str("Take a rule away; nobody loses a role by it")
    )
    @app_commands.rename(number=locale_str("number"))
    @app_commands.describe(number=locale_str("The number that /store roles list shows"))
    @replies("roles_remove", OWNER)
    async def remove(self, reply: Reply, number: app_commands.Range[int, 1, MOST_RULES]) -> None:
        """Remove a rule."""
        removed: list[RoleRule] = []

        def remove(options: Options) -> Options:
            rule, rules = without_rule(options.rules, number)
            removed.append(rule)
            return with_values(rules=rules)(options)

        await self._settings.change_options(reply.guild, reply.user.id, remove)
        text = reply.translator.gettext("Removed:") + " " + _rule_line(removed[-1], reply.translator)
        await reply.show(ReplyMessage(text))


def _rule_line(rule: RoleRule, translator: Translator) -> str:
    value = f" `{clean(rule.value).replace('`', '')}`" if rule.value else ""
    roles = ", ".join(f"<@&{role}>" for role in rule.role_ids)
    return translator.gettext(_MATCHES[rule.match]) + value + " → " + roles


def _warnings(guild: discord.Guild, roles: list[discord.Role], translator: Translator) -> list[str]:
    """Return why the bot cannot give these roles, and which of their permissions are dangerous."""
    found = []
    for role in roles:
        why = why_not(guild, role.id)
        if why is not None:
            found.append(translator.gettext(why, role=role.id))
        strong = [name for name in _POWERFUL if getattr(role.permissions, name)]
        if strong:
            named = permissions.names(strong)
            found.append(
                translator.gettext(
                    "Every buyer would get these permissions: {permissions}. Remove them from the role.",
                    permissions=named,
                )
            )
    return found


async def setup(bot: "FileflareBot") -> None:
    """Add the cog to the group /store."""
    await bot.add_cog(StoreRoles(bot), under="store")
