"""The project, as its own server sees it."""

from __future__ import annotations

from stack_fastapi.models._base import StackModel


class ProjectConfig(StackModel):
    """What the project allows; further settings are kept as Stack names them."""

    sign_up_enabled: bool
    credential_enabled: bool
    magic_link_enabled: bool
    passkey_enabled: bool
    client_team_creation_enabled: bool
    client_user_deletion_enabled: bool
    allow_user_api_keys: bool = False
    allow_team_api_keys: bool = False


class Project(StackModel):
    """A Stack project."""

    id: str
    display_name: str
    config: ProjectConfig
