"""How users can be reached."""

from __future__ import annotations

from stack_fastapi.models._base import StackModel


class ContactChannel(StackModel):
    """An address of a user.

    Attributes:
        type: ``email``; newer servers may know others.
        value: the address.
        is_primary: whether it is the user's ``primary_email``.
        is_verified: whether the user has shown that it is theirs.
        used_for_auth: whether the user can sign in with it.
    """

    id: str
    user_id: str
    type: str
    value: str
    is_primary: bool
    is_verified: bool
    used_for_auth: bool
