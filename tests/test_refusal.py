"""What each error is told as, and that nothing else about it gets out."""

import logging

import pytest

from fileflare_bot import discord_limits as limits
from fileflare_bot import refusal as refusals
from fileflare_bot.fileflare import errors
from fileflare_bot.fileflare.errors import BadReference, FileflareBusy
from fileflare_bot.i18n import Catalogs
from fileflare_bot.orders.reference import ReferenceProblem
from fileflare_bot.refusal import BotLacksPermission, MissingPermission, NextStep, refuse

CATALOGS = Catalogs()
ALL: list[Exception] = [
    *(BadReference(problem) for problem in ReferenceProblem),
    errors.OrderNotFound("secret"),
    errors.FileflareTimeout("secret"),
    errors.FileflareDown("secret"),
    errors.UnexpectedAnswer("secret"),
    FileflareBusy(),
    FileflareBusy(42.0),
    errors.AskedTooOften(42.0),
    errors.LineTooLong(42.0),
    refusals.ListExpired("secret"),
    refusals.OutdatedCommand("secret"),
    refusals.Restarting("secret"),
    MissingPermission("Manage Server"),
    BotLacksPermission("Send Messages"),
    RuntimeError("secret"),
]


@pytest.mark.parametrize("language", CATALOGS.languages)
@pytest.mark.parametrize("error", ALL, ids=repr)
def test_every_error_is_told_in_every_language_without_its_details(error: Exception, language: str) -> None:
    refusal = refuse(error, CATALOGS.words(language), reference="1a2b3c4d")

    assert refusal.text.startswith("**")
    assert "secret" not in refusal.text
    assert "{" not in refusal.text
    assert "http" not in refusal.text.replace("`https://…/account/orders/0c732eb6fd98…`", "")
    assert limits.size(refusal.text) <= limits.CONTENT


def test_every_error_of_the_client_has_its_own_sentence() -> None:
    leaves = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    leaves = [kind for kind in leaves if not kind.__subclasses__()]
    needs: dict[type[Exception], object] = {
        BadReference: ReferenceProblem.EMPTY, errors.AskedTooOften: 1.0, errors.LineTooLong: 1.0
    }  # fmt: skip
    made = [kind(*([needs[kind]] if kind in needs else [])) for kind in leaves]

    told = [refuse(error, CATALOGS.words("en"), reference="-").outcome for error in made]

    assert "bug" not in told
    assert len(set(told)) == len(leaves) == 8


def test_a_pause_is_rounded_up_so_that_nobody_comes_back_too_early() -> None:
    def said(seconds: float, language: str = "en") -> str:
        return refuse(FileflareBusy(seconds), CATALOGS.words(language), reference="-").text

    assert "try again in 1 second." in said(0.2)
    assert "try again in 31 seconds." in said(30.4)
    assert "try again in 2 minutes." in said(61)
    assert "2 Minuten" in said(61, "de")


def test_only_a_bug_is_numbered_and_logged_as_an_error_of_ours() -> None:
    refusal = refuse(KeyError("x"), CATALOGS.words("en"), reference="1a2b3c4d")

    assert "`1a2b3c4d`" in refusal.text
    assert (refusal.outcome, refusal.level, refusal.next_step) == ("bug", logging.ERROR, NextStep.NOTHING)
