"""What to try: a line for each kind of route that works when pasted into another terminal."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tokens:
    """How the shell gets hold of access tokens.

    Attributes:
        user: a shell expression for the token of somebody who signed up.
        anonymous: the same for somebody who did not.
    """

    user: str
    anonymous: str


_UPGRADE = (
    "-N --http1.1 --max-time 5 -H 'Connection: Upgrade' -H 'Upgrade: websocket' "
    "-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: c3RhY2stZmFzdGFwaS1kZQ=='"
)


def lines(app_url: str, tokens: Tokens) -> list[tuple[str, str]]:
    """Title and command of everything there is to try."""
    as_user = f'-H "X-Stack-Access-Token: {tokens.user}"'
    as_bearer = f'-H "Authorization: Bearer {tokens.user}"'
    as_anonymous = f'-H "X-Stack-Access-Token: {tokens.anonymous}"'
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


def describe(app_url: str, where: str, tokens: Tokens) -> str:
    """The whole text."""
    tour = "\n\n".join(f"  # {title}\n  {command}" for title, command in lines(app_url, tokens))
    return (
        f"{where}\n\n"
        f"The app:  {app_url}\n"
        f"Its docs: {app_url}/docs  (with the Authorize button)\n\n"
        f"Try, in another terminal:\n\n{tour}\n\n"
        "Stop it with Ctrl-C.\n"
    )
