"""Cards, lists and canned answers keep Discord's limits and stay harmless, whatever people write into them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.requests import KINDS, figures, page_text
from fileflare_bot import discord_limits as limits
from fileflare_bot.i18n import Catalogs, Translator
from fileflare_bot.modlog import ENTRIES, entry_text
from fileflare_bot.orders.diagnosis import ADVICE, Finding, Kind
from fileflare_bot.orders.findings import changes, for_moderator, next_step, report, unseen
from fileflare_bot.orders.hiding import hide_references
from fileflare_bot.orders.reference import OrderReference, ReferenceProblem
from fileflare_bot.storage.records import (
    Action,
    Card,
    Resolution,
    Statistics,
    Ticket,
    TicketDetails,
    TicketPage,
    Topic,
)
from fileflare_bot.tickets import canned as answers
from fileflare_bot.tickets.texts import (
    RESOLUTIONS,
    TOPICS,
    card,
    quoted,
    thread_name,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = "0c732eb6fd9802a0821a9d29888baee8"
CATALOGS = Catalogs()
ENGLISH = CATALOGS.translator("en")
SNOWFLAKES = st.integers(min_value=1, max_value=2**63 - 1)
TEXTS = st.text(max_size=200) | st.text(alphabet="*_`~|<>@#[]()\\:/\n-", max_size=300)
FINDINGS = st.builds(
    Finding,
    st.sampled_from(Kind),
    TEXTS,
    st.none() | st.integers(min_value=0, max_value=10**30),
    st.none() | st.integers(min_value=-5, max_value=10**30),
    st.none() | st.sampled_from(ReferenceProblem),
)
DETAILS = st.builds(
    TicketDetails,
    TEXTS,
    st.lists(FINDINGS, max_size=40).map(tuple),
    st.text(max_size=1000),
    st.just(OrderReference(TOKEN)),
    st.just("casey"),
    TEXTS,
)
LANGUAGES = st.sampled_from([CATALOGS.translator(language) for language in CATALOGS.languages])


def ticket(details: TicketDetails, **changed: object) -> Ticket:
    given_values: dict[str, Any] = {
        "id": 1,
        "guild_id": 2,
        "number": 3,
        "user_id": 4,
        "channel_id": 5,
        "locale": "en",
        "topic": Topic.OTHER,
        "details": details,
        "readable": True,
        "resolved": False,
        "resolution": None,
        "resolved_by": None,
        "taken_by": None,
        "created_at": NOW,
        "answered_at": None,
        "resolved_at": None,
        "card": Card(),
        "version": 1,
        "shown_version": 1,
        "card_wanted_at": NOW,
        "archived": False,
    }
    return Ticket(**given_values | changed)


@given(DETAILS, LANGUAGES, st.sampled_from(Topic), st.none() | SNOWFLAKES, st.none() | st.sampled_from(Resolution))
def test_a_card_keeps_discords_limits_and_shows_no_id(
    details: TicketDetails, translator: Translator, topic: Topic, taken_by: int | None, resolution: Resolution | None
) -> None:
    shown = ticket(
        details, topic=topic, taken_by=taken_by, resolved=resolution is not None, resolution=resolution, number=10**9
    )

    title, description, (name, value) = card(shown, translator)

    assert 1 <= limits.size(title) <= limits.EMBED_TITLE
    assert 1 <= limits.size(description) <= limits.EMBED_DESCRIPTION
    assert 1 <= limits.size(name) <= limits.EMBED_TITLE
    assert 1 <= limits.size(value) <= limits.FIELD_VALUE
    assert limits.size(title + description + name + value) <= limits.EMBED_TOTAL
    assert 1 <= limits.size(thread_name(shown, translator)) <= 100
    assert TOKEN not in title + description + thread_name(shown, translator)


@given(st.lists(DETAILS, max_size=10), LANGUAGES)
def test_a_list_keeps_discords_limits(details: list[TicketDetails], translator: Translator) -> None:
    page = TicketPage(tuple(ticket(each, card=Card(1, 2, 3)) for each in details), 1, 1, len(details))

    assert 1 <= limits.size(page_text(page, translator)) <= limits.EMBED_DESCRIPTION


@given(st.lists(FINDINGS, max_size=40), st.lists(FINDINGS, max_size=40), LANGUAGES)
def test_changes_are_empty_exactly_if_nothing_changed(
    before: list[Finding], after: list[Finding], translator: Translator
) -> None:
    assert not changes(before, before, translator)
    told = changes(before, after, translator)
    if {(each.kind, each.name) for each in before} != {(each.kind, each.name) for each in after}:
        assert told
    assert limits.size(told) <= limits.EMBED_DESCRIPTION


@given(DETAILS, st.sampled_from(sorted(answers.BUILT_IN)), LANGUAGES)
def test_every_ready_made_answer_fits_and_leaves_no_placeholder(
    details: TicketDetails, key: str, translator: Translator
) -> None:
    filling = answers.placeholder_values(ticket(details), translator)

    text = answers.built_in(key, filling, translator)

    assert limits.size(text) <= limits.EMBED_DESCRIPTION
    assert "{customer}" not in text
    assert "<@4>" in text


@given(st.text(max_size=300))
def test_a_saved_answer_never_raises_while_it_is_filled(text: str) -> None:
    assert answers.filled(text, {"customer": "C", "order": "O", "file": "F"}) is not None


@pytest.mark.parametrize(
    ("text", "unknown"),
    [("{name}", "name"), ("{0.__class__}", "0.__class__"), ("{}", ""), ("{customer!r}", "customer!r")],
)
def test_an_unknown_placeholder_is_refused_when_an_answer_is_saved(text: str, unknown: str) -> None:
    with pytest.raises(answers.UnknownPlaceholder) as raised:
        answers.checked(text)
    assert raised.value.name == unknown


@given(st.text(max_size=100), st.text(max_size=100))
def test_no_id_and_no_address_is_left_in_a_customers_words(before: str, after: str) -> None:
    text = f"{before} {TOKEN} https://shop.example/account/orders/{TOKEN}?key=1 {after}"

    assert TOKEN not in hide_references(text, "…")
    assert "shop.example" not in hide_references(text, "…")


@given(st.text(max_size=1200))
def test_what_a_customer_writes_is_only_a_quotation(text: str) -> None:
    lines = quoted(text).splitlines()

    assert all(line.startswith("> ") for line in lines)
    assert limits.size(quoted(text)) <= 4096
    assert "@everyone" not in quoted(f"{text}@everyone")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("language", CATALOGS.languages)
def test_every_finding_has_its_sentences_its_step_and_a_label_in_every_language(kind: Kind, language: str) -> None:
    translator = CATALOGS.translator(language)
    finding = Finding(kind, "a.zip", 3, 3, ReferenceProblem.ORDER_NUMBER)

    for text in (for_moderator(finding, translator), next_step(finding, translator)):
        assert text
        assert "{" not in text
    assert translator.gettext(KINDS[kind])
    assert next_step(finding, translator) in report([finding], translator)
    assert kind in ADVICE


def test_a_report_without_findings_claims_only_what_is_known() -> None:
    assert report([], ENGLISH).startswith("✅ I found nothing wrong")
    assert "hold" in unseen(ENGLISH)


def test_many_findings_of_a_kind_are_counted_and_share_their_step() -> None:
    text = report([Finding(Kind.USED_UP, f"{number}.zip", 3, 3) for number in range(30)], ENGLISH)

    assert text.count("no downloads left") == 4
    assert "… and 26 more" in text
    assert text.count("→") == 1


def test_an_address_that_a_store_gave_as_a_files_name_is_not_shown() -> None:
    finding = Finding(Kind.EXTERNAL_LINK, "https://files.example/s3cr3t?sig=1")

    assert "s3cr3t" not in for_moderator(finding, ENGLISH)


def test_every_topic_resolution_and_action_has_a_sentence() -> None:
    assert set(TOPICS) == set(Topic)
    assert set(RESOLUTIONS) == set(Resolution)
    assert set(ENTRIES) == set(Action)
    assert all("<@7>" in entry_text(action, 7, 5, ENGLISH) for action in {*Action} - {Action.PRODUCTS_NEEDED})


def test_statistics_say_what_is_not_known_yet() -> None:
    assert figures(Statistics(7, 0, 0, None, None, ()), ENGLISH) == (
        "0 requests filed\nMedian time to the first answer: not known yet\nMedian time to the resolution: not known yet"
    )
