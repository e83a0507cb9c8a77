"""The settings, read from the environment and ``.env`` by one function that ``main()`` calls."""

import re
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from babel import Locale, UnknownLocaleError
from cryptography.fernet import Fernet
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    HttpUrl,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from fileflare_bot.database_url import database_url, driver_options
from fileflare_bot.i18n import LOCALES, SOURCE_LOCALE

_BOT_TOKEN: Final = re.compile(r"[\w-]{18,}\.[\w-]{4,}\.[\w-]{20,}", re.ASCII)
_LOOPBACK: Final = {"localhost", "127.0.0.1", "[::1]"}
_PROXY_SCHEMES: Final = ("http://", "https://")
_AROUND: Final = " \t\r\n\xa0\u200b\ufeff"  # what copying leaves around a value, besides quotes
_QUOTES: Final = {'"': '"', "'": "'", "`": "`", "“": "”", "„": "“", "‘": "’", "‚": "‘", "«": "»"}  # noqa: RUF001


class SettingsError(Exception):
    """Raised when settings are missing or wrong; ``lines`` holds a sentence for each, without its value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def _bot_token(value: SecretStr) -> SecretStr:
    token = _bare("", re.sub(r"^(?:Authorization:\s*)?Bot\s+", "", value.get_secret_value(), flags=re.IGNORECASE))
    if not _BOT_TOKEN.fullmatch(token):
        raise ValueError("is not a bot token: copy it anew from the Discord Developer Portal > Bot > Reset Token")
    return SecretStr(token)


def _base_url(value: str) -> str:
    url = TypeAdapter(HttpUrl).validate_python(value.strip())
    if url.scheme != "https" and url.host not in _LOOPBACK:
        raise ValueError("must begin with https://, as order IDs travel to it")
    if "?" in str(url) or "#" in str(url) or url.username or url.password:
        raise ValueError("must be a plain address, without user, query or fragment")
    return str(url).rstrip("/")


def _database_url(value: SecretStr) -> SecretStr:
    address = _bare("", re.sub(r"^psql\s+", "", value.get_secret_value()))  # Neon copies the command psql with it
    database_url(address)
    _ = driver_options(address)
    return SecretStr(address)


def _proxy(value: SecretStr) -> SecretStr:
    address = value.get_secret_value()
    if "://" not in address:
        address = f"http://{address}"  # as curl takes it
    if not address.lower().startswith(_PROXY_SCHEMES):
        raise ValueError("must begin with http:// or https://: other kinds of proxies are not supported")
    try:
        host = urlsplit(address).hostname
        _ = urlsplit(address).port
    except ValueError:
        host = None
    if not host:
        raise ValueError("is not the address of a proxy")
    return SecretStr(address)


def _secret_keys(value: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
    for key in value:
        try:
            Fernet(key.get_secret_value())
        except ValueError:
            raise ValueError("holds what is not a key") from None
    url = info.data.get("database_url")
    if not value and url is not None and not database_url(url.get_secret_value()).drivername.startswith("sqlite"):
        raise ValueError("is missing: with PostgreSQL it is needed, and is the same for every process of the bot")
    return value


def _clusters(value: int, info: ValidationInfo) -> int:
    url = info.data.get("database_url")
    if value > 1 and url is not None and database_url(url.get_secret_value()).drivername.startswith("sqlite"):
        raise ValueError("must be 1 with SQLite: several processes need the PostgreSQL of DATABASE_URL")
    return value


def _locale(value: str) -> str:
    try:
        locale = Locale.parse(value.strip().replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        raise ValueError("is not a language code") from None
    if not {str(locale), locale.language} & {SOURCE_LOCALE, *(folder.name for folder in LOCALES.iterdir())}:
        raise ValueError("is a language that the bot does not speak yet")
    return str(locale)


def _comma_separated(value: Any) -> Any:  # noqa: ANN401 - pydantic hands over anything
    if not isinstance(value, str):
        return value
    quotes = "".join({*_QUOTES, *_QUOTES.values()})
    return [bare for part in re.split(r"[,\s]+", value) if (bare := part.strip(quotes))]


def _bare(name: str, value: str) -> str:
    """Take off what people paste along with a value: quotes around it, and the setting's own name before it."""
    own_name = re.compile(rf"^(?:export\s+|set\s+)?{name}\s*=", re.IGNORECASE)
    before = None
    while value != before:
        before = value
        value = own_name.sub("", value.strip(_AROUND)).strip(_AROUND)
        if len(value) > 1 and _QUOTES.get(value[0]) == value[-1]:
            value = value[1:-1]
    return value


