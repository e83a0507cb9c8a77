"""What the bot says when it cannot do what somebody asked for.

Every such case is a class of its own beside the code that raises it: Fileflare's in ``fileflare/errors.py``, the
storage's in ``storage/errors.py``, a feature's in the feature. Each carries its sentence, its outcome in the log and
the metrics, its log level, and the button that its reply offers.
"""

import logging
from enum import Enum, auto
from typing import ClassVar, Final

from fileflare_bot.i18n import N_, Translator

_NAMES: Final = {  # of commands and buttons, as people see them
    "command": N_("mydownloads"),
    "button": N_("Get my downloads"),
    "help": N_("Get help"),
    "hand_over": N_("Hand over"),
}


class NextStep(Enum):
    """The button that a refusal offers."""

    NOTHING = auto()
    ASK = auto()
    RETRY = auto()


class Refusal(Exception):  # noqa: N818 - its subclasses state what happened
    """Raised, as one of its subclasses, when an interaction ends in a refusal. Its text holds no secret.

    ``values`` fill the sentence: texts as they are, a float as a pause of so many seconds.
    """

    sentence: ClassVar[str]
    outcome: str
    level: ClassVar[int] = logging.INFO
    next_step: ClassVar[NextStep] = NextStep.NOTHING

    def __init__(self, why: str = "", /, **values: str | float) -> None:
        super().__init__(why)
        self._values = values

    def text(self, translator: Translator) -> str:
        """Return what the person reads."""
        filled = {name: translator.gettext(message) for name, message in _NAMES.items()}
        for name, value in self._values.items():
            filled[name] = value if isinstance(value, str) else translator.pause(value)
        return translator.gettext(self.sentence, **filled)


class Bug(Refusal):
    """Said for every error that is no refusal; ``reference`` is in the log line too."""

    sentence = N_(
        "**Something went wrong on my side, not yours.** Please try again. "
        "If it happens again, tell this server's team the number {reference}."
    )
    outcome = "bug"
    level = logging.ERROR

    def __init__(self, reference: str) -> None:
        super().__init__(reference=f"`{reference}`")
        self.reference = reference
