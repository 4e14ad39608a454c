"""What to try: a line for each kind of route that works when pasted into another terminal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Credentials:
    """How the shell gets hold of tokens and keys: shell expressions all of them.

    Attributes:
        user: the token of somebody who signed up, who may write notes and is an administrator.
        member: the token of somebody who is in the same team and may not.
        anonymous: the token of somebody who did not sign up.
        team_id: the team of both.
        team_api_key: a key of the team.
    """

    user: str = "$USER_TOKEN"
    member: str = "$MEMBER_TOKEN"
    anonymous: str = "$ANONYMOUS_TOKEN"
    team_id: str = "$TEAM_ID"
    team_api_key: str = "$TEAM_API_KEY"


_UPGRADE = (
    "-N --http1.1 --max-time 5 -H 'Connection: Upgrade' -H 'Upgrade: websocket' "
    "-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: c3RhY2stZmFzdGFwaS1kZQ=='"
)
_JSON = "-H 'Content-Type: application/json'"


def lines(app_url: str, credentials: Credentials) -> list[tuple[str, str]]:
    """Title and command of everything there is to try."""
    return [*_basics(app_url, credentials), *_notes(app_url, credentials)]


def _basics(app_url: str, credentials: Credentials) -> list[tuple[str, str]]:
    as_user = f'-H "X-Stack-Access-Token: {credentials.user}"'
    as_bearer = f'-H "Authorization: Bearer {credentials.user}"'
    as_anonymous = f'-H "X-Stack-Access-Token: {credentials.anonymous}"'
    return [
        ("A public route", f"curl -s {app_url}/"),
        ("current_user, without a token: 401", f"curl -si {app_url}/me"),
        ("current_user", f"curl -s {as_user} {app_url}/me"),
        ("current_user, the token as Bearer", f"curl -s {as_bearer} {app_url}/me"),
        ("optional_user, as a guest", f"curl -s {app_url}/greeting"),
        ("optional_user, signed in", f"curl -s {as_user} {app_url}/greeting"),
        ("current_claims: the token alone", f"curl -s {as_user} {app_url}/session"),
        ("An anonymous user, refused: 401", f"curl -si {as_anonymous} {app_url}/me"),
        ("An anonymous user, admitted", f"curl -s {as_anonymous} {app_url}/basket"),
        (
            "A WebSocket",
            f"curl -s {_UPGRADE} {as_user} {app_url}/ws | tr -cd '[:print:]'",
        ),
    ]


def _notes(app_url: str, credentials: Credentials) -> list[tuple[str, str]]:
    as_user = f'-H "X-Stack-Access-Token: {credentials.user}"'
    as_member = f'-H "X-Stack-Access-Token: {credentials.member}"'
    as_machine = f'-H "X-API-Key: {credentials.team_api_key}"'
    notes = f'"{app_url}/teams/{credentials.team_id}/notes"'
    live = f'"{app_url}/teams/{credentials.team_id}/notes/live"'
    return [
        (
            "Write a note: needs note:write in the team",
            f'curl -s {as_user} {_JSON} -d \'{{"text": "Milk"}}\' {notes}',
        ),
        (
            "The same without the permission: 403",
            f'curl -si {as_member} {_JSON} -d \'{{"text": "Eggs"}}\' {notes}',
        ),
        ("Read the team's notes: members may", f"curl -s {as_member} {notes}"),
        (
            "A program writes one, with the team's API key",
            f'curl -s {as_machine} {_JSON} -d \'{{"text": "Bread"}}\' {app_url}/machine/notes',
        ),
        ("An administrator looks over all teams", f"curl -s {as_user} {app_url}/admin/statistics"),
        ("The same as a member: 403", f"curl -si {as_member} {app_url}/admin/statistics"),
        (
            "A WebSocket that shows changes for 5 seconds: write a note meanwhile",
            f"curl -s {_UPGRADE} {as_member} {live} | tr -cd '[:print:]'",
        ),
    ]


def describe(app_url: str, where: str, credentials: Credentials) -> str:
    """The whole text."""
    tour = "\n\n".join(
        f"  # {title}\n  {command}" for title, command in lines(app_url, credentials)
    )
    return (
        f"{where}\n\n"
        f"The app:  {app_url}\n"
        f"Its docs: {app_url}/docs  (with the Authorize button)\n\n"
        f"Try, in another terminal:\n\n{tour}\n\n"
        "Stop it with Ctrl-C.\n"
    )
