"""Which permissions a set of granted ones amounts to. Pure: no store, no HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

SYSTEM_TEAM_PERMISSIONS = {
    "$delete_team": "Delete the team",
    "$invite_members": "Invite people to the team",
    "$manage_api_keys": "Make and revoke the team's API keys",
    "$read_members": "See who is in the team",
    "$remove_members": "Take members out of the team",
    "$update_team": "Change the team's name, picture and metadata",
}


def closure(granted: Iterable[str], contained: Mapping[str, Iterable[str]]) -> set[str]:
    """The granted permissions and all that they contain, directly or not.

    Args:
        granted: Ids of permissions.
        contained: Id → ids of the permissions directly inside. Cycles and unknown ids do no harm.
    """
    held: set[str] = set()
    waiting = list(granted)
    while waiting:
        permission = waiting.pop()
        if permission not in held:
            held.add(permission)
            waiting.extend(contained.get(permission, ()))
    return held
