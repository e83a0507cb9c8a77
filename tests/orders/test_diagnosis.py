"""The problems that Fileflare's customers really have: what is found, and who has to act then."""

from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsing import order, safe_link

from fileflare_bot.demo import orders
from fileflare_bot.demo.orders import Json, answer, asset, line
from fileflare_bot.fileflare.errors import (
    BadReference,
    FileflareBusy,
    FileflareDown,
    FileflareTimeout,
    FileflareUnavailable,
    Guessing,
    LookupFailed,
    OrderNotFound,
    QueueFull,
    TooManyLookups,
    UnexpectedResponse,
)
from fileflare_bot.fileflare.responses import read_response
from fileflare_bot.i18n import Catalogs
from fileflare_bot.orders.bounds import MOST_ASSETS, MOST_LINES
from fileflare_bot.orders.diagnosis import (
    ADVICE,
    PASTED,
    REFUSED_LINKS,
    UNSEEN,
    Advice,
    Finding,
    Kind,
    Severity,
    diagnose,
    diagnose_failure,
)
from fileflare_bot.orders.file_links import LinkProblem
from fileflare_bot.orders.findings import report
from fileflare_bot.orders.reference import ReferenceProblem, parse_reference
from fileflare_bot.roles.granting import OrderHeldByOthers

URL: Final = "https://files.example/book"
ENGLISH: Final = Catalogs().translator("en")


def book(**more: Any) -> Json:  # noqa: ANN401 - passed on to asset()
    return asset("book", "book.pdf", more.pop("url", URL), **more)


def holding(*assets: Json, lines: list[Json] | None = None) -> Json:
    return answer(1050, lines or [], list(assets), title="Download files for your orders", text=None)


def found(raw: Json) -> tuple[Finding, ...]:
    return diagnose(order(raw))


def said(finding: Finding) -> Advice:
    advice = finding.advice
    values = {
        "name": finding.name,
        "downloaded": finding.downloaded,
        "limit": finding.limit,
        "pasted": finding.problem and PASTED[finding.problem],
    }
    return replace(advice, moderator=advice.moderator.format(**values), next_step=advice.next_step.format(**values))


def failure(status: int, body: bytes = b"") -> LookupFailed:
    with pytest.raises(LookupFailed) as caught:
        read_response(status, {}, body)
    return caught.value


def unreadable(raw: Json) -> Json:
    return {"data": [raw]}


PASTES: Final = {
    ReferenceProblem.EMPTY: " <> ",
    ReferenceProblem.ORDER_NUMBER: "#1050",
    ReferenceProblem.NEW_ACCOUNTS_ADDRESS: "https://shopify.com/12345/account/orders/678901234",
    ReferenceProblem.CHECKOUT_ADDRESS: "https://my-store.com/checkouts/cn/abc/thank-you",
    ReferenceProblem.OTHER_ADDRESS: "https://my-store.com/products/my-new-book",
    ReferenceProblem.EMAIL_ADDRESS: "me@my-store.com",
    ReferenceProblem.LICENCE_KEY: "ABCD-1234-EFGH-5678",
    ReferenceProblem.CUT_OFF: "0c732eb6fd98",
    ReferenceProblem.NOT_AN_ID: "where are my files",
}

ANSWERS: Final = {
    Kind.USED_UP: holding(book(downloaded=3, limit=3)),
    Kind.MORE_CLICKS: holding(book(downloaded=7, limit=3)),
    Kind.LAST_ONE: holding(book(downloaded=2, limit=3)),
    Kind.LINK_UNAVAILABLE: holding(book(url=None)),
    Kind.EXTERNAL_LINK: holding(book(is_link=True)),
    Kind.PRODUCT_WITHOUT_FILES: holding(book(), lines=[line("My new Book", "Hard back")]),
    Kind.ORDER_WITHOUT_FILES: holding(lines=[line("My new Book", "Hard back")]),
}

FAILURES: Final[dict[Kind, LookupFailed | OrderHeldByOthers]] = {
    Kind.WRONG_REFERENCE: BadReference(ReferenceProblem.ORDER_NUMBER),
    Kind.NOT_FOUND: OrderNotFound(),
    Kind.OUTAGE: FileflareDown(),
    Kind.PAUSED: Guessing(60.0),
    Kind.HELD_BY_OTHERS: OrderHeldByOthers(),
}

SAMPLED: Final = (*ANSWERS, *FAILURES, Kind.NOT_ASKED)


