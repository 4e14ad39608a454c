"""Settings of the kit: from arguments, else from ``HEXCLAVE_*``, else from ``STACK_*``.

Everything that can be wrong is found at once, before the first request, and said in one message
that names the variable to set. No message and no repr holds a value of a secret.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from stack_fastapi.exceptions import ConfigurationError
from stack_fastapi.types import TokenSource

#: Both names of the cloud service: a project's tokens may be issued under either.
CLOUD_HOSTS = ("https://api.stack-auth.com", "https://api.hexclave.com")

_PREFIXES = ("HEXCLAVE_", "STACK_")
#: Bytes of a key that signs webhooks; Stack's have 24.
_SHORTEST_KEY = 16


def _base_url(value: str) -> str:
    """A server's URL without the trailing slash and ``/api/v1``, which people add or leave out."""
    url = value.strip().rstrip("/").removesuffix("/api/v1").rstrip("/")
    parts = _checked_url(url)
    if set("?#@\\") & set(url):
        raise ValueError("must be a plain URL without user, query or fragment")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path}"


def _checked_url(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// URL")
    if not url.isprintable() or " " in url:
        raise ValueError("must be a URL without white space")
    _ = parts.port  # raises for one that is no port
    return parts


def _origin(value: str) -> str:
    """An origin as browsers send it: scheme, host and port, nothing behind (RFC 6454)."""
    parts = _checked_url(value)
    if f"{parts.scheme}://{parts.netloc}" != value or set("@*") & set(value):
        raise ValueError("must be an origin such as https://app.example.com")
    default_port = ":443" if parts.scheme == "https" else ":80"  # which browsers leave out
    return value.lower().removesuffix(default_port)


def _words(value: object) -> object:
    """A comma-separated list, as an environment variable holds it."""
    if isinstance(value, str):
        return tuple(word.strip() for word in value.split(",") if word.strip())
    return value


def _word(value: str) -> str:
    if not value or not value.isascii() or not value.isprintable() or set(value) & set(" /?#:%\\"):
        raise ValueError("must be the project's id, a word without spaces or slashes")
    return value


def _key(value: SecretStr) -> SecretStr:
    secret = value.get_secret_value()
    if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise ValueError("must be the key as the dashboard shows it, without spaces")
    return value


def _webhook_key(value: SecretStr) -> SecretStr:
    prefix, _, key = value.get_secret_value().partition("_")
    try:
        is_good = prefix == "whsec" and len(base64.b64decode(key, validate=True)) >= _SHORTEST_KEY
    except ValueError:  # not chained: it may quote the key
        is_good = False
    if not is_good:
        raise ValueError("must be the endpoint's signing secret as the dashboard shows it, whsec_…")
    return value


def _server_key(value: SecretStr) -> SecretStr:
    if value.get_secret_value().startswith("pck_"):
        raise ValueError("must be the secret server key, ssk_…; this is the publishable client key")
    return _key(value)


BaseUrl = Annotated[str, AfterValidator(_base_url)]
Origin = Annotated[str, AfterValidator(_origin)]
Key = Annotated[SecretStr, AfterValidator(_key)]
WebhookKey = Annotated[SecretStr, AfterValidator(_webhook_key)]
Words = (NoDecode, BeforeValidator(_words))
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
PositiveSeconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class StackAuthSettings(BaseSettings):
    """All settings; durations are seconds.

    Each field is also read from the environment: ``project_id`` from ``HEXCLAVE_PROJECT_ID`` or
    ``STACK_PROJECT_ID``, and so on. Lists are separated by commas there. Both names with
    different values are an error, since nobody can tell which is meant.

    Attributes:
        project_id: id of the Stack project; a UUID in most cases, but any word will do.
        secret_server_key: the project's server key, ``ssk_…``.
        publishable_client_key: the project's client key, ``pck_…``; the kit can do without.
        api_url: where Stack's API is reached, without ``/api/v1``.
        issuers: further base URLs that tokens may name as their issuer, such as the public URL of
            a self-hosted server that is called by another name from here.
        user_cache_ttl: how long a fetched user is used before Stack is asked again.
        user_cache_size: how many users are kept in memory at the most.
        stale_if_error: how long beyond ``user_cache_ttl`` a known user lives on in an outage.
        timeout: the longest that one request to Stack may take, repetitions included.
        token_sources: where a request may carry its token.
        allowed_origins: origins whose pages may use cookies for unsafe methods and WebSockets.
        allow_anonymous: whether routes admit anonymous users unless they say otherwise.
        allow_restricted: whether routes admit restricted users unless they say otherwise.
        leeway: how long after ``exp`` a token is still accepted; Stack itself gives no time.
        clock_skew: how far ahead of our clock a token's ``iat`` and ``nbf`` may lie.
        max_token_lifetime: the longest accepted time from a token's ``iat`` to its ``exp``.
        jwks_ttl: how long a key set is used before it is fetched again.
        jwks_cooldown: after so long the key set may be fetched once more because of an unknown key
            id; three fetches may come at once.
        webhook_secret: what Stack signs webhooks to this app with, ``whsec_…``; wanted where a
            route receives them.

    Raises:
        ConfigurationError: a setting is missing or wrong; lists all of them.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    project_id: Annotated[str, AfterValidator(_word)]
    secret_server_key: Annotated[SecretStr, AfterValidator(_server_key)]
    publishable_client_key: Key | None = None
    api_url: BaseUrl = CLOUD_HOSTS[0]
    issuers: Annotated[tuple[BaseUrl, ...], *Words] = ()
    user_cache_ttl: Seconds = 60.0
    user_cache_size: Annotated[int, Field(ge=1)] = 10_000
    stale_if_error: Seconds = 300.0
    timeout: PositiveSeconds = 5.0
    token_sources: Annotated[tuple[TokenSource, ...], *Words, Field(min_length=1)] = (
        "header",
        "bearer",
    )
    allowed_origins: Annotated[tuple[Origin, ...], *Words] = ()
    allow_anonymous: bool = False
    allow_restricted: bool = False
    leeway: Seconds = 0.0
    clock_skew: Seconds = 30.0
    max_token_lifetime: PositiveSeconds = 86_400.0
    jwks_ttl: PositiveSeconds = 3_600.0
    jwks_cooldown: PositiveSeconds = 30.0
    webhook_secret: WebhookKey | None = None

    def __init__(self, **values: Any) -> None:  # noqa: ANN401 - any field, checked below
        problems = [*_conflicts(os.environ, values)]
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems += map(_describe, error.errors(include_input=False, include_context=False))
        # Raised out here and without the values, so that no traceback leads to a secret.
        values.clear()
        if problems:
            raise ConfigurationError([*dict.fromkeys(problems)])

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - replaced by ours
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - files are the app's business
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment under both of its names."""
        return init_settings, _Environment(settings_cls)

    def __setattr__(self, name: str, value: object) -> None:
        # pydantic's own refusal would show the value, which may be a key.
        raise AttributeError("settings cannot be changed")

    @staticmethod
    def missing(field: str) -> str:
        """The problem of a setting that is wanted and not there."""
        return f"{field} is missing: set {_variables(field)}, or pass {field}=…"

    @property
    def issuer_bases(self) -> tuple[str, ...]:
        """Every base URL that a token may name as its issuer; the cloud's hosts are one service."""
        bases = (self.api_url, *self.issuers)
        aliases = CLOUD_HOSTS if set(bases) & set(CLOUD_HOSTS) else ()
        return tuple(dict.fromkeys((*bases, *aliases)))


class _Environment(PydanticBaseSettingsSource):
    """Reads each field from its first variable that is set; an empty one counts as unset."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:  # noqa: ANN401, ARG002
        """The base class's way to ask for one field."""
        names = [prefix + field_name.upper() for prefix in _PREFIXES]
        return (
            next((os.environ[name] for name in names if os.environ.get(name)), None),
            names[0],
            False,
        )

    def __call__(self) -> dict[str, Any]:
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


def _conflicts(environment: Mapping[str, str], values: Mapping[str, object]) -> Iterator[str]:
    """Fields that both names set, each to something else, and no argument decides."""
    for field in StackAuthSettings.model_fields:
        names = [prefix + field.upper() for prefix in _PREFIXES]
        seen = {environment[name] for name in names if environment.get(name)}
        if len(seen) > 1 and field not in values:
            yield f"{field}: {' and '.join(names)} differ; keep one of them"


def _describe(error: Mapping[str, Any]) -> str:
    field = str(error["loc"][0]) if error["loc"] else "settings"
    if field not in StackAuthSettings.model_fields:
        return f"{field}: there is no such setting"
    if error["type"] == "missing":
        return StackAuthSettings.missing(field)
    reason = str(error["msg"]).removeprefix("Value error, ")
    return f"{field} is wrong (from {_variables(field)}, or an argument): {reason}"


def _variables(field: str) -> str:
    return " or ".join(prefix + field.upper() for prefix in _PREFIXES)
