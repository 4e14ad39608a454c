"""Signing in as a user: the tokens, and lines for a terminal that carry one."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from urllib.parse import urlsplit

from stack_fastapi.emulator.page import forms
from stack_fastapi.emulator.page.visit import FieldError, Given, View, Visit
from stack_fastapi.emulator.state import sessions
from stack_fastapi.emulator.state.records import User
from stack_fastapi.emulator.state.sessions import Tokens, kind_of_user
from stack_fastapi.emulator.state.user_kind import UserKind

#: Where the person's own back end is likely to be.
BACK_END = "http://127.0.0.1:8000/me"
MOST_BASES = 12
#: Means the same to every shell when it stands between double quotes.
_HARMLESS = re.compile(r"[\w .:/=?&,+-]+", re.ASCII)
_ALLOWANCES = {
    UserKind.NORMAL: [],
    UserKind.RESTRICTED: ["X-Stack-Allow-Restricted-User: true"],
    UserKind.ANONYMOUS: ["X-Stack-Allow-Anonymous-User: true"],
}


def bases(visit: Visit) -> list[str]:
    """Under which base URLs a token can be issued; the likeliest first.

    A back end takes the tokens of the address that it knows the local Stack by, which need not be
    the one in the browser's address bar.
    """
    own = visit.issue.base_url
    if visit.state.issuer is not None:
        return [own]
    return [own, *sorted({*visit.state.issuer_bases} - {own})][:MOST_BASES]


def sign_in(visit: Visit, user: User) -> Given:
    """A new session, and its tokens.

    Raises:
        FieldError: The form has an issuer or a back end that makes no sense.
    """
    base_url = forms.text(visit.form, "issuer") or visit.issue.base_url
    if base_url not in bases(visit):
        raise FieldError({"issuer": "is not an address that the local Stack was asked at"})
    back_end = forms.text(visit.form, "back_end") or BACK_END
    if urlsplit(back_end).scheme not in {"http", "https"}:
        raise FieldError({"back_end": "must be a URL"})
    issue = replace(visit.issue, base_url=base_url)
    visit.state.issuer_bases.note(base_url)
    tokens = sessions.sign_in(visit.project, user, visit.state.entropy, issue)
    return Given({"tokens": _view(visit, user, tokens, base_url, back_end)})


def _view(visit: Visit, user: User, tokens: Tokens, base_url: str, back_end: str) -> View:
    project, header = visit.project, f"X-Stack-Access-Token: {tokens.access_token}"
    own = [
        "X-Stack-Access-Type: client",
        f"X-Stack-Project-Id: {project.id}",
        f"X-Stack-Publishable-Client-Key: {project.publishable_client_key}",
        *_ALLOWANCES[kind_of_user(project, user)],
        header,
    ]
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "lifetime": f"{visit.issue.lifetime:g}",
        "issuer": base_url,
        "back_end": back_end,
        "curl_back_end": curl(back_end, [header]),
        "curl_own": curl(f"{visit.base_url}/api/v1/users/me", own),
    }


def curl(url: str, headers: list[str]) -> str:
    """A line for a terminal."""
    return " ".join(["curl", *(f"-H {_quoted(header)}" for header in headers), shlex.quote(url)])


def _quoted(text: str) -> str:
    return f'"{text}"' if _HARMLESS.fullmatch(text) else shlex.quote(text)
