"""Cards, lists and canned answers keep Discord's limits and stay harmless, whatever people write into them."""

import re
import textwrap
import unicodedata
from dataclasses import replace
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
from fileflare_bot.orders.file_links import LinkProblem
from fileflare_bot.orders.findings import changes, for_moderator, next_step, report, unseen
from fileflare_bot.orders.hiding import hide_references
from fileflare_bot.orders.reference import OrderReference, ReferenceProblem
from fileflare_bot.storage.records import (
    Action,
    Card,
    Claim,
    Resolution,
    Statistics,
    Ticket,
    TicketDetails,
    TicketMessage,
    TicketPage,
    Topic,
)
from fileflare_bot.tickets import canned as answers
from fileflare_bot.tickets import card_text
from fileflare_bot.tickets.card_text import card
from fileflare_bot.tickets.card_text import details as full
from fileflare_bot.tickets.holders import Standing
from fileflare_bot.tickets.texts import quoted, thread_name
from fileflare_bot.tickets.topics import RESOLUTIONS, TOPICS

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


HOLDER = Claim(1, 2, 5, "#1050", (), NOW)
HELD = Standing([HOLDER], roles=True)
WIDTH = 56  # characters of an embed's line on a desktop: at least 400 px of a 14-pixel font whose letters take 7 px


def lines_on_a_desktop(title: str, description: str) -> int:
    """Return how many lines of text an embed has on a desktop, where a mention shows a name of 14 characters."""
    read = re.sub(r"<[@t][^>]*>", "@" + "n" * 13, description)
    read = re.sub(r"\\(.)", r"\1", read.replace("**", ""))
    wide = "".join(each * 2 if unicodedata.east_asian_width(each) in "WF" else each for each in read)
    return 1 + sum(len(textwrap.wrap(line, WIDTH)) or 1 for line in wide.split("\n")) + (len(title) > WIDTH)


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
    resolved: dict[str, Any] = {"resolved": resolution is not None, "resolution": resolution, "resolved_by": 9}
    shown = ticket(details, topic=topic, taken_by=taken_by, number=10**9, **resolved)

    title, description = card(shown, translator, HELD)

    assert 1 <= limits.size(title) <= limits.EMBED_TITLE
    assert 1 <= limits.size(description) <= limits.EMBED_DESCRIPTION
    assert lines_on_a_desktop(title, description) <= (3 if resolution else 12)
    assert 1 <= limits.size(thread_name(shown, translator)) <= 100
    everything = title + description + thread_name(shown, translator) + full(shown, translator, HELD)
    assert TOKEN not in everything
    assert 1 <= limits.size(unseen(translator)) <= limits.FIELD_VALUE


@given(st.lists(DETAILS, max_size=10), LANGUAGES)
def test_a_list_keeps_discords_limits(details: list[TicketDetails], translator: Translator) -> None:
    page = TicketPage(tuple(ticket(each, card=Card(1, 2, 3)) for each in details), 1, 1, len(details))

    assert bool(details) <= limits.size(page_text(page, translator)) <= limits.EMBED_DESCRIPTION


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

    text = translator.gettext(answers.BUILT_IN[key].text, **filling)

    assert limits.size(text) <= limits.EMBED_DESCRIPTION
    assert "{customer}" not in text
    assert "<@" not in text  # in a form it would be a number


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


LONG: str = "a very long name of a file, " * 9
MANY: tuple[Finding, ...] = tuple(
    Finding(kind, f"{number} {LONG}", 10**12, 10**12, ReferenceProblem.CHECKOUT_ADDRESS)
    for kind in Kind
    for number in range(30)
)


@pytest.mark.parametrize("language", CATALOGS.languages)
@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("wrote", [False, True])
@pytest.mark.parametrize("words", ["", "It fails.\n" * 100, "漢字" * 500], ids=["none", "lines", "wide"])
@pytest.mark.parametrize("findings", [*([each] for each in Kind), "links", "all"], ids=str)
def test_every_finding_gives_a_card_of_at_most_twelve_lines_on_a_desktop(
    findings: list[Kind] | str, words: str, language: str, *, held: bool, wrote: bool
) -> None:
    kinds = MANY if findings == "all" else tuple(each for each in MANY if each.kind in findings)
    if findings == "links":
        kinds = tuple(Finding(Kind.LINK_UNAVAILABLE, LONG, link=link) for link in LinkProblem for _ in range(3))
    translator = CATALOGS.translator(language)
    details = TicketDetails("EU-1050-2026/1234567", kinds, words, OrderReference(TOKEN), name="n" * 32)
    holders = [replace(HOLDER, id=number) for number in range(1, 101)] if held else []
    own = None if held else replace(HOLDER, user_id=4, role_ids=tuple(range(1, 101)))
    message = TicketMessage(1, 4, from_moderator=False, text="Hello?", at=NOW, delivery=None) if wrote else None
    filed = ticket(details, topic=Topic.NO_ROLE, taken_by=9, answered_at=NOW, number=123456, wrote=message)

    title, description = card(filed, translator, Standing(holders, own, roles=True))

    assert lines_on_a_desktop(title, description) <= 12
    assert ("✍️" in description) is wrote
    assert ("> ✍️ Hello?" in description) is wrote
    assert not words or "> " in description or "**Details**" in description
    assert "\n→ " in description or (findings == [Kind.HELD_BY_OTHERS] and "✅" in description)  # it is over
    if held:
        assert translator.gettext(ADVICE[Kind.HELD_BY_OTHERS].next_step) in description


