"""Whatever is done in whatever order, some things stay true."""

from __future__ import annotations

from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
)

from stack_fastapi.emulator import StackEmulator, Tokens

from .emulator_api import Api

CONTAINED = {"read": (), "write": ("read",), "admin": ("write",)}
PERMISSIONS = st.sampled_from(sorted(CONTAINED))


def within(granted: set[str]) -> set[str]:
    """The closure, computed in another way than the emulator's."""
    order = ["read", "write", "admin"]
    highest = max((order.index(id_) for id_ in granted), default=-1)
    return set(order[: highest + 1])


class Lives(RuleBasedStateMachine):
    """A model beside the emulator: who lives, which sessions do, what was granted."""

    users = Bundle("users")
    sessions = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_800_000_000.0
        self.emulator = StackEmulator(clock=lambda: self.now)
        self.api = Api(self.emulator)
        for permission, contained in CONTAINED.items():
            self.emulator.define_permission(permission, contains=contained)
        self.granted: dict[str, set[str]] = {}
        self.gone: set[str] = set()
        self.ended: set[str] = set()
        self.tokens: list[tuple[str, str]] = []
        self.dropped: set[str] = set()

    @rule(target=users)
    def sign_up(self) -> str:
        body = {"email": f"user{len(self.granted)}@example.com", "password": "correct horse"}
        reply = self.api("POST", "/auth/password/sign-up", body).json
        self.granted[reply["user_id"]] = set()
        self.tokens.append((reply["user_id"], reply["access_token"]))
        return str(reply["user_id"])

    @rule(target=sessions, user=users)
    def sign_in(self, user: str) -> Any:
        if user in self.gone:
            return multiple()
        tokens = self.emulator.sign_in(user)
        self.tokens.append((user, tokens.access_token))
        return tokens

    @rule(user=users, permission=PERMISSIONS)
    def grant(self, user: str, permission: str) -> None:
        reply = self.api("POST", f"/project-permissions/{user}/{permission}", {})
        assert reply.status == (404 if user in self.gone else 201)
        if user not in self.gone:
            self.granted[user].add(permission)

    @rule(user=users, permission=PERMISSIONS)
    def revoke(self, user: str, permission: str) -> None:
        reply = self.api("DELETE", f"/project-permissions/{user}/{permission}")
        holds = user not in self.gone and permission in self.granted[user]
        assert reply.status == (200 if holds else 404)
        self.granted[user].discard(permission)

    @rule(user=users)
    def delete(self, user: str) -> None:
        reply = self.api("DELETE", f"/users/{user}")
        assert reply.status == (404 if user in self.gone else 200)
        self.gone.add(user)
        self.granted[user] = set()

    @rule(tokens=sessions)
    def refresh(self, tokens: Tokens) -> None:
        reply = self.api(
            "POST", "/auth/sessions/current/refresh", {}, refresh_token=tokens.refresh_token
        )
        lives = tokens.session_id not in self.ended and tokens.user_id not in self.gone
        assert reply.status == (200 if lives else 401)
        if lives:
            self.tokens.append((tokens.user_id, reply.json["access_token"]))

    @rule(tokens=consumes(sessions))
    def end(self, tokens: Tokens) -> None:
        path = f"/auth/sessions/{tokens.session_id}?user_id={tokens.user_id}"
        lives = tokens.user_id not in self.gone
        assert self.api("DELETE", path).status == (200 if lives else 404)
        self.ended.add(tokens.session_id)

    @rule(seconds=st.sampled_from([1, 300, 600]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(keep=st.booleans())
    def rotate(self, keep: bool) -> None:  # noqa: FBT001 - hypothesis passes it by name
        self.emulator.rotate_keys(keep_old=keep)
        if not keep:
            self.dropped.update(token for _, token in self.tokens)

    @invariant()
    def a_token_is_worth_what_its_user_its_time_and_its_key_are(self) -> None:
        for user, token in self.tokens[-3:]:
            reply = self.api("GET", "/users/me", token=token)
            if token in self.dropped:
                assert reply.code == "UNPARSABLE_ACCESS_TOKEN"
            elif reply.code == "ACCESS_TOKEN_EXPIRED":
                assert self.now >= reply.json["details"]["expired_at_millis"] / 1000
            elif user in self.gone:
                assert reply.code == "CANNOT_GET_OWN_USER_WITHOUT_USER"
            else:
                assert reply.json["id"] == user

    @invariant()
    def permissions_are_what_was_granted_and_what_is_within(self) -> None:
        for user, granted in list(self.granted.items())[-2:]:
            path = f"/project-permissions?user_id={user}"
            direct = [item["id"] for item in self.api("GET", path).json["items"]]
            assert direct == sorted(granted)
            all_ = [item["id"] for item in self.api("GET", f"{path}&recursive=true").json["items"]]
            assert all_ == sorted(within(granted))

    @invariant()
    def nothing_is_left_of_who_is_gone(self) -> None:
        project = self.emulator.project
        assert not self.gone & project.users.keys()
        assert not self.gone & {session.user_id for session in project.sessions.values()}
        assert not self.ended & project.sessions.keys()


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, derandomize=True
)
