"""For customers: asking for help, reading the answer, writing back."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import discord
from discord.ext import commands

from fileflare_bot.fileflare.errors import AskedTooOften, LookupFailed
from fileflare_bot.fileflare.request_queue import Asker
from fileflare_bot.i18n import Words
from fileflare_bot.interactions.components import button, chosen, labelled, modal, order_input, route, typed
from fileflare_bot.interactions.responder import Outgoing, Reply
from fileflare_bot.logs import hiding
from fileflare_bot.orders.diagnosis import Finding, Kind, diagnose, diagnose_failure
from fileflare_bot.orders.reference import OrderReference, ReferenceProblem, hide_references, parse_reference
from fileflare_bot.refusal import NoDesk, NothingWritten, NotYours, OnlyInServer
from fileflare_bot.storage.errors import NoSuchRequest
from fileflare_bot.storage.records import Action, Details, HelpRequest, NewRequest, Resolution, Server, Topic
from fileflare_bot.tickets.card import OPEN, RESOLVED
from fileflare_bot.tickets.delivery import answer_embed, answer_view
from fileflare_bot.tickets.texts import LIKELY, LONGEST_WORDS, TOPICS, quoted

if TYPE_CHECKING:
    from cogs.downloads import Downloads, OpenList
    from fileflare_bot.app import FileflareBot

HIDDEN: Final = "[…]"
_WITHOUT_ORDER: Final = {Kind.WRONG_REFERENCE, Kind.NOT_FOUND, Kind.OUTAGE}
_FOUND: Final = r"(?P<handle>[\w-]{0,40}):(?P<found>[a-z_]{0,30})\.(?P<problem>[a-z_]{0,30})"


class Help(commands.Cog):
    """A customer's way to the moderators."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot

    @route(f"help:ask:{_FOUND}")
    async def ask(
        self, interaction: discord.Interaction["FileflareBot"], handle: str, found: str, problem: str
    ) -> None:
        """Open the modal that asks what is wrong."""

        async def show_modal(reply: Reply) -> None:
            self._desk(interaction)
            known = self._opened(interaction, handle) is not None
            custom_id = f"help:file:{handle if known else ''}:{found}.{problem}"
            likely = LIKELY.get(Kind(found)) if found else None
            await reply.ask(_help_modal(custom_id, likely, reply.words, ask_for_order=not known))

        await self._bot.answering.reply(interaction, "help_ask", show_modal)

    @route(f"help:file:{_FOUND}")
    async def file(
        self, interaction: discord.Interaction["FileflareBot"], handle: str, found: str, problem: str
    ) -> None:
        """File the request that the modal describes."""
        opened = self._opened(interaction, handle)
        pasted = typed(interaction, "order")
        parsed = opened.reference if opened is not None else parse_reference(pasted) if pasted.strip() else None
        token = parsed.token if isinstance(parsed, OrderReference) else ""
        words = _without(hide_references(typed(interaction, "words"), HIDDEN), token).strip()
        topic = Topic(next(iter(chosen(interaction, "topic")), Topic.OTHER))

        async def work(reply: Reply) -> None:
            server = self._desk(interaction)
            details = partial(self._details, interaction, opened, parsed, words)
            if opened is None and parsed is None and found and Kind(found) in _WITHOUT_ORDER:
                reason = ReferenceProblem(problem) if problem else None
                details = partial(_given, Details(findings=diagnose_failure(Kind(found), reason), words=words))
            text = await reply.waiting_for(self._file(interaction, server, topic, details, reply))
            await reply.show(Outgoing(text))

        with hiding(pasted, token):
            await self._bot.answering.reply(interaction, "help_filed", work, written=words)

    @route(r"help:read:(?P<request_id>\d{1,18})")
    async def read(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Show an answer to whom it is for, and to nobody else."""

        async def work(reply: Reply) -> None:
            request, text = await reply.waiting_for(self._answer(interaction, int(request_id)))
            guild = self._bot.get_guild(request.guild_id)
            title = reply.words.gettext("Answer to your help request #{number}", number=request.number)
            embed = answer_embed(title, text, guild.name if guild is not None else "")
            await reply.show(Outgoing(title, embed, answer_view(request, reply.words)))

        await self._bot.answering.reply(interaction, "help_read", work)

    @route(r"help:write:(?P<request_id>\d{1,18})")
    async def write(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Open the modal for writing back."""

        async def show_modal(reply: Reply) -> None:
            words = reply.words
            entry = labelled(words.gettext("Your words"), words_input(required=True))
            await reply.ask(modal(words.gettext("Write back"), f"help:wrote:{request_id}", entry))

        await self._bot.answering.reply(interaction, "help_write", show_modal)

    @route(r"help:wrote:(?P<request_id>\d{1,18})")
    async def wrote(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Bring what the customer wrote to the moderators."""
        text = hide_references(typed(interaction, "words"), HIDDEN).strip()

        async def work(reply: Reply) -> None:
            if not text:
                raise NothingWritten
            request = await reply.waiting_for(self._write_back(interaction.user.id, int(request_id), text))
            sent = "The moderators have it: help request #{number}."
            await reply.show(Outgoing(reply.words.gettext(sent, number=request.number)))

        await self._bot.answering.reply(interaction, "help_wrote", work, written=text)

    @route(r"help:solved:(?P<request_id>\d{1,18})")
    async def solved(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Close the request, as the customer says that it is solved."""

        async def work(reply: Reply) -> None:
            request = await reply.waiting_for(self._solve(interaction.user.id, int(request_id)))
            text = reply.words.gettext(
                "Good to hear! Help request #{number} is closed. If something is left, write back.",
                number=request.number,
            )
            await reply.show(Outgoing(text))

        await self._bot.answering.reply(interaction, "help_solved", work)

    def _desk(self, interaction: discord.Interaction["FileflareBot"]) -> Server:
        """Return the settings of a server that has a help desk."""
        if interaction.guild_id is None:
            raise OnlyInServer
        server = self._bot.storage.servers.get(interaction.guild_id)
        if server.support_channel_id is None:
            raise NoDesk(interaction.guild.owner_id if interaction.guild is not None else None)
        return server

    def _opened(self, interaction: discord.Interaction["FileflareBot"], handle: str) -> "OpenList | None":
        downloads = cast("Downloads", self._bot.get_cog("Downloads"))
        return downloads.held(handle, interaction.user.id)

    async def _details(
        self,
        interaction: discord.Interaction["FileflareBot"],
        opened: "OpenList | None",
        parsed: OrderReference | ReferenceProblem | None,
        words: str,
    ) -> Details:
        """Return what is known: of the list the customer had open, or of what they pasted now."""
        if opened is not None:
            number = opened.pages.order.order_number if opened.pages is not None else None
            return Details(str(number or ""), opened.findings, words, opened.reference)
        if isinstance(parsed, ReferenceProblem):
            return Details(findings=diagnose_failure(Kind.WRONG_REFERENCE, parsed), words=words)
        if parsed is None:
            return Details(words=words)
        try:
            order = await self._bot.lookups.find(parsed, Asker(interaction.user.id, interaction.guild_id))
        except AskedTooOften:
            raise
        except LookupFailed as error:
            return Details(findings=diagnose_failure(error.finding or Kind.OUTAGE), words=words, reference=parsed)
        return Details(str(order.order_number or ""), diagnose(order), words, parsed)

    async def _file(
        self,
        interaction: discord.Interaction["FileflareBot"],
        server: Server,
        topic: Topic,
        details: Any,  # noqa: ANN401 - gives Details when it is awaited
        reply: Reply,
    ) -> str:
        desk = self._bot.desk
        known: Details = replace(await details(), name=interaction.user.display_name)
        filed = await self._bot.storage.requests.file(
            NewRequest(
                guild_id=server.guild_id,
                person_id=interaction.user.id,
                channel_id=interaction.channel_id or 0,
                locale=str(interaction.locale),
                topic=topic,
                details=known,
            ),
            open_per_person=server.options.help_open_per_person,
        )
        request = filed.request
        reply.facts["request"] = request.number
        if filed.existing:
            reply.outcome = "added"
            if known.words:
                await self._tell_moderators(request, known.words)
            return reply.words.gettext(
                "You have help request #{number} about this already; I have added your words to it. "
                "The moderators will answer you by direct message or in this channel.",
                number=request.number,
            )
        request = await desk.cards.post(request.id, server)
        await desk.log(server.guild_id, Action.FILED, request.person_id, request.number)
        if request.card.message_id is None:
            reply.outcome = "not_posted"
            return reply.words.gettext(
                "Your help request is saved as #{number}, but I may not write into the moderators' channel. "
                "Please tell a moderator that number.",
                number=request.number,
            )
        return reply.words.gettext(
            "Your help request is #{number}. The moderators have it, and will answer you by direct message or, "
            "if yours are closed, in this channel.",
            number=request.number,
        )

    async def _answer(
        self, interaction: discord.Interaction["FileflareBot"], request_id: int
    ) -> tuple[HelpRequest, str]:
        request = await self._theirs(interaction.user.id, request_id)
        messages = await self._bot.storage.requests.messages(request_id)
        answers = [message.text for message in messages if message.from_moderator]
        if not answers:
            raise NoSuchRequest
        return request, answers[-1]

    async def _theirs(self, person_id: int, request_id: int) -> HelpRequest:
        request = await self._bot.storage.requests.get(request_id)
        if request.person_id != person_id:
            raise NotYours
        return request

    async def _write_back(self, person_id: int, request_id: int, text: str) -> HelpRequest:
        request = await self._theirs(person_id, request_id)
        was_resolved = request.resolved
        request = await self._bot.storage.requests.wrote_back(request_id, person_id, text)
        await self._bot.desk.show(request, Action.REOPENED if was_resolved else Action.WROTE_BACK, person_id)
        await self._tell_moderators(request, text)
        return request

    async def _solve(self, person_id: int, request_id: int) -> HelpRequest:
        await self._theirs(person_id, request_id)
        request = await self._bot.storage.requests.resolve(request_id, person_id, Resolution.CUSTOMER)
        await self._bot.desk.show(request, Action.RESOLVED, person_id)
        words = self._bot.desk.cards.words(request.guild_id)
        note = words.gettext("{who} says that it is solved.", who=f"<@{person_id}>")
        await self._bot.desk.cards.note(request, discord.Embed(description=f"🟢 {note}", colour=RESOLVED))
        return request

    async def _tell_moderators(self, request: HelpRequest, text: str) -> None:
        """Bring a customer's words into the thread; where nobody could read them there, post the card anew."""
        cards = self._bot.desk.cards
        words = cards.words(request.guild_id)
        head = words.gettext("{who} writes:", who=f"<@{request.person_id}>")
        embed = discord.Embed(description=f"{head}\n{quoted(text)}", colour=OPEN)
        if not await cards.note(request, embed, mention=request.taken_by):
            request = await cards.post(request.id, self._bot.desk.server(request.guild_id))
            await cards.note(request, embed, mention=request.taken_by)


def help_button(words: Words, handle: str, finding: Finding | None) -> discord.ui.Button[discord.ui.View]:
    """Return the button that asks for help with a list, or with what was found instead of one."""
    kind = finding.kind if finding is not None else ""
    problem = finding.problem if finding is not None and finding.problem is not None else ""
    return button(words.gettext("Get help"), f"help:ask:{handle}:{kind}.{problem}", emoji="🛟")


def words_input(*, required: bool) -> discord.ui.TextInput[discord.ui.Modal]:
    """Return a modal's input for what somebody wants to say."""
    return discord.ui.TextInput(
        custom_id="words", style=discord.TextStyle.paragraph, max_length=LONGEST_WORDS, required=required
    )


def _help_modal(custom_id: str, likely: Topic | None, words: Words, *, ask_for_order: bool) -> discord.ui.Modal:
    seen = words.gettext(
        "The moderators see your name, the order number, what I found out and what you write, but never your links or "
        "order ID. I keep the ID encrypted, so that they can have it checked again; /{privacy} deletes it.",
        privacy=words.gettext("privacy"),
    )
    options = [
        discord.SelectOption(label=words.gettext(sentence), value=topic, default=topic is likely)
        for topic, sentence in TOPICS.items()
    ]
    items: list[discord.ui.Item[Any]] = [
        discord.ui.TextDisplay(seen),
        labelled(words.gettext("What is wrong?"), discord.ui.Select(custom_id="topic", options=options)),
        labelled(
            words.gettext("In your own words"),
            words_input(required=False),
            words.gettext("Which file? What did you see? No links, please."),
        ),
    ]
    if ask_for_order:
        entry = order_input("order", required=False)
        text = words.gettext("The moderators do not see it; leave it out if you have none.")
        items.append(labelled(words.gettext("Order link or order ID"), entry, text))
    return modal(words.gettext("Get help"), custom_id, *items)


def _without(text: str, token: str) -> str:
    return text.replace(token, HIDDEN) if token else text


async def _given(details: Details) -> Details:
    return details


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Help(bot))
