"""For moderators: a server's own ready-made answers."""

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from cogs.downloads import COLOUR
from cogs.requests import MODERATORS
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, shorten
from fileflare_bot.i18n import Words
from fileflare_bot.interactions.access import require_moderator
from fileflare_bot.interactions.components import labelled, modal, route, typed
from fileflare_bot.interactions.responder import Outgoing, Reply
from fileflare_bot.refusal import NothingWritten
from fileflare_bot.storage.errors import NoSuchAnswer
from fileflare_bot.storage.records import Action, SavedAnswer, Server
from fileflare_bot.text import clean, escape
from fileflare_bot.tickets.canned import LONGEST_ANSWER, LONGEST_NAME, checked, filled, sample_values

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

_LONGEST_LINE = 150


@app_commands.guild_only()
@app_commands.default_permissions(MODERATORS)
class Answers(
    commands.GroupCog,
    group_name=locale_str("answers"),
    group_description=locale_str("Keep ready-made answers to customers"),
):
    """Saved answers."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._bot = bot

    @app_commands.command(name=locale_str("add"), description=locale_str("Save a new answer"))
    @app_commands.rename(name=locale_str("name"))
    @app_commands.describe(name=locale_str("What the answer is called"))
    async def add(
        self, interaction: discord.Interaction["FileflareBot"], name: app_commands.Range[str, 1, LONGEST_NAME]
    ) -> None:
        """Ask for the text of a new answer."""

        async def show_modal(reply: Reply) -> None:
            require_moderator(interaction, self._bot.storage)
            await reply.ask(_answer_modal("add", _name(name), "", reply.words))

        await self._bot.answering.reply(interaction, "answers_add", show_modal)

    @app_commands.command(name=locale_str("edit"), description=locale_str("Change a saved answer"))
    @app_commands.rename(name=locale_str("name"))
    @app_commands.describe(name=locale_str("What the answer is called"))
    async def edit(self, interaction: discord.Interaction["FileflareBot"], name: str) -> None:
        """Ask for the new text of an answer."""

        async def show_modal(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)
            text = next((answer.text for answer in server.answers if answer.name == _name(name)), None)
            if text is None:
                raise NoSuchAnswer
            await reply.ask(_answer_modal("edit", _name(name), text, reply.words))

        await self._bot.answering.reply(interaction, "answers_edit", show_modal)

    @app_commands.command(name=locale_str("remove"), description=locale_str("Delete a saved answer"))
    @app_commands.rename(name=locale_str("name"))
    @app_commands.describe(name=locale_str("What the answer is called"))
    async def remove(self, interaction: discord.Interaction["FileflareBot"], name: str) -> None:
        """Delete an answer."""

        async def work(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)
            removing = self._bot.storage.servers.remove_answer(server.guild_id, interaction.user.id, _name(name))
            await reply.waiting_for(removing)
            await reply.show(Outgoing(reply.words.gettext("The answer “{name}” is deleted.", name=escape(_name(name)))))
            await self._bot.desk.log(server.guild_id, Action.CHANGED_ANSWERS, interaction.user.id)

        await self._bot.answering.reply(interaction, "answers_remove", work)

    @app_commands.command(name=locale_str("list"), description=locale_str("Show the saved answers"))
    async def show_all(self, interaction: discord.Interaction["FileflareBot"]) -> None:
        """Show all answers."""

        async def work(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)
            counted = reply.words.ngettext("{count} saved answer", "{count} saved answers", len(server.answers))
            lines = (f"**{escape(answer.name)}**\n{_short(answer.text)}" for answer in server.answers)
            text = shorten("\n\n".join(lines), EMBED_DESCRIPTION) or reply.words.gettext("Save one with /answers add.")
            embed = discord.Embed(title=reply.words.gettext("Saved answers"), description=text, colour=COLOUR)
            await reply.show(Outgoing(counted, embed))

        await self._bot.answering.reply(interaction, "answers_list", work)

    @edit.autocomplete("name")
    @remove.autocomplete("name")
    async def _names(
        self, interaction: discord.Interaction["FileflareBot"], current: str
    ) -> list[app_commands.Choice[str]]:
        server: Server = require_moderator(interaction, self._bot.storage)
        names = (answer.name for answer in server.answers if current.lower() in answer.name.lower())
        return [app_commands.Choice(name=name, value=name) for name in names]

    @route(r"answers:(?P<what>add|edit):(?P<name>.{1,50})")
    async def keep(self, interaction: discord.Interaction["FileflareBot"], what: str, name: str) -> None:
        """Keep the text that the modal gives, and show how it will read."""
        text = typed(interaction, "words")

        async def work(reply: Reply) -> None:
            server = require_moderator(interaction, self._bot.storage)
            answer = SavedAnswer(name, checked(text))
            if not answer.text:
                raise NothingWritten
            servers = self._bot.storage.servers
            keeping = servers.add_answer if what == "add" else servers.edit_answer
            await reply.waiting_for(keeping(server.guild_id, interaction.user.id, answer))
            words = reply.words
            saved = words.gettext("The answer “{name}” is saved. It will read like this:", name=escape(name))
            preview = filled(answer.text, sample_values(interaction.user.id, words))
            await reply.show(
                Outgoing(saved, discord.Embed(description=shorten(preview, EMBED_DESCRIPTION), colour=COLOUR))
            )
            await self._bot.desk.log(server.guild_id, Action.CHANGED_ANSWERS, interaction.user.id)

        await self._bot.answering.reply(interaction, "answers_kept", work, written=text)


def _answer_modal(what: str, name: str, text: str, words: Words) -> discord.ui.Modal:
    entry = discord.ui.TextInput[Any](
        custom_id="words", style=discord.TextStyle.paragraph, max_length=LONGEST_ANSWER, default=text or None
    )
    hint = words.gettext("These are filled in: {placeholders}", placeholders="{customer}, {order}, {file}")
    return modal(words.gettext("Saved answer"), f"answers:{what}:{name}", labelled(words.gettext("Text"), entry, hint))


def _name(name: str) -> str:
    return clean(name) or "-"


def _short(text: str) -> str:
    return shorten(escape(clean(text)), _LONGEST_LINE)


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Answers(bot))
