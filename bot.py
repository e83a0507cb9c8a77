"""Start the bot with ``python bot.py``, or check its settings and services with ``python bot.py --check``."""

import argparse
import asyncio
import gc
import io
import platform
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts it by hand may have an older one
    print("Python 3.11 or newer is needed: install it, then start the bot with it.", file=sys.stderr)
    sys.exit(2)
# Fewer looks for garbage, a seventh of the start: nearly all that it makes stays, and so does what a lookup leaves.
gc.set_threshold(10_000, 20, 100)  # objects, and collections of the generation below
try:
    import discord
    import structlog
    from cryptography.fernet import Fernet

    from fileflare_bot import __version__
    from fileflare_bot.app import DRAIN_SECONDS
    from fileflare_bot.backup import BackupFailed, back_up
    from fileflare_bot.doctor import check
    from fileflare_bot.logs import configure_logging, log_uncaught
    from fileflare_bot.runner import WRONG_SETTINGS, run
    from fileflare_bot.settings import Settings, SettingsError, load_settings
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] in {"cogs", "fileflare_bot"}:
        raise  # a bug
    ready = Path(__file__).parent / ".venv" / "bin" / "python"
    install = "make run, or: python3 -m venv .venv && .venv/bin/pip install --require-hashes -r requirements.lock"
    what = f"{ready} {Path(__file__)}" if ready.exists() and ready.parents[1] != Path(sys.prefix) else install
    print(f"This Python lacks the bot's dependencies (there is no module {error.name}): run {what}", file=sys.stderr)
    sys.exit(2)

log = structlog.stdlib.get_logger(__name__)


def main(*, drain_seconds: float = DRAIN_SECONDS) -> int:
    """Return the exit code: 0 after a clean stop or check, 1 after a failure, 2 for wrong settings."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console that cannot show an emoji gets its code instead
            stream.reconfigure(errors="backslashreplace")
    arguments = _arguments()
    if arguments.new_key:
        print(Fernet.generate_key().decode())
        return 0
    try:
        settings = load_settings()
    except SettingsError as error:
        print(*error.lines, sep="\n", file=sys.stderr)
        return WRONG_SETTINGS
    if arguments.backup is not None:
        return _back_up(settings, arguments.backup)
    configure_logging("WARNING" if arguments.check else settings.log_level, settings.log_format)
    log_uncaught()
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # the bot uses no voice
    try:
        return asyncio.run(check(settings) if arguments.check else run(settings, drain_seconds=drain_seconds))
    except SettingsError as error:  # a setting that proves wrong in use
        log.critical("\n".join(error.lines))
        return WRONG_SETTINGS


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bot.py", description="The Fileflare Discord bot.")
    versions = f"Fileflare bot {__version__} (Python {platform.python_version()}, discord.py {discord.__version__})"
    parser.add_argument("--version", action="version", version=versions)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="test the settings, Fileflare and the Discord login")
    what.add_argument("--new-key", action="store_true", help="print a new key for SECRET_KEYS")
    what.add_argument(
        "--backup", type=Path, metavar="FOLDER", help="copy the SQLite database into this folder, also while it is used"
    )
    return parser.parse_args()


def _back_up(settings: Settings, folder: Path) -> int:
    try:
        print(*back_up(settings, folder), sep="\n")
    except BackupFailed as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
