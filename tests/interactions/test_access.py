"""Everything that can be used, by everybody who must not: what each is told, and that nothing changes.

A new command, menu, suggestion, button, select or form fails the first test until it is in these tables.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import discord
import pytest
import sqlalchemy as sa
from desk import Desk, custom_id, log_lines, reply
from discord import app_commands
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, GuildHandle, RoleHandle
from simcord.enums import ComponentType, InteractionType
from simcord.results import InteractionResult

from fileflare_bot.demo import orders
from fileflare_bot.interactions.access import CUSTOMER, MODERATOR, OWNER, Audience
from fileflare_bot.interactions.routing import audience_of
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.models import Base
from fileflare_bot.storage.records import Action, CannedAnswer, Claim

NO_MODERATOR: Final = "**Only this server's moderators can do that.**"
NO_OWNER: Final = "**Only people with the permission Manage Server can do that here.**"
NOT_HERE: Final = "**That is not in this server, or you cannot see it.** Choose again."
Options = Callable[[Desk, RoleHandle], dict[str, Any]]

COMMANDS: Final[dict[str, Options]] = {
    "answers add": lambda _desk, _role: {"name": "hello"},
    "answers edit": lambda _desk, _role: {"name": "hello"},
    "answers remove": lambda _desk, _role: {"name": "hello"},
    "answers list": lambda _desk, _role: {},
    "check": lambda _desk, _role: {"order-id": orders.USED_UP},
    "claims person": lambda desk, _role: {"person": desk.customer},
    "claims order": lambda _desk, _role: {"order-id": orders.USED_UP},
    "requests open": lambda _desk, _role: {},
    "requests mine": lambda _desk, _role: {},
    "requests person": lambda desk, _role: {"person": desk.customer},
    "requests stats": lambda _desk, _role: {},
    "store panel": lambda _desk, _role: {},
    "store status": lambda _desk, _role: {},
    "store export": lambda _desk, _role: {},
    "store import": lambda _desk, _role: {"file": ("settings.json", b'{"version": 1, "options": {}}')},
    "store setup": lambda _desk, _role: {},
    "store products": lambda _desk, _role: {},
    "store roles add": lambda _desk, role: {"match": "product_id", "role": role, "value": "1"},
    "store roles list": lambda _desk, _role: {},
    "store roles test": lambda _desk, _role: {"order-id": orders.USED_UP},
    "store roles remove": lambda _desk, _role: {"rule": "1"},
    "mydownloads": lambda _desk, _role: {},
    "myorders": lambda _desk, _role: {},
    "privacy": lambda _desk, _role: {},
}
MENUS: Final = {"Check order in this message", "Help requests"}
SUGGESTIONS: Final = {
    "answers edit name",
    "answers remove name",
    "mydownloads order_id",
    "store roles add value",
    "store roles remove chosen",
}
# Each handler of buttons, selects and forms, with a custom_id that leads to it and what is chosen there. ``{ticket}``,
# ``{claim}``, ``{channel}``, ``{role}``, ``{person}``, ``{message}``, ``{handle}`` and ``{saved}`` are filled in.
PRESSES: Final[dict[str, tuple[str, list[str]]]] = {
    "Answers.fix": ("answers:fix:add:hello", []),
    "Answers.keep": ("answers:add:hello", []),
    "Check.delete_message": ("check:delete:{channel}:{message}", []),
    "Claims.choose": ("claims:choose", ["{claim}"]),
    "Claims.keep": ("claims:keep", []),
    "Claims.release": ("claims:release:{claim}", []),
    "Claims.ask_where": ("claims:move:{claim}", []),
    "Claims.move": ("claims:moved:{claim}", ["{person}"]),
    "Claims.confirm": ("claims:ask:move:{ticket}", []),
    "Claims.confirm_chosen": ("claims:whose:move:{ticket}", ["{claim}"]),
    "Claims.confirmed": ("claims:sure:move:{ticket}:{claim}", []),
    "Claims.restore": ("claims:restore", []),
    "Downloads.ask": ("downloads:ask", []),
    "Downloads.another": ("downloads:another", []),
    "Downloads.submitted": ("downloads:order", []),
    "Downloads.of_ticket": ("downloads:ticket:{ticket}", []),
    "Downloads.chosen": ("downloads:saved", ["{saved}"]),
    "Downloads.refresh": ("downloads:refresh:{handle}", []),
    "Downloads.turn": ("downloads:next:{handle}", []),
    "Downloads.jump": ("downloads:jump:{handle}", ["0-1"]),
    "Downloads.ask_name": ("downloads:find:{handle}", []),
    "Downloads.find": ("downloads:found:{handle}", []),
    "Downloads.leave": ("downloads:leave:{handle}", []),
    "Downloads.remember": ("downloads:remember:{handle}", []),
    "Help.ask": ("help:ask:{handle}:used_up.", []),
    "Help.file": ("help:file:{handle}:used_up.", []),
    "Help.read": ("help:read:{ticket}", []),
    "Help.write": ("help:write:{ticket}", []),
    "Help.wrote": ("help:wrote:{ticket}", []),
    "Help.solved": ("help:solved:{ticket}", []),
    "Orders.forget": ("orders:forget", ["{saved}"]),
    "Orders.ask": ("orders:forget_all", []),
    "Orders.forget_all": ("orders:forgotten", []),
    "Orders.keep": ("orders:keep", []),
    "Privacy.file": ("privacy:file", []),
    "Privacy.ask": ("privacy:delete", []),
    "Privacy.keep": ("privacy:keep", []),
    "Privacy.delete": ("privacy:gone", []),
    "Requests.turn": ("requests:page:open:1", []),
    "Requests.show": ("requests:show", ["{ticket}"]),
    "Store.replace_settings": ("store:import:1", []),
    "StoreProducts.turn": ("store_products:page:1", []),
    "StoreProducts.ask": ("store_products:paste", []),
    "StoreProducts.read": ("store_products:pasted", []),
    "StoreProducts.confirm": ("store_products:confirm", ["123456"]),
    "StoreProducts.remove": ("store_products:remove", ["123456"]),
    "StoreSetup.choose": ("store_setup:set:moderator_role_ids", ["{role}"]),
    "StoreSetup.choose_language": ("store_setup:language", ["de"]),
    "StoreSetup.choose_later": ("store_setup:later", ["refuse"]),
    "StoreSetup.toggle": ("store_setup:toggle:saved_orders:off", []),
    "StoreSetup.ask_words": ("store_setup:words", []),
    "StoreSetup.keep_words": ("store_setup:worded", []),
    "StoreSetup.ask_limits": ("store_setup:limits", []),
    "StoreSetup.keep_limits": ("store_setup:limited", []),
    "StoreSetup.fix": ("store_setup:fix:limits", []),
    "StoreSetup.check": ("store_setup:check", []),
    "StoreSetup.ask_channel": ("store_setup:panel", []),
    "StoreSetup.post_panel": ("store_setup:post", ["{channel}"]),
    "Tickets.take": ("tickets:take:{ticket}", []),
    "Tickets.hand_over": ("tickets:handover:{ticket}", []),
    "Tickets.handed": ("tickets:handed:{ticket}", ["{person}"]),
    "Tickets.check": ("tickets:check:{ticket}", []),
    "Tickets.answer": ("tickets:answer:{ticket}", []),
    "Tickets.write": ("tickets:write:{ticket}:ready:no_email", []),
    "Tickets.details": ("tickets:details:{ticket}", []),
    "Tickets.answered": ("tickets:answered:{ticket}", []),
    "Tickets.again": ("tickets:again:{ticket}:answer", []),
    "Tickets.resolve": ("tickets:resolve:{ticket}", []),
    "Tickets.resolved": ("tickets:resolved:{ticket}", ["answered"]),
    "Tickets.reopen": ("tickets:reopen:{ticket}", []),
    "Tickets.post_again": ("tickets:post:{ticket}", []),
}


class Shop:
    """A desk with one of everything, and the IDs of each for a custom_id."""

    def __init__(self, desk: Desk, role: RoleHandle) -> None:
        self.desk = desk
        self.role = role
        self.ids: dict[str, str] = {}

    async def state(self) -> dict[str, Any]:
        """Return everything that is stored and shown, apart from what tells the owner of a lost desk."""
        stored = {}
        async with self.desk.bot.storage._database.reading() as session:  # noqa: SLF001 - all of it
            for table in Base.metadata.sorted_tables:
                rows = (await session.execute(sa.select(table))).mappings().all()
                kept = [dict(row) for row in rows if row.get("action") != Action.LOST_DESK]
                stored[table.name] = [{key: value for key, value in row.items() if key != "left_at"} for row in kept]
        shown = {channel.id: len(channel.history()) for channel in (self.desk.channel, self.desk.support)}
        return {"stored": stored, "shown": shown}

    async def press(
        self,
        handler: str,
        person: MemberActor,
        ids: dict[str, str] | None = None,
        channel: ChannelHandle | None = None,
        *,
        page_id: int | None = None,
    ) -> InteractionResult:
        """Press a button, choose or submit, as a forged client could anywhere; ``page_id`` is the message it is on."""
        known = self.ids | (ids or {})
        custom_id, values = PRESSES[handler]
        filled, chosen = custom_id.format(**known), [value.format(**known) for value in values]
        entry = self.desk.bot.routes.find(filled)
        assert entry is not None
        data: dict[str, Any] = {"custom_id": filled, "values": chosen}
        if handler == "StoreSetup.choose":
            data["component_type"] = ComponentType.ROLE_SELECT
        kind = InteractionType.MESSAGE_COMPONENT
        if handler in {"Claims.move", "Tickets.handed"}:
            kind = InteractionType.MODAL_SUBMIT
            names = {"Claims.move": "person", "Tickets.handed": "moderator"}
            select = {"type": ComponentType.USER_SELECT, "custom_id": names[handler], "values": chosen}
            data = {"custom_id": filled, "components": [{"type": 18, "component": select}]}
        if handler in {"Help.wrote", "Tickets.answered"}:
            kind = InteractionType.MODAL_SUBMIT
            words = {"type": ComponentType.TEXT_INPUT, "custom_id": "words", "value": "Hello?"}
            data = {"custom_id": filled, "components": [{"type": 18, "component": words}]}
        data.setdefault("component_type", ComponentType.BUTTON)
        record = self.desk._emit(kind, person, channel or self.desk.channel, data)  # noqa: SLF001 - no other way to forge
        record.source_message_id = page_id
        await self.desk.env.settle()
        return InteractionResult(self.desk.env, record)


def commands(desk: Desk) -> dict[str, Audience | None]:
    found = {}
    for command in desk.bot.tree.walk_commands():
        if isinstance(command, app_commands.Command):
            found[command.qualified_name] = audience_of(command.callback)
    return found


def suggestions(desk: Desk) -> dict[str, Audience | None]:
    found = {}
    for command in desk.bot.tree.walk_commands():
        for parameter in command._params.values() if isinstance(command, app_commands.Command) else ():  # noqa: SLF001
            if callable(parameter.autocomplete):
                found[f"{command.qualified_name} {parameter.name}"] = audience_of(parameter.autocomplete)
    return found


def handlers(desk: Desk) -> dict[str, Audience | None]:
    return {entry.__qualname__: audience_of(entry) for _pattern, entry in desk.bot.routes}


@pytest.fixture
async def shop(desk: Desk) -> Shop:
    """A desk with one of everything: the ticket, the claim, the saved and the open order are the customer's."""
    role = desk.guild.create_role("Buyer")
    await desk.set_up()
    await desk.confirms_the_product()
    await desk.owner.slash(desk.channel, "store roles add", match="any_order", role=role)
    shown = await desk.moderator.slash(desk.channel, "answers add", name="hello")
    await desk.moderator.submit_modal(shown, {"words": "Hello."})
    await desk.ask_for_help()
    opened = await desk.mydownloads(orders.DOCUMENTED)
    await desk.customer.click(reply(opened), label="Remember this order")
    message = await desk.member.send(desk.channel, "Hello.")
    storage = desk.bot.storage
    (ticket,) = (await storage.tickets.page(desk.guild.id, 1)).tickets
    claim = (await storage.claims.of_user(desk.guild.id, desk.customer.id))[0]
    (saved,) = await storage.saved_orders.of_user(desk.customer.id)
    made = Shop(desk, role)
    made.ids = {
        "ticket": str(ticket.id),
        "claim": key(claim),
        "channel": str(desk.channel.id),
        "message": str(message.id),
        "role": str(role.id),
        "person": str(desk.member.id),
        "saved": str(saved.id),
        "handle": custom_id(reply(opened), ":refresh:").rpartition(":")[2],
    }
    for name in {name.split()[0] for name in (*COMMANDS, *MENUS)} | MENUS:  # as an override in Integrations does
        for kind in (1, 2, 3):
            stored = desk.env.backend.find_command(name, desk.guild.id, type=kind)
            if stored is not None:
                stored["default_member_permissions"] = None
    return made


