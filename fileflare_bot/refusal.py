"""Refusals: what the bot replies when it cannot do what a user asked for.

Each refusal is a class beside the code that raises it: Fileflare's in ``fileflare/errors.py``, the storage's in
``storage/errors.py``, a feature's in the feature. It has a sentence, an outcome for the log and the metrics, a log
level, and the button that its reply offers.
"""

import logging
import re
from enum import Enum, auto
from typing import ClassVar, Final

from fileflare_bot.i18n import N_, Translator

_NAMES: Final = {  # of commands and buttons, as users see them
    "command": N_("mydownloads"),
    "button": N_("Get my downloads"),
    "help": N_("Get help"),
    "hand_over": N_("Hand over"),
    "change": N_("Change it"),
    "reopen": N_("Reopen"),
}


class Translated(str):
    """A value that is a sentence of the catalogs, and is shown in the user's language."""

    __slots__ = ()


class NextStep(Enum):
    """The button that a refusal offers."""

    NOTHING = auto()
    ASK = auto()
    RETRY = auto()


class Refusal(Exception):  # noqa: N818 - its subclasses state what happened
    """Base class of all refusals. Its text contains no secrets.

    Its ``outcome``, in the log and the metrics, is the name of the class in snake case unless the class has its own.
    ``values`` fill the sentence; a float is a pause in seconds, and a Translated one is translated. With
    ``says_where``, the owner's words on where the store's customers find their order link are shown too. With
    ``in_place``, it replaces the question whose button was pressed, which is about something that has changed since.
    """

    sentence: str
    outcome: str
    level: ClassVar[int] = logging.INFO
    next_step: NextStep = NextStep.NOTHING
    says_where: bool = False
    in_place: bool = False

    def __init_subclass__(cls) -> None:
        if "outcome" not in vars(cls):
            cls.outcome = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, why: str = "", /, **values: str | float) -> None:
        super().__init__(why)
        self._values = values

    def text(self, translator: Translator) -> str:
        """Return the sentence in the user's language."""
        return self.filled(self.sentence, translator)

    def filled(self, sentence: str, translator: Translator) -> str:
        """Return a sentence in the user's language, with this refusal's values."""
        filled = {name: translator.gettext(message) for name, message in _NAMES.items()}
        for name, value in self._values.items():
            if isinstance(value, Translated):
                filled[name] = translator.gettext(value)
            else:
                filled[name] = value if isinstance(value, str) else translator.pause(value)
        return translator.gettext(sentence, **filled)


class Bug(Refusal):
    """Shown for every error that is not a refusal; ``reference`` is in the log line too."""

    sentence = N_(
        "**Something went wrong on my side, not yours.** Please try again. "
        "If it happens again, tell the store's team the number {reference}."
    )
    level = logging.ERROR

    def __init__(self, reference: str) -> None:
        super().__init__(reference=f"`{reference}`")
        self.reference = reference
