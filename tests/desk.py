"""The bot on a simulated Discord: its people, what they do, and what they see."""

import asyncio
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from fnmatch import fnmatch
from typing import Any, cast

import discord
import pytest
import sqlalchemy as sa
from doubles.faulty_fileflare import FaultyFileflare
from simcord.actors import MemberActor
from simcord.backend import Backend
from simcord.backend.models import Interaction
from simcord.backend.serializers import guild_create_payload, message_payload, user_payload
from simcord.builders import ChannelHandle, GuildHandle, RoleHandle, UserHandle
from simcord.enums import ComponentType, InteractionType
from simcord.env import Env
from simcord.http import router
from simcord.interactions import base_payload
from simcord.results import InteractionResult, ResponseMessage

from cogs.events import Events
from fileflare_bot.app import FileflareBot
from fileflare_bot.demo import orders
from fileflare_bot.fileflare.client import FileflareClient
from fileflare_bot.orders.models import Order
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.models import Base, UtcDateTime
from fileflare_bot.storage.options import Options, StoreProduct
from fileflare_bot.storage.records import Resolution

SETTLE_SECONDS = 10.0
HIDDEN = discord.PermissionOverwrite(view_channel=False)
SEEN = discord.PermissionOverwrite(view_channel=True)
Person = MemberActor | UserHandle


