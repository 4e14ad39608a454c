"""Reading what an emulator starts with.

The format is that of the conformance suite's `world.json`, extended by users, teams and API keys:

```json
{
  "access_token_lifetime_seconds": 600,
  "issuer_bases": ["http://127.0.0.1:8102"],
  "oauth_providers": {"main": ["github"]},
  "projects": {
    "main": {
      "id": "…", "display_name": "…",
      "publishable_client_key": "pck_…", "secret_server_key": "ssk_…",
      "super_secret_admin_key": "sak_…", "webhook_secret": "whsec_…",
      "webhooks": [{"url": "http://127.0.0.1:8000/webhooks", "types": ["user.deleted"]}],
      "config": {"sign_up_enabled": true, "…": "see ProjectConfig"},
      "team_permission_definitions": [
        {"id": "…", "description": "…", "contained_permission_ids": ["…"]}],
      "project_permission_definitions": [],
      "users": [
        {"id": "…", "primary_email": "…", "password": "…", "permissions": ["…"],
         "…": "any field that POST /users takes"}],
      "teams": [
        {"id": "…", "display_name": "…",
         "members": [{"user_id": "…", "permissions": ["…"]}]}],
      "api_keys": [
        {"user_id": "…", "description": "…", "value": "sk_…"},
        {"team_id": "…", "description": "…"}],
      "records": {"…": "users, sessions, teams, memberships, API keys and signing keys, as saved"}
    }
  }
}
```

Only a project's `id` is needed; ids and keys that are absent are made up, and a webhook secret that
is absent is the same each time. Without `team_permission_definitions` a project has the team
permissions of a new one (`new_project`). A user may be named by its e-mail address wherever an id
is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from stack_fastapi.emulator.errors import StackError
from stack_fastapi.emulator.routes.user_forms import UserCreate
from stack_fastapi.emulator.state import accounts, api_key_store, grants, membership, saved_records
from stack_fastapi.emulator.state.new_project import DEFAULT_SEED, completed
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import (
    Endpoint,
    PermissionDefinition,
    ProjectConfig,
    Scope,
    Team,
)
from stack_fastapi.emulator.state.signing_keys import SigningKeys
from stack_fastapi.emulator.state.state import State
from stack_fastapi.emulator.webhooks import endpoints, signing

Seed = Mapping[str, Any]

_SEED_KEYS = frozenset(
    {
        *("format", "access_token_lifetime_seconds", "issuer_bases"),
        *("oauth_providers", "projects"),
    }
)
_PROJECT_KEYS = frozenset(
    {
        *("id", "display_name", "config", "webhook_secret", "webhooks"),
        *("publishable_client_key", "secret_server_key", "super_secret_admin_key"),
        *("team_permission_definitions", "project_permission_definitions"),
        *("users", "teams", "api_keys", "records"),
    }
)


def plant(state: State, source: Seed | Path | None) -> None:
    """Fill a state from a seed, from a file that holds one, or from the default one.

    Raises:
        ValueError: The seed has no project, or something in it is wrong; it names the file.
        StackError: Something in it contradicts something else.
        OSError: The file cannot be read.
    """
    if not isinstance(source, Path):
        _plant_checked(state, DEFAULT_SEED if source is None else source)
        return
    try:
        _plant_checked(state, json.loads(source.read_text(encoding="utf-8")))
    except (ValueError, StackError) as error:
        raise ValueError(f"{source}: {error}") from error


def _plant_checked(state: State, seed: Seed) -> None:
    try:
        _plant(state, seed)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"The seed is wrong: {type(error).__name__}: {error}.") from error


def _plant(state: State, seed: Seed) -> None:
    _check_keys(seed, _SEED_KEYS, "seed")
    if not seed.get("projects"):
        raise ValueError("The seed has no projects.")
    _check_providers(seed)
    state.access_token_lifetime = seed.get(
        "access_token_lifetime_seconds", state.access_token_lifetime
    )
    for base_url in seed.get("issuer_bases", ()):
        state.issuer_bases.configure(base_url)
    for alias, fields in seed["projects"].items():
        project = _project(state, alias, completed(fields))
        project.config.oauth_providers += seed.get("oauth_providers", {}).get(alias, ())
        state.projects[project.id] = project
        saved_records.plant(project, fields.get("records", {}))
        _plant_users(state, project, fields.get("users", ()))
        _plant_teams(state, project, fields.get("teams", ()))
        _plant_api_keys(state, project, fields.get("api_keys", ()))


def _project(state: State, alias: str, fields: Seed) -> Project:
    _check_keys(fields, _PROJECT_KEYS, f"seed's project {alias!r}")
    entropy = state.entropy
    project = Project(
        alias=alias,
        id=fields["id"],
        display_name=fields.get("display_name", alias),
        publishable_client_key=fields.get("publishable_client_key", f"pck_{entropy.secret()}"),
        secret_server_key=fields.get("secret_server_key", f"ssk_{entropy.secret()}"),
        super_secret_admin_key=fields.get("super_secret_admin_key", f"sak_{entropy.secret()}"),
        signing_keys=SigningKeys(entropy),
        webhook_secret=fields.get("webhook_secret", signing.LOCAL_SECRET),
        config=ProjectConfig(**deepcopy(fields.get("config", {}))),
    )
    scopes: tuple[Scope, ...] = ("team", "project")
    for scope in scopes:
        _plant_definitions(project, scope, fields.get(f"{scope}_permission_definitions", ()))
    _check_secret(project)
    project.endpoints += [_endpoint(item) for item in fields.get("webhooks", ())]
    return project


def _check_secret(project: Project) -> None:
    try:
        signing.check(project.webhook_secret)
    except ValueError as error:
        raise ValueError(f"The seed's project {project.alias!r}: {error}") from None


def _check_keys(part: Seed, known: frozenset[str], name: str) -> None:
    unknown = sorted(part.keys() - known)
    if unknown:
        raise ValueError(f"The {name} has what there is not: {unknown[0]!r}.")


def _check_providers(seed: Seed) -> None:
    """Make sure that the other providers are a list of ids for projects of the seed."""
    given = seed.get("oauth_providers", {})
    if not isinstance(given, Mapping):
        raise ValueError("The seed's oauth_providers are not by project.")  # noqa: TRY004 - a seed's
    for alias, ids in given.items():
        if alias not in seed["projects"]:
            raise ValueError(f"The seed's oauth_providers name no project {alias!r} of it.")
        if not isinstance(ids, list) or not all(isinstance(id_, str) for id_ in ids):
            raise ValueError(f"The seed's oauth_providers of {alias!r} are no list of ids.")


def _endpoint(item: Mapping[str, Any]) -> Endpoint:
    types, allow_remote = tuple(item.get("types", ())), item.get("allow_remote", False)
    return endpoints.check(Endpoint(item["url"], types, allow_remote))


def _plant_definitions(project: Project, scope: Scope, items: Any) -> None:  # noqa: ANN401 - JSON
    """All first, then the check: they contain each other in any order."""
    planted = [PermissionDefinition(scope=scope, **deepcopy(item)) for item in items]
    project.definitions.update({definition.id: definition for definition in planted})
    for definition in planted:
        grants.check_contained(project, definition)


def _plant_users(state: State, project: Project, items: Any) -> None:  # noqa: ANN401 - JSON
    now_millis = int(state.clock() * 1000)
    for item in items:
        given = {name: value for name, value in item.items() if name not in {"id", "permissions"}}
        changes = accounts.with_email_auth(UserCreate.model_validate(given).given())
        user = accounts.create_user(project, changes, state.entropy, now_millis)
        if "id" in item:
            del project.users[user.id]
            user.id = item["id"]
            project.users[user.id] = user
        for permission_id in item.get("permissions", ()):
            grants.grant_in_project(project, user.id, permission_id)


def _plant_teams(state: State, project: Project, items: Any) -> None:  # noqa: ANN401 - JSON
    for item in items:
        fields = {name: value for name, value in item.items() if name != "members"}
        fields = {"id": state.entropy.uuid(), **fields}
        team = Team(created_at_millis=int(state.clock() * 1000), **fields)
        project.teams[team.id] = team
        for member in item.get("members", ()):
            user_id = _user_id(project, member["user_id"])
            membership.add_member(project, team.id, user_id)
            for permission_id in member.get("permissions", ()):
                grants.grant_in_team(project, team.id, user_id, permission_id)


def _plant_api_keys(state: State, project: Project, items: Any) -> None:  # noqa: ANN401 - JSON
    for item in items:
        owner = {"user_id": _user_id(project, item["user_id"])} if "user_id" in item else {}
        api_key_store.plant(state, project, {**item, **owner})


def _user_id(project: Project, id_or_email: str) -> str:
    for user in project.users.values():
        if id_or_email in {user.id, user.primary_email}:
            return user.id
    raise ValueError(f"The seed names a user {id_or_email!r} that it does not have.")
