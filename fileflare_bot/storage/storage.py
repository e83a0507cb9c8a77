"""The whole storage: built from the settings, started once, maintained while the bot runs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from fileflare_bot.database_url import database_url, driver_options, ignored_parameters, sqlite_file
from fileflare_bot.settings import Settings, SettingsError
from fileflare_bot.storage.audit import Audit
from fileflare_bot.storage.claims import Claims
from fileflare_bot.storage.database import Database, Migration, unit_of_work, utc_now
from fileflare_bot.storage.encryption import KEY_FILE, Cipher, Unreadable, make_key
from fileflare_bot.storage.ended_stages import EndedStages
from fileflare_bot.storage.errors import StorageUnavailable
from fileflare_bot.storage.figures import Figures
from fileflare_bot.storage.file_modes import tighten
from fileflare_bot.storage.guilds import Guilds
from fileflare_bot.storage.intents import Intents
from fileflare_bot.storage.keys import Keys
from fileflare_bot.storage.leases import Leases
from fileflare_bot.storage.misses import StoredMisses
from fileflare_bot.storage.panels import StoredPanels
from fileflare_bot.storage.personal_data import PersonalData
from fileflare_bot.storage.products import Products
from fileflare_bot.storage.retention import Retention
from fileflare_bot.storage.role_grants import RoleGrants
from fileflare_bot.storage.saved_orders import SavedOrders
from fileflare_bot.storage.start_failures import start_failure, unreadable_key
from fileflare_bot.storage.ticket_rows import TicketRows
from fileflare_bot.storage.tickets import Tickets

PRUNE_EVERY: Final = timedelta(hours=6)
ROTATE_AGAIN_SECONDS: Final = 60.0  # after the database was away
RENEWAL_SECONDS: Final = 4.0  # in which the database must answer about a lease
_DAMAGED_KEY: Final = f"{KEY_FILE} beside the database of DATABASE_URL is damaged: put it back from your backup."
_IS_NEW: Final = "It is new and empty; if your data should be in it, look at DATABASE_URL."
_WRONG_KEYS: Final = (
    "SECRET_KEYS does not open what is stored in the database of DATABASE_URL: add the key that it was stored with."
)

log = structlog.stdlib.get_logger(__name__)


class Storage:
    """What survives a restart. Until it has been started, hashes and the guilds' settings raise StorageUnavailable.

    ``timeouts`` are Database's. ``place`` says where the database is, for an operator. ``rotation`` re-encrypts what an
    older key has encrypted, in the background.
    """

    def __init__(self, settings: Settings, **timeouts: float) -> None:
        given = settings.database_url.get_secret_value()
        url = database_url(given)
        if ignored := ignored_parameters(given):
            log.warning("database_url_parameters_ignored", names=ignored)
        keys = [key.get_secret_value() for key in settings.secret_keys]
        file = sqlite_file(url)
        if file is not None:
            tighten(file)
            keys += _key_file(file, needed=not keys)
        self._several_keys = len(keys) > 1
        try:
            cipher = Cipher(keys)
        except ValueError:  # the file's key: Settings has checked its own
            raise SettingsError([_DAMAGED_KEY]) from None
        self._database = Database(url, driver_options=driver_options(given), **timeouts)
        # Connections of their own: a lease that waited for busy ones would be lost.
        self._of_leases = Database(
            url, driver_options=driver_options(given), **{**timeouts, "answer_seconds": RENEWAL_SECONDS}
        )
        self.leases = Leases(self._of_leases)
        self._clusters = settings.clusters
        self._file = file
        self.place = _place(url)
        self.keep_resolved_days = settings.keep_resolved_days
        self._keep_left_guilds_days = settings.keep_left_servers_days
        self.retention = Retention(self._database)
        self.keys = Keys(self._database, cipher)
        self._pruned_at = utc_now() - PRUNE_EVERY
        self.available = False
        self._started = False
        self.rotation: asyncio.Task[None] | None = None
        self.guilds = Guilds(self._database, cipher)
        ticket_rows = TicketRows(cipher)
        self.tickets = Tickets(
            self._database,
            ticket_rows,
            open_per_user=settings.help_open_per_person,
            a_day_per_user=settings.help_a_day_per_person,
        )
        self.ended_stages = EndedStages(self._database, ticket_rows)
        self.claims = Claims(self._database, cipher)
        self.products = Products(self._database)
        self.role_grants = RoleGrants(self._database)
        self.panels = StoredPanels(self._database)
        self.saved_orders = SavedOrders(self._database, cipher)
        self.misses = StoredMisses(self._database, lambda: self.available)
        self.audit = Audit(self._database)
        self.intents = Intents(self._database, cipher)
        self.figures = Figures(self._database)
        self.personal_data = PersonalData(
            self._database,
            ticket_rows=ticket_rows,
            tickets=self.tickets,
            saved_orders=self.saved_orders,
            claims=self.claims,
            products=self.products,
        )

    @unit_of_work
    async def start(self) -> None:
        """Migrate the tables and read the key of the hashes; begin to re-encrypt if there is an older key.

        Raises:
            StorageUnavailable: the database is unreachable; try again later.
            SettingsError: the settings are wrong; trying again does not help.
        """
        with _failures(self._file):
            migration = await self._database.migrate()
        if migration is Migration.CREATED:
            key = "SECRET_KEYS" if self._file is None else str(self._file.with_name(KEY_FILE).absolute())
            log.info(migration, place=self.place, key=key, note=_IS_NEW)
        elif migration is not None:
            log.info(migration)
        try:
            bind = await self.keys.read_hash_key()
        except Unreadable:
            raise SettingsError([_WRONG_KEYS]) from None
        if bind:  # before anything is read: nobody can have moved a text meanwhile
            renewed = await self.keys.renew(bind=True)
            if renewed > 1:  # binding the hash key alone says nothing: a new database has it, too
                log.info("secrets_bound", count=renewed)
        await self.guilds.refresh()
        self._started = self.available = True
        if self._several_keys and not bind:
            self.rotation = asyncio.create_task(self._rotate())

    @unit_of_work
    async def check(self) -> bool:
        """Check that the database responds, but neither its version nor the keys; raises like start().

        Returns whether it has tables already.
        """
        with _failures(self._file):
            return await self._database.probe()

    async def tend(self, *, unused: bool = False) -> bool:
        """Start if that failed before, read the changes of other processes, and delete old data.

        Return False if the database is away.

        Raises:
            SettingsError: the settings are wrong, and nothing goes on meanwhile: the storage is ``unused``.
        """
        try:
            was_available = self.available
            if self._started:
                await self.guilds.refresh()
            else:
                await self.start()
            self.available = True
            if not was_available:
                log.info("database_back")
            if utc_now() - self._pruned_at >= PRUNE_EVERY:
                self._pruned_at = utc_now()  # even if it fails: the rest of the upkeep must go on
                if self._clusters == 1:
                    await self._prune()
                else:
                    async with self.leases.once("retention", PRUNE_EVERY) as mine:
                        if mine:
                            await self._prune()
            await self._database.empty_log()
        except StorageUnavailable as error:
            if self.available:
                log.warning("database_away", error=str(error))
            self.available = False
            return False
        except SettingsError as error:
            if unused:
                raise
            log.error("database_refused", lines=error.lines)  # noqa: TRY400 - the lines say it all
        return True

    async def _rotate(self) -> None:
        while True:
            try:
                log.info("secrets_rotated", count=await self.keys.renew())
            except StorageUnavailable:
                await asyncio.sleep(ROTATE_AGAIN_SECONDS)
                continue
            except Exception:  # nobody waits for it: the old key still opens the rest, and the next start goes on
                log.exception("rotation_failed")
            return

    async def _prune(self) -> None:
        if deleted := await self.retention.delete_resolved(self.keep_resolved_days):
            log.info("requests_pruned", count=deleted)
        if forgotten := await self.retention.delete_left_guilds(self._keep_left_guilds_days):
            self.guilds.forget(forgotten)
            log.info("left_servers_forgotten", count=len(forgotten))
        await self.retention.delete_forgotten_claims()
        await self.retention.delete_forgiven_misses()

    async def close(self) -> None:
        """Stop re-encrypting, and close every connection; the next start re-encrypts the rest."""
        if self.rotation is not None:
            self.rotation.cancel()
            await asyncio.wait([self.rotation])
        await self._database.close()
        await self._of_leases.close()


@asynccontextmanager
async def open_storage(settings: Settings, **timeouts: float) -> AsyncIterator[Storage]:
    """Open the storage, and start it unless its database is unreachable; ``timeouts`` are Database's.

    Raises:
        SettingsError: the settings are wrong.
    """
    storage = Storage(settings, **timeouts)
    try:
        try:
            await storage.start()
        except StorageUnavailable as error:
            log.warning("database_away", error=str(error))
        yield storage
    finally:
        await storage.close()


def _place(url: sa.URL) -> str:
    file = sqlite_file(url)
    if file is not None:
        return str(file.absolute())
    return f"PostgreSQL on {url.host or url.query['host']}, database {url.database or url.username}"


def _key_file(database: Path, *, needed: bool) -> list[str]:
    """Return the key beside the database, if there is one; create it if it is ``needed``."""
    file = database.with_name(KEY_FILE)
    try:
        if needed:
            database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_key(database)
        elif not file.exists():
            return []
    except OSError as error:
        raise start_failure(error, database) from None
    try:
        return [file.read_text(encoding="ascii", errors="replace").strip()]
    except OSError as error:
        raise SettingsError([unreadable_key(file, error)]) from None


@contextmanager
def _failures(file: Path | None) -> Iterator[None]:
    """Map start-up errors to SettingsError (permanent) or StorageUnavailable (temporary)."""
    try:
        yield
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        raise start_failure(error, file) from None
