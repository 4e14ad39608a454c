"""The parts of an engine, built in the order in which they need each other.

Imported when an engine is made, and not when one is named: what is in here brings the HTTP, JOSE
and settings libraries along.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from stack_fastapi.cache import SharedTier, Store
from stack_fastapi.client import StackServerClient
from stack_fastapi.client.transport.http import StackHttp
from stack_fastapi.lookups.api_keys import ApiKeys
from stack_fastapi.lookups.permissions import Permissions
from stack_fastapi.lookups.sessions import Sessions
from stack_fastapi.lookups.users import Users
from stack_fastapi.settings import StackAuthSettings
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.tokens.claims import TokenRules, issuers_of
from stack_fastapi.tokens.credentials import CredentialReader
from stack_fastapi.tokens.jwks import KeySet
from stack_fastapi.tokens.verifier import Verifier
from stack_fastapi.types import Cache, ChangeHandler, Clocks
from stack_fastapi.webhooks.receiver import Webhooks

if TYPE_CHECKING:
    from stack_fastapi.client.transport.http import Transport


class Parts(NamedTuple):
    """What an engine is made of."""

    http: StackHttp
    client: StackServerClient
    store: Store
    reader: CredentialReader
    verifier: Verifier
    users: Users
    permissions: Permissions
    sessions: Sessions
    api_keys: ApiKeys
    webhooks: Webhooks


def build(
    settings: StackAuthSettings,
    *,
    clocks: Clocks,
    transport: Transport | None,
    cache: Cache | None,
    on_change: ChangeHandler,
    log: ProblemLog,
) -> Parts:
    """Everything that an engine owns."""
    http = StackHttp(settings, clocks, log, transport)
    client = StackServerClient(http, settings.project_id, on_change)
    store = _store(settings, clocks, cache, log)
    keys = KeySet(client.jwks, store, ttl=settings.jwks_ttl, cooldown=settings.jwks_cooldown)
    users, ttl = Users(client, store, settings), settings.user_cache_ttl
    return Parts(
        http=http,
        client=client,
        store=store,
        reader=CredentialReader(settings.token_sources, settings.allowed_origins),
        verifier=Verifier(keys, _rules(settings), store, log),
        users=users,
        permissions=Permissions(client, store, ttl),
        sessions=Sessions(client, store, ttl),
        api_keys=ApiKeys(client, users, store, ttl),
        webhooks=Webhooks(settings.webhook_secret, clocks.wall, on_change),
    )


def settings_from_environment() -> StackAuthSettings:
    """The settings of an engine that was given none; raises ``ConfigurationError``."""
    return StackAuthSettings()


def _store(
    settings: StackAuthSettings, clocks: Clocks, cache: Cache | None, log: ProblemLog
) -> Store:
    shared = None
    if cache is not None:
        namespace = json.dumps([settings.api_url, settings.project_id])
        shared = SharedTier(cache, namespace, clocks, settings.timeout, log)
    # A pause that Stack asks for may come before a second attempt.
    longest_kept = settings.user_cache_ttl + settings.stale_if_error
    return Store(clocks, settings.user_cache_size, 2 * settings.timeout, shared, longest_kept)


def _rules(settings: StackAuthSettings) -> TokenRules:
    return TokenRules(
        project_id=settings.project_id,
        issuers=issuers_of(settings.project_id, settings.issuer_bases),
        leeway=settings.leeway,
        clock_skew=settings.clock_skew,
        max_lifetime=settings.max_token_lifetime,
    )