@pytest.mark.parametrize("language", CATALOGS.languages)
@pytest.mark.parametrize("resolution", Resolution)
def test_a_resolved_card_takes_three_lines(resolution: Resolution, language: str) -> None:
    details = TicketDetails("1050", MANY, "It fails. " * 50, OrderReference(TOKEN), name="n" * 32)
    resolved = ticket(details, resolved=True, resolved_by=9, resolution=resolution)

    assert lines_on_a_desktop(*card(resolved, CATALOGS.translator(language))) == 3


@pytest.mark.parametrize("language", CATALOGS.languages)
def test_the_details_hold_every_finding_and_all_words_that_the_card_leaves_out(language: str) -> None:
    translator = CATALOGS.translator(language)
    words = "\n".join(f"line {number}" for number in range(50))
    findings = tuple(Finding(Kind.USED_UP, f"{number}-file.zip", 3, 3) for number in range(300))
    filed = ticket(TicketDetails("1050", findings, words, OrderReference(TOKEN)))

    text = full(filed, translator, HELD)

    assert all(f"> line {number}" in text for number in range(50))
    assert all(f"{number}-file.zip" in text.replace("\\", "") for number in range(300))
    assert "<@5>" in text
    assert translator.gettext(ADVICE[Kind.USED_UP].why) in text


@pytest.mark.parametrize(
    ("details", "readable", "said"),
    [
        (TicketDetails(reference=OrderReference(TOKEN)), True, "✅ I found nothing wrong"),
        (TicketDetails(), True, "⚪ I could check nothing, as no order is known.\n→ Have the customer open it with"),
        (TicketDetails(), False, "The rest cannot be read: the key that opens it"),
        (TicketDetails(findings=(Finding(Kind.HELD_BY_OTHERS),), reference=OrderReference(TOKEN)), True, "✅ I found"),
    ],
)
def test_a_card_without_findings_says_only_what_is_known(details: TicketDetails, said: str, *, readable: bool) -> None:
    assert said in card(ticket(details, readable=readable), ENGLISH)[1]
    assert said in full(ticket(details, readable=readable), ENGLISH)


def test_the_customers_words_take_the_room_that_the_findings_leave() -> None:
    words = " ".join(["word"] * 40)
    details = TicketDetails(words=words, reference=OrderReference(TOKEN))

    _, text = card(ticket(details), ENGLISH)

    assert text.count("word") == 40
    assert card_text.rows(text) < card_text.CARD_LINES


def test_the_customers_words_stay_whole_before_an_empty_line_is_kept_below_them() -> None:
    words = "I clicked once on my phone and it broke off. Now it says nothing is left!"
    found = Finding(Kind.USED_UP, "wallpapers.zip", 3, 3), Finding(Kind.LAST_ONE, "bonus.zip", 2, 3)
    answered: dict[str, Any] = {"taken_by": 9, "answered_at": NOW, "topic": Topic.NOTHING_LEFT}
    shown = ticket(TicketDetails("1051", found, words, OrderReference(TOKEN), "casey"), **answered)

    heading, description = card(shown, CATALOGS.translator("de"))

    assert f"> {words}\n🔴 wallpapers.zip" in description
    assert lines_on_a_desktop(heading, description) == 12


def test_an_answered_card_about_another_topic_says_who_else_has_the_order() -> None:
    words = "I clicked once on my phone and it broke off. Now it says nothing is left!"
    found = Finding(Kind.USED_UP, "wallpapers.zip", 3, 3), Finding(Kind.LAST_ONE, "bonus.zip", 2, 3)
    answered: dict[str, Any] = {"taken_by": 9, "answered_at": NOW, "topic": Topic.NOTHING_LEFT}
    shown = ticket(TicketDetails("1051", found, words, OrderReference(TOKEN), "casey"), **answered)

    heading, description = card(shown, ENGLISH, HELD)

    assert "\n🔴 In use by <@5> since <t:1767225600:d>.\n" in description
    assert words in description
    assert lines_on_a_desktop(heading, description) <= 12


def test_what_is_left_out_is_named_for_what_it_is() -> None:
    findings = tuple(Finding(kind, f"{number}.zip", 3, 3) for kind in Kind for number in range(2))
    details = TicketDetails("1050", findings, "It fails. " * 20, OrderReference(TOKEN))

    _, text = card(ticket(details), ENGLISH, Standing([HOLDER] * 3, roles=True))

    assert "since <t:1767225600:d>, … and 1 more account." in text
    assert re.search(r"… and \d+ more findings: see Details$", text)
    assert "(3 of 3 used). … and 1 more file\n" in card(ticket(details), ENGLISH)[1]


def test_a_long_message_and_long_first_words_share_the_room_that_the_findings_leave() -> None:
    details = TicketDetails(words="first " * 100, reference=OrderReference(TOKEN))
    message = TicketMessage(1, 4, from_moderator=False, text="latest " * 100, at=NOW, delivery=None)

    _, text = card(ticket(details, wrote=message), ENGLISH)

    assert text.count("first") > 10
    assert text.count("latest") > 10
    assert card_text.rows(text) < card_text.CARD_LINES


def test_of_two_findings_alike_one_that_is_fixed_is_said() -> None:
    alike = Finding(Kind.LINK_UNAVAILABLE, "book.pdf")

    assert changes([alike, alike], [alike], ENGLISH).startswith("✅ No longer: ")
    assert not changes([alike, alike], [alike, alike], ENGLISH)
