"""Stack's official JavaScript client works against the local Stack.

Each scenario (`*.test.mjs`) runs in Node against an emulator of its own, once with the last client
that speaks `x-stack-*` and once with one that speaks `x-hexclave-*`. Node asserts what the client
shows; the tests here assert what the emulator was asked and what it holds afterwards.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from stack_fastapi import CurrentUser, StackAuth, StackAuthMiddleware, StackAuthSettings
from stack_fastapi.emulator import LoggedRequest, Project, StackEmulator

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
LOCK = HERE / "package-lock.json"
#: A copy of the lock file by which the packages were installed.
STAMP = PACKAGES / ".installed"
#: The client's versions, and under which name each sends Stack's headers.
BRANDS = {"2.8.102": "stack", "2.8.108": "hexclave"}
SCENARIOS = sorted(file.name.removesuffix(".test.mjs") for file in HERE.glob("*.test.mjs"))
#: The first Node of version 20 that can be told to end with the last test.
OLDEST_NODE = (20, 14)
#: These would set up the client or Node from outside.
FOREIGN_SETTINGS = ("HEXCLAVE_", "NEXT_PUBLIC_", "NODE_", "STACK_")
AT_ONCE = 4
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# The first test may have to wait for the packages.
pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Run:
    """A scenario that was played: what both sides say about it."""

    stack: StackEmulator
    url: str
    status: int
    output: str
    report: Mapping[str, Any]

    @property
    def project(self) -> Project:
        return self.stack.project

    @property
    def refused(self) -> list[tuple[str, str, str | None]]:
        """Method, path and code of the requests that failed."""
        return [
            (request.method, UUID.sub("{id}", request.path), request.known_error)
            for request in self.stack.requests
            if not 200 <= request.status < 300
        ]

    def requests_as(self, access_type: str) -> list[LoggedRequest]:
        return [request for request in self.stack.requests if request.access_type == access_type]


def give_up(reason: str) -> NoReturn:
    """Nobody needs Node to work on this package, but CI has it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        give_up(f"{name} is not installed.")
    return found


@pytest.fixture(scope="session")
def node() -> str:
    found = program("node")
    version = subprocess.run(  # noqa: S603 - found on the path
        [found, "--version"], capture_output=True, text=True, check=True, timeout=30
    ).stdout
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_NODE:
        give_up(f"node {version.strip()} is too old.")
    return found


