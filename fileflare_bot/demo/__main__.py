"""``make demo``: the real bot in a simulated Discord, served to a browser on loopback."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from unittest.mock import patch

import aiohttp
import discord
import simcord
from pydantic import SecretStr
from simcord.actors import MemberActor
from simcord.backend.cdn import CDN_BASE
from simcord.builders import ChannelHandle, UserHandle
from simcord.env import Env
from simcord.preview import Preview

from fileflare_bot.app import FileflareBot
from fileflare_bot.demo import orders
from fileflare_bot.demo.sample_fileflare import SampleFileflare
from fileflare_bot.demo.simulator import know_patterns, speak_german
from fileflare_bot.fileflare.found import Found
from fileflare_bot.fileflare.lookups import build_lookups
from fileflare_bot.fileflare.request_queue import Place
from fileflare_bot.i18n import Catalogs
from fileflare_bot.logs import configure_logging
from fileflare_bot.metrics import Metrics
from fileflare_bot.monitoring import monitoring
from fileflare_bot.settings import Settings
from fileflare_bot.storage.options import Match
from fileflare_bot.storage.records import Topic
from fileflare_bot.storage.storage import open_storage
from fileflare_bot.tickets import screenshots

START_SECONDS = 60.0  # for the simulator, on a slow computer
SETTLE_SECONDS = 10.0  # shorter than the HTTP keep-alive, which the simulator would wait for


@dataclass(frozen=True, slots=True)
class Demo:
    """The running demo: its browser pages, its metrics, the sample Fileflare, and its people."""

    downloads: Preview
    support: Preview
    log: Preview
    direct: Preview
    metrics_url: str
    sample: SampleFileflare
    bot: FileflareBot
    customer: MemberActor
    german: MemberActor
    moderator: MemberActor


@asynccontextmanager
async def demo() -> AsyncIterator[Demo]:
    """Run the bot, Discord and Fileflare inside this block."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="fileflare-demo-"))
        sample = await stack.enter_async_context(SampleFileflare().serve())
        session = await stack.enter_async_context(_session())
        settings = _settings(sample, Path(folder))
        storage = await stack.enter_async_context(open_storage(settings))
        metrics = Metrics()
        lookups = build_lookups(settings, session, metrics, misses=storage.misses)
        bot = FileflareBot(lookups=lookups, storage=storage, catalogs=Catalogs(), metrics=metrics)
        env = await stack.enter_async_context(
            simcord.run(bot, shard_count=1, check_errors=False, settle_timeout=START_SECONDS)
        )
        env.backend.clock._epoch += datetime.now(UTC) - env.backend.clock.now()  # noqa: SLF001 - the simulator's is fixed
        env.backend.edit_bot_profile("Fileflare")
        know_patterns(env.backend)
        stack.enter_context(_declared_waits(env))
        screenshots.CDN = (f"{CDN_BASE}/",)
        store = _Store(env)
        await store.set_up()
        metrics_url = await stack.enter_async_context(
            monitoring(settings.metrics_host, settings.metrics_port or 0, metrics, bot)
        )

        async def page(channel: ChannelHandle, *viewers: MemberActor | UserHandle) -> Preview:
            env._preview = None  # noqa: SLF001 - it keeps to one page at a time only to tell whose action runs
            return await stack.enter_async_context(
                env.preview(channel, viewers=viewers, layout="channel", presentation_time=datetime.now(UTC))
            )

        pages = (
            await page(store.downloads, store.customer, store.german, store.member, store.moderator, store.owner),
            await page(store.support, store.moderator, store.owner),
            await page(store.log, store.moderator, store.owner),
            await page(store.customer_user.dm_channel, store.customer_user),
        )
        env.settle_timeout = SETTLE_SECONDS
        yield Demo(*pages, metrics_url, sample, bot, store.customer, store.german, store.moderator)


@contextmanager
def _declared_waits(env: Env) -> Iterator[None]:
    """Tell the simulator that whoever waits in the line waits for something outside, so that it shows the waiting."""
    come = Place.come

    async def declared(place: Place, patience: float) -> Found | None:
        waiting = env.external_wait(come(place, patience), reason="it is not their turn")
        return cast("Found | None", await waiting)

    with patch.object(Place, "come", declared):
        yield


