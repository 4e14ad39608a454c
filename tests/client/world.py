"""A local Stack on a real socket, and a client that asks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar
from uuid import uuid4

from stack_fastapi import Change, StackServerClient
from stack_fastapi.client.transport.http import StackHttp
from stack_fastapi.emulator import StackEmulator
from stack_fastapi.emulator.state.records import Team, User
from stack_fastapi.telemetry import ProblemLog
from stack_fastapi.testing import settings_for
from stack_fastapi.types import Clocks

UNKNOWN = "a1b2c3d4-0000-4000-8000-000000000001"


@dataclass
class World:
    """Alice made a team; Bob is not in it. Nobody else's tests meet them.

    Attributes:
        changes: what the client told.
    """

    stack: StackEmulator
    alice: User = field(init=False)
    bob: User = field(init=False)
    team: Team = field(init=False)
    changes: list[Change] = field(default_factory=list)
    http: StackHttp = field(init=False)
    client: StackServerClient = field(init=False)

    def __post_init__(self) -> None:
        self.alice = self.new_user("alice")
        self.bob = self.new_user("bob")
        self.team = self.stack.create_team("Team", creator=self.alice.id)
        clock = lambda: self.stack.now  # noqa: E731 - a name for it would be longer
        self.http = StackHttp(settings_for(self.stack), Clocks.of(clock, None), ProblemLog(clock))
        self.client = StackServerClient(self.http, self.stack.project.id, self._heard)

    def new_user(self, name: str) -> User:
        return self.stack.create_user(
            display_name=name,
            primary_email=f"{name}-{uuid4()}@example.com",
            primary_email_auth_enabled=True,
        )

    #: A page that the project trusts.
    page: ClassVar[str] = "http://localhost:3000/handler"

    async def send_code(self, user: User) -> str:
        """Send the user a code for the only address; returns what the e-mail says."""
        (channel,) = await self.client.contact_channels.list(user_id=user.id)
        await self.client.contact_channels.send_verification_code(
            user.id, channel.id, callback_url=self.page
        )
        return self.stack.sent_emails[-1].code

    def token(self, user: User) -> str:
        return self.stack.sign_in(user.id).access_token

    async def _heard(self, change: Change) -> None:
        self.changes.append(change)

    def heard(self) -> list[Change]:
        """What was told since this was last asked."""
        heard, self.changes[:] = self.changes[:], []
        return heard
