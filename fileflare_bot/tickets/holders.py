"""Who keeps an order from a ticket's customer."""

from fileflare_bot.orders.reference import OrderReference
from fileflare_bot.storage.records import Claim, Ticket
from fileflare_bot.storage.storage import Storage


async def holders_of(storage: Storage, ticket: Ticket) -> list[Claim]:
    """Return the claims that keep a ticket's order from its customer, oldest first, as keeping() does."""
    if ticket.resolved:
        return []
    return await keeping(storage, ticket.guild_id, ticket.user_id, ticket.details.reference)


async def keeping(storage: Storage, guild_id: int, user_id: int, reference: OrderReference | None) -> list[Claim]:
    """Return the claims that keep an order from a user in a guild; none if it counts for them, or still can."""
    options = (await storage.guilds.load(guild_id)).options
    if reference is None or not options.buyers_roles:
        return []
    claims = await storage.claims.of_order(guild_id, reference)
    theirs = user_id in {claim.user_id for claim in claims}
    return [] if theirs or len(claims) < options.accounts_per_order else claims