class Settings(BaseSettings):
    """The bot's settings; ``.env.example`` says what each is for."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
        frozen=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _as_it_is_meant(cls, values: Any) -> Any:  # noqa: ANN401 - pydantic hands over anything
        """Tidy each value; one that is empty then counts as not given."""
        if not isinstance(values, dict):
            return values
        bare = {name: _bare(name, value) if isinstance(value, str) else value for name, value in values.items()}
        return {name: value for name, value in bare.items() if value != ""}

    discord_token: Annotated[SecretStr, AfterValidator(_bot_token)] = Field(
        examples=["<the token from Discord Developer Portal > Bot>"]
    )
    fileflare_base_url: Annotated[str, AfterValidator(_base_url)] = "https://app.digital-downloads.com"
    fileflare_timeout_seconds: float = Field(default=15.0, gt=0, le=120, examples=["15"])
    fileflare_requests_per_minute: float = Field(default=60, gt=0, le=100_000)
    fileflare_fastest_per_minute: float | None = Field(default=None, gt=0, le=100_000, examples=["240"])
    lookups_per_person: int = Field(default=20, ge=1, le=10_000)
    lookups_per_server: int = Field(default=120, ge=1, le=100_000)
    database_url: Annotated[SecretStr, AfterValidator(_database_url)] = Field(
        default=SecretStr("sqlite:///data/fileflare.db"), examples=["sqlite:///data/fileflare.db"]
    )
    secret_keys: Annotated[
        tuple[SecretStr, ...], NoDecode, BeforeValidator(_comma_separated), AfterValidator(_secret_keys)
    ] = Field(default=(), validate_default=True, examples=["<what this prints: python bot.py --new-key>"])
    clusters: Annotated[int, AfterValidator(_clusters)] = Field(default=1, ge=1, le=1000, examples=["2"])
    keep_resolved_days: int = Field(default=90, ge=1, le=3650)
    keep_left_servers_days: int = Field(default=30, ge=1, le=3650)
    help_open_per_person: int = Field(default=3, ge=1, le=100)
    help_a_day_per_person: int = Field(default=10, ge=1, le=1000)
    https_proxy: Annotated[SecretStr, AfterValidator(_proxy)] | None = Field(
        default=None, examples=["http://proxy.example:3128"]
    )
    http_proxy: Annotated[SecretStr, AfterValidator(_proxy)] | None = Field(
        default=None, examples=["http://proxy.example:3128"]
    )
    no_proxy: str | None = Field(default=None, examples=["fileflare.example,.internal"])
    metrics_host: Annotated[str, AfterValidator(lambda host: host.strip("[]"))] = Field(
        default="127.0.0.1", min_length=1
    )
    metrics_port: int | None = Field(default=None, ge=1, le=65_535, examples=["9090"])
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "INFO"
    log_format: Annotated[Literal["console", "json"], BeforeValidator(str.lower)] = Field(
        default="console", examples=["json"]
    )
    default_locale: Annotated[str, AfterValidator(_locale)] = Field(default="en", examples=["de"])


def load_settings() -> Settings:
    """Read the settings from the environment and ``.env``.

    Raises:
        SettingsError: a setting is missing or wrong, or ``.env`` cannot be read.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = {str(detail["loc"][0]): detail for detail in reversed(error.errors(include_url=False))}
        raise SettingsError(
            [_explanation(name, Settings.model_fields[name], dict(detail)) for name, detail in sorted(wrong.items())]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f".env cannot be read ({type(error).__name__}): save it as plain UTF-8 text."]) from None


def _explanation(name: str, field: FieldInfo, detail: dict[str, Any]) -> str:
    example = f"{name.upper()}={field.examples[0] if field.examples else field.default}"
    if detail["type"] == "missing":
        return f"{name.upper()} is missing: put a line such as {example} into .env."
    what = str(detail["msg"]).removeprefix("Value error, ")
    what = what if what.startswith(("is ", "must ")) else f"is wrong: {what.replace('Input should', 'it should')}"
    return f"{name.upper()} {what}. For example: {example}"
