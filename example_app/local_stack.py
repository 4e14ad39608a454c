"""A local Stack with people, a team and a key in it, for whoever has no Stack project at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from example_app.tour import Credentials
from stack_fastapi import StackAuth, StackAuthSettings
from stack_fastapi.emulator import StackEmulator

_PASSWORDS = {"alice@example.com": "Alice-Example-1", "bob@example.com": "Bob-Example-1"}


@dataclass(frozen=True)
class LocalStack:
    """A local Stack that is being served.

    Attributes:
        auth: an engine that asks it.
        credentials: how the shell gets hold of tokens and keys.
        where: what to tell the person at the terminal.
    """

    auth: StackAuth
    credentials: Credentials
    where: str
    _emulator: StackEmulator

    def send_webhooks_to(self, url: str) -> None:
        """Tell an app what happens from now on."""
        self._emulator.webhooks.add(url)


@contextmanager
def local_stack(port: int) -> Iterator[LocalStack]:
    """Serve a local Stack while the block lasts.

    Alice and Bob are members of Acme; Alice may write notes and is an administrator.
    """
    emulator = StackEmulator()
    emulator.define_permission("note:write", "team")
    emulator.define_permission("note:admin")
    alice, bob = (
        emulator.create_user(
            primary_email=email,
            primary_email_verified=True,
            primary_email_auth_enabled=True,
            password=password,
            display_name=email.partition("@")[0].title(),
        )
        for email, password in _PASSWORDS.items()
    )
    guest = emulator.create_user(is_anonymous=True)
    acme = emulator.create_team("Acme")
    for member in (alice, bob):
        emulator.add_member(acme.id, member.id)
    emulator.grant(alice.id, "note:write", team_id=acme.id)
    emulator.grant(alice.id, "note:admin")
    key = emulator.create_team_api_key(acme.id)
    with emulator.serve(port=port) as served:
        credentials = Credentials(
            user=_token(served.url, "alice@example.com"),
            member=_token(served.url, "bob@example.com"),
            anonymous=_token(served.url, guest.id),
            team_id=acme.id,
            team_api_key=key,
        )
        yield LocalStack(_engine(emulator, served.url), credentials, _where(served.url), emulator)


def _engine(emulator: StackEmulator, url: str) -> StackAuth:
    project = emulator.project
    return StackAuth(
        StackAuthSettings(
            project_id=project.id,
            secret_server_key=project.secret_server_key,
            webhook_secret=project.webhook_secret,
            api_url=url,
            token_sources=("header", "bearer", "subprotocol"),
        )
    )


def _token(stack_url: str, user: str) -> str:
    """The local Stack hands out fresh tokens of its users to whoever sits at this machine."""
    return f"$(curl -s '{stack_url}/local-stack/token?user={user}')"  # quoted: shells expand "?"


def _where(stack_url: str) -> str:
    people = ", ".join(f"{email} (password {word})" for email, word in _PASSWORDS.items())
    return (
        "No Stack project is set in the environment (STACK_PROJECT_ID, "
        "STACK_SECRET_SERVER_KEY),\nso a local Stack was started: "
        f"{stack_url}  (open it to look inside)\n"
        f"Its users: {people} and a guest.\n"
        "Alice and Bob are in the team Acme. Take Alice's note:write away there, or Bob out of\n"
        "the team: a webhook tells this app, and the next request sees it."
    )
