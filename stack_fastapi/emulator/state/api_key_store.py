"""Making, finding and checking API keys. No HTTP in here."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from stack_fastapi.emulator.errors import KnownError
from stack_fastapi.emulator.state import api_key_text
from stack_fastapi.emulator.state.api_key_text import OwnerType
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import ApiKey, digest_of
from stack_fastapi.emulator.state.state import State


def create(
    state: State,
    project: Project,
    owner_type: OwnerType,
    owner_id: str,
    *,
    description: str,
    expires_at_millis: int | None = None,
    is_public: bool = False,
) -> tuple[ApiKey, str]:
    """A new key's record and its text, which is not kept."""
    id_ = state.entropy.uuid()
    text = api_key_text.write(id_, owner_type, state.entropy.secret(), is_public=is_public)
    key = ApiKey(
        id=id_,
        owner_type=owner_type,
        owner_id=owner_id,
        description=description,
        created_at_millis=int(state.clock() * 1000),
        digest=digest_of(text),
        last_four=text[-4:],
        is_public=is_public,
        expires_at_millis=expires_at_millis,
    )
    project.api_keys[id_] = key
    return key, text


def plant(state: State, project: Project, fields: Mapping[str, Any]) -> None:
    """A key from a seed.

    Raises:
        ValueError: Its `value` is not well-formed, or it has no owner in the project.
    """
    owner_type: OwnerType = "user" if "user_id" in fields else "team"
    owner_id = str(fields.get(f"{owner_type}_id"))
    owners: Mapping[str, Any] = project.users if owner_type == "user" else project.teams
    if owner_id not in owners:
        raise ValueError(f"The seed has an API key of a {owner_type} that it does not have.")
    key, _ = create(
        state,
        project,
        owner_type,
        owner_id,
        description=fields.get("description", ""),
        expires_at_millis=fields.get("expires_at_millis"),
        is_public=fields.get("is_public", False),
    )
    if "value" in fields:
        _replace_text(project, key, fields["value"])


def _replace_text(project: Project, key: ApiKey, text: str) -> None:
    parts = api_key_text.read(text)
    if parts is None or parts.owner_type != key.owner_type:
        raise ValueError("The seed has an API key that is not well-formed.")
    del project.api_keys[key.id]
    key.id, key.digest, key.last_four = parts.id, digest_of(text), text[-4:]
    project.api_keys[key.id] = key


def check(project: Project, text: str, owner_type: OwnerType, now_millis: int) -> ApiKey:
    """The record of a key that is good.

    Raises:
        KnownError: The key is unknown, belongs to the other kind of owner, was revoked or has
            expired.
    """
    parts = api_key_text.read(text)
    key = project.api_keys.get(parts.id) if parts else None
    if key is None or not hmac.compare_digest(key.digest, digest_of(text)):
        raise KnownError("API_KEY_NOT_FOUND")
    if key.owner_type != owner_type:
        raise KnownError(
            "WRONG_API_KEY_TYPE", {"expected_type": owner_type, "actual_type": key.owner_type}
        )
    if key.manually_revoked_at_millis is not None:
        raise KnownError("API_KEY_REVOKED")
    if key.expires_at_millis is not None and key.expires_at_millis < now_millis:
        raise KnownError("API_KEY_EXPIRED")
    return key


def find(project: Project, key_id: str, owner_type: OwnerType) -> ApiKey:
    """The record of a key, whoever owns it.

    Raises:
        KnownError: There is none of this kind of owner.
    """
    key = project.api_keys.get(key_id)
    if key is None or key.owner_type != owner_type:
        raise KnownError("API_KEY_NOT_FOUND")
    return key
