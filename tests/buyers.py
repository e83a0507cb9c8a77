"""Steps that tests about buyers' roles share."""

from desk import Desk
from simcord.actors import MemberActor
from simcord.builders import RoleHandle
from simcord.results import InteractionResult


async def rule(desk: Desk, match: str, role: RoleHandle, value: str | None = None) -> InteractionResult:
    """Add a rule as the owner, who has confirmed the product of the sample orders."""
    await desk.confirms_the_product()
    return await desk.owner.slash(
        desk.channel, "store roles add", match=match, role=role, **({} if value is None else {"value": value})
    )


def has(desk: Desk, person: MemberActor, role: RoleHandle) -> bool:
    """Return whether a member has a role in Discord."""
    return role.id in desk.env.backend.get_guild(desk.guild.id).members[person.id].role_ids


def granted(desk: Desk) -> int:
    """Return how often Discord was asked to give a role."""
    return len([call for call in desk.env.http_requests if call.method == "PUT" and "/roles/" in call.path])
