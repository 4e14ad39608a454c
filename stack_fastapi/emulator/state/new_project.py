"""What a project has that nobody set up, as the real server makes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What an emulator holds that is told nothing else. The keys open nothing but a local emulator.
DEFAULT_SEED: Mapping[str, Any] = {
    "projects": {
        "local": {
            "id": "00000000-0000-4000-8000-00000000c0de",
            "display_name": "Local project",
            "publishable_client_key": "pck_local_emulator_only",
            "secret_server_key": "ssk_local_emulator_only",
            "super_secret_admin_key": "sak_local_emulator_only",
            "config": {"magic_link_enabled": True, "passkey_enabled": True},
        }
    }
}

_DEFAULT_PERMISSIONS = {
    "team_creator_default_permissions": ["team_admin"],
    "team_member_default_permissions": ["team_member"],
}
_TEAM_PERMISSIONS = [
    {
        "id": "team_admin",
        "description": "Default permission for team admins",
        "contained_permission_ids": [
            "$delete_team",
            "$invite_members",
            "$manage_api_keys",
            "$read_members",
            "$remove_members",
            "$update_team",
        ],
    },
    {
        "id": "team_member",
        "description": "Default permission for team members",
        "contained_permission_ids": ["$invite_members", "$read_members"],
    },
]


def completed(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """A seed's project, with a new project's team permissions where it says nothing of them.

    One that defines team permissions has those alone, and grants what it says.
    """
    if "team_permission_definitions" in fields:
        return fields
    config = {**_DEFAULT_PERMISSIONS, **fields.get("config", {})}
    return {**fields, "config": config, "team_permission_definitions": _TEAM_PERMISSIONS}