async def test_everything_that_can_be_used_is_in_these_tables(desk: Desk) -> None:
    menus = {menu.name for kind in (2, 3) for menu in desk.bot.tree.get_commands(type=discord.AppCommandType(kind))}

    assert set(commands(desk)) == set(COMMANDS)
    assert set(suggestions(desk)) == SUGGESTIONS
    assert menus == MENUS
    assert set(handlers(desk)) == set(PRESSES)


def somebody(desk: Desk, kind: str) -> MemberActor:
    """Return a member who is no owner, and no moderator but for the role that the owner chose."""
    match kind:
        case "nobody":
            return desk.member
        case "moderator of another server":
            user = desk.env.create_user("otto")
            desk.env.create_guild("Another", owner=user)
            return desk.guild.add_member(user)
        case "through one channel":
            return desk.guild.add_member(desk.env.create_user("vera"))
    volunteers = desk.guild.create_role("Volunteers")
    return desk.guild.add_member(desk.env.create_user("vera"), roles=[volunteers])


def channel_of(desk: Desk, person: MemberActor, **may: bool) -> ChannelHandle:
    """Return a channel in which a member may do more, or less, than elsewhere."""
    overwrites: Any = {person: discord.PermissionOverwrite(**may)}
    return desk.guild.create_text_channel("their-own", overwrites=overwrites)


