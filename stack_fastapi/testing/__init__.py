"""What an app's tests need: a local Stack, signed-in users, signed webhooks.

::

    stack = StackEmulator()
    app = create_app(auth_for(stack))
    me = sign_in(stack, primary_email="alice@example.com", permissions=["read"])
    assert TestClient(app).get("/me", headers=me).json()["id"] == me.user.id

With pytest the same things are fixtures; see ``plugin``. Everything is imported when it is first
asked for, so that pytest's start costs nothing where nobody asks.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stack_fastapi.emulator import StackEmulator
    from stack_fastapi.testing.engines import auth_for, settings_for
    from stack_fastapi.testing.overrides import override_user
    from stack_fastapi.testing.users import (
        SignedIn,
        fake_api_key,
        fake_user,
        issue_token,
        sign_in,
    )
    from stack_fastapi.testing.webhooks import SignedDelivery, signed_delivery

__all__ = [
    "SignedDelivery",
    "SignedIn",
    "StackEmulator",
    "auth_for",
    "fake_api_key",
    "fake_user",
    "issue_token",
    "override_user",
    "settings_for",
    "sign_in",
    "signed_delivery",
]

_HOMES = {
    "SignedDelivery": "stack_fastapi.testing.webhooks",
    "SignedIn": "stack_fastapi.testing.users",
    "StackEmulator": "stack_fastapi.emulator",
    "auth_for": "stack_fastapi.testing.engines",
    "fake_api_key": "stack_fastapi.testing.users",
    "fake_user": "stack_fastapi.testing.users",
    "issue_token": "stack_fastapi.testing.users",
    "override_user": "stack_fastapi.testing.overrides",
    "settings_for": "stack_fastapi.testing.engines",
    "sign_in": "stack_fastapi.testing.users",
    "signed_delivery": "stack_fastapi.testing.webhooks",
}


def __getattr__(name: str) -> object:
    """One of the names above, imported now (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The names above as well, imported or not."""
    return sorted({*globals(), *__all__})
