"""Access tokens, checked with another library's eyes."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from stack_fastapi.emulator import StackEmulator, Tokens, UserKind

from .emulator_api import HOST, Api, StandingClock


def key_set(api: Api, query: str = "") -> KeySet:
    path = f"/projects/{api.emulator.project.id}/.well-known/jwks.json{query}"
    return KeySet.import_key_set(api("GET", path).json)


def decoded(api: Api, token: str, query: str = "?include_anonymous=true") -> Any:
    return jwt.decode(token, key_set(api, query), algorithms=["ES256"])


def signed_in(emulator: StackEmulator) -> Tokens:
    return emulator.sign_in(emulator.create_user(display_name="Alice").id)


def test_the_claims_say_what_the_real_ones_say(
    emulator: StackEmulator, api: Api, clock: StandingClock
) -> None:
    tokens = signed_in(emulator)
    token = decoded(api, tokens.access_token)
    assert token.header.keys() == {"alg", "kid"}
    assert token.claims == {
        "sub": tokens.user_id,
        "project_id": emulator.project.id,
        "branch_id": "main",
        "refresh_token_id": tokens.session_id,
        "role": "authenticated",
        "name": "Alice",
        "email": None,
        "email_verified": False,
        "selected_team_id": None,
        "signed_up_at": int(clock.now),
        "is_anonymous": False,
        "is_restricted": False,
        "restricted_reason": None,
        "requires_totp_mfa": False,
        "iat": int(clock.now),
        "exp": int(clock.now) + 600,
        "iss": f"http://stack.localhost/api/v1/projects/{emulator.project.id}",
        "aud": emulator.project.id,
    }


def test_the_issuer_is_the_host_that_the_client_used(emulator: StackEmulator, api: Api) -> None:
    refresh_token = signed_in(emulator).refresh_token
    refreshed = api("POST", "/auth/sessions/current/refresh", {}, refresh_token=refresh_token)
    token = refreshed.json["access_token"]
    assert decoded(api, token).claims["iss"].startswith(f"http://{HOST}/api/v1/projects/")
    assert api("GET", "/users/me", token=token).status == 200


def test_the_issuer_may_be_fixed() -> None:
    emulator = StackEmulator(issuer="https://auth.example.com")
    api = Api(emulator)
    for token in (
        signed_in(emulator).access_token,
        api("POST", "/auth/anonymous/sign-up").json["access_token"],
    ):
        assert decoded(api, token).claims["iss"].startswith("https://auth.example.com/api/v1/")
    foreign = emulator.issue_token(
        emulator.create_user().id, iss=f"http://{HOST}/api/v1/projects/{emulator.project.id}"
    )
    assert api("GET", "/users/me", token=foreign).code == "UNPARSABLE_ACCESS_TOKEN"


def test_each_kind_of_user_has_keys_of_its_own(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user()
    emulator.restrict_user(user.id)
    restricted, anonymous = emulator.sign_in(user.id), emulator.anonymous()
    decoded(api, restricted.access_token, "?include_restricted=true")
    for token, query in (
        (restricted.access_token, ""),
        (anonymous.access_token, "?include_restricted=true"),
    ):
        with pytest.raises((JoseError, ValueError)):
            decoded(api, token, query)


def test_a_token_expires_at_the_second_it_names(
    emulator: StackEmulator, api: Api, clock: StandingClock
) -> None:
    tokens = signed_in(emulator)
    clock.now += 599.9
    assert api("GET", "/users/me", token=tokens.access_token).status == 200
    clock.now += 0.1
    expired = api("GET", "/users/me", token=tokens.access_token)
    assert expired.outcome == (401, "ACCESS_TOKEN_EXPIRED")
    assert expired.json["details"] == {
        "expired_at_millis": int(clock.now) * 1000,
        "project_id": emulator.project.id,
        "user_id": tokens.user_id,
        "refresh_token_id": tokens.session_id,
    }


@pytest.mark.parametrize("lifetime", [3, 86400])
def test_the_lifetime_can_be_set(lifetime: float) -> None:
    emulator = StackEmulator(access_token_lifetime=lifetime)
    claims = decoded(Api(emulator), signed_in(emulator).access_token).claims
    assert claims["exp"] - claims["iat"] == lifetime


def test_rotated_keys_are_published_beside_the_old_ones(emulator: StackEmulator, api: Api) -> None:
    old, known = signed_in(emulator).access_token, key_set(api)
    emulator.rotate_keys()
    new = signed_in(emulator).access_token
    assert api("GET", "/users/me", token=old).status == 200
    assert api("GET", "/users/me", token=new).status == 200
    decoded(api, new)
    with pytest.raises(JoseError, match="kid"):
        jwt.decode(new, known, algorithms=["ES256"])


def test_dropped_keys_make_their_tokens_worthless(emulator: StackEmulator, api: Api) -> None:
    old = signed_in(emulator).access_token
    emulator.rotate_keys(keep_old=False)
    assert api("GET", "/users/me", token=old).outcome == (401, "UNPARSABLE_ACCESS_TOKEN")
    assert len(key_set(api).keys) == 2


def test_a_token_can_say_anything(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user()
    token = emulator.issue_token(
        user.id, header={"typ": "x"}, without=["email"], is_restricted=True, extra=[1]
    )
    found = decoded(api, token)
    assert found.header["typ"] == "x"
    assert found.claims["extra"] == [1]
    assert "email" not in found.claims
    assert api("GET", "/users/me", token=token).status == 500


def test_a_token_signed_for_another_kind_is_refused(emulator: StackEmulator, api: Api) -> None:
    token = emulator.issue_token(emulator.create_user().id, kind=UserKind.ANONYMOUS)
    decoded(api, token)
    assert api("GET", "/users/me", token=token).code == "UNPARSABLE_ACCESS_TOKEN"


def test_a_project_without_this_id_has_no_keys(api: Api, emulator: StackEmulator) -> None:
    token = emulator.issue_token(emulator.create_user().id, aud="nobody")
    assert api("GET", "/users/me", token=token).code == "UNPARSABLE_ACCESS_TOKEN"
    assert api("GET", "/projects/nobody/.well-known/jwks.json").status == 404


def test_a_second_factor_stops_the_sign_in(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user(primary_email="a@example.com", password="correct horse")
    token = emulator.sign_in(user.id).access_token
    api("PATCH", "/users/me", {"totp_secret_base64": "AAAA"}, token=token, access="client")
    body = {"email": "a@example.com", "password": "correct horse"}
    refused = api("POST", "/auth/password/sign-in", body)
    assert refused.outcome == (400, "MULTI_FACTOR_AUTHENTICATION_REQUIRED")
    assert len(refused.json["details"]["attempt_code"]) == 45
    assert decoded(api, emulator.sign_in(user.id).access_token).claims["requires_totp_mfa"]
