"""For whom a ticket's order counts, and who keeps it from the ticket's customer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fileflare_bot.orders.diagnosis import Finding, Kind
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.records import Claim, Ticket
from fileflare_bot.storage.storage import Storage


@dataclass(frozen=True, slots=True)
class Standing:
    """For whom a ticket's order counts; ``roles`` says that it can count for somebody, and bring them roles.

    ``holders`` are the claims that keep it from the customer, oldest first, with their moves; ``own`` is the
    customer's claim.
    """

    holders: Sequence[Claim] = ()
    own: Claim | None = None
    roles: bool = False


UNKNOWN = Standing()


async def standing_of(storage: Storage, ticket: Ticket) -> Standing:
    """Return for whom a ticket's order counts; nothing once the ticket is resolved."""
    options, reference = (await storage.guilds.load(ticket.guild_id)).options, ticket.details.reference
    if ticket.resolved or reference is None or not options.buyers_roles:
        return UNKNOWN
    claims = await storage.claims.of_order(ticket.guild_id, reference)
    own = next((claim for claim in claims if claim.user_id == ticket.user_id), None)
    keeping = _keeping(claims, ticket.user_id, options.accounts_per_order)
    holders = [await storage.claims.with_move(claim, reference) for claim in keeping]
    return Standing(holders, own, roles=True)


async def as_it_is(storage: Storage, ticket: Ticket) -> Ticket:
    """Return an open ticket with the finding that others hold its order, first of all, exactly if they do now."""
    if ticket.resolved:
        return ticket
    details = ticket.details
    findings = await with_holders(storage, ticket.guild_id, ticket.user_id, details.reference, details.findings)
    return replace(ticket, details=replace(details, findings=findings))


async def with_holders(
    storage: Storage, guild_id: int, user_id: int, reference: OrderReference | None, findings: Iterable[Finding]
) -> tuple[Finding, ...]:
    """Return the findings about a user's order, first of all that others hold it, exactly if they do now."""
    options = (await storage.guilds.load(guild_id)).options
    if reference is None or not options.buyers_roles:
        return (*of_order(findings),)
    claims = await storage.claims.of_order(guild_id, reference)
    held = [Finding(Kind.HELD_BY_OTHERS)] if _keeping(claims, user_id, options.accounts_per_order) else []
    return (*held, *of_order(findings))


def of_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings about the order itself, not about who holds it."""
    return [finding for finding in findings if finding.kind is not Kind.HELD_BY_OTHERS]


def _keeping(claims: list[Claim], user_id: int, accounts: int) -> list[Claim]:
    """Return the claims that keep an order from a user; none if it counts for them, or still can."""
    theirs = user_id in {claim.user_id for claim in claims}
    return [] if theirs or len(claims) < accounts else claims