@pytest.mark.parametrize(
    "kind", ["nobody", "moderator of another server", "through one channel", "through a role without permissions"]
)
async def test_who_is_not_of_the_audience_is_refused_everywhere_and_nothing_changes(shop: Shop, kind: str) -> None:
    desk = shop.desk
    person = somebody(desk, kind)
    is_moderator = kind == "through a role without permissions"
    if is_moderator:
        ids = (desk.guild.roles["Volunteers"].id,)
        await desk.bot.storage.guilds.change(desk.guild.id, desk.owner.id, moderator_role_ids=ids)
    channel = desk.channel
    if kind == "through one channel":
        channel = channel_of(desk, person, manage_messages=True, manage_roles=True)
    await desk.env.settle()
    before = await shop.state()
    said: dict[str, str] = {}
    refused = {OWNER} if is_moderator else {OWNER, MODERATOR}
    audiences = commands(desk)
    for name, options in COMMANDS.items():
        if audiences[name] in refused:
            result = await person.slash(channel, name, **options(desk, shop.role))
            said[name] = reply(result).content
    for handler, audience in handlers(desk).items():
        if audience in refused:
            result = await shop.press(handler, person, channel=channel)
            said[handler] = reply(result).content
    if not is_moderator:
        target = await desk.member.send(channel, "See https://my-store.example/account/orders/" + orders.USED_UP)
        before = await shop.state()
        said["message"] = reply(await person.context_menu(channel, "Check order in this message", target)).content
        said["user"] = reply(await person.context_menu(channel, "Help requests", desk.customer)).content

    everything = audiences | handlers(desk) | dict.fromkeys(("message", "user"), MODERATOR)
    for name, words in said.items():
        assert words.startswith(NO_OWNER if everything[name] is OWNER else NO_MODERATOR), name
    assert len(said) >= (24 if is_moderator else 48)
    assert await shop.state() == before


