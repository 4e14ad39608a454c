"""The endpoints, one module an area."""

from __future__ import annotations

from stack_fastapi.emulator.protocol.routing import Route
from stack_fastapi.emulator.routes import (
    anonymous,
    api_keys,
    contact_channels,
    oauth,
    oauth_accounts,
    own_user,
    password_changes,
    password_resets,
    passwords,
    permission_definitions,
    permission_grants,
    projects,
    team_invitations,
    team_members,
    teams,
    user_list,
    user_sessions,
    users,
    verification,
)

ROUTES: tuple[Route, ...] = (
    *anonymous.ROUTES,
    *api_keys.ROUTES,
    *contact_channels.ROUTES,
    *oauth.ROUTES,
    *oauth_accounts.ROUTES,
    *own_user.ROUTES,
    *password_changes.ROUTES,
    *password_resets.ROUTES,
    *passwords.ROUTES,
    *permission_definitions.ROUTES,
    *permission_grants.ROUTES,
    *projects.ROUTES,
    *team_invitations.ROUTES,
    *team_members.ROUTES,
    *teams.ROUTES,
    *user_list.ROUTES,
    *user_sessions.ROUTES,
    *users.ROUTES,
    *verification.ROUTES,
)