def sample(kind: Kind) -> tuple[Finding, ...]:
    if kind in ANSWERS:
        return found(ANSWERS[kind])
    if kind is Kind.NOT_ASKED:  # for each error without a finding of its own
        return diagnose_failure(kind)
    error = FAILURES[kind]
    assert error.finding is not None
    return diagnose_failure(error.finding, getattr(error, "problem", None))


def sentences() -> list[str]:
    every = [*ADVICE.values(), *REFUSED_LINKS.values()]
    advised = [text for advice in every for text in (advice.moderator, advice.next_step)]
    return [*advised, *PASTED.values(), *UNSEEN]


def test_a_file_whose_limit_is_reached_is_named_with_its_counts_and_the_override_that_fixes_it() -> None:
    (finding,) = found(holding(book(downloaded=3, limit=3)))

    assert finding == Finding(Kind.USED_UP, "book.pdf", 3, 3)
    assert finding.severity is Severity.BLOCKING
    assert said(finding).moderator.startswith("book.pdf: no downloads left (3 of 3 used).")
    assert said(finding).next_step == (
        "Store owner: Fileflare > Orders > the order > Override global limitations > a higher count > Save."
    )
    assert said(finding).why.endswith("With a higher count, the old links work again at once.")


def test_a_file_with_one_download_left_is_warned_of_before_the_click() -> None:
    (finding,) = found(holding(book(downloaded=2, limit=3)))

    assert finding == Finding(Kind.LAST_ONE, "book.pdf", 2, 3)
    assert finding.severity is Severity.WARNING
    assert said(finding).moderator == "book.pdf: one download left (2 of 3 used)."
    assert "the store owner raise the count" in said(finding).next_step


def test_a_file_that_may_be_opened_only_once_is_warned_of_from_the_start() -> None:
    assert found(holding(book(downloaded=0, limit=1))) == (Finding(Kind.LAST_ONE, "book.pdf", 0, 1),)


def test_i_never_downloaded_it_is_answered_with_clicks_that_a_mail_scanner_or_a_broken_download_spent() -> None:
    (finding,) = found(holding(book(downloaded=1, limit=1)))

    assert finding.kind is Kind.USED_UP
    assert "Clicks are counted, not finished downloads" in said(finding).why
    assert "a mail scanner or a download that broke off" in said(finding).why
    assert "Override global limitations" in said(finding).next_step


@pytest.mark.parametrize(("downloaded", "limit"), [(4, 3), (40, 3), (2, 1)])
def test_more_clicks_than_the_limit_point_to_a_mail_scanner_and_not_to_the_customer(
    downloaded: int, limit: int
) -> None:
    (finding,) = found(holding(book(downloaded=downloaded, limit=limit)))

    assert finding == Finding(Kind.MORE_CLICKS, "book.pdf", downloaded, limit)
    assert f"({downloaded} times, limit {limit})" in said(finding).moderator
    assert "A mail scanner or a link preview is the likely cause, not the customer." in said(finding).why
    assert "Override global limitations" in said(finding).next_step


@pytest.mark.parametrize("limit", [10, None, 0, -1])
def test_nothing_is_found_on_a_file_with_a_link_that_is_not_known_to_be_used_up(limit: int | None) -> None:
    assert found(holding(book(downloaded=5, limit=limit))) == ()


@pytest.mark.parametrize(
    ("symptom", "step"),
    [
        ("**IP limit** (a phone, a VPN, another network)", "raises the IP slots under Fileflare > Orders"),
        ("**Expired links:**", "sets a later date there, too"),
        ("**Payment:** an unpaid or refunded order", "the store owner's decision"),
        ("**A hold or a cancellation:**", "the store owner's decision; do not guess at reasons"),
    ],
)
def test_what_a_response_cannot_show_is_named_with_its_next_step(symptom: str, step: str) -> None:
    assert found(holding(book(), lines=[line("My new Book", None, book())])) == ()
    assert [step in sentence for sentence in UNSEEN if sentence.startswith(symptom)] == [True]


def test_an_order_whose_email_never_came_has_links_that_work_here() -> None:
    parsed = order(holding(book(), lines=[line("My new Book", None, book())]))

    assert diagnose(parsed) == ()
    assert [safe_link(only.data.url) for only in parsed.all_assets()] == [URL, URL]