class _Store:
    """The people and channels of a small store's guild."""

    def __init__(self, env: Env) -> None:
        owner = env.create_user("olivia", global_name="Olivia (owner)")
        self.guild = env.create_guild("The Book Shop", owner=owner)
        team = self.guild.create_role("Moderators", permissions=discord.Permissions(manage_messages=True))
        self.buyers = self.guild.create_role("Buyers")
        self.owner = MemberActor(env, self.guild, owner)
        admins = self.guild.create_role("Admins", permissions=discord.Permissions(administrator=True), position=50)
        self._admin = self.guild.add_member(env.create_user("otto"), roles=[admins])  # no viewer sees its replies
        self.customer_user = env.create_user("casey", global_name="Casey (customer)")
        self.customer = self.guild.add_member(self.customer_user)
        self.german = self.guild.add_member(env.create_user("jonas", global_name="Jonas (German customer)"))
        speak_german(env.backend, self.german.id)
        self.member = self.guild.add_member(env.create_user("max", global_name="Max (another customer)"))
        moderator = env.create_user("mia", global_name="Mia (moderator)")
        self.moderator = self.guild.add_member(moderator, roles=[team])
        self.downloads = self.guild.create_text_channel("downloads")
        hidden, seen = discord.PermissionOverwrite(view_channel=False), discord.PermissionOverwrite(view_channel=True)
        assert env.bot.user is not None
        private: dict[Any, discord.PermissionOverwrite] = {
            self.guild.default_role: hidden,
            team: seen,
            env.bot.user: seen,
        }
        self.support = self.guild.create_text_channel("support-desk", overwrites=private)
        self.log = self.guild.create_text_channel("bot-log", overwrites=private)

    async def set_up(self) -> None:
        """Set the bot up as the owner, and file a ticket as a customer."""
        await self._admin.slash(
            self.downloads, "store roles add", match=Match.PRODUCT_ID, role=self.buyers, value="123456"
        )
        await self._admin.slash(self.downloads, "store panel")
        setup = await self._admin.slash(self.downloads, "store setup")
        assert setup.response is not None
        await self._admin.select(setup.response, [self.support], custom_id="store_setup:set:support_channel_id")
        await self._admin.select(setup.response, [self.log], custom_id="store_setup:set:log_channel_id")
        await self._admin.click(setup.response, custom_id="store_setup:toggle:leak_guard:on")
        reply = await self.member.slash(self.downloads, "mydownloads", **{"order-id": orders.USED_UP})
        assert reply.response is not None
        asked = await self.member.click(reply.response, label="Get help")
        words = "I clicked once on my phone and it broke off. Now it says nothing is left!"
        await self.member.submit_modal(asked, {"topic": Topic.NOTHING_LEFT.value, "words": words})


def _session() -> aiohttp.ClientSession:
    """Return a session that keeps no connection: the simulator would wait for the keep-alive's timer."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))


def _settings(sample: SampleFileflare, folder: Path) -> Settings:
    """Return the settings of the environment, but with a made-up token, the sample Fileflare, and wide limits.

    The simulator's clock stands still while nobody acts, so a reached limit would never reset.
    """
    return Settings(
        _env_file=None,
        discord_token=SecretStr("this-is-no-real-token.demo.this-is-no-real-token"),
        fileflare_base_url=sample.url,
        database_url=SecretStr(f"sqlite:///{folder.as_posix()}/demo.db"),
        lookups_per_person=10_000,
        lookups_per_server=10_000,
        fileflare_requests_per_minute=100_000,
    )


async def main() -> int:
    """Serve the demo until Ctrl-C and return the exit code."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stopping.set)
        except NotImplementedError:  # Windows; Ctrl-C ends the loop there
            break
    async with demo() as running:
        print(_welcome(running), flush=True)
        closed = asyncio.create_task(running.downloads.wait_closed())
        stop = asyncio.create_task(stopping.wait())
        await asyncio.wait({closed, stop}, return_when=asyncio.FIRST_COMPLETED)
        for task in (closed, stop):
            task.cancel()
    print("\nThe demo has stopped.")
    return 0


def _welcome(running: Demo) -> str:
    tries = (
        ("the documented order", orders.DOCUMENTED),
        ("a large one, 300 files", orders.LARGE),
        ("one used up, one last", orders.USED_UP),
        ("without files", orders.EMPTY),
        ("unknown to Fileflare; the fifth try makes you wait a minute", orders.UNKNOWN),
        ("a slow one", orders.SLOW),
        ("a hostile one", orders.HOSTILE),
        ("an order link", f"https://my-store.com/account/orders/{orders.DOCUMENTED}"),
        ("an order number", "#1050"),
        ("the address of a new customer account", "https://shopify.com/12345/account/orders/6789012345"),
    )
    lines = [f"  {token}  {what}" for what, token in tries]
    return "\n".join(
        (
            "",
            "Open these addresses in a browser (Ctrl-C here stops it):",
            "",
            f"  {running.downloads.url}  the store's channel, for customers",
            f"  {running.support.url}  the moderators' channel",
            f"  {running.log.url}  the log channel",
            f"  {running.direct.url}  Casey's direct messages",
            "",
            "Press the panel's button, or type /mydownloads, and give one of these:",
            "",
            *lines,
            "",
            "Open a file, then press Refresh: one download fewer is left.",
            "Be Olivia for /store setup, /store status, /store products and /store roles list.",
            "Be Jonas to see the bot in German.",
            "Be Casey and press Get help, then be Mia in the moderators' channel: Take, Check again, Answer, Resolve.",
            "Send an order link as a message: the leak guard stops it, and the log channel says so.",
            "What happens in one page shows in another after its Refresh preview.",
            f"For machines: {running.metrics_url}/metrics, /healthz and /readyz.",
        )
    )


if __name__ == "__main__":
    configure_logging(os.environ.get("LOG_LEVEL", "WARNING"), "console")
    try:
        sys.exit(asyncio.run(main()))
    except KeyboardInterrupt:
        sys.exit(0)