async def test_suggestions_are_for_their_audience_only(shop: Shop) -> None:
    desk = shop.desk
    for command, option, more in (
        ("answers edit", "name", {}),
        ("answers remove", "name", {}),
        ("store roles add", "value", {"match": "product_id"}),
        ("store roles remove", "rule", {}),
    ):
        assert await desk.owner.autocomplete(desk.channel, command, option, "", **more)
        assert await desk.member.autocomplete(desk.channel, command, option, "", **more) == []
    assert await desk.customer.autocomplete(desk.channel, "mydownloads", "order-id", "")
    assert await desk.member.autocomplete(desk.channel, "mydownloads", "order-id", "") == []


async def test_what_is_another_customers_is_nobody_elses(shop: Shop) -> None:
    desk = shop.desk
    before = await shop.state()

    for handler in (
        *("Downloads.chosen", "Downloads.refresh", "Downloads.turn", "Downloads.leave", "Downloads.remember"),
        *("Help.read", "Help.wrote", "Help.solved", "Orders.forget"),  # Help.write only opens the form of Help.wrote
    ):
        result = await shop.press(handler, desk.member)
        assert reply(result).content.startswith("**"), handler
        assert "/download/" not in str(reply(result).components)
    assert await shop.state() == before


@pytest.fixture
async def elsewhere(shop: Shop) -> tuple[GuildHandle, dict[str, str]]:
    """Another guild of the bot's, with the IDs of what it has."""
    desk = shop.desk
    owner = desk.env.create_user("otto")
    guild = desk.env.create_guild("Another", owner=owner)
    channel: ChannelHandle = guild.create_text_channel("downloads")
    role = guild.create_role("Buyer")
    customer = guild.add_member(desk.env.create_user("bea"))
    storage = desk.bot.storage
    await storage.guilds.change(guild.id, owner.id, support_channel_id=channel.id)
    message = await customer.send(channel, f"https://my-store.example/account/orders/{orders.USED_UP}")
    (ticket,) = (await storage.tickets.page(desk.guild.id, 1)).tickets
    async with storage._database.writing() as session:  # noqa: SLF001 - the same ticket, but elsewhere
        table = Base.metadata.tables["help_requests"]
        row = dict((await session.execute(sa.select(table))).mappings().one())
        row |= {"id": ticket.id + 100, "guild_id": guild.id, "number": 1, "person_id": customer.id}
        await session.execute(sa.insert(table).values(row))
    claim = await storage.claims.claim(guild.id, customer.id, OrderReference(orders.LARGE), "#1", accounts=1)
    assert claim is not None
    ids = {
        "ticket": str(ticket.id + 100),
        "claim": key(claim),
        "channel": str(channel.id),
        "message": str(message.id),
        "role": str(role.id),
        "person": str(customer.id),
    }
    return guild, ids