@pytest.mark.parametrize("lines", [[], [line("My new Book", None)], [line("Book", None), line("Pen", "Blue")]])
def test_a_valid_order_without_files_is_one_finding_with_the_wait_and_the_plan_to_look_at(lines: list[Json]) -> None:
    (finding,) = found(holding(lines=lines))

    assert finding == Finding(Kind.ORDER_WITHOUT_FILES)
    assert finding.severity is Severity.BLOCKING
    assert said(finding).moderator == "The order exists, but there are no files on it."
    assert "30 minutes" in said(finding).next_step
    assert "Premium plan" in said(finding).why
    assert "whether the products have files" in said(finding).next_step


@pytest.mark.parametrize(
    ("variant", "name"), [("Hard back", "My new Book — Hard back"), (None, "My new Book"), ("", "My new Book")]
)
def test_a_product_without_files_beside_others_is_noted_by_its_name(variant: str | None, name: str) -> None:
    (finding,) = found(holding(lines=[line("My new Book", "Paper back", book()), line("My new Book", variant)]))

    assert finding == Finding(Kind.PRODUCT_WITHOUT_FILES, name)
    assert finding.severity is Severity.NOTE
    assert "attaches them in Fileflare to the product and to this order" in said(finding).next_step


def test_a_product_without_files_is_noted_also_where_the_only_file_hangs_on_the_order_itself() -> None:
    assert [finding.kind for finding in found(holding(book(), lines=[line("Book", None)]))] == [
        Kind.PRODUCT_WITHOUT_FILES
    ]


def test_a_product_without_files_and_without_a_readable_name_is_still_noted() -> None:
    garbled: list[Json] = [{"product": None}, {"product": "x", "assets": []}, {"product": {}, "assets": None}]

    assert found(holding(book(), lines=garbled)) == (Finding(Kind.PRODUCT_WITHOUT_FILES),) * 3


def test_an_external_link_is_noted_as_one_that_only_its_website_and_the_owner_can_fix() -> None:
    (finding,) = found(holding(book(is_link=True)))

    assert (finding.kind, finding.name, finding.severity) == (Kind.EXTERNAL_LINK, "book.pdf", Severity.NOTE)
    assert "Fileflare cannot tell whether it works" in said(finding).moderator
    assert "the store owner corrects the link" in said(finding).next_step
    assert "asks that website" in said(finding).next_step


def test_an_external_link_with_one_download_left_is_both() -> None:
    kinds = [finding.kind for finding in found(holding(book(is_link=True, downloaded=2, limit=3)))]

    assert kinds == [Kind.LAST_ONE, Kind.EXTERNAL_LINK]


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"downloaded": 3, "limit": 3}, Kind.USED_UP),
        ({"downloaded": 4, "limit": 3}, Kind.MORE_CLICKS),
        ({"url": "javascript:alert(1)"}, Kind.LINK_UNAVAILABLE),
    ],
)
def test_an_external_link_that_cannot_be_opened_is_only_reported_as_that(more: dict[str, Any], kind: Kind) -> None:
    assert [finding.kind for finding in found(holding(book(is_link=True, **more)))] == [kind]


@pytest.mark.parametrize(
    ("raw", "problem", "what", "step"),
    [
        (book(url=None), LinkProblem.NONE_GIVEN, "gives no link for it", "attach the file to the order again"),
        (book(url=""), LinkProblem.NONE_GIVEN, "gives no link for it", "correct the external link"),
        (
            book(url=None, downloaded=2, limit=3),
            LinkProblem.NONE_GIVEN,
            "gives no link for it",
            "attach the file to the order again",
        ),
        (
            book(url=URL + "a" * 4000),
            LinkProblem.TOO_LONG,
            "too long for a Discord message",
            "The customer finds it on the store's own order page.",
        ),
        (
            book(url="javascript:alert(1)"),
            LinkProblem.NO_WEB_ADDRESS,
            "is not a web address",
            "correct the external link",
        ),
        (
            book(url="https://user:pass@files.example/book"),
            LinkProblem.USER_NAME,
            "holds a user name",
            "correct the external link",
        ),
    ],
)
def test_a_link_that_is_refused_is_reported_with_the_reason_and_what_fixes_it(
    raw: Json, problem: LinkProblem, what: str, step: str
) -> None:
    (finding,) = found(holding(raw))

    assert (finding.kind, finding.name, finding.severity) == (Kind.LINK_UNAVAILABLE, "book.pdf", Severity.BLOCKING)
    assert finding.link is problem
    assert said(finding).moderator.startswith("book.pdf: ")
    assert what in said(finding).moderator
    assert step in said(finding).next_step
    assert said(finding).moderator in report([finding], ENGLISH).replace("\\", "")


