"""For moderators: /answers, the guild's canned answers, which users read as "saved answers"."""

from typing import TYPE_CHECKING, Any, Final

import discord
from cachetools import TTLCache
from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from fileflare_bot.background import soon
from fileflare_bot.discord_limits import EMBED_DESCRIPTION, shorten
from fileflare_bot.i18n import N_, Translator
from fileflare_bot.interactions.access import MODERATOR, MODERATOR_PERMISSIONS
from fileflare_bot.interactions.components import COLOUR, button, labelled, modal, view
from fileflare_bot.interactions.reply import Reply, ReplyMessage
from fileflare_bot.interactions.routing import replies, route, suggests
from fileflare_bot.orders.reference import gives_away
from fileflare_bot.refusal import Refusal
from fileflare_bot.storage.errors import NoSuchCannedAnswer
from fileflare_bot.storage.records import CannedAnswer
from fileflare_bot.text import clean, escape
from fileflare_bot.tickets.canned import (
    LONGEST_ANSWER,
    LONGEST_NAME,
    UnknownPlaceholder,
    checked,
    filled,
    sample_values,
)
from fileflare_bot.tickets.intake import NothingWritten

if TYPE_CHECKING:
    from fileflare_bot.app import FileflareBot

MOST_FORMS: Final = 200  # that wait to be corrected, of some kB at most
FORM_SECONDS: Final = 15 * 60
_LONGEST_LINE: Final = 150  # characters shown of each answer in the list


class OrderInAnswer(Refusal):
    """Raised when an answer for many customers holds an order link or an order ID."""

    sentence = N_(
        "**Not saved: there is an order link or an order ID in it,** and whoever has one has the files. Take it out "
        "and save the rest."
    )