async def test_what_belongs_to_another_server_cannot_be_used(
    shop: Shop, elsewhere: tuple[GuildHandle, dict[str, str]]
) -> None:
    desk, (_guild, ids) = shop.desk, elsewhere
    before = await shop.state()

    for handler in (
        *("Check.delete_message", "Claims.release", "Claims.move", "Claims.confirm", "Claims.confirmed"),
        *("Requests.show", "StoreSetup.choose"),
        *(name for name in PRESSES if name.startswith("Tickets.")),
    ):
        if handler in {"Tickets.hand_over", "Tickets.resolve"}:
            continue  # they only open a form, which is refused when it is submitted
        person = desk.owner if handler.startswith("Store") else desk.moderator
        on = await person.slash(desk.channel, "myorders")
        result = await shop.press(handler, person, ids, page_id=reply(on).id)
        assert reply(result).content.startswith("**"), handler
        assert "went wrong" not in reply(result).content, handler
    assert await shop.state() == before


def key(claim: Claim) -> str:
    """Return how custom_ids name a claim."""
    return f"{claim.id}:{claim.user_id}:{claim.shown.milliseconds}"


NOWHERE: Final = "987654321"  # an ID of nothing
ABOUT: Final = ("{ticket}", "{claim}", "{saved}")  # what belongs to a guild or a user


