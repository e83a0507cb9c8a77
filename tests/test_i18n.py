"""Every language is complete, and fits where Discord puts it."""

import io
import re
import string
from pathlib import Path
from typing import Any

import discord
import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po
from desk import Desk

import fileflare_bot
from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import LOCALES, Catalogs

ROOT = Path(fileflare_bot.__file__).parents[1]
TRANSLATIONS = sorted(LOCALES.glob("*/LC_MESSAGES/fileflare.po"))
KEYWORDS = DEFAULT_KEYWORDS | {"locale_str": None, "ngettext_noop": (1, 2)}
COMMAND_NAME = 32  # characters: discord.com/developers/docs/interactions/application-commands
COMMAND_DESCRIPTION = 100
Message = str | tuple[str, ...]


def sources() -> set[Message]:
    found: set[Message] = set()
    for folder in ("fileflare_bot", "cogs"):
        found |= {message for _, _, message, _, _ in extract_from_dir(ROOT / folder, keywords=KEYWORDS)}
    return found


def catalog(path: Path) -> Catalog:
    return read_po(io.BytesIO(path.read_bytes()), locale=path.parts[-3])


def forms(value: object) -> list[str]:
    return [str(form) for form in value] if isinstance(value, list | tuple) else [str(value)]


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.parts[-3])
def test_a_language_has_every_sentence_and_no_other(path: Path) -> None:
    translated = {message.id for message in catalog(path) if message.id}

    assert translated == sources()


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.parts[-3])
def test_every_sentence_is_translated_with_the_same_values(path: Path) -> None:
    for message in catalog(path):
        if message.id:
            wanted = set().union(*(fields(form) for form in forms(message.id)))
            assert len(forms(message.string)) == (catalog(path).num_plurals if message.pluralizable else 1)
            for form in forms(message.string):
                assert form, message.id
                assert fields(form) == wanted
            assert not message.fuzzy


def test_no_sentence_hides_in_an_f_string_where_the_extractor_of_older_pythons_is_blind() -> None:
    calls = re.compile(r"\b[rf]{0,2}f[rf]{0,1}[\"'][^\n]*\{[^}\n]*gettext\(")
    code = [path.read_text() for folder in ("fileflare_bot", "cogs") for path in (ROOT / folder).rglob("*.py")]

    assert code
    assert not [found for text in code for found in calls.findall(text)]


@pytest.mark.parametrize("language", Catalogs().languages)
async def test_command_names_and_descriptions_fit_discord(desk: Desk, language: str) -> None:
    tree = desk.bot.tree
    assert tree.translator is not None
    payloads = [await command.get_translated_payload(tree, tree.translator) for command in tree.get_commands()]
    payloads += [
        await menu.get_translated_payload(tree, tree.translator)
        for kind in (discord.AppCommandType.user, discord.AppCommandType.message)
        for menu in tree.get_commands(type=kind)
    ]

    assert len(payloads) > 5
    for payload in payloads:
        fits(payload, language, menu=payload.get("type", 1) != 1)


def fits(payload: dict[str, Any], language: str, *, menu: bool = False) -> None:
    """Assert that a command, or an option, can be called and described so."""
    name = payload.get("name_localizations", {}).get(language, payload["name"])
    assert 1 <= limits.size(name) <= COMMAND_NAME
    if not menu:
        assert re.fullmatch(r"[-_\w]{1,32}", name)
        assert name == name.lower()
        described = payload.get("description_localizations", {}).get(language, payload["description"])
        assert 1 <= limits.size(described) <= COMMAND_DESCRIPTION
    names = [
        option.get("name_localizations", {}).get(language, option["name"]) for option in payload.get("options", [])
    ]
    assert len(set(names)) == len(names)
    for option in payload.get("options", []):
        fits(option, language)


@pytest.mark.parametrize(
    ("asked", "answered"), [("de", "de"), ("en-GB", "en"), ("en-US", "en"), ("ja", "en"), ("", "en"), ("x" * 99, "en")]
)
def test_a_readers_locale_finds_its_language_or_the_default(asked: str, answered: str) -> None:
    assert str(Catalogs().translator(asked).locale) == answered


def test_the_default_language_is_a_setting() -> None:
    assert str(Catalogs(default="de").translator("ja").locale) == "de"
    assert str(Catalogs(default="fr").translator("ja").locale) == "en"


def test_a_new_language_needs_only_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "pt_BR" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    header = (
        'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n > 1);\\nContent-Type: text/plain; charset=utf-8\\n"\n'
    )
    (folder / "fileflare.po").write_text(header + '\nmsgid "Refresh"\nmsgstr "Atualizar"\n', encoding="utf-8")

    assert Catalogs(tmp_path).translator("pt-BR").gettext("Refresh") == "Atualizar"