@pytest.fixture(scope="session")
def packages(node: str) -> None:
    """Install what the lock file pins, unless it is there already.

    A folder of its own that is moved into place: neither a second run at the same time nor an
    interruption leaves half of it.
    """
    npm = program("npm")
    if are_installed():
        return
    with tempfile.TemporaryDirectory(prefix="node_modules.", dir=HERE) as folder:
        for name in ("package.json", LOCK.name, ".npmrc"):
            shutil.copy(HERE / name, folder)
        done = subprocess.run(  # noqa: S603 - found on the path
            [npm, "ci", "--no-audit", "--no-fund"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        if done.returncode != 0:
            give_up(f"npm could not install the client: {done.stderr}")
        if are_installed():
            return  # somebody was faster
        fresh = Path(folder, PACKAGES.name)
        shutil.copy(LOCK, fresh / STAMP.name)
        if PACKAGES.exists():
            PACKAGES.rename(Path(folder, "outdated"))
        fresh.rename(PACKAGES)


def are_installed() -> bool:
    return STAMP.is_file() and STAMP.read_bytes() == LOCK.read_bytes()


@pytest.fixture(scope="module", params=BRANDS)
def version(request: pytest.FixtureRequest) -> str:
    param: str = request.param
    return param


@pytest.fixture(scope="module")
def runs(
    node: str, packages: None, version: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Run]:
    """All scenarios, played at once: most of their time the client waits for itself."""
    folder = tmp_path_factory.mktemp("reports")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        played = pool.map(lambda scenario: play(node, version, scenario, folder), SCENARIOS)
        return dict(zip(SCENARIOS, played, strict=True))


def play(node: str, version: str, scenario: str, folder: Path) -> Run:
    stack = StackEmulator()
    report = folder / f"{scenario}.json"
    with stack.serve() as served:
        done = subprocess.run(  # noqa: S603 - found on the path, and words from this file
            [node, "--test", "--test-force-exit", f"{scenario}.test.mjs"],
            cwd=HERE,
            env=environment(served.url, stack.project, version, report),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    return Run(
        stack,
        served.url,
        done.returncode,
        done.stdout + done.stderr,
        json.loads(report.read_text()) if report.exists() else {},
    )


def environment(url: str, project: Project, version: str, report: Path) -> dict[str, str]:
    own = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN_SETTINGS)}
    return own | {
        "STACK_API_URL": url,
        "STACK_PROJECT_ID": project.id,
        "STACK_PUBLISHABLE_CLIENT_KEY": project.publishable_client_key,
        "STACK_SECRET_SERVER_KEY": project.secret_server_key,
        "STACK_SUPER_SECRET_ADMIN_KEY": project.super_secret_admin_key,
        "STACK_SDK": f"stack-js-{version}",
        "REPORT": str(report),
    }


@pytest.fixture
def played(runs: dict[str, Run], version: str) -> Callable[[str], Run]:
    """A scenario's run, in which Node had no complaint and asked nobody but this emulator."""

    def find(scenario: str) -> Run:
        run = runs[scenario]
        assert run.status == 0, run.output
        assert run.report["brands"] == [BRANDS[version]]
        assert {request.project_id for request in run.stack.requests} <= {run.project.id, None}
        return run

    return find


def test_environment(played: Callable[[str], Run]) -> None:
    run = played("configuration")
    # A client without an explicit address asks whether there are others; the answer may be no.
    assert set(run.refused) <= {("GET", "/api/v1/internal/backend-urls", None)}
    assert run.project.users[run.report["userId"]].primary_email == "env@example.com"


def test_password(played: Callable[[str], Run]) -> None:
    run = played("password")
    gone = [
        ("POST", "/api/v1/auth/oauth/token", "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"),
        ("GET", "/api/v1/users/me", "CANNOT_GET_OWN_USER_WITHOUT_USER"),
    ]
    assert run.refused == [
        ("POST", "/api/v1/auth/password/sign-up", "USER_EMAIL_ALREADY_EXISTS"),
        ("POST", "/api/v1/auth/password/sign-up", "PASSWORD_TOO_SHORT"),
        ("POST", "/api/v1/auth/password/sign-in", "EMAIL_PASSWORD_MISMATCH"),
        *gone,  # a session ended from elsewhere
        *gone,  # a session signed out
        ("POST", "/api/v1/auth/password/sign-in", "EMAIL_PASSWORD_MISMATCH"),
    ]
    assert list(run.project.users) == [run.report["userId"]]
    user = run.project.users[run.report["userId"]]
    assert user.primary_email == "ada@example.com"
    assert user.display_name == "Ada Lovelace"
    assert user.client_metadata == {"theme": "dark", "tags": [1, None]}
    assert len(run.project.sessions) == 1
    assert run.project.session_of(run.report["refreshToken"]) is None
    assert run.requests_as("server") == []


def test_anonymous(played: Callable[[str], Run]) -> None:
    run = played("anonymous")
    assert run.refused == []
    user, other = (run.project.users[run.report[name]] for name in ("userId", "otherId"))
    assert (user.is_anonymous, user.primary_email) == (False, "visitor@example.com")
    assert user.client_metadata == {"basket": ["tea"]}
    assert (other.is_anonymous, other.primary_email) == (True, None)
    assert [session.user_id for session in run.project.sessions.values()] == [user.id]
    assert len(run.stack.requests.to("*/auth/anonymous/sign-up")) == 2


def test_sessions(played: Callable[[str], Run]) -> None:
    run = played("sessions")
    assert run.refused == [
        ("POST", "/api/v1/auth/oauth/token", "REFRESH_TOKEN_NOT_FOUND_OR_EXPIRED"),
        ("GET", "/api/v1/users/me", "CANNOT_GET_OWN_USER_WITHOUT_USER"),
    ]
    assert len(run.stack.requests.to("*/auth/oauth/token", status=200)) >= 2
    sessions = run.project.sessions
    assert {session.user_id for session in sessions.values()} == {run.report["userId"]}
    assert [session.is_impersonation for session in sessions.values()] == [False, False, True]
    assert next(iter(sessions)) == run.report["sessionId"]


def test_own_back_end(played: Callable[[str], Run]) -> None:
    """What the client hands to its own back end signs the user in there."""
    run = played("sessions")
    settings = StackAuthSettings(
        project_id=run.project.id,
        secret_server_key=run.project.secret_server_key,
        api_url=run.url,
        token_sources=("header", "bearer", "stack_auth"),
    )
    app = FastAPI()
    app.add_middleware(StackAuthMiddleware, auth=StackAuth(settings, transport=run.stack.transport))

    @app.get("/me")
    async def me(user: CurrentUser) -> str:
        return user.id

    client = TestClient(app)
    for headers in (run.report["headers"], {"authorization": run.report["bearer"]}):
        answer = client.get("/me", headers=headers)
        assert (answer.status_code, answer.json()) == (200, run.report["userId"])
    assert client.get("/me").status_code == 401


def test_teams(played: Callable[[str], Run]) -> None:
    run = played("teams")
    assert run.refused == [
        ("POST", "/api/v1/team-memberships/{id}/{id}", "TEAM_MEMBERSHIP_ALREADY_EXISTS"),
        ("PATCH", "/api/v1/teams/{id}", "TEAM_PERMISSION_REQUIRED"),
        ("DELETE", "/api/v1/teams/{id}", "TEAM_PERMISSION_REQUIRED"),
    ]
    owner_id, team_id = run.report["ownerId"], run.report["serverTeamId"]
    assert list(run.project.teams) == [team_id]
    assert run.project.teams[team_id].server_metadata == {"plan": "gold"}
    assert list(run.project.memberships) == [(team_id, owner_id)]
    assert run.project.users[run.report["memberId"]].selected_team_id is None


def test_permissions(played: Callable[[str], Run]) -> None:
    run = played("permissions")
    user_id, team_id = run.report["userId"], run.report["teamId"]
    permission = "/api/v1/team-permissions/{id}/{id}"
    assert run.refused == [
        ("DELETE", f"{permission}/invoice%3Awrite", "TEAM_PERMISSION_NOT_FOUND"),
        ("POST", f"{permission}/never%3Adefined", "PERMISSION_NOT_FOUND"),
    ]
    defined = run.project.definitions
    assert defined["invoice:write"].contained_permission_ids == ["invoice:read"]
    assert (defined["reports"].scope, defined["reports"].description) == (
        "project",
        "Reads reports",
    )
    assert run.project.users[user_id].permissions == set()
    assert run.project.memberships[team_id, user_id].permissions == {"team_admin"}
    assert len(run.requests_as("admin")) == len(run.stack.requests.to("*-permission-definitions"))


def test_api_keys(played: Callable[[str], Run]) -> None:
    run = played("api_keys")
    assert run.refused == [
        ("POST", "/api/v1/user-api-keys/check", "API_KEY_NOT_FOUND"),
        ("POST", "/api/v1/team-api-keys/check", "API_KEY_REVOKED"),
        ("POST", "/api/v1/user-api-keys/check", "API_KEY_EXPIRED"),
        ("POST", "/api/v1/user-api-keys/check", "API_KEY_REVOKED"),
    ]
    keys = {key.description: key for key in run.project.api_keys.values()}
    assert set(keys) == {"hourly job", "open", "shared", "made by a server", "old"}
    revoked = {name for name, key in keys.items() if key.manually_revoked_at_millis is not None}
    assert revoked == {"hourly job", "shared"}
    assert keys["hourly job"].id == run.report["keyId"]
    assert keys["hourly job"].last_four == run.report["key"][-4:]
    owner_ids = {key.owner_id for key in keys.values()}
    assert owner_ids == {run.report["userId"], run.report["teamId"]}


def test_server_users(played: Callable[[str], Run]) -> None:
    run = played("server_users")
    assert run.refused == [
        ("POST", "/api/v1/users", "USER_EMAIL_ALREADY_EXISTS"),
        ("GET", "/api/v1/users/{id}", "USER_NOT_FOUND"),
        ("POST", "/api/v1/auth/password/sign-in", "EMAIL_PASSWORD_MISMATCH"),
        ("GET", "/api/v1/users/{id}", "USER_NOT_FOUND"),
        ("GET", "/api/v1/users/me", "CANNOT_GET_OWN_USER_WITHOUT_USER"),
    ]
    left = run.project.users.values()
    assert {user.display_name for user in left} == {"Betty", "Jean", "Kay", "Marlyn", None}
    assert run.report["userId"] not in run.project.users
    assert {request.method for request in run.requests_as("server")} == {
        "DELETE",
        "GET",
        "PATCH",
        "POST",
    }


def test_emails(played: Callable[[str], Run]) -> None:
    run = played("emails")
    assert [code for _, _, code in run.refused] == [
        "VERIFICATION_CODE_ALREADY_USED",
        "VERIFICATION_CODE_NOT_FOUND",
        "VERIFICATION_CODE_ALREADY_USED",
        "VERIFICATION_CODE_ALREADY_USED",
    ]
    member_id = run.report["memberId"]
    assert [team.id for team in run.project.teams_of(member_id)] == run.report["teamIds"]
    assert run.project.users[member_id].primary_email_verified
