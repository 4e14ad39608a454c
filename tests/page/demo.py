"""A local Stack after an hour of somebody's work, to be looked at."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass, field

from stack_fastapi.emulator import Fault, StackEmulator, Team, User

PEOPLE = (
    ("Alice Moreau", "alice@example.com", True),
    ("Bob", "bob@example.com", False),
    ("Carol Díaz", "carol@example.com", True),
    (None, "dave@example.com", True),
    ("Erin Lindqvist", "erin@example.com", True),
    ("Faythe Okafor", "faythe@example.com", True),
)


class Clock:
    """Goes on when it is told."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Demo:
    """An emulator with people, teams, permissions and keys in it."""

    clock: Clock = field(default_factory=Clock)
    emulator: StackEmulator = field(init=False)
    users: list[User] = field(init=False)
    team: Team = field(init=False)

    def __post_init__(self) -> None:
        self.emulator = it = StackEmulator(clock=self.clock)
        self.users = [self._user(*person) for person in PEOPLE]
        it.create_user(is_anonymous=True)
        alice, bob, carol, dave, *_ = self.users
        self.team = it.create_team("Engineering", creator=alice.id)
        design = it.create_team("Design", creator=carol.id)
        for user in (bob, carol, dave):
            it.add_member(self.team.id, user.id)
        it.add_member(design.id, alice.id)
        it.define_permission("reports:read")
        it.define_permission("reports:write", contains=("reports:read",))
        it.define_permission("billing")
        it.grant(alice.id, "reports:write")
        it.restrict_user(bob.id, "Has not paid since spring")
        it.create_user_api_key(alice.id)
        it.create_team_api_key(self.team.id)

    def work(self, url: str) -> None:
        """What a back end asks in a few minutes."""
        it, (alice, bob, carol, *_) = self.emulator, self.users
        it.faults.add(Fault(kind="status", path="*/users/me", times=1))
        for user in (alice, carol, alice):
            self.clock.now += 41.3
            self.ask(url, "/users/me", it.sign_in(user.id).access_token)
        self.clock.now += 67.2
        self.ask(url, "/users/me", it.sign_in(bob.id).access_token)
        self.ask(url, f"/team-permissions?user_id={alice.id}")
        self.clock.now += 3.4
        self.ask(url, f"/users/{carol.id}")
        self.ask(url, "/users/me", "not.a.token")
        self.clock.now += 12.8
        it.faults.add(Fault(kind="latency", path="*/teams", seconds=2, share=0.25))

    def ask(self, url: str, path: str, token: str | None = None) -> int:
        """One question with the server's key; the answer's status."""
        project = self.emulator.project
        headers = {
            "x-stack-access-type": "server",
            "x-stack-project-id": project.id,
            "x-stack-secret-server-key": project.secret_server_key,
            **({"x-stack-access-token": token} if token else {}),
        }
        request = urllib.request.Request(f"{url}/api/v1{path}", headers=headers)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def _user(self, name: str | None, email: str, verified: bool) -> User:  # noqa: FBT001 - a row
        self.clock.now += 313
        named = {} if name is None else {"display_name": name}
        return self.emulator.create_user(
            primary_email=email,
            primary_email_verified=verified,
            password="correct horse",
            **named,
        )