def test_a_damaged_file_is_reported_as_such() -> None:
    (finding,) = found(holding(unreadable(book())))

    assert (finding.kind, finding.link) == (Kind.LINK_UNAVAILABLE, LinkProblem.UNREADABLE)
    assert "Fileflare's answer is damaged here" in said(finding).moderator


def test_every_reason_against_a_link_has_its_advice() -> None:
    assert set(REFUSED_LINKS) == set(LinkProblem)
    assert len({advice.moderator for advice in REFUSED_LINKS.values()}) == len(REFUSED_LINKS)


def test_links_that_are_refused_for_different_reasons_keep_their_own_step() -> None:
    text = report(found(holding(*(asset(url or "", "a.pdf", url) for url in (None, "soon", "")))), ENGLISH)

    assert text.count("→") == 2
    assert text.count("gives no link for it") == 2


def test_an_order_that_was_cut_says_so_and_not_that_files_are_missing() -> None:
    many = found(holding(*[book()] * (MOST_ASSETS + 1), lines=[line("Book", None)]))
    none = found(holding(lines=[line("Book", None)] * (MOST_LINES + 1)))

    assert many == none == (Finding(Kind.LINK_UNAVAILABLE, link=LinkProblem.LEFT_OUT),)
    assert "there may be more in this order than I can show" in said(many[0]).moderator
    assert "own order page" in said(many[0]).next_step


def test_the_same_file_in_several_places_is_found_once() -> None:
    used_up = book(downloaded=3, limit=3)

    assert found(holding(used_up, lines=[line("A", None, used_up), line("B", None, used_up)])) == (
        Finding(Kind.USED_UP, "book.pdf", 3, 3),
    )


def test_files_without_an_id_are_each_found() -> None:
    nameless = asset("", "book.pdf", URL, downloaded=3, limit=3)

    assert len(found(holding(nameless, nameless))) == 2


def test_a_name_for_a_page_is_plain_in_a_report_and_hides_an_address_in_it() -> None:
    file = asset("a", "<b>Vol.&nbsp;1</b> &amp; Vector<T> https&#58;//files.example/s3cr3t", None)

    text = report(found(holding(file)), ENGLISH)

    assert "Vol. 1 & Vector\\<T\\> …" in text
    assert "s3cr3t" not in text


@pytest.mark.parametrize("limit", ["unlimited", {}, True])
def test_a_count_that_cannot_be_read_is_no_finding(limit: object) -> None:
    assert found(holding(book() | {"limits": {"downloaded": 5, "limit": limit}})) == ()


@pytest.mark.parametrize("unread", [None, "x", {"data": "not an asset"}])
def test_an_unreadable_file_is_still_reported(unread: object) -> None:
    (finding,) = found(holding(book(), lines=[{"product": None, "assets": [unread]}]))

    assert (finding.kind, finding.name) == (Kind.LINK_UNAVAILABLE, "")


def test_a_used_up_file_without_a_link_is_reported_as_used_up() -> None:
    assert [finding.kind for finding in found(holding(book(url=None, downloaded=3, limit=3)))] == [Kind.USED_UP]


@pytest.mark.parametrize(
    ("problem", "pasted"),
    [
        (ReferenceProblem.EMPTY, "nothing that holds a link"),
        (ReferenceProblem.ORDER_NUMBER, "an order number"),
        (ReferenceProblem.NEW_ACCOUNTS_ADDRESS, "the address of a customer account"),
        (ReferenceProblem.CHECKOUT_ADDRESS, "the address of a checkout or thank-you page"),
        (ReferenceProblem.OTHER_ADDRESS, "the address of another page"),
        (ReferenceProblem.EMAIL_ADDRESS, "an email address"),
        (ReferenceProblem.LICENCE_KEY, "a licence key"),
        (ReferenceProblem.NOT_AN_ID, "some other text"),
    ],
)
def test_what_was_pasted_instead_of_an_id_is_said_with_the_address_to_ask_for(
    problem: ReferenceProblem, pasted: str
) -> None:
    read = parse_reference(PASTES[problem])
    assert read is problem

    (finding,) = diagnose_failure(Kind.WRONG_REFERENCE, read)

    assert finding == Finding(Kind.WRONG_REFERENCE, problem=problem)
    assert finding.severity is Severity.BLOCKING
    assert said(finding).moderator == f"What was pasted is {pasted}, not an order ID."
    assert "the address behind **View your order** in the confirmation email" in said(finding).next_step


