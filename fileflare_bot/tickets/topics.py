"""What a ticket is about, and why it is closed, as people choose it."""

from typing import Final

from fileflare_bot.i18n import N_
from fileflare_bot.orders.diagnosis import Kind
from fileflare_bot.storage.records import Resolution, Topic

TOPICS: Final[dict[Topic, str]] = {
    Topic.NOTHING_LEFT: N_("A file has no downloads left"),
    Topic.DOWNLOAD_FAILS: N_("A download does not start or breaks off"),
    Topic.FILES_MISSING: N_("Files are missing"),
    Topic.WRONG_FILE: N_("A file is wrong or damaged"),
    Topic.ORDER_NOT_FOUND: N_("My order is not found"),
    Topic.NO_EMAIL: N_("I got no email"),
    Topic.NO_ROLE: N_("No role, or another account has my order"),
    Topic.OTHER: N_("Something else"),
}
BRINGS_NO_ROLE: Final = {Kind.ORDER_WITHOUT_FILES, Kind.NOT_FOUND, Kind.WRONG_REFERENCE}
LIKELY: Final[dict[Kind, Topic]] = {  # what is wrong for a customer whose order has such a finding
    Kind.USED_UP: Topic.NOTHING_LEFT,
    Kind.MORE_CLICKS: Topic.NOTHING_LEFT,
    Kind.LINK_UNAVAILABLE: Topic.DOWNLOAD_FAILS,
    Kind.OUTAGE: Topic.DOWNLOAD_FAILS,
    Kind.ORDER_WITHOUT_FILES: Topic.FILES_MISSING,
    Kind.WRONG_REFERENCE: Topic.ORDER_NOT_FOUND,
    Kind.NOT_FOUND: Topic.ORDER_NOT_FOUND,
    Kind.PAUSED: Topic.ORDER_NOT_FOUND,
    Kind.PRODUCT_WITHOUT_FILES: Topic.FILES_MISSING,
    Kind.HELD_BY_OTHERS: Topic.NO_ROLE,
}
RESOLUTIONS: Final[dict[Resolution, str]] = {
    Resolution.FIXED: N_("It works now"),
    Resolution.ANSWERED: N_("The question is answered"),
    Resolution.PASSED_ON: N_("The store owner takes care of it"),
    Resolution.NOT_OURS: N_("Nothing that this store can fix"),
    Resolution.NO_REPLY: N_("There was no reply"),
    Resolution.CUSTOMER: N_("The customer says that it is solved"),
}
