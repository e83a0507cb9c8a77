"""The bot's sentences in a reader's language: gettext catalogs, English as the source.

Every ``locales/<language>/LC_MESSAGES/fileflare.po`` is read at the start, so adding a file adds a language.
Sentences are filled with named values (``str.format``); what a store or a customer typed is only ever such a value,
never a sentence.
"""

import gettext
import io
import math
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from babel import Locale
from babel.dates import format_date, format_timedelta
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

DOMAIN: Final = "fileflare"
LOCALES: Final = Path(__file__).parent / "locales"
SOURCE_LOCALE: Final = "en"
_MINUTE: Final = 60


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for a sentence that is translated later
    """Mark a sentence for the catalogs and return it unchanged."""
    return message


def ngettext_noop(one: str, many: str) -> tuple[str, str]:
    """Mark a sentence with a number for the catalogs and return both forms unchanged."""
    return one, many


@dataclass(frozen=True, slots=True, eq=False)  # a translator is its own key in the cache of numbers
class Translator:
    """Translates into one language. Methods are named after gettext's, so that Babel finds the sentences."""

    locale: Locale
    translations: gettext.NullTranslations

    def gettext(self, message: str, **values: object) -> str:
        """Return the sentence in this language with the values filled in."""
        return self.translations.gettext(message).format(**values)

    def ngettext(self, one: str, many: str, count: int, **values: object) -> str:
        """Return the plural form for ``count``, with ``{count}`` in the language's number format."""
        return self.translations.ngettext(one, many, count).format(count=self.number(count), **values)

    def number(self, value: int) -> str:
        """Return the number in the language's format."""
        return _number(value, self)

    def date(self, when: datetime) -> str:
        """Return a day in the language's format."""
        return str(format_date(when, locale=self.locale))

    def pause(self, seconds: float) -> str:
        """Return a waiting time in words, rounded up so that nobody comes back too early."""
        whole = max(1, math.ceil(seconds))
        whole = whole if whole < _MINUTE else math.ceil(whole / _MINUTE) * _MINUTE
        return str(format_timedelta(whole, threshold=1, locale=self.locale))

    def duration(self, seconds: float) -> str:
        """Return a duration in words, rounded to one unit."""
        return str(format_timedelta(round(seconds), locale=self.locale))


@lru_cache(maxsize=4096)
def _number(value: int, translator: Translator) -> str:
    return str(format_decimal(value, locale=translator.locale))


class Catalogs:
    """All available languages."""

    def __init__(self, folder: Path = LOCALES, *, default: str = SOURCE_LOCALE) -> None:
        source = Translator(Locale(SOURCE_LOCALE), gettext.NullTranslations())
        self._translators = {SOURCE_LOCALE: source}
        for path in sorted(folder.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
            name = path.parts[-3]
            self._translators[name] = Translator(Locale.parse(name), _read(path, name))
        self._default = self._find(default) or source

    @property
    def languages(self) -> tuple[str, ...]:
        """The codes of all languages, including English."""
        return tuple(self._translators)

    def translator(self, locale: object) -> Translator:
        """Return the translator for a Discord locale such as ``de`` or ``pt-BR``, or the default language's."""
        return self._find(str(locale)) or self._default

    def _find(self, code: str) -> Translator | None:
        exact = code.replace("-", "_")
        return self._translators.get(exact) or self._translators.get(exact.partition("_")[0])


def _read(path: Path, name: str) -> gettext.GNUTranslations:
    with path.open("rb") as file:
        catalog = read_po(file, locale=name, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
