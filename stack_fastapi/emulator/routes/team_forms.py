"""The bodies and queries about teams."""

from __future__ import annotations

from stack_fastapi.emulator.protocol.fields import Metadata, Name, Strict, UserId, Uuid
from stack_fastapi.emulator.protocol.image_fields import ClientImage, ServerImage


class ClientTeamUpdate(Strict):
    """What members with the permission may change."""

    display_name: Name = ""
    profile_image_url: ClientImage | None = None
    client_metadata: Metadata = None


class ServerTeamUpdate(ClientTeamUpdate):
    """What a server may change."""

    profile_image_url: ServerImage | None = None
    client_read_only_metadata: Metadata = None
    server_metadata: Metadata = None


class ClientTeamCreate(ClientTeamUpdate):
    """What a user says of a new team."""

    display_name: Name
    creator_user_id: UserId = ""


class ServerTeamCreate(ServerTeamUpdate, ClientTeamCreate):
    """What a server says of a new team."""

    display_name: Name


class TeamPath(Strict):
    """Which team."""

    team_id: Uuid


class TeamQuery(Strict):
    """Whose teams."""

    user_id: UserId | None = None
