"""For moderators: working on a help request, by the buttons of its card."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, cast

import discord
from discord.ext import commands

from cogs.help import words_input
from fileflare_bot.discord_limits import CONTENT, EMBED_DESCRIPTION, OPTION_LABEL, shorten
from fileflare_bot.fileflare.errors import FileflareUnavailable, OrderNotFound
from fileflare_bot.fileflare.request_queue import Asker
from fileflare_bot.i18n import N_, Words
from fileflare_bot.interactions.access import is_moderator, require_moderator, require_own
from fileflare_bot.interactions.components import chosen, labelled, modal, route, typed
from fileflare_bot.interactions.responder import Outgoing, Reply
from fileflare_bot.logs import hiding
from fileflare_bot.orders.diagnosis import Finding, Kind, diagnose, diagnose_failure
from fileflare_bot.orders.findings import changes, report
from fileflare_bot.refusal import NoModeratorThere, NothingWritten
from fileflare_bot.storage.errors import NoSuchAnswer, NoSuchRequest
from fileflare_bot.storage.records import Action, HelpRequest, Resolution, SavedAnswer, Server
from fileflare_bot.text import clean
from fileflare_bot.tickets.canned import BUILT_IN, built_in, filled, values
from fileflare_bot.tickets.card import TAKEN
from fileflare_bot.tickets.delivery import Delivered
from fileflare_bot.tickets.texts import RESOLUTIONS

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_ID: Final = r"(?P<request_id>\d{1,18})"
_ARRIVED: Final = {
    Delivered.BY_MESSAGE: N_("Sent by direct message."),
    Delivered.BY_MENTION: N_("Their direct messages are closed, so I mentioned them where they asked."),
    Delivered.NOT_AT_ALL: N_(
        "**It could not be delivered:** their direct messages are closed, and I may not write where they asked. "
        "Write to them yourself."
    ),
}

Work = Callable[[HelpRequest, Server, Reply], Awaitable[str]]


class Support(commands.Cog):
    """The buttons of a help request's card."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot

    @route(f"request:take:{_ID}")
    async def take(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Take a request that nobody has."""

        async def work(request: HelpRequest, _server: Server, reply: Reply) -> str:
            request = await self._bot.storage.requests.take(request.id, interaction.user.id)
            await self._bot.desk.show(request, Action.TOOK, interaction.user.id)
            return reply.words.gettext("Help request #{number} is yours now.", number=request.number)

        await self._work(interaction, "request_take", request_id, work)

    @route(f"request:handover:{_ID}")
    async def hand_over(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Ask to whom."""

        async def show_modal(reply: Reply) -> None:
            require_moderator(interaction, self._bot.storage)
            words = reply.words
            select = discord.ui.UserSelect[Any](custom_id="moderator")
            entry = labelled(words.gettext("Who goes on with it?"), select, words.gettext("A moderator of this server"))
            await reply.ask(modal(words.gettext("Hand over"), f"request:handed:{request_id}", entry))

        await self._bot.answering.reply(interaction, "request_hand_over", show_modal)

    @route(f"request:handed:{_ID}")
    async def handed(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Give the request to the moderator who was chosen."""

        async def work(request: HelpRequest, server: Server, reply: Reply) -> str:
            to = _chosen_moderator(interaction, server)
            request = await self._bot.storage.requests.hand_over(request.id, interaction.user.id, to)
            request = await self._bot.desk.show(request, Action.HANDED_OVER, interaction.user.id)
            note = self._words(server).gettext(
                "{who} has handed it to {to}.", who=interaction.user.mention, to=f"<@{to}>"
            )
            await self._bot.desk.cards.note(request, _note("🤝", note), mention=to)
            text = "Help request #{number} is with {who} now."
            return reply.words.gettext(text, number=request.number, who=f"<@{to}>")

        await self._work(interaction, "request_handed", request_id, work)

    @route(f"request:check:{_ID}")
    async def check(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Read the order anew and say what has changed."""

        async def work(request: HelpRequest, server: Server, reply: Reply) -> str:
            before = request.details.findings
            try:
                number, now = await self._read_order(interaction, request)
            except FileflareUnavailable as error:
                reply.outcome = "unavailable"
                return report(diagnose_failure(error.finding or Kind.OUTAGE), reply.words)
            request = await self._bot.storage.requests.checked(request.id, interaction.user.id, number, now)
            request = await self._bot.desk.show(request, Action.CHECKED, interaction.user.id)
            words = self._words(server)
            head = words.gettext("{who} has checked the order again.", who=interaction.user.mention)
            difference = changes(before, now, words) or words.gettext("Nothing has changed.")
            await self._bot.desk.cards.note(request, _note("🔎", f"{head}\n{difference}"))
            return changes(before, now, reply.words) or reply.words.gettext("Nothing has changed.")

        await self._work(interaction, "request_check", request_id, work)

    @route(f"request:answer:{_ID}:(?P<kinds>[a-z_.]{{0,70}})")
    async def answer(self, interaction: discord.Interaction["FileflareBot"], request_id: str, kinds: str) -> None:
        """Ask for the answer: ready-made, in own words, or both."""

        async def show_modal(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)
            await reply.ask(_answer_modal(request_id, server.answers, kinds.split("."), reply.words))

        await self._bot.answering.reply(interaction, "request_answer", show_modal)

    @route(f"request:answered:{_ID}")
    async def answered(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Bring the answer to the customer."""

        async def work(request: HelpRequest, server: Server, reply: Reply) -> str:
            text = self._composed(interaction, request, server)
            request = await self._bot.storage.requests.answered(request.id, interaction.user.id, text)
            theirs = self._bot.catalogs.words(request.locale)
            title = theirs.gettext("Answer to your help request #{number}", number=request.number)
            arrived = await self._bot.desk.delivery.deliver(request, title, text)
            reply.facts["delivered"] = arrived.name.lower()
            request = await self._bot.desk.show(request, Action.ANSWERED, interaction.user.id)
            words = self._words(server)
            head = words.gettext("{who} has answered:", who=interaction.user.mention)
            said = words.gettext(_ARRIVED[arrived])
            await self._bot.desk.cards.note(request, _note("✉️", f"{head}\n{text}\n\n{said}"))
            return reply.words.gettext(_ARRIVED[arrived])

        await self._work(interaction, "request_answered", request_id, work, written=typed(interaction, "words"))

    @route(f"request:resolve:{_ID}")
    async def resolve(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Ask why it is closed."""

        async def show_modal(reply: Reply) -> None:
            require_moderator(interaction, self._bot.storage)
            words = reply.words
            options = [
                discord.SelectOption(label=words.gettext(sentence), value=resolution)
                for resolution, sentence in RESOLUTIONS.items()
                if resolution is not Resolution.CUSTOMER
            ]
            reason = discord.ui.Select[Any](custom_id="reason", options=options)
            await reply.ask(
                modal(
                    words.gettext("Resolve"),
                    f"request:resolved:{request_id}",
                    labelled(words.gettext("Why is it closed?"), reason, words.gettext("The customer is told.")),
                    labelled(words.gettext("A last word to the customer"), words_input(required=False)),
                )
            )

        await self._bot.answering.reply(interaction, "request_resolve", show_modal)

    @route(f"request:resolved:{_ID}")
    async def resolved(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Close the request, and tell the customer."""
        resolution = Resolution(next(iter(chosen(interaction, "reason")), Resolution.ANSWERED))
        last_word = typed(interaction, "words").strip()

        async def work(request: HelpRequest, server: Server, reply: Reply) -> str:
            requests = self._bot.storage.requests
            theirs = self._bot.catalogs.words(request.locale)
            told = theirs.gettext(RESOLUTIONS[resolution])
            text = f"{told}.\n\n{last_word}".strip()
            request = await requests.resolve(request.id, interaction.user.id, resolution)
            await requests.answered(request.id, interaction.user.id, text)
            title = theirs.gettext("Help request #{number} is closed", number=request.number)
            arrived = await self._bot.desk.delivery.deliver(request, title, text)
            reply.facts["delivered"] = arrived.name.lower()
            request = await self._bot.desk.show(request, Action.RESOLVED, interaction.user.id)
            words = self._words(server)
            head = words.gettext("{who} has closed it:", who=interaction.user.mention)
            reason = words.gettext(RESOLUTIONS[resolution])
            await self._bot.desk.cards.note(request, _note("🟢", f"{head} {reason}.\n{last_word}".strip()))
            closed = reply.words.gettext("Help request #{number} is closed.", number=request.number)
            return closed + " " + reply.words.gettext(_ARRIVED[arrived])

        await self._work(interaction, "request_resolved", request_id, work, written=last_word)

    @route(f"request:reopen:{_ID}")
    async def reopen(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Open a closed request again."""

        async def work(request: HelpRequest, server: Server, reply: Reply) -> str:
            request = await self._bot.storage.requests.reopen(request.id, interaction.user.id)
            request = await self._bot.desk.show(request, Action.REOPENED, interaction.user.id)
            note = self._words(server).gettext("{who} has opened it again.", who=interaction.user.mention)
            await self._bot.desk.cards.note(request, _note("↩️", note))
            return reply.words.gettext("Help request #{number} is open again.", number=request.number)

        await self._work(interaction, "request_reopen", request_id, work)

    @route(f"request:post:{_ID}")
    async def post_again(self, interaction: discord.Interaction["FileflareBot"], request_id: str) -> None:
        """Post a request's card anew, as when somebody has deleted it."""

        async def work(request: HelpRequest, server: Server, reply: Reply) -> str:
            await self._bot.desk.cards.take_down(request)
            request = await self._bot.desk.cards.post(request.id, server)
            if request.card.message_id is None:
                reply.outcome = "not_posted"
                return reply.words.gettext(
                    "**I may not post it.** An owner of the server can choose another channel with /store setup, "
                    "which names the permissions I lack."
                )
            await self._bot.desk.log(server.guild_id, Action.POSTED_AGAIN, interaction.user.id, request.number)
            where = f"<#{request.card.channel_id}>"
            return reply.words.gettext("Help request #{number} is in {where}.", number=request.number, where=where)

        await self._work(interaction, "request_post", request_id, work)

    async def _work(
        self,
        interaction: discord.Interaction["FileflareBot"],
        event: str,
        request_id: str,
        work: Work,
        *,
        written: str = "",
    ) -> None:
        """Do something to a request for one of its server's moderators, and answer with what comes of it."""

        async def whole(reply: Reply) -> str:
            server = require_moderator(interaction, self._bot.storage)
            request = require_own(await self._bot.storage.requests.get(int(request_id)), server)
            reply.facts["request"] = request.number
            with hiding(request.details.reference.token if request.details.reference else ""):
                return await work(request, server, reply)

        async def answer(reply: Reply) -> None:
            await reply.show(Outgoing(shorten(await reply.waiting_for(whole(reply)), CONTENT)))

        await self._bot.answering.reply(interaction, event, answer, written=written)

    async def _read_order(
        self, interaction: discord.Interaction["FileflareBot"], request: HelpRequest
    ) -> tuple[str, tuple[Finding, ...]]:
        reference = request.details.reference
        if reference is None:
            raise NoSuchRequest
        try:
            asker = Asker(interaction.user.id, interaction.guild_id)
            order = await self._bot.lookups.find(reference, asker, refresh=True)
        except OrderNotFound:
            return request.details.order_number, diagnose_failure(Kind.NOT_FOUND)
        return str(order.order_number or ""), diagnose(order)

    def _composed(self, interaction: discord.Interaction["FileflareBot"], request: HelpRequest, server: Server) -> str:
        theirs = self._bot.catalogs.words(request.locale)
        filling = values(request, theirs)
        parts = []
        for name in chosen(interaction, "saved"):
            saved = next((answer for answer in server.answers if answer.name == name), None)
            if saved is None:
                raise NoSuchAnswer
            parts.append(filled(saved.text, filling))
        parts += [built_in(key, filling, theirs) for key in chosen(interaction, "ready") if key in BUILT_IN]
        parts.append(typed(interaction, "words").strip())
        text = "\n\n".join(part for part in parts if part)
        if not text:
            raise NothingWritten
        return text

    def _words(self, server: Server) -> Words:
        return self._bot.desk.cards.words(server.guild_id)


def _answer_modal(request_id: str, saved: tuple[SavedAnswer, ...], kinds: list[str], words: Words) -> discord.ui.Modal:
    items = []
    if saved:
        options = [
            discord.SelectOption(
                label=answer.name, value=answer.name, description=shorten(clean(answer.text), OPTION_LABEL) or None
            )
            for answer in saved
        ]
        select = discord.ui.Select[Any](custom_id="saved", options=options, required=False, min_values=0)
        items.append(labelled(words.gettext("An answer of this server"), select))
    first = sorted(BUILT_IN.items(), key=lambda item: item[0] not in kinds)  # what was found comes first
    ready = [
        discord.SelectOption(label=words.gettext(answer.label), value=key, emoji="🎯" if key in kinds else None)
        for key, answer in first
    ]
    select = discord.ui.Select[Any](custom_id="ready", options=ready, required=False, min_values=0)
    note = words.gettext("It reaches the customer in their language.")
    items.append(labelled(words.gettext("A ready-made answer"), select, note))
    items.append(labelled(words.gettext("Your own words"), words_input(required=False)))
    return modal(words.gettext("Answer"), f"request:answered:{request_id}", *items)


def _chosen_moderator(interaction: discord.Interaction[Any], server: Server) -> int:
    """Return the member who was chosen, who must be a moderator too; Discord sends their roles along."""
    (chosen_id,) = chosen(interaction, "moderator")
    data = cast("dict[str, Any]", interaction.data or {})
    member = data.get("resolved", {}).get("members", {}).get(chosen_id)
    guild = interaction.guild
    if member is None or guild is None:
        raise NoModeratorThere
    roles = [int(role) for role in member.get("roles", ())]
    permissions = discord.Permissions(int(member.get("permissions") or 0))
    for role in filter(None, map(guild.get_role, (guild.id, *roles))):
        permissions |= role.permissions
    if not (is_moderator(permissions, roles, server) or int(chosen_id) == guild.owner_id):
        raise NoModeratorThere
    return int(chosen_id)


def _note(emoji: str, text: str) -> discord.Embed:
    return discord.Embed(description=shorten(f"{emoji} {text}", EMBED_DESCRIPTION), colour=TAKEN)


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Support(bot))