class Log(io.StringIO):
    """What was logged, as JSON lines."""

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the events of this name."""
        return [event for event in self.all() if event["event"] == name]

    def all(self) -> list[dict[str, Any]]:
        """Return every event."""
        return [json.loads(line) for line in self.getvalue().splitlines()]


class DeclaringClient(FileflareClient):
    """The real client, which tells the simulator when it waits for a response that the sample holds back.

    The simulator runs its timers only when the bot is idle, and would otherwise wait for the response.
    """

    env: Env | None = None
    waiting = 0

    async def fetch_order(self, reference: OrderReference) -> Order:  # noqa: D102 - as the client it is
        fetching = super().fetch_order(reference)
        if self.env is None:
            return await fetching
        self.waiting += 1
        try:
            return cast("Order", await self.env.external_wait(fetching, reason="Fileflare is slow"))
        finally:
            self.waiting -= 1


class Desk:
    """A guild with the bot, its owner, a customer, another member and two moderators."""

    def __init__(self, env: Env, sample: FaultyFileflare, build: Callable[[], FileflareBot]) -> None:
        self.env = env
        self.sample = sample
        self._build = build
        self._locales: dict[int, str] = {}
        self._guild_locale = "en-US"
        owner = env.create_user("olivia")
        self.guild = env.create_guild("The Book Shop", owner=owner)
        self.channel: ChannelHandle = self.guild.create_text_channel("downloads")
        self.owner = MemberActor(env, self.guild, owner)
        self.at_home = env.create_user("casey")  # the customer in their direct messages
        self.customer = self.guild.add_member(self.at_home)
        self.member = self.guild.add_member(env.create_user("max"))
        team = self.guild.create_role("Team", permissions=discord.Permissions(manage_messages=True))
        self.moderator = self.guild.add_member(env.create_user("mia"), roles=[team])
        self.colleague = self.guild.add_member(env.create_user("noah"), roles=[team])
        everyone, me = self.guild.default_role, env.bot.user
        assert me is not None
        private: Any = {everyone: HIDDEN, team: SEEN, me: SEEN}
        self.support = self.guild.create_text_channel("support", overwrites=private)
        self.log_channel = self.guild.create_text_channel("log", overwrites=private)
        env.backend.subscribers.insert(0, self._localise)

    @property
    def bot(self) -> FileflareBot:
        """The running bot."""
        return cast("FileflareBot", self.env.bot)

    @property
    def events(self) -> Events:
        """The running bot's gateway event handlers."""
        return cast("Events", self.bot.get_cog(Events.__name__))

    @property
    def client(self) -> DeclaringClient:
        """The running bot's client."""
        return cast("DeclaringClient", self.bot.lookups.client)

    def speaks(self, person: Person, locale: str) -> None:
        """Set a person's language, as their Discord client reports it."""
        self._locales[person.id] = locale

    def server_speaks(self, locale: str) -> None:
        """Set the guild's language."""
        self._guild_locale = locale

    async def restart(self) -> None:
        """Restart the bot; Discord stays as it is."""
        await self.env.restart_bot(self._build())

    async def connects_anew(self) -> None:
        """Begin a new session at Discord, which has not told the bot about the server yet."""
        backend, unknown = self.env.backend, {"id": str(self.guild.id), "unavailable": True}
        user = dict(user_payload(backend.bot_user))
        backend.emit("READY", {"v": 10, "user": user, "guilds": [unknown], "session_id": "new", "shard": [0, 1]})
        await self.env.settle()

    async def learns_of_the_server(self) -> None:
        """Let Discord tell the bot about the server."""
        backend = self.env.backend
        backend.emit("GUILD_CREATE", {**guild_create_payload(backend, backend.get_guild(self.guild.id))})
        await self.env.settle()

    async def later(self, days: int = 0) -> None:
        """Let an hour and some days pass for what is stored, and the reconciler run."""
        passed = timedelta(days=days, hours=1)
        async with self.bot.storage._database.writing() as session:  # noqa: SLF001 - no time machine reaches a database
            for mapper in Base.registry.mappers:
                times = [column.key for column in mapper.columns if isinstance(column.type, UtcDateTime)]
                for row in (await session.scalars(sa.select(mapper.class_))).all() if times else ():
                    for key in times:
                        if getattr(row, key) is not None:
                            setattr(row, key, getattr(row, key) - passed)
        await self.bot.reconciler.run()
        await self.env.settle()

    async def mydownloads(self, pasted: str | None = None, *, person: MemberActor | None = None) -> InteractionResult:
        """Type /mydownloads in the channel."""
        options: dict[str, Any] = {} if pasted is None else {"order-id": pasted}
        return await (person or self.customer).slash(self.channel, "mydownloads", **options)

    async def set_up(self, *, log: bool = False, roles: Sequence[RoleHandle] = ()) -> InteractionResult:
        """Set the bot up as the owner: the support channel, and the log channel and moderator roles if wanted."""
        page = await self.owner.slash(self.channel, "store setup")
        shown = await self.owner.select(reply(page), [self.support], custom_id="store_setup:set:support_channel_id")
        if log:
            await self.owner.select(reply(page), [self.log_channel], custom_id="store_setup:set:log_channel_id")
        if roles:
            await self.owner.select(reply(page), roles, custom_id="store_setup:set:moderator_role_ids")
        return shown

    async def had_stored(self, **settings: Any) -> None:  # noqa: ANN401 - fields of GuildSettings
        """Store channels or roles as an earlier version did, which refused less."""
        await self.bot.storage.guilds.change(self.guild.id, self.owner.id, **settings)

    def closed_channel(self, name: str, guild: GuildHandle | None = None) -> ChannelHandle:
        """Create a channel that not everybody sees, but the bot."""
        guild, me = guild or self.guild, self.env.bot.user
        assert me is not None
        overwrites: Any = {guild.default_role: HIDDEN, me: SEEN}
        return guild.create_text_channel(name, overwrites=overwrites)

    async def confirms_the_product(self) -> None:
        """Confirm the product of the sample orders as the store's own."""

        def confirmed(options: Options) -> Options:
            return options.model_copy(update={"products": (StoreProduct(product_id="123456", name="My new Book"),)})

        await self.bot.storage.guilds.change_options(self.guild.id, self.owner.id, confirmed)

    async def ask_for_help(
        self,
        token: str = orders.USED_UP,
        words: str = "It says there is nothing left.",
        *,
        topic: str = "nothing_left",
        person: MemberActor | None = None,
        **more: str,
    ) -> InteractionResult:
        """Look up an order, press Get help, and fill in its modal."""
        person = person or self.customer
        lookup = await self.mydownloads(token, person=person)
        shown = await person.click(reply(lookup), label="Get help")
        return await person.submit_modal(shown, {"topic": topic, "words": words, **more})

    def card(self, number: int = 1) -> discord.Message:
        """Return the current card of a ticket."""
        (found,) = [
            message
            for message in self.support.history()
            if message.embeds and message.embeds[0].title == f"Help request #{number}"
        ]
        return found

    def thread(self, number: int = 1) -> ChannelHandle:
        """Return the thread of a ticket."""
        (found,) = [thread for thread in self.support.threads if str(thread.name).startswith(f"#{number} ")]
        return found

    def notes(self, number: int = 1) -> list[str]:
        """Return the notes in a ticket's thread."""
        return [str(message.embeds[0].description) for message in self.thread(number).history() if message.embeds]

    async def press(self, label: str, *, person: MemberActor | None = None, number: int = 1) -> InteractionResult:
        """Press a button of a card as a moderator."""
        return await (person or self.moderator).click(self.card(number), label=label)

    async def forge(
        self,
        custom_id: str,
        person: MemberActor,
        channel: ChannelHandle,
        *,
        values: list[str] | None = None,
        inputs: Mapping[str, str | list[str]] | None = None,
    ) -> InteractionResult:
        """Press a button, choose or submit a modal that nobody was shown, as only a forged client could."""
        data: dict[str, Any] = {"component_type": 2, "custom_id": custom_id}
        if values is not None:
            data |= {"component_type": 3, "values": values}
        kind = InteractionType.MESSAGE_COMPONENT
        if inputs is not None:
            kind = InteractionType.MODAL_SUBMIT
            given = [
                {"type": 3, "custom_id": name, "values": value}
                if isinstance(value, list)
                else {"type": 4, "custom_id": name, "value": value}
                for name, value in inputs.items()
            ]
            data = {"custom_id": custom_id, "components": [{"type": 18, "component": each} for each in given]}
        return await self.forge_data(data, person, channel, kind=kind)

    async def forge_data(
        self,
        data: dict[str, Any],
        person: MemberActor,
        channel: ChannelHandle,
        *,
        kind: InteractionType = InteractionType.MODAL_SUBMIT,
    ) -> InteractionResult:
        """Send any data of an interaction."""
        record = self._emit(kind, person, channel, data)
        await self.env.settle()
        return InteractionResult(self.env, record)

    async def forge_command(
        self, name: str, person: MemberActor, options: list[dict[str, Any]], *, resolved: dict[str, Any] | None = None
    ) -> InteractionResult:
        """Send a command with options that Discord's own clients do not offer."""
        command, *groups = name.split()
        found = self.env.backend.find_command(command, self.guild.id, type=1)
        assert found is not None
        kind = 1  # a subcommand; what holds one is a group
        for group in reversed(groups):
            options, kind = [{"name": group, "type": kind, "options": options}], 2
        data = {"id": found["id"], "name": command, "type": 1, "options": options, "resolved": resolved or {}}
        record = self._emit(InteractionType.APPLICATION_COMMAND, person, self.channel, data)
        await self.env.settle()
        return InteractionResult(self.env, record)

    async def press_at_once(self, label: str, people: Sequence[MemberActor]) -> list[InteractionResult]:
        """Press a button of ticket #1's card for several people before the bot handles any press."""
        (pressed,) = [found for found in buttons(self.card()) if found.get("label") == label]
        data = {"component_type": 2, "custom_id": pressed["custom_id"]}
        message = message_payload(self.env.backend, self.env.backend.get_message(self.support.id, self.card().id))
        records = [
            self._emit(InteractionType.MESSAGE_COMPONENT, person, self.support, data, message=message)
            for person in people
        ]
        await self.env.settle()
        return [InteractionResult(self.env, record) for record in records]

    async def answers(
        self, *, words: str = "", saved: str = "", ready: str = "", person: MemberActor | None = None, number: int = 1
    ) -> InteractionResult:
        """Press Answer on a card, choose an answer or none, and send it with more words."""
        person = person or self.moderator
        shown = await self.press("Answer", person=person, number=number)
        if saved or ready:
            chosen = custom_id(reply(shown), ":saved" if saved else ":ready")
            form = await person.select(reply(shown), [saved or ready], custom_id=chosen)
        else:
            form = await person.click(reply(shown), label="Your own words")
        written = "\n\n".join(part for part in (prefilled(form), words) if part)
        return await person.submit_modal(form, {"words": written})

    async def resolves(self, reason: str = Resolution.FIXED, words: str = "", *, number: int = 1) -> InteractionResult:
        """Press Resolve on a card and fill in its modal."""
        values: dict[str, Any] = {"reason": [reason], **({"words": words} if words else {})}
        return await self.moderator.submit_modal(await self.press("Resolve", number=number), values)

    def direct(self, person: MemberActor | None = None) -> list[discord.Message]:
        """Return the bot's direct messages to a person."""
        channel = self.env.backend.get_dm_channel((person or self.customer).id)
        return ChannelHandle(self.env, None, channel).history()

    def closes_direct_messages(self) -> None:
        """Refuse direct messages to the customer, as if they had closed theirs."""
        channel = self.env.backend.get_dm_channel(self.customer.id)
        self.env.inject_error("POST", f"/channels/{channel.id}/messages", status=403, code=50007, times=None)

    def discord_is_silent(self, monkeypatch: pytest.MonkeyPatch, method: str, path: str) -> None:
        """Let the first call of this method whose path matches end without an answer."""
        dispatch, left = router.dispatch, [path]

        def silent(backend: Backend, called: str, its_path: str, **call: Any) -> Any:  # noqa: ANN401 - simcord's own
            if called == method and left and fnmatch(its_path, left[0]):
                left.clear()
                raise TimeoutError  # as aiohttp does after five minutes
            return dispatch(backend, called, its_path, **call)

        monkeypatch.setattr(router, "dispatch", silent)

    def hold(self) -> None:
        """Hold back the sample Fileflare's responses until release(); meanwhile time passes by advance_time()."""
        self.sample.gate.clear()
        self.client.env = self.env
        self.env.settle_timeout = 0.5  # shorter than any timer, or the simulator would wait for them in real time

    async def release(self) -> None:
        """Release the held responses, and wait until the bot has handled them."""
        self.sample.gate.set()
        while self.client.waiting:  # noqa: ASYNC110 - the count is the client's, not an event
            await asyncio.sleep(0.01)
        self.client.env = None
        self.env.settle_timeout = SETTLE_SECONDS
        await self.env.settle()

    async def fill_in(self, shown: InteractionResult, pasted: str) -> InteractionResult:
        """Submit the modal that was shown to the customer."""
        return await self.customer.submit_modal(shown, {"order": pasted})

    async def all_at_once(self, asked: list[tuple[MemberActor, str]]) -> list[InteractionResult]:
        """Type /mydownloads for several people before the bot handles any of it, and wait for every reply."""
        command = self.env.backend.find_command("mydownloads", self.guild.id, type=1)
        assert command is not None
        records = []
        for person, token in asked:
            option = {"name": "order-id", "type": 3, "value": token}
            data = {"id": command["id"], "name": "mydownloads", "type": 1, "options": [option]}
            records.append(self._emit(InteractionType.APPLICATION_COMMAND, person, self.channel, data))
        await self.env.settle()
        return [InteractionResult(self.env, record) for record in records]

    def _emit(
        self,
        kind: InteractionType,
        person: MemberActor,
        channel: ChannelHandle,
        data: dict[str, Any],
        **more: Any,  # noqa: ANN401 - of a gateway payload
    ) -> Interaction:
        record, payload = base_payload(
            self.env.backend,
            type=kind,
            channel_id=channel.id,
            guild_id=None if channel.guild is None else person.guild.id,
            user_id=person.id,
            data=data,
        )
        self.env.backend.emit("INTERACTION_CREATE", cast("Any", payload | more))
        return record

    def calls(self) -> list[tuple[str, str]]:
        """Return every Discord call for an interaction, as method and kind of route."""
        kinds = (("/callback", "callback"), ("/messages/@original", "original"), ("/webhooks/", "followup"))
        found = []
        for request in self.env.http_requests:
            kind = next((kind for part, kind in kinds if part in request.path), None)
            if kind:
                found.append((request.method, kind))
        return found

    def _localise(self, event: str, payload: Any) -> None:  # noqa: ANN401 - a gateway payload
        if event == "INTERACTION_CREATE":
            user = payload.get("user") or payload["member"]["user"]
            payload["locale"] = self._locales.get(int(user["id"]), "en-US")
            if "guild_locale" in payload:
                payload["guild_locale"] = self._guild_locale


