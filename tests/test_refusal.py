"""What each refusal says, and that it reveals nothing else about the error."""

import logging
from datetime import UTC, datetime

import pytest
from refusals import leaves

from cogs.downloads import NothingFound
from cogs.tickets import MarkLeft
from fileflare_bot import discord_limits as limits
from fileflare_bot.fileflare import errors
from fileflare_bot.fileflare.errors import BadReference, FileflareBusy, LookupFailed
from fileflare_bot.i18n import Catalogs
from fileflare_bot.interactions.access import MissingPermission
from fileflare_bot.interactions.permissions import BotLacksPermission
from fileflare_bot.orders.reference import ReferenceProblem
from fileflare_bot.refusal import Bug, NextStep, Refusal, Translated
from fileflare_bot.roles.granting import INSTEAD_OF_MOVING, OrderFreeLater
from fileflare_bot.roles.moderators import MakesModerators, NotForModerators, PingsBuyers
from fileflare_bot.roles.rights import ManagedRole, MayNotGive, PowerfulRole
from fileflare_bot.roles.rules import NoSuchRule, RuleNeedsValue
from fileflare_bot.storage.errors import AlreadyTaken, NoSuchClaim, NotPossibleNow, TooManyTickets
from fileflare_bot.storage.options import Match
from fileflare_bot.store.changes import WrongValue
from fileflare_bot.store.own_order import NoOwnOrder
from fileflare_bot.store.visibility import NotForCustomers, OpenToCustomers
from fileflare_bot.tickets.canned import UnknownPlaceholder
from fileflare_bot.tickets.desk import NoSuchNumber
from fileflare_bot.tickets.intake import NoDesk

CATALOGS = Catalogs()
NOW = datetime.now(UTC)
MADE: dict[type[Refusal], list[Refusal]] = {
    BadReference: [BadReference(problem, in_server=here) for problem in ReferenceProblem for here in (True, False)],
    FileflareBusy: [FileflareBusy(), FileflareBusy(42.0)],
    errors.TooManyLookups: [errors.TooManyLookups(42.0)],
    errors.Guessing: [errors.Guessing(42.0), errors.Guessing(42.0, in_server=False)],
    errors.OrderNotFound: [
        errors.OrderNotFound("secret", cut_to=20),
        *(
            errors.OrderNotFound("secret", tries_left=left, pause=60.0, in_server=in_server)
            for left in (None, 3, 1, 0)
            for in_server in (True, False)
        ),
    ],
    errors.OrderGone: [errors.OrderGone("secret"), errors.OrderGone("secret", in_server=False)],
    NothingFound: [NothingFound(wanted="loop")],
    OrderFreeLater: [OrderFreeLater(datetime(2026, 12, 24, tzinfo=UTC))],
    errors.QueueFull: [errors.QueueFull(42.0)],
    errors.PlaceReserved: [errors.PlaceReserved(900.0)],
    errors.FileflareDown: [errors.FileflareDown("secret"), errors.FileflareDown("secret", next_attempt=5.0)],
    MissingPermission: [MissingPermission(permission="Manage Server")],
    BotLacksPermission: [BotLacksPermission(permissions="Send Messages")],
    AlreadyTaken: [AlreadyTaken(7)],
    NotPossibleNow: [
        NotPossibleNow(),
        NotPossibleNow(closed_by=7, at=NOW),
        NotPossibleNow(opened=True),
        NotPossibleNow(other="#7"),
    ],
    TooManyTickets: [
        TooManyTickets([(7, 1, ""), (8, 2, "1050")], count=2),
        TooManyTickets((), NOW),
        TooManyTickets((), NOW, filed=True),
    ],
    NoSuchClaim: [NoSuchClaim(), NoSuchClaim([]), NoSuchClaim([7, None])],
    NoSuchNumber: [NoSuchNumber(number="1050")],
    NoDesk: [NoDesk(7), NoDesk(None)],
    MarkLeft: [MarkLeft(mark="[link removed]")],
    NoOwnOrder: [NoOwnOrder(), *map(NoOwnOrder, ReferenceProblem)],
    WrongValue: [WrongValue("colour", "must look like #2a9d8f")],
    UnknownPlaceholder: [UnknownPlaceholder("oder")],
    PowerfulRole: [PowerfulRole(role="<@&7>", permissions="Administrator")],
    MayNotGive: [
        MayNotGive("<@&7>", manages=manages, instead=instead)
        for manages in (True, False)
        for instead in ("", INSTEAD_OF_MOVING)
    ],
    ManagedRole: [ManagedRole(role="<@&7>")],
    NoSuchRule: [NoSuchRule(), NoSuchRule("9")],
    RuleNeedsValue: [RuleNeedsValue(match) for match in Match if match is not Match.ANY_ORDER],
    NotForModerators: [NotForModerators(role="<@&7>", why=Translated("everybody has it"))],
    MakesModerators: [MakesModerators(role="<@&7>")],
    PingsBuyers: [PingsBuyers(role="<@&7>")],
    NotForCustomers: [NotForCustomers(channel="<#7>")],
    OpenToCustomers: [OpenToCustomers(channel="<#7>")],
    Bug: [Bug("1a2b3c4d")],
}
ALL = [refusal for kind in leaves(Refusal) for refusal in MADE.get(kind) or [kind("secret")]]


@pytest.mark.parametrize("language", CATALOGS.languages)
@pytest.mark.parametrize("refusal", ALL, ids=repr)
def test_every_refusal_is_a_sentence_in_every_language_without_the_errors_details(
    refusal: Refusal, language: str
) -> None:
    text = refusal.text(CATALOGS.translator(language))

    assert text.startswith("**")
    assert "secret" not in text
    assert "{" not in text.replace("{customer}, {order}, {file}", "").replace("\\{oder\\}", "").replace("{oder}", "")
    assert "http" not in text.replace("`https://…/account/orders/0c732eb6fd98…`", "")
    assert limits.size(text) <= limits.CONTENT


def test_every_refusal_has_an_outcome_of_its_own() -> None:
    outcomes = [refusal.outcome.partition(".")[0] for refusal in ALL]

    assert len(set(outcomes)) == len(leaves(Refusal)) >= 30


def test_every_error_of_the_client_is_told_to_the_customer() -> None:
    assert len([kind for kind in leaves(LookupFailed) if kind.__module__ == errors.__name__]) == 14


def test_a_pause_is_rounded_up_so_that_nobody_tries_again_too_early() -> None:
    def said(seconds: float, language: str = "en") -> str:
        return FileflareBusy(seconds).text(CATALOGS.translator(language))

    assert "try again in 1 second." in said(0.2)
    assert "try again in 31 seconds." in said(30.4)
    assert "try again in 2 minutes." in said(61)
    assert "2 Minuten" in said(61, "de")


def test_only_a_bug_has_a_reference_and_is_logged_as_our_error() -> None:
    bug = Bug("1a2b3c4d")

    assert "`1a2b3c4d`" in bug.text(CATALOGS.translator("en"))
    assert (bug.outcome, bug.level, bug.next_step) == ("bug", logging.ERROR, NextStep.NOTHING)
    assert [refusal for refusal in ALL if "1a2b3c4d" in refusal.text(CATALOGS.translator("en"))] != []
    assert {refusal.level for refusal in ALL if not isinstance(refusal, Bug | errors.UnexpectedResponse)} == {
        logging.INFO,
        logging.WARNING,
    }
