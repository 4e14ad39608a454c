"""The second witness: recorded exchanges with a real server, played again in their order.

Ids, tokens and keys of the recording are replaced by those that the emulator gave in their place.
An exchange that uses one the recording never showed (about a quarter was left out) cannot be
played.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stack_fastapi.emulator import StackEmulator

from .emulator_api import Api, Reply

EXCHANGES = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "recordings" / "exchanges.jsonl")
    .read_text()
    .splitlines()
]

#: Exchanges that follow on one that was left out.
NOT_COMPARABLE = {
    60: "a second set of keys",
    318: "the session was revoked by an exchange that was left out",
    319: "the same",
    329: "the sign-up of this user was left out",
    494: "the first definition was left out",
    603: "the first channel was left out",
    604: "the owner of the address was left out",
}
#: The code in the e-mail that exchange 614 sent; exchange 617, which used it, was left out.
SENT_CODE = "srer5j3ph2m8aj24w29wy8se1dzjy7mgr4mzmr73wx668"

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SECRET = re.compile(
    r"eyJ[\w-]+\.[\w-]+\.[\w-]*|[sp]k_[0-9a-z]{90,}|(?<![0-9a-z_])[0-9a-z]{45}(?![0-9a-z])"
)
_UNKNOWN_ID = "a1b2c3d4-0000-4000-8000-000000000001"


def key_of(name: str, project_id: str) -> str | None:
    """The key that the recorded requests use most: there are wrong and revoked ones as well."""
    used = Counter(
        headers[name]
        for headers in (exchange["request"]["headers"] for exchange in EXCHANGES)
        if headers.get("x-stack-project-id") == project_id and name in headers
    )
    return max(used, key=used.__getitem__, default=None)


def recorded_project(project_id: str, **config: bool) -> dict[str, Any]:
    """What the recording tells about a project."""
    kinds = ("publishable_client_key", "secret_server_key", "super_secret_admin_key")
    keys = {kind: key_of(f"x-stack-{kind.replace('_', '-')}", project_id) for kind in kinds}
    found = {kind: key for kind, key in keys.items() if key}
    return {"id": project_id, "config": DEFAULTS | config, **found}


MAIN = "b97ece6e-1102-4a7a-93e9-9fcfedd074c9"
OTHER = "15e72b30-cdae-4348-af32-6c88ea0137d5"
RESTRICTED = "bb500a22-8160-450b-abc5-d5133b23c332"
LOCKED = "09149c27-9d49-4080-959b-4671ae01e5a9"
MEMBER = ["$invite_members", "$read_members"]
ADMIN = ["$delete_team", *MEMBER, "$manage_api_keys", "$remove_members", "$update_team"]
DEFAULTS = {
    "magic_link_enabled": True,
    "passkey_enabled": True,
    "team_creator_default_permissions": ["team_admin"],
    "team_member_default_permissions": ["team_member"],
}


def seed() -> dict[str, Any]:
    main = recorded_project(MAIN) | {
        "team_permission_definitions": [
            {"id": "manage_billing", "contained_permission_ids": ["view_billing"]},
            {"id": "view_billing"},
            {"id": "team_admin", "contained_permission_ids": ADMIN},
            {"id": "team_member", "contained_permission_ids": MEMBER},
        ],
        "project_permission_definitions": [
            {"id": "admin_docs", "contained_permission_ids": ["write_docs"]},
            {"id": "write_docs", "contained_permission_ids": ["read_docs"]},
            {"id": "read_docs"},
        ],
    }
    for definition in main["team_permission_definitions"] + main["project_permission_definitions"]:
        definition["description"] = "a permission"
    return {
        "projects": {
            "main": main,
            "other": recorded_project(OTHER, require_publishable_client_key=True),
            "restricted": recorded_project(RESTRICTED, require_email_verification=True),
            "locked": recorded_project(
                LOCKED,
                sign_up_enabled=False,
                client_team_creation_enabled=False,
                client_user_deletion_enabled=False,
                allow_user_api_keys=False,
                allow_team_api_keys=False,
            ),
        }
    }


class Player:
    """Plays exchanges and learns what stands for what."""

    def __init__(self) -> None:
        self.api = Api(StackEmulator(seed()))
        self._known = {text: text for text in (MAIN, OTHER, RESTRICTED, LOCKED, _UNKNOWN_ID)}

    def can_play(self, request: dict[str, Any]) -> bool:
        text = json.dumps(request)
        return all(
            found in self._known
            for pattern in (_UUID, _SECRET)
            for found in pattern.findall(text)
            if not found.startswith(("pck_", "ssk_", "sak_"))
        )

    def play(self, request: dict[str, Any]) -> Reply:
        headers = {name: self._ours(value) for name, value in request["headers"].items()}
        body = request["body"]
        if body is not None:
            body = self._ours(body if isinstance(body, str) else json.dumps(body)).encode()
        return self.api.raw(request["method"], self._ours(request["path"]), headers, body)

    def learn(self, recorded: object, ours: object) -> None:
        if isinstance(recorded, dict) and isinstance(ours, dict):
            for name in recorded.keys() & ours.keys():
                self.learn(recorded[name], ours[name])
        elif isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
            for one, other in zip(recorded, ours, strict=True):
                self.learn(one, other)
        elif isinstance(recorded, str) and isinstance(ours, str):
            self._known.setdefault(recorded, ours)

    def _ours(self, text: str) -> str:
        for pattern in (_UUID, _SECRET):
            text = pattern.sub(lambda found: self._known[found[0]], text)
        return text


def shape_of(value: object, key: str = "") -> object:
    """Keys and types. Metadata is its writer's, and whatever is null may be something else."""
    if key.endswith("_metadata") or value is None:
        return "anything"
    if isinstance(value, dict):
        return {name: shape_of(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [shape_of(value[0])] if value else "anything"
    return type(value).__name__


def differences(recorded: Any, ours: Any) -> list[str]:
    """Where two shapes differ, other than by a null."""
    if "anything" in (recorded, ours):
        return []
    if isinstance(recorded, dict) and isinstance(ours, dict):
        names = recorded.keys() ^ ours.keys()
        return [f"key {name}" for name in sorted(names)] + [
            f"{name}: {line}"
            for name in recorded.keys() & ours.keys()
            for line in differences(recorded[name], ours[name])
        ]
    if isinstance(recorded, list) and isinstance(ours, list):
        return differences(recorded[0], ours[0])
    return [] if recorded == ours else [f"{recorded} and {ours}"]


def outcome(response: dict[str, Any]) -> dict[str, object]:
    headers = response["headers"]
    return {
        "status": response["status"],
        "known error": headers.get("x-stack-known-error"),
        "actual status": headers.get("x-stack-actual-status"),
        "content type": headers.get("content-type"),
        "cache control": headers.get("cache-control"),
        "location": headers.get("location"),
        "request id": "x-stack-request-id" in headers,
    }


def optional_keys(names: list[str]) -> list[str]:
    """Keys of API keys that come and go with what was left out."""
    return [name for name in names if "expires_at_millis" not in name]


@pytest.fixture(scope="module")
def played() -> dict[int, tuple[dict[str, Any], Reply]]:
    """By their numbers: what could be played, and what the emulator answered."""
    player, found = Player(), {}
    for exchange in EXCHANGES:
        if not player.can_play(exchange["request"]):
            continue
        if exchange["name"] == "contact channel verify twice":
            player.play(exchange["request"])
        reply = player.play(exchange["request"])
        if exchange["name"] == "send verification code (client me)":
            player.learn(SENT_CODE, player.api.emulator.sent_emails[-1].code)
        found[exchange["seq"]] = (exchange, reply)
        if reply.status < 400 and exchange["response"]["body"] and is_json(reply):
            player.learn(exchange["response"]["body"], reply.json)
    return found


def is_json(reply: Reply) -> bool:
    return reply.headers.get("content-type", "").startswith("application/json")


def test_most_exchanges_can_be_played(played: dict[int, tuple[dict[str, Any], Reply]]) -> None:
    assert len(played) - len(NOT_COMPARABLE) > 320
    assert played.keys() >= NOT_COMPARABLE.keys()


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda item: f"{item['seq']}-{item['name']}")
def test_an_exchange_ends_as_it_did(
    exchange: dict[str, Any], played: dict[int, tuple[dict[str, Any], Reply]]
) -> None:
    number = exchange["seq"]
    if number not in played or number in NOT_COMPARABLE:
        return  # counted above
    reply = played[number][1]
    ours = {"status": reply.status, "headers": reply.headers}
    assert outcome(ours) == outcome(exchange["response"])
    if isinstance(exchange["response"]["body"], dict):
        found = differences(shape_of(exchange["response"]["body"]), shape_of(reply.json))
        assert optional_keys(found) == []
