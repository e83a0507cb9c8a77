"""For store owners: /store roles, the rules for buyers' roles."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.discord_limits import EMBED_DESCRIPTION, OPTION_LABEL, SELECT_OPTIONS, shorten
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.access import OWNER
from fileflare_bot.interactions.components import COLOUR, LONGEST_ORDER
from fileflare_bot.interactions.reply import Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, suggests
from fileflare_bot.interactions.values import member
from fileflare_bot.orders.labels import summary
from fileflare_bot.roles.rights import why_not
from fileflare_bot.roles.rules import LONGEST_VALUE, products_in, rule_key, rules_for, with_rule, without_rule
from fileflare_bot.setup_words import MATCHES, rule_line
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.options import UNFORGEABLE, Match, Options, RoleRule
from fileflare_bot.storage.records import GuildSettings
from fileflare_bot.store.changes import with_values
from fileflare_bot.store.checks import WARNING, waiting_line
from fileflare_bot.store.own_order import own_order
from fileflare_bot.text import clean

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot


_UNSEEN_PRODUCT: Final = N_("I have not seen this product here yet: try /store roles test with an order of it.")
_UNSEEN: Final = N_("No order here had this yet: check the spelling, or try /store roles test with an order of it.")
_NEXT: Final = N_("Next: /store roles test shows what an order of yours brings, or go back to /store setup.")


class StoreRoles(
    commands.GroupCog, group_name=locale_str("roles"), group_description=locale_str("Give roles to buyers")
):
    """Adds, lists, tests and removes rules for buyers' roles."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._products = bot.storage.products
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
        match=[app_commands.Choice(name=locale_str(sentence), value=match.value) for match, sentence in MATCHES.items()]
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
        role_ids = [each.id for each in (role, second) if each is not None]
        added: list[tuple[RoleRule, bool]] = []  # each with whether it existed before
        wanted = (value or "")[:LONGEST_VALUE]

        def add(options: Options) -> Options:
            rules = with_rule(options, member(Match, match), wanted, role_ids)
            there = rules[-1] in options.rules
            added.append((rules[-1], there))
            return with_values(rules=options.rules if there else rules, buyers_roles=True)(options)

        settings, _ = await self._settings.change_options(reply.member, add)
        translator, (rule, there) = reply.translator, added[-1]
        saved = translator.gettext("Saved. Whoever opens such an order here gets the role:")
        if there:
            saved = translator.gettext("This rule is there already. Whoever opens such an order here gets the role:")
        lines = [saved]
        lines.append(_rule_line(rule, await self._names(settings, [rule]), translator))
        lines += _why_not(reply.guild, rule, translator)
        if unseen := await self._unseen(rule, settings):
            lines.append(f"{WARNING} " + translator.gettext(unseen))
        if settings.options.waiting_rules and rule.match not in UNFORGEABLE:
            lines.append(f"{WARNING} {waiting_line(settings.options, translator)}")
        lines.append(translator.gettext(_NEXT))
        await reply.show(ReplyMessage("\n".join(lines)))

    @add.autocomplete("value")
    @suggests(OWNER)
    async def _values(self, interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
        match = str(interaction.namespace.match or "")
        if match not in set(Match) or match == Match.ANY_ORDER:
            return []
        guild_id = interaction.guild_id or 0
        if match == Match.PRODUCT_ID:
            options = interaction.client.storage.guilds.get(guild_id).options
            return await self._suggested_products(guild_id, options, current)
        properties = await self._products.properties(guild_id, Match(match), current)
        return [_choice(each.label, each.value) for each in properties]

    @app_commands.command(name=locale_str("list"), description=locale_str("Show which orders bring which roles"))
    @replies("roles_list", OWNER)
    async def show_all(self, reply: Reply) -> None:
        """Show the rules, and why the bot cannot give some of their roles."""
        options, translator = reply.settings.options, reply.translator
        lines = [f"{WARNING} {waiting_line(options, translator)}"] if options.waiting_rules else []
        names = await self._names(reply.settings, options.rules)
        for number, rule in enumerate(options.rules, start=1):
            lines.append(f"**{number}.** " + _rule_line(rule, names, translator))
            lines += _why_not(reply.guild, rule, translator)
        none = translator.gettext("None yet. Begin with /store roles add.")
        text = shorten("\n".join(lines), EMBED_DESCRIPTION) or none
        embed = discord.Embed(title=translator.gettext("Buyers' roles"), description=text, colour=COLOUR)
        on = translator.gettext("Buyers' roles are on.")
        off = translator.gettext("Buyers' roles are off; see /store setup.")
        head = on if options.buyers_roles else off
        if options.rules and options.buyers_roles:
            head += " " + translator.gettext(_NEXT)
        await reply.show(ReplyMessage(head, embed))

    @app_commands.command(name=locale_str("test"), description=locale_str("See which roles an order would bring"))
    @app_commands.rename(order_id=locale_str("order-id"))
    @app_commands.describe(order_id=locale_str("An order link or order ID"))
    @replies("roles_test", OWNER)
    async def test(self, reply: Reply, order_id: app_commands.Range[str, 1, LONGEST_ORDER]) -> None:
        """Show which roles an order would bring, without giving them."""
        order = await own_order(reply, self._lookups, order_id)
        options, translator = reply.settings.options, reply.translator
        fit = rules_for(order, options)
        names = await self._names(reply.settings, fit)
        roles = ", ".join(dict.fromkeys(f"<@&{role}>" for rule in fit for role in rule.role_ids))
        numbered = [(number, rule) for number, rule in enumerate(options.rules, start=1) if rule in fit]
        lines = [f"**{number}.** " + _rule_line(rule, names, translator) for number, rule in numbered]
        text = "\n".join([translator.gettext("It brings: {roles}", roles=roles), *lines])
        if not order.asset_count:
            text = translator.gettext("It brings no role: it has no files.")
        elif not roles:
            text = translator.gettext("It brings no role: no rule fits it.")
        confirmed = options.product_ids
        if any(product.product_id not in confirmed for product in products_in(order)):
            text += "\n" + translator.gettext(
                "It holds products that you have not confirmed, so only rules for a product or a variant look at them. "
                "Are they yours? Confirm them with /store products."
            )
        embed = discord.Embed(description=shorten(text, EMBED_DESCRIPTION), colour=COLOUR)
        await reply.show(ReplyMessage(summary(order, translator), embed))

    @app_commands.command(
        name=locale_str("remove"), description=locale_str("Take a rule away; nobody loses a role by it")
    )
    @app_commands.rename(chosen=locale_str("rule"))
    @app_commands.describe(chosen=locale_str("Choose a rule, or type the number that /store roles list shows"))
    @replies("roles_remove", OWNER)
    async def remove(self, reply: Reply, chosen: app_commands.Range[str, 1, 100]) -> None:
        """Remove a rule."""
        removed: list[RoleRule] = []

        def remove(options: Options) -> Options:
            rule, rules = without_rule(options.rules, chosen)
            removed.append(rule)
            return with_values(rules=rules)(options)

        await self._settings.change_options(reply.member, remove)
        names = await self._names(reply.settings, removed)
        text = reply.translator.gettext("Removed:") + " " + _rule_line(removed[-1], names, reply.translator)
        await reply.show(ReplyMessage(text))

    @remove.autocomplete("chosen")
    @suggests(OWNER)
    async def _rules(self, interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
        settings = interaction.client.storage.guilds.get(interaction.guild_id or 0)
        translator = interaction.client.catalogs.translator(interaction.locale)
        names = await self._names(settings, settings.options.rules)
        choices = []
        for number, rule in enumerate(settings.options.rules, start=1):
            what = translator.gettext(MATCHES[rule.match]), names.get((rule.match, rule.value)) or rule.value
            roles = (interaction.guild.get_role(role) if interaction.guild else None for role in rule.role_ids)
            named = ", ".join(role.name if role is not None else "?" for role in roles)
            choices.append(_choice(f"{number}. {' '.join(what).strip()} → {named}", rule_key(rule)))
        return [choice for choice in choices if current.casefold() in choice.name.casefold()][:SELECT_OPTIONS]

    async def _suggested_products(
        self, guild_id: int, options: Options, current: str
    ) -> list[app_commands.Choice[str]]:
        """Suggest the confirmed products, then those that were seen in most orders."""
        wanted = current.casefold()
        confirmed = sorted(options.products, key=lambda product: product.name.casefold())
        known = [
            (each.name, each.product_id) for each in confirmed if wanted in f"{each.name} {each.product_id}".casefold()
        ]
        seen = await self._products.seen(guild_id, current, without=options.product_ids)
        known += [(each.name, each.product_id) for each in seen]
        return [_choice(name, product_id) for name, product_id in known[:SELECT_OPTIONS]]

    async def _unseen(self, rule: RoleRule, settings: GuildSettings) -> str | None:
        """Return the warning about a rule that no order here has matched; None while the database is away."""
        guild_id, match, value = settings.guild_id, rule.match, rule.value
        with suppress(StorageUnavailable):
            if match is Match.PRODUCT_ID:
                seen = value in settings.options.product_ids or await self._products.named(guild_id, [value])
                return None if seen else _UNSEEN_PRODUCT
            if await self._products.labels(guild_id, match, [value]):
                return None
            alike = await self._products.properties(guild_id, match, value)
            if match is Match.TAG and value.casefold() in {each.value.casefold() for each in alike}:
                return None
            return _UNSEEN if await self._products.properties(guild_id, match, "") else None
        return None

    async def _names(self, settings: GuildSettings, rules: Iterable[RoleRule]) -> dict[tuple[Match, str], str]:
        """Return the names of the products and variants in these rules, as far as they are known.

        It follows a change that is stored, so a database that is away then is no refusal: confirmed names are known.
        """
        ids: dict[Match, list[str]] = {match: [] for match in UNFORGEABLE}
        for rule in rules:
            ids.get(rule.match, []).append(rule.value)
        names: dict[tuple[Match, str], str] = {}
        with suppress(StorageUnavailable):
            seen = await self._products.named(settings.guild_id, ids[Match.PRODUCT_ID])
            variants = await self._products.labels(settings.guild_id, Match.VARIANT_ID, ids[Match.VARIANT_ID])
            names |= {(Match.VARIANT_ID, value): label for value, label in variants.items()}
            names |= {(Match.PRODUCT_ID, product.product_id): product.name for product in seen}
        return names | {(Match.PRODUCT_ID, product.product_id): product.name for product in settings.options.products}


def _choice(name: str, value: str) -> app_commands.Choice[str]:
    return app_commands.Choice(name=shorten(clean(name) or value, OPTION_LABEL), value=value)


def _rule_line(rule: RoleRule, names: Mapping[tuple[Match, str], str], translator: Translator) -> str:
    return rule_line(rule.match, rule.value, rule.role_ids, translator, names.get((rule.match, rule.value), ""))


def _why_not(guild: discord.Guild, rule: RoleRule, translator: Translator) -> list[str]:
    """Return why the bot does not give roles of a rule, a line for each."""
    whys = ((role, why_not(guild, role)) for role in rule.role_ids)
    return [f"{WARNING} " + translator.gettext(why, role=role) for role, why in whys if why is not None]


async def setup(bot: "FileflareBot") -> None:
    """Add the cog to the group /store."""
    await bot.add_cog(StoreRoles(bot), under="store")
