"""All refusals, for the tests that must hold for each of them."""

from importlib import import_module

from fileflare_bot.app import COGS
from fileflare_bot.refusal import Refusal

for _cog in COGS:
    import_module(_cog)  # some refusals are raised by one cog only


def leaves(kind: type[Refusal]) -> list[type[Refusal]]:
    """Return the classes that are raised: those without subclasses."""
    below = kind.__subclasses__()
    found = [leaf for child in below for leaf in leaves(child)] if below else [kind]
    return list({leaf.__qualname__: leaf for leaf in found}.values())  # discord.py loads a cog's module again
