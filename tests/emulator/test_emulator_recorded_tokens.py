"""The third witness: recorded access tokens, good and bad, and what a real server said to them.

Its keys are not in the recording. So the claims are signed again, with the emulator's key for the
audience that they name.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws

from stack_fastapi.emulator import StackEmulator, UserKind

from .emulator_api import Api, Reply

RECORDED = json.loads((Path(__file__).parents[1] / "recordings" / "tokens.json").read_text())
PROJECTS = {name: found["project_id"] for name, found in RECORDED["projects"].items()}
#: A little after the recording.
NOW = 1_795_490_000.0
ISSUER = "http://127.0.0.1:8102"
#: In these, only the claims are good or bad: not the signature, the encoding or the header.
GROUPS = {
    "audience",
    "claim_types",
    "genuine",
    "issuer",
    "issuer_alias",
    "json",
    "legacy",
    "missing_claim",
    "time",
    "user_type",
    "wrong_project",
}
FAILED = "The real server answers 500."


def payload_of(token: str) -> bytes:
    payload = token.split(".")[1]
    return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))


def claims_of(token: str) -> dict[str, Any]:
    """The claims, or none where the payload is no JSON object."""
    try:
        claims = json.loads(payload_of(token).decode("utf-8-sig", errors="replace"))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def was_answered(token: dict[str, Any]) -> bool:
    return token["server"]["plain"] is not None or FAILED in token.get("note", "")


TOKENS = [
    token
    for token in RECORDED["tokens"]
    if token["group"] in GROUPS
    and "token" in token
    and was_answered(token)
    and not any(word in token["name"] for word in ("key of the", "foreign key", "header"))
]


@pytest.fixture(scope="module")
def emulator() -> StackEmulator:
    """Holds the users whom the real server knew."""
    known = {
        (PROJECTS[token["project"]], claims_of(token["token"])["sub"])
        for token in TOKENS
        if (token["server"]["allow"] or {}).get("status") == 200
    }
    seed = {
        "projects": {
            name: {
                "id": id_,
                "users": [
                    {"id": sub} for home, sub in sorted(known) if home == id_ and len(sub) == 36
                ],
            }
            for name, id_ in PROJECTS.items()
        }
    }
    return StackEmulator(seed, clock=lambda: NOW, issuer=ISSUER)


def signed_again(emulator: StackEmulator, token: str) -> str:
    audience, key = claims_of(token).get("aud"), None
    for home in emulator.projects.values():
        for kind in UserKind:
            if audience == kind.audience(home.id):
                key = home.signing_keys.signer(kind)
    key = key or emulator.project.signing_keys.signer(UserKind.NORMAL)
    return jws.serialize_compact({"alg": "ES256", "kid": key.kid}, payload_of(token), key)


def verdict(reply: Reply) -> dict[str, Any] | None:
    if reply.status == 500:
        return None
    return {"status": reply.status, "code": reply.code}


def test_there_are_many_tokens() -> None:
    assert len(TOKENS) > 150


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token["name"])
def test_a_token_gets_the_recorded_verdict(emulator: StackEmulator, token: dict[str, Any]) -> None:
    api = Api(emulator, token["project"])
    text = signed_again(emulator, token["token"])
    plain = api("GET", "/users/me", token=text)
    allowed = api(
        "GET", "/users/me", token=text, allow_anonymous_user="true", allow_restricted_user="true"
    )
    assert verdict(plain) == token["server"]["plain"]
    assert verdict(allowed) == token["server"]["allow"]
