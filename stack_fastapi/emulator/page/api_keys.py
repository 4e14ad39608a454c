"""API keys of one owner or of all. The text of a key is shown once, to who makes it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stack_fastapi.emulator.errors import KnownError
from stack_fastapi.emulator.page import forms, people
from stack_fastapi.emulator.page.listing import paged
from stack_fastapi.emulator.page.times import moment
from stack_fastapi.emulator.page.visit import Area, Done, Given, View, Visit
from stack_fastapi.emulator.protocol.fields import Strict, Whole
from stack_fastapi.emulator.state import api_key_store
from stack_fastapi.emulator.state.api_key_text import OwnerType
from stack_fastapi.emulator.state.records import ApiKey

DAY_MILLIS = 24 * 60 * 60 * 1000


class NewKey(Strict):
    """What is typed about a new key."""

    description: str = ""
    days: Annotated[Whole, Field(ge=1, le=36_500)] | None = None


def show(visit: Visit) -> View:
    """All keys of the project."""
    return {"api_keys": rows(visit)}


def rows(visit: Visit, *, owner_id: str | None = None) -> View:
    """A page of keys, newest first.

    Args:
        visit: The visit.
        owner_id: Only this user's or team's; everybody's if absent.
    """
    found = [
        item
        for item in reversed(visit.project.api_keys.values())
        if owner_id in {None, item.owner_id}
    ]
    return paged(visit, found, lambda item: _row(visit, item))


def create(visit: Visit, owner_type: OwnerType, owner_id: str) -> Given:
    """A new key, and its text."""
    given = forms.checked(NewKey, forms.filled(visit.form, "description", "days"))
    expires = None if given.days is None else visit.now_millis + given.days * DAY_MILLIS
    _, text = api_key_store.create(
        visit.state,
        visit.project,
        owner_type,
        owner_id,
        description=given.description,
        expires_at_millis=expires,
        is_public=forms.flag(visit.form, "is_public"),
    )
    return Given({"new_key": text})


def revoke(visit: Visit) -> Done:
    """Revoke a key; one that was revoked before stays so.

    Raises:
        FieldError: The form names none.
        KnownError: There is none.
    """
    key = visit.project.api_keys.get(forms.required(visit.form, "key_id"))
    if key is None:
        raise KnownError("API_KEY_NOT_FOUND")
    if key.manually_revoked_at_millis is None:
        key.manually_revoked_at_millis = visit.now_millis
    return Done("key-revoked")


def _row(visit: Visit, item: ApiKey) -> View:
    link = people.user_link if item.owner_type == "user" else people.team_link
    expires = item.expires_at_millis
    return {
        "id": item.id,
        "owner": {**link(visit, item.owner_id), "type": item.owner_type},
        "description": item.description,
        "text": f"{'pk' if item.is_public else 'sk'}_…{item.last_four}",
        "created": moment(item.created_at_millis, visit.now_millis),
        "expires": None if expires is None else moment(expires, visit.now_millis),
        "state": _state(item, visit.now_millis),
    }


def _state(item: ApiKey, now_millis: int) -> str:
    if item.manually_revoked_at_millis is not None:
        return "revoked"
    is_over = item.expires_at_millis is not None and item.expires_at_millis < now_millis
    return "expired" if is_over else "good"


AREA = Area("projects/{project}/keys", "keys", "api_keys.html", show, {"revoke-key": revoke})
