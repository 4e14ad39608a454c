"""Step 5 of 5: how OpenAPI describes a token and an API key; one scheme for each.

Swagger UI shows a box for each scheme, so there is one for each thing that a person can paste. The
access token's is the form that most clients know, of those that the settings allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from stack_fastapi.dependencies.users import TOKEN_DESCRIPTION, TokenGuard
from stack_fastapi.engine.stack_auth import StackAuth
from stack_fastapi.exceptions import ConfigurationError
from stack_fastapi.types import TokenSource

#: A token's scheme for each place that it may be in, and how people call that; the best one first.
_FORMS: Mapping[TokenSource, tuple[dict[str, str], str]] = {
    "bearer": (
        {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
        "Authorization: Bearer",
    ),
    "header": (
        {"type": "apiKey", "in": "header", "name": "X-Stack-Access-Token"},
        "the header X-Stack-Access-Token",
    ),
    "stack_auth": (
        {"type": "apiKey", "in": "header", "name": "X-Stack-Auth"},
        'the header X-Stack-Auth, as {"accessToken": …}',
    ),
    "cookie": (
        {"type": "apiKey", "in": "cookie", "name": "stack-access"},
        "the cookie stack-access",
    ),
    "subprotocol": (
        {"type": "apiKey", "in": "header", "name": "Sec-WebSocket-Protocol"},
        "a WebSocket's subprotocol",
    ),
}


class Authenticating:
    """What authenticates the requests of an app; a mark, for this room is below the middleware."""


def token_scheme(sources: Sequence[TokenSource]) -> dict[str, str]:
    """The security scheme of an access token that may come in these ways."""
    forms = [form for source, form in _FORMS.items() if source in sources]
    scheme, _ = forms[0]
    places = " or ".join(name for _, name in forms)
    return {**scheme, "description": f"{TOKEN_DESCRIPTION}, in {places}"}


def token_sources_of(app: object) -> Sequence[TokenSource] | None:
    """Where the middleware of an app looks for tokens; None if the app has none of its own."""
    for item in getattr(app, "user_middleware", ()):
        if isinstance(item.cls, type) and issubclass(item.cls, Authenticating):
            auth = item.kwargs.get("auth", next(iter(item.args), None))
            return auth.settings.token_sources if isinstance(auth, StackAuth) else default_sources()
    return None


def default_sources() -> Sequence[TokenSource]:
    """Where tokens are looked for by the environment, else by default."""
    from stack_fastapi.settings import StackAuthSettings  # noqa: PLC0415 - slow to import

    try:
        # A script that only writes a document down needs no project.
        settings = StackAuthSettings(project_id="none", secret_server_key=SecretStr("none"))
    except ConfigurationError:
        sources: Sequence[TokenSource] = StackAuthSettings.model_fields["token_sources"].default
        return sources
    return settings.token_sources


def arrange(schemes: dict[str, Any], sources: Sequence[TokenSource]) -> None:
    """Put the token's scheme in front, as the settings have it; what the app says of it stays."""
    found = schemes.get(TokenGuard.scheme_name)
    if found is None or found == TokenGuard.described():
        found = token_scheme(sources)
    others = {name: scheme for name, scheme in schemes.items() if name != TokenGuard.scheme_name}
    schemes.clear()
    schemes.update({TokenGuard.scheme_name: found} | others)
