"""Who keeps an order from a ticket's customer."""

from dataclasses import replace

from fileflare_bot.orders.diagnosis import Kind
from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.records import Claim, Ticket
from fileflare_bot.storage.storage import Storage


async def holders_of(storage: Storage, ticket: Ticket) -> list[Claim]:
    """Return the claims that keep a ticket's order from its customer, oldest first, as keeping() does."""
    if ticket.resolved:
        return []
    return await keeping(storage, ticket.guild_id, ticket.user_id, ticket.details.reference)


async def as_it_is(storage: Storage, ticket: Ticket) -> Ticket:
    """Return a ticket without the finding that others hold its order, if nobody keeps it from the customer any more."""
    rest = tuple(finding for finding in ticket.details.findings if finding.kind is not Kind.HELD_BY_OTHERS)
    if len(rest) == len(ticket.details.findings) or ticket.resolved or await holders_of(storage, ticket):
        return ticket
    return replace(ticket, details=replace(ticket.details, findings=rest))


async def keeping(storage: Storage, guild_id: int, user_id: int, reference: OrderReference | None) -> list[Claim]:
    """Return the claims that keep an order from a user in a guild; none if it counts for them, or still can."""
    options = (await storage.guilds.load(guild_id)).options
    if reference is None or not options.buyers_roles:
        return []
    claims = await storage.claims.of_order(guild_id, reference)
    theirs = user_id in {claim.user_id for claim in claims}
    return [] if theirs or len(claims) < options.accounts_per_order else claims