def reply(result: InteractionResult) -> ResponseMessage:
    """Return the message that replies to an interaction."""
    assert result.response is not None, "the interaction got no reply"
    return result.response


def options(result: InteractionResult) -> list[dict[str, Any]]:
    """Return the options of the select in a reply."""
    found = [item for item in buttons(reply(result)) if item.get("type") == ComponentType.STRING_SELECT]
    return [option for item in found for option in item["options"]]


def first_option(result: InteractionResult) -> str:
    """Return the value of the first option of the select in a reply."""
    return str(options(result)[0]["value"])


def embed(result: InteractionResult) -> discord.Embed:
    """Return the one embed of the reply."""
    (only,) = reply(result).embeds
    return only


def page(result: InteractionResult) -> str:
    """Return the text of a reply that is laid out in components, such as the setup page."""

    def texts(component: dict[str, Any]) -> Iterator[str]:
        if component.get("type") == ComponentType.TEXT_DISPLAY:
            yield component["content"]
        for inner in component.get("components") or ():
            yield from texts(inner)

    return "\n".join(text for component in reply(result).components for text in texts(component))


def prefilled(form: InteractionResult) -> str:
    """Return the text in the first input of a modal."""
    assert form.modal is not None
    first = next(item["component"] for item in form.modal["components"] if "component" in item)
    return str(first.get("value") or "")


