"""Start the bot with ``python bot.py``, or check its settings and services with ``python bot.py --check``."""

import argparse
import asyncio
import sys

import discord
import structlog
from cryptography.fernet import Fernet

from fileflare_bot.app import DRAIN_SECONDS
from fileflare_bot.doctor import check
from fileflare_bot.logs import configure_logging
from fileflare_bot.runner import WRONG_SETTINGS, run
from fileflare_bot.settings import SettingsError, load_settings

log = structlog.stdlib.get_logger(__name__)


def main(*, drain_seconds: float = DRAIN_SECONDS) -> int:
    """Return the exit code: 0 after a clean stop or check, 1 after a failure, 2 for wrong settings."""
    parser = argparse.ArgumentParser(description="The Fileflare Discord bot.")
    parser.add_argument("--check", action="store_true", help="test the settings, Fileflare and the Discord login")
    parser.add_argument("--new-key", action="store_true", help="print a new key for SECRET_KEYS")
    arguments = parser.parse_args()
    if arguments.new_key:
        print(Fernet.generate_key().decode())
        return 0
    try:
        settings = load_settings()
    except SettingsError as error:
        print(*error.lines, sep="\n", file=sys.stderr)
        return WRONG_SETTINGS
    configure_logging("WARNING" if arguments.check else settings.log_level, settings.log_format)
    discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # the bot uses no voice
    try:
        return asyncio.run(check(settings) if arguments.check else run(settings, drain_seconds=drain_seconds))
    except SettingsError as error:  # a setting that proves wrong in use
        log.critical("\n".join(error.lines))
        return WRONG_SETTINGS


if __name__ == "__main__":
    sys.exit(main())