async def answer(shop: Shop, handler: str, person: MemberActor, ids: dict[str, str]) -> str:
    """Return everything that a press shows, without the IDs in it."""
    page = await person.slash(shop.desk.channel, "myorders")
    result = await shop.press(handler, person, ids, page_id=reply(page).id)
    modal = result.modal or {}
    shown: list[Any] = []
    if result.response is not None:
        shown = [reply(result).content, reply(result).components, [each.to_dict() for each in reply(result).embeds]]
    text = str([modal.get("custom_id"), modal.get("title"), *shown])
    for each in ids.values():
        text = re.sub(rf"(?<=:){re.escape(each)}(?!\d)", "…", text)
    return text


@pytest.mark.parametrize("who", ["owner", "moderator", "member"])
async def test_what_belongs_to_another_server_gets_the_same_words_as_what_does_not_exist(
    shop: Shop, elsewhere: tuple[GuildHandle, dict[str, str]], who: str
) -> None:
    desk, (_guild, theirs) = shop.desk, elsewhere
    person: MemberActor = getattr(desk, who)
    before = await shop.state()
    compared = []

    for handler, pressed in PRESSES.items():
        named = [each.strip("{}") for each in ABOUT if each in str(pressed)]
        if not named:
            continue
        known = {name: theirs[name] for name in named if name in theirs}
        known |= {name: shop.ids[name] for name in named if name not in theirs}  # another user's
        nothing = dict.fromkeys(named, NOWHERE)
        if "claim" in named:  # the holder is named by the button, and not read
            nothing["claim"] = NOWHERE + ":" + known["claim"].partition(":")[2]
        compared.append(handler)
        assert await answer(shop, handler, person, known) == await answer(shop, handler, person, nothing), handler

    assert {"Help.read", "Help.wrote", "Help.solved", "Requests.show", "Claims.release", "Claims.move"} <= {*compared}
    assert {"Downloads.chosen", "Orders.forget", *(name for name in PRESSES if name.startswith("Tickets."))} <= {
        *compared
    }
    assert await shop.state() == before


async def test_a_saved_answer_of_another_server_gets_the_same_words_as_one_that_does_not_exist(
    shop: Shop, elsewhere: tuple[GuildHandle, dict[str, str]]
) -> None:
    desk, (guild, _ids) = shop.desk, elsewhere
    theirs = CannedAnswer("theirs", "Hello.")
    await desk.bot.storage.guilds.add_canned_answer(guild.id, desk.owner.id, theirs)

    for command in ("answers edit", "answers remove"):
        said = [reply(await desk.moderator.slash(desk.channel, command, name=name)) for name in ("theirs", "none")]
        assert said[0].content == said[1].content
        assert said[0].content.startswith("**There is no saved answer of that name.**")


