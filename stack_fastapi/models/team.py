"""A team (others say organisation), as server access sees it."""

from __future__ import annotations

from datetime import datetime

from pydantic import JsonValue

from stack_fastapi.models._base import StackModel, from_millis


class Team(StackModel):
    """A group of users.

    Attributes:
        created_at_millis: milliseconds since the epoch.
        client_metadata: members can write it, so it proves nothing.
        server_metadata: only servers see and write it.
    """

    id: str
    display_name: str
    profile_image_url: str | None = None
    created_at_millis: int | None = None
    client_metadata: JsonValue = None
    client_read_only_metadata: JsonValue = None
    server_metadata: JsonValue = None

    @property
    def created_at(self) -> datetime | None:
        """When the team was made; None where Stack did not say."""
        return None if self.created_at_millis is None else from_millis(self.created_at_millis)
