"""What is saved comes back whole."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from stack_fastapi.emulator import Project, StackEmulator
from stack_fastapi.emulator.state import saving

from .emulator_api import Api, StandingClock

EMAIL = "alice@example.com"
PASSWORD = "correct horse"
KINDS = ("users", "sessions", "teams", "memberships", "api_keys", "definitions", "endpoints")


def dumped(emulator: StackEmulator) -> dict[str, Any]:
    return saving.dump(emulator._state)


def reborn(emulator: StackEmulator, path: Path) -> StackEmulator:
    """Saved to a file, and loaded by another emulator."""
    emulator.save(path)
    return StackEmulator(path, clock=emulator._state.clock)


def assert_same(one: Project, two: Project) -> None:
    for kind in KINDS:
        assert getattr(one, kind) == getattr(two, kind), kind
    assert one.config == two.config
    assert one.signing_keys.dump() == two.signing_keys.dump()
    for name in ("alias", "id", "display_name", "secret_server_key", "webhook_secret"):
        assert getattr(one, name) == getattr(two, name)


# ---------------------------------------------------------------- whatever the state

TEXT = st.text(max_size=8).filter(lambda text: "\0" not in text)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
USERS = st.fixed_dictionaries(
    {},
    optional={
        "display_name": TEXT,
        "client_metadata": JSON,
        "server_metadata": JSON,
        "password": TEXT,
        "is_anonymous": st.booleans(),
        "restricted_by_admin": st.booleans(),
        "totp_secret_base64": st.just("AAAA"),
        "country_code": st.sampled_from(["DE", "FR"]),
    },
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "user",
                "team",
                "member",
                "grant",
                "team_grant",
                "sign_in",
                "key",
                "team_key",
                "email",
                "select",
                "delete",
                "rotate",
                "define",
                "webhook",
                "wait",
            ]
        ),
        st.integers(min_value=0, max_value=10**6),
        USERS,
        TEXT,
    ),
    max_size=25,
)


class Life:
    """Does random things to an emulator, skipping what makes no sense."""

    def __init__(self, clock: StandingClock) -> None:
        self.clock = clock
        self.emulator = StackEmulator(
            {"projects": {"one": {"id": "1"}, "two": {"id": "2", "config": {}}}}, clock=clock
        )
        self.count = 0

    def some(self, kind: str, number: int) -> Any:
        found = list(getattr(self.emulator.project, kind).values())
        return found[number % len(found)] if found else None

    def do(self, step: str, number: int, fields: dict[str, Any], text: str) -> None:
        self.count += 1
        emulator, project = self.emulator, self.emulator.project
        user, team = self.some("users", number), self.some("teams", number)
        match step:
            case "user":
                emulator.create_user(("one", "two")[number % 2], **fields)
            case "team":
                emulator.create_team(text, creator=user and user.id)
            case "define":
                scope = ("project", "team")[number % 2]
                emulator.define_permission(
                    f"p{self.count}",
                    scope,  # type: ignore[arg-type]
                    contains=tuple(
                        item.id
                        for item in project.definitions.values()
                        if item.scope == scope and not item.id.startswith("$")
                    )[:2],
                )
            case "webhook":
                emulator.webhooks.add("http://localhost/x", types=["user.created"])
            case "rotate":
                emulator.rotate_keys(keep_old=bool(number % 2))
            case "wait":
                self.clock.now += number
            case _ if user is not None:
                self.do_with(step, user, team)

    def do_with(self, step: str, user: Any, team: Any) -> None:
        emulator, project = self.emulator, self.emulator.project
        match step:
            case "sign_in":
                emulator.sign_in(user.id)
            case "key":
                emulator.create_user_api_key(user.id, expires_at_millis=self.count)
            case "email":
                emulator.update_user(user.id, primary_email=f"u{self.count}@example.com")
            case "delete":
                emulator.delete_user(user.id)
            case "grant":
                for item in project.definitions_of("project"):
                    emulator.grant(user.id, item.id)
            case _ if team is not None:
                self.do_in_team(step, user, team)

    def do_in_team(self, step: str, user: Any, team: Any) -> None:
        is_member = (team.id, user.id) in self.emulator.project.memberships
        match step:
            case "member" if not is_member:
                self.emulator.add_member(team.id, user.id)
            case "team_key":
                self.emulator.create_team_api_key(team.id)
            case "team_grant" if is_member:
                self.emulator.grant(user.id, "$read_members", team_id=team.id)
            case "select" if is_member:
                self.emulator.update_user(user.id, selected_team_id=team.id)


@given(STEPS)
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_was_done_is_there_again(tmp_path: Path, steps: Any) -> None:
    life = Life(StandingClock())
    for step in steps:
        life.do(*step)
    again = reborn(life.emulator, tmp_path / "saved.json")
    for alias, project in life.emulator.projects.items():
        assert_same(project, again.projects[alias])
        for kind in KINDS[:-1]:
            assert list(getattr(project, kind)) == list(getattr(again.projects[alias], kind)) or (
                kind == "definitions"
            )
    assert dumped(again) == dumped(life.emulator)


# ---------------------------------------------------------------- what users see of it


def test_everybody_can_go_on_after_a_restart(
    emulator: StackEmulator, api: Api, tmp_path: Path
) -> None:
    form = {"email": EMAIL, "password": PASSWORD}
    tokens = api("POST", "/auth/password/sign-up", form).json
    user_id = tokens["user_id"]
    team = emulator.create_team("Team", creator=user_id)
    emulator.define_permission("read")
    emulator.grant(user_id, "read")
    key, team_key = emulator.create_user_api_key(user_id), emulator.create_team_api_key(team.id)
    again = Api(reborn(emulator, tmp_path / "saved.json"))
    assert again("GET", "/users/me", token=tokens["access_token"]).json["id"] == user_id
    refreshed = again(
        "POST", "/auth/sessions/current/refresh", {}, refresh_token=tokens["refresh_token"]
    )
    assert refreshed.status == 200
    assert again("POST", "/auth/password/sign-in", form).json["user_id"] == user_id
    assert again("POST", "/user-api-keys/check", {"api_key": key}).json["user_id"] == user_id
    assert again("POST", "/team-api-keys/check", {"api_key": team_key}).json["team_id"] == team.id
    held = again("GET", f"/project-permissions?user_id={user_id}").json["items"]
    assert [item["id"] for item in held] == ["read"]
    in_team = again("GET", f"/team-permissions?team_id={team.id}").json["items"]
    assert [item["id"] for item in in_team] == ["team_admin"]


def test_lifetime_and_webhooks_come_back_but_not_what_is_only_in_the_process(
    tmp_path: Path,
) -> None:
    emulator = StackEmulator(access_token_lifetime=7)
    emulator.webhooks.add("https://example.com/x", allow_remote=True)
    emulator.webhooks.add("http://localhost/x", post=lambda *_: 200)
    again = reborn(emulator, tmp_path / "saved.json")
    assert dumped(again)["access_token_lifetime_seconds"] == 7
    assert [item.url for item in again.webhooks.endpoints] == ["https://example.com/x"]
    assert again.webhooks.secret == emulator.webhooks.secret


def test_a_saved_seed_may_be_written_on_by_hand(emulator: StackEmulator, tmp_path: Path) -> None:
    emulator.create_user(primary_email=EMAIL)
    seed = dumped(emulator)
    seed["projects"]["local"]["users"] = [{"primary_email": "bob@example.com"}]
    emails = {user.primary_email for user in StackEmulator(seed).project.users.values()}
    assert emails == {EMAIL, "bob@example.com"}


# ---------------------------------------------------------------- the file


def test_only_the_owner_may_read_it(emulator: StackEmulator, tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.touch(mode=0o644)
    emulator.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_tokens_keys_and_passwords_are_not_in_it(
    emulator: StackEmulator, api: Api, tmp_path: Path
) -> None:
    user = emulator.create_user(primary_email=EMAIL, password=PASSWORD)
    tokens, key = emulator.sign_in(user.id), emulator.create_user_api_key(user.id)
    path = tmp_path / "saved.json"
    emulator.save(path)
    text = path.read_text()
    secrets = (tokens.refresh_token, tokens.access_token, key, PASSWORD)
    assert [secret for secret in secrets if secret in text] == []
    assert emulator.project.secret_server_key in text


def test_what_cannot_be_written_leaves_what_was_there(
    emulator: StackEmulator, tmp_path: Path
) -> None:
    path = tmp_path / "saved.json"
    path.write_text("before")
    emulator.create_user().server_metadata = object()
    with pytest.raises(TypeError):
        emulator.save(path)
    assert path.read_text() == "before"
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="saved"):
        saving.write(path, {})
    assert list(tmp_path.iterdir()) == [path]


def test_half_a_character_does_not_spoil_the_file(emulator: StackEmulator, tmp_path: Path) -> None:
    emulator.create_user().display_name = "a\ud800b"
    again = reborn(emulator, tmp_path / "saved.json")
    assert [user.display_name for user in again.project.users.values()] == ["a?b"]


# ---------------------------------------------------------------- what makes no sense


def broken(emulator: StackEmulator, **records: Any) -> dict[str, Any]:
    seed: dict[str, Any] = json.loads(json.dumps(dumped(emulator)))
    seed["projects"]["local"]["records"] |= records
    return seed


@pytest.mark.parametrize("kind", ["sessions", "api_keys", "memberships", "team", "selected"])
def test_records_of_nobody_are_refused(emulator: StackEmulator, kind: str) -> None:
    user = emulator.create_user()
    team = emulator.create_team("Team", creator=user.id)
    emulator.update_user(user.id, selected_team_id=team.id)
    emulator.sign_in(user.id)
    emulator.create_user_api_key(user.id)
    records = dumped(emulator)["projects"]["local"]["records"]
    match kind:
        case "team":
            changes: dict[str, Any] = {"users": [], "sessions": [], "api_keys": []}
            changes |= {"teams": [], "users": records["users"]}
        case "selected":
            changes = {"teams": [], "memberships": []}
        case _:
            empty: dict[str, Any] = {"sessions": [], "api_keys": [], "memberships": []}
            changes = empty | {"users": [], kind: records[kind]}
    with pytest.raises(ValueError, match="that they do not have"):
        StackEmulator(broken(emulator, **changes))


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"normal": [], "restricted": [], "anonymous": []},
        {kind: [{"kty": "oct", "k": "AAAA"}] for kind in ("normal", "restricted", "anonymous")},
        {kind: [{"kty": "EC"}] for kind in ("normal", "restricted", "anonymous")},
    ],
)
def test_keys_that_do_not_sign_are_refused(emulator: StackEmulator, keys: Any) -> None:
    with pytest.raises(ValueError, match="signing key"):
        StackEmulator(broken(emulator, signing_keys=keys))


def test_published_keys_alone_are_refused(emulator: StackEmulator) -> None:
    keys = emulator.project.signing_keys.dump()
    public = {
        kind: [{k: v for k, v in jwk.items() if k != "d"} for jwk in jwks]
        for kind, jwks in keys.items()
    }
    with pytest.raises(ValueError, match="private"):
        StackEmulator(broken(emulator, signing_keys=public))


def test_records_of_another_form_are_refused_without_their_values(
    emulator: StackEmulator,
) -> None:
    with pytest.raises(ValueError, match="users") as caught:
        StackEmulator(broken(emulator, users=[{"id": ["hidden"]}]))
    assert "hidden" not in str(caught.value)
    with pytest.raises(ValueError, match="nonsense"):
        StackEmulator(broken(emulator, nonsense=[]))
