"""Codes that Stack sends by e-mail. No HTTP in here, and no e-mail: they are kept to be read."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from stack_fastapi.emulator.errors import KnownError
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import CodeType, Team, User, VerificationCode
from stack_fastapi.emulator.state.state import State

LIFETIME_MILLIS = 7 * 86_400_000
MAX_ATTEMPTS = 20
#: Somebody who tries codes that differ from a good one in these characters alone is guessing it.
_GUESSED = 6
#: The IPv6 address is not among what the server trusts.
_BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_THIS_MACHINE = re.compile(rf"(?:.+\.)?localhost|127(?:\.{_BYTE}){{3}}", re.ASCII)


def check_callback(project: Project, url: str) -> None:
    """Make sure that the project trusts a URL: only this machine, if at all.

    Raises:
        KnownError: It does not.
    """
    # To browsers a backslash ends the host as a slash does.
    host = urlsplit(url.replace("\\", "/")).hostname or ""
    if not project.config.allow_localhost or _THIS_MACHINE.fullmatch(host) is None:
        raise KnownError("REDIRECT_URL_NOT_WHITELISTED")


def send_verification(
    state: State, project: Project, user: User, email: str, callback_url: str
) -> None:
    """Send a code that verifies a user's address.

    Raises:
        KnownError: The project does not trust the URL.
    """
    _send(state, project, "contact_channel_verification", email, callback_url).user_id = user.id


def send_reset(state: State, project: Project, user: User, email: str, callback_url: str) -> None:
    """Send a code that resets a user's password.

    Raises:
        KnownError: The project does not trust the URL.
    """
    _send(state, project, "password_reset", email, callback_url).user_id = user.id


def send_invitation(
    state: State, project: Project, team: Team, email: str, callback_url: str
) -> VerificationCode:
    """Send a code that lets its reader into a team.

    Raises:
        KnownError: The project does not trust the URL.
    """
    sent = _send(state, project, "team_invitation", email, callback_url)
    sent.team_id = team.id
    return sent


def find(project: Project, type_: CodeType, text: str, now_millis: int) -> VerificationCode:
    """The code, which is still good.

    Raises:
        KnownError: There is none, or it is not good any more.
    """
    text = text.lower()
    found = _of_text(project, type_, text)
    attempts = found.attempts if found else 0
    for code in project.codes.values():
        if code.code.endswith(text[_GUESSED:]):
            code.attempts += 1
    if found is None:
        raise KnownError("VERIFICATION_CODE_NOT_FOUND")
    if found.expires_at_millis < now_millis:
        raise KnownError("VERIFICATION_CODE_EXPIRED")
    if found.used_at_millis is not None:
        raise KnownError("VERIFICATION_CODE_ALREADY_USED")
    if attempts >= MAX_ATTEMPTS:
        raise KnownError("VERIFICATION_CODE_MAX_ATTEMPTS_REACHED")
    return found


def open_invitations(project: Project, now_millis: int) -> list[VerificationCode]:
    """The invitations that somebody can still accept, oldest first."""
    return [
        code
        for code in project.codes.values()
        if code.type == "team_invitation"
        and code.used_at_millis is None
        and code.expires_at_millis > now_millis
        and code.team_id in project.teams
    ]


def _of_text(project: Project, type_: CodeType, text: str) -> VerificationCode | None:
    codes = project.codes.values()
    return next((code for code in codes if (code.type, code.code) == (type_, text)), None)


def _send(
    state: State, project: Project, type_: CodeType, email: str, callback_url: str
) -> VerificationCode:
    check_callback(project, callback_url)
    now_millis, text = int(state.clock() * 1000), state.entropy.secret()
    sent = VerificationCode(
        id=state.entropy.uuid(),
        type=type_,
        email=email,
        code=text,
        link=_with_code(callback_url, text),
        created_at_millis=now_millis,
        expires_at_millis=now_millis + LIFETIME_MILLIS,
    )
    project.codes[sent.id] = sent
    return sent


def _with_code(url: str, code: str) -> str:
    """The URL with the code in its query, in the place of any other."""
    parts = urlsplit(url)
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name != "code"
    ]
    return urlunsplit(parts._replace(query=urlencode([*query, ("code", code)])))