@app_commands.guild_only()
@app_commands.default_permissions(MODERATOR_PERMISSIONS)
class Answers(
    commands.GroupCog,
    group_name=locale_str("answers"),
    group_description=locale_str("Keep ready-made answers to customers"),
):
    """Lists and edits canned answers."""

    def __init__(self, bot: "FileflareBot") -> None:
        self._guilds = bot.storage.guilds
        self._modlog = bot.modlog
        self._typed: TTLCache[tuple[int, int, str], str] = TTLCache(MOST_FORMS, FORM_SECONDS)

    @app_commands.command(name=locale_str("add"), description=locale_str("Save a new answer"))
    @app_commands.rename(name=locale_str("name"))
    @app_commands.describe(name=locale_str("What the answer is called"))
    @replies("answers_add", MODERATOR)
    async def add(self, reply: Reply, name: app_commands.Range[str, 1, LONGEST_NAME]) -> None:
        """Open the modal for the text of a new answer; its name stands in custom_ids, so it holds no order."""
        if gives_away(name):
            raise OrderInAnswer
        await reply.ask(_answer_modal("add", _name(name), "", reply.translator))

    @app_commands.command(name=locale_str("edit"), description=locale_str("Change a saved answer"))
    @app_commands.rename(name=locale_str("name"))
    @app_commands.describe(name=locale_str("What the answer is called"))
    @replies("answers_edit", MODERATOR)
    async def edit(self, reply: Reply, name: str) -> None:
        """Open the modal for the new text of an answer."""
        text = _stored(reply, name)
        if text is None:
            raise NoSuchCannedAnswer
        await reply.ask(_answer_modal("edit", _name(name), text, reply.translator))

    @app_commands.command(name=locale_str("remove"), description=locale_str("Delete a saved answer"))
    @app_commands.rename(name=locale_str("name"))
    @app_commands.describe(name=locale_str("What the answer is called"))
    @replies("answers_remove", MODERATOR)
    async def remove(self, reply: Reply, name: str) -> None:
        """Delete an answer."""
        await self._guilds.remove_canned_answer(reply.guild_id, reply.user.id, _name(name))
        text = reply.translator.gettext("The answer “{name}” is deleted.", name=escape(_name(name)))
        await reply.show(ReplyMessage(text))
        await soon(self._modlog.post_lines(reply.guild_id))

    @app_commands.command(name=locale_str("list"), description=locale_str("Show the saved answers"))
    @replies("answers_list", MODERATOR)
    async def show_all(self, reply: Reply) -> None:
        """Show all answers."""
        canned, translator = reply.settings.canned_answers, reply.translator
        counted = translator.ngettext("{count} saved answer", "{count} saved answers", len(canned))
        lines = (f"**{escape(answer.name)}**\n{_short(answer.text)}" for answer in canned)
        text = shorten("\n\n".join(lines), EMBED_DESCRIPTION) or translator.gettext("Save one with /answers add.")
        embed = discord.Embed(title=translator.gettext("Saved answers"), description=text, colour=COLOUR)
        await reply.show(ReplyMessage(counted, embed))

    @edit.autocomplete("name")
    @remove.autocomplete("name")
    @suggests(MODERATOR)
    async def _names(self, interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
        canned = self._guilds.get(interaction.guild_id or 0).canned_answers
        names = (answer.name for answer in canned if current.lower() in answer.name.lower())
        return [app_commands.Choice(name=name, value=name) for name in names]

    @route(r"answers:(?P<what>add|edit):(?P<name>.{1,50})")
    @replies("answers_kept", MODERATOR)
    async def keep(self, reply: Reply, what: str, name: str) -> None:
        """Save the submitted answer, and show a preview."""
        reply.written = reply.typed("words")
        name = _name(name)
        self._typed[reply.guild_id, reply.user.id, name] = reply.written

        def offer(error: Exception, _refusal: Refusal, translator: Translator) -> discord.ui.View | None:
            if not isinstance(error, UnknownPlaceholder | OrderInAnswer):
                return None
            return view([button(translator.gettext("Fix it"), f"answers:fix:{what}:{name}", emoji="✏️")])

        reply.offer = offer
        answer = CannedAnswer(name, checked(reply.written))
        if gives_away(answer.text):
            raise OrderInAnswer
        if not clean(answer.text):
            raise NothingWritten
        store = self._guilds.add_canned_answer if what == "add" else self._guilds.edit_canned_answer
        await store(reply.guild_id, reply.user.id, answer)
        self._typed.pop((reply.guild_id, reply.user.id, name), None)
        translator = reply.translator
        saved = translator.gettext("The answer “{name}” is saved. It will read like this:", name=escape(name))
        preview = filled(answer.text, sample_values(reply.user.id, translator))
        embed = discord.Embed(description=shorten(preview, EMBED_DESCRIPTION), colour=COLOUR)
        await reply.show(ReplyMessage(saved, embed))
        await soon(self._modlog.post_lines(reply.guild_id))

    @route(r"answers:fix:(?P<what>add|edit):(?P<name>.{1,50})")
    @replies("answers_fix", MODERATOR)
    async def fix(self, reply: Reply, what: str, name: str) -> None:
        """Open the form again, filled in with what was typed; after a restart with what is stored."""
        typed = self._typed.get((reply.guild_id, reply.user.id, _name(name)))
        await reply.ask(_answer_modal(what, _name(name), typed or _stored(reply, name) or "", reply.translator))


def _stored(reply: Reply, name: str) -> str | None:
    return next((answer.text for answer in reply.settings.canned_answers if answer.name == _name(name)), None)


def _answer_modal(what: str, name: str, text: str, translator: Translator) -> discord.ui.Modal:
    entry = discord.ui.TextInput[Any](
        custom_id="words", style=discord.TextStyle.paragraph, max_length=LONGEST_ANSWER, default=text or None
    )
    hint = translator.gettext("These are filled in: {placeholders}", placeholders="{customer}, {order}, {file}")
    return modal(
        translator.gettext("Saved answer"), f"answers:{what}:{name}", labelled(translator.gettext("Text"), entry, hint)
    )


def _name(name: str) -> str:
    return clean(name)[:LONGEST_NAME].strip() or "-"


def _short(text: str) -> str:
    return shorten(escape(clean(text)), _LONGEST_LINE)


async def setup(bot: "FileflareBot") -> None:
    """Add the cog."""
    await bot.add_cog(Answers(bot))