@pytest.mark.parametrize("handler", ["StoreSetup.choose", "Claims.move", "Tickets.handed"])
async def test_a_role_or_member_of_another_server_cannot_be_chosen(
    shop: Shop, elsewhere: tuple[GuildHandle, dict[str, str]], handler: str
) -> None:
    _guild, ids = elsewhere
    before = await shop.state()

    result = await shop.press(handler, shop.desk.owner, {"role": ids["role"], "person": ids["person"]})

    assert reply(result).content == NOT_HERE
    assert await shop.state() == before


async def test_a_channel_that_the_user_cannot_see_cannot_be_chosen(shop: Shop) -> None:
    desk = shop.desk
    deputies = desk.guild.create_role("Deputy", permissions=discord.Permissions(manage_guild=True))
    deputy = desk.guild.add_member(desk.env.create_user("dana"), roles=[deputies])
    hidden = discord.PermissionOverwrite(view_channel=False)
    secret = desk.guild.create_text_channel("secret", overwrites={desk.guild.default_role: hidden})
    data = {
        "component_type": ComponentType.CHANNEL_SELECT,
        "custom_id": "store_setup:set:log_channel_id",
        "values": [str(secret.id)],
    }

    record = desk._emit(InteractionType.MESSAGE_COMPONENT, deputy, desk.channel, data)  # noqa: SLF001 - forged
    await desk.env.settle()

    assert reply(InteractionResult(desk.env, record)).content == NOT_HERE
    assert desk.bot.storage.guilds.get(desk.guild.id).log_channel_id is None


@pytest.mark.parametrize("log", [True, False])
async def test_the_owner_is_told_once_who_has_lost_the_desk_with_the_moderator_roles(desk: Desk, *, log: bool) -> None:
    volunteers = desk.guild.create_role("Volunteers")
    await desk.set_up(log=log, roles=[volunteers])
    person = somebody(desk, "through one channel")
    channel = channel_of(desk, person, manage_messages=True)
    await desk.env.settle()

    for _ in range(3):
        await desk.forge("requests:page:open:1", person, channel)
    await desk.later()

    told = desk.log_channel.history() if log else desk.direct(desk.owner)
    lines = [str(message.embeds[0].description) for message in told if message.embeds]
    about = [line for line in lines if "they are no moderator to me" in line]
    assert len(about) == 1
    assert f"<@{person.id}>" in about[0]
    assert about[0].endswith("Moderator roles now: Volunteers")


async def test_who_manages_messages_in_the_whole_server_is_a_moderator_also_where_a_channel_says_no(desk: Desk) -> None:
    await desk.set_up()
    channel = channel_of(desk, desk.moderator, manage_messages=False)
    await desk.env.settle()

    shown = await desk.forge("requests:page:open:1", desk.moderator, channel)

    assert not reply(shown).content.startswith("**Only")


@pytest.mark.parametrize("command", ["requests open", "store status"])
async def test_nobody_loses_their_rights_while_the_bot_does_not_know_the_server_yet(desk: Desk, command: str) -> None:
    await desk.set_up(log=True)
    person = desk.moderator if command == "requests open" else desk.owner
    await desk.connects_anew()

    refused = await person.slash(desk.channel, command)
    await desk.learns_of_the_server()

    assert reply(refused).content == "**I am restarting.** Please try again in a minute."
    assert not [line for line in log_lines(desk) if "no moderator to me" in line]
    assert not reply(await person.slash(desk.channel, command)).content.startswith("**")


async def test_where_the_bot_has_left_nobody_is_called_no_moderator(desk: Desk) -> None:
    await desk.set_up()
    desk.env.backend.emit("GUILD_DELETE", {"id": str(desk.guild.id)})
    await desk.env.settle()

    refused = await desk.forge("requests:page:open:1", desk.moderator, desk.channel)

    assert reply(refused).content.startswith("**That works in a server only.**")


def test_each_audience_is_in_the_table() -> None:
    assert {CUSTOMER, MODERATOR, OWNER} == set(Audience)