def test_everything_that_can_be_pasted_instead_of_an_id_has_its_words() -> None:
    assert set(PASTED) == set(ReferenceProblem) == set(PASTES)
    assert len(set(PASTED.values())) == len(PASTED)


def test_a_finding_on_a_wrong_paste_does_not_hold_what_was_pasted() -> None:
    findings = diagnose_failure(Kind.WRONG_REFERENCE, ReferenceProblem.EMAIL_ADDRESS)

    assert PASTES[ReferenceProblem.EMAIL_ADDRESS] not in repr(findings)


@pytest.mark.parametrize(("status", "body"), [(404, b""), (400, b""), (200, b'{"order": null}')])
def test_an_unknown_order_is_reported_as_such_with_where_to_look(status: int, body: bytes) -> None:
    error = failure(status, body)
    assert error.finding is Kind.NOT_FOUND

    (finding,) = diagnose_failure(error.finding)

    assert finding == Finding(Kind.NOT_FOUND)
    assert said(finding).moderator == "Fileflare knows no order with the ID that the customer gave."
    assert "copy the address from the confirmation email again" in said(finding).next_step
    assert "Fileflare > Orders" in said(finding).next_step


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (408, b"", FileflareTimeout),
        (504, b"", FileflareTimeout),
        (500, b"", FileflareDown),
        (503, b"", FileflareDown),
        (429, b"", FileflareBusy),
        (200, b"<html>", UnexpectedResponse),
        (200, b"{}", UnexpectedResponse),
        (403, b"<html>", UnexpectedResponse),
        (302, b"", UnexpectedResponse),
    ],
)
def test_no_usable_response_is_reported_as_an_outage(status: int, body: bytes, error: type[LookupFailed]) -> None:
    raised = failure(status, body)

    assert type(raised) is error
    assert raised.finding is Kind.OUTAGE
    assert diagnose_failure(raised.finding) == (Finding(Kind.OUTAGE),)


def test_every_way_in_which_fileflare_can_be_unavailable_is_an_outage_but_the_bots_own_queue() -> None:
    ways = {error: error.finding for error in FileflareUnavailable.__subclasses__()}

    assert ways == {
        FileflareTimeout: Kind.OUTAGE,
        FileflareDown: Kind.OUTAGE,
        FileflareBusy: Kind.OUTAGE,
        UnexpectedResponse: Kind.OUTAGE,
        QueueFull: None,
    }


@pytest.mark.parametrize("error", [QueueFull(3), TooManyLookups(3)])
def test_where_only_waiting_helps_there_is_nothing_to_find(error: LookupFailed) -> None:
    assert error.finding is None


def test_an_outage_never_says_that_the_order_does_not_exist() -> None:
    (finding,) = diagnose_failure(Kind.OUTAGE)
    advice = said(finding)

    for claim in ("not exist", "no order", "not found", "unknown"):
        assert claim not in advice.moderator.lower()
    assert "That is an outage, and says nothing about the order." in advice.moderator
    assert advice.next_step == "Press **Check again** in a few minutes."
    assert advice.why == "Do not tell the customer that the order does not exist."
    assert finding.severity is Severity.WARNING


def test_every_kind_of_finding_has_advice_and_no_advice_is_without_a_kind() -> None:
    assert set(ADVICE) == set(Kind)


@pytest.mark.parametrize("kind", SAMPLED)
def test_each_kind_is_found_alone_and_its_sentences_are_filled(kind: Kind) -> None:
    (finding,) = sample(kind)
    assert finding.kind is kind

    for text in (said(finding).moderator, said(finding).next_step):
        assert text.strip()
        assert "{" not in text
        assert "}" not in text
        assert "None" not in text


def test_the_samples_reach_every_kind_of_finding_there_is() -> None:
    assert {finding.kind for kind in SAMPLED for finding in sample(kind)} == set(Kind)


@pytest.mark.parametrize("text", [*PASTED.values(), *UNSEEN])
def test_what_is_pasted_or_unseen_is_said_without_a_gap_to_fill(text: str) -> None:
    assert text.format() == text
    assert text.strip() == text != ""