def toggle_id(setup: InteractionResult, feature: str) -> str:
    """Return the custom_id of the setup page's button that switches this feature."""
    ids = [str((component.get("accessory") or {}).get("custom_id")) for component in reply(setup).components]
    (only,) = [each for each in ids if each.startswith(f"store_setup:toggle:{feature}:")]
    return only


def buttons(message: ResponseMessage | discord.Message) -> list[dict[str, Any]]:
    """Return every button of a message, row by row."""
    rows = message.components if isinstance(message, ResponseMessage) else [row.to_dict() for row in message.components]
    return [cast("dict[str, Any]", button) for row in rows for button in cast("dict[str, Any]", row)["components"]]


def labels(message: ResponseMessage | discord.Message) -> list[str]:
    """Return the labels of a message's buttons."""
    return [button["label"] for button in buttons(message) if "label" in button]


def links(message: ResponseMessage | discord.Message) -> list[str]:
    """Return the addresses of a message's link buttons."""
    return [button["url"] for button in buttons(message) if "url" in button]


def custom_id(message: ResponseMessage | discord.Message, part: str) -> str:
    """Return the custom_id that contains this part."""
    (only,) = [button["custom_id"] for button in buttons(message) if part in button.get("custom_id", "")]
    return str(only)


def log_lines(desk: Desk) -> list[str]:
    """Return the lines in the log channel, the oldest first."""
    return [str(message.embeds[0].description) for message in desk.log_channel.history() if message.embeds]
