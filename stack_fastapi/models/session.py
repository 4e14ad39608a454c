"""A session of a user."""

from __future__ import annotations

from stack_fastapi.models._base import StackModel


class Session(StackModel):
    """What a refresh token stands for; an access token names it in ``refresh_token_id``.

    Attributes:
        created_at: milliseconds since the epoch.
        last_used_at: milliseconds since the epoch.
        is_impersonation: whether an administrator acts as the user; listed for admin access only.
    """

    id: str
    user_id: str
    created_at: int | None = None
    last_used_at: int | None = None
    is_impersonation: bool = False