@pytest.mark.parametrize("text", sentences())
def test_no_sentence_accuses_the_customer(text: str) -> None:
    for word in ("fraud", "abus", "cheat", "steal", "stole", "thief", "scam", "illegal", "suspicious"):
        assert word not in text.lower()


def test_the_gravest_is_found_first_and_equals_stay_in_the_responses_order() -> None:
    def file(name: str, **more: Any) -> Json:  # noqa: ANN401 - passed on to asset()
        return asset(name, name, more.pop("url", URL), **more)

    raw = holding(
        file("7", downloaded=4, limit=3),
        file("8", is_link=True),
        lines=[
            line("A", None, file("1", is_link=True), file("2", downloaded=2, limit=3)),
            line("B", None),
            line("C", None, file("3", downloaded=3, limit=3), file("4"), file("5", url=None)),
            line("D", None, file("6", downloaded=2, limit=3, is_link=True)),
            line("E", None),
        ],
    )

    assert [(finding.severity, finding.kind, finding.name) for finding in found(raw)] == [
        (Severity.BLOCKING, Kind.USED_UP, "3"),
        (Severity.BLOCKING, Kind.LINK_UNAVAILABLE, "5"),
        (Severity.BLOCKING, Kind.MORE_CLICKS, "7"),
        (Severity.WARNING, Kind.LAST_ONE, "2"),
        (Severity.WARNING, Kind.LAST_ONE, "6"),
        (Severity.NOTE, Kind.PRODUCT_WITHOUT_FILES, "B"),
        (Severity.NOTE, Kind.PRODUCT_WITHOUT_FILES, "E"),
        (Severity.NOTE, Kind.EXTERNAL_LINK, "1"),
        (Severity.NOTE, Kind.EXTERNAL_LINK, "6"),
        (Severity.NOTE, Kind.EXTERNAL_LINK, "8"),
    ]


def test_the_documented_sample_notes_its_external_links_and_the_product_without_files() -> None:
    documented = orders.sample_answers("https://files.example")[orders.DOCUMENTED]

    assert [(finding.kind, finding.name) for finding in found(documented)] == [
        (Kind.PRODUCT_WITHOUT_FILES, "My new Book — Hard back"),
        (Kind.EXTERNAL_LINK, "My new book"),
        (Kind.EXTERNAL_LINK, "My new book - part 2"),
    ]


SECRET: Final = "q7zsecretq7z"
texts = st.text(max_size=20).filter(lambda text: SECRET not in text)
names = st.none() | texts
urls = st.one_of(
    st.none(),
    st.just(""),
    texts.map(lambda tail: f"https://files.example/{SECRET}/{tail}"),
    texts.map(lambda tail: f"https://{SECRET}.example/{tail}"),
    texts.map(lambda tail: f"javascript:{SECRET}{tail}"),
    texts.map(lambda user: f"https://{user}:{SECRET}@files.example/a"),
    st.just(f"https://files.example/{SECRET}" + "a" * 4000),
)
assets = st.builds(
    asset,
    st.just("id"),
    names,
    urls,
    downloaded=st.integers(-1, 12) | st.integers(0),
    limit=st.none() | st.integers(-1, 12) | st.integers(),
    is_link=st.booleans(),
)
files = st.lists(st.one_of(assets, assets, assets.map(unreadable)), max_size=5)
products = st.builds(
    lambda name, variant, held: line(name, variant, *held), texts, names, st.one_of(st.just([]), files)
)


@given(st.lists(products, max_size=4), files)
def test_for_any_order_a_finding_names_a_file_or_a_product_and_shows_no_link(
    lines: list[Json], of_order: list[Json]
) -> None:
    parsed = order(holding(*of_order, lines=lines))
    filenames = {only.data.filename or "" for only in parsed.all_assets()}
    titles = {
        " — ".join(part for part in (bought.product.name, bought.product.variant_name) if part)
        for bought in parsed.lines
    }

    findings = diagnose(parsed)

    assert SECRET not in repr(findings)
    assert [finding.severity for finding in findings] == sorted((each.severity for each in findings), reverse=True)
    for finding in findings:
        if finding.kind is Kind.ORDER_WITHOUT_FILES:
            assert finding.name == ""
            assert parsed.asset_count == 0
            assert len(findings) == 1
        else:
            assert finding.name in (titles if finding.kind is Kind.PRODUCT_WITHOUT_FILES else filenames)
