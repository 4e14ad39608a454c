"""The emulator's own endpoints, and the request log."""

from __future__ import annotations

import pytest

from stack_fastapi.emulator import Fault, LoggedRequest, StackEmulator

from .emulator_api import Api, StandingClock

FAULTS, REQUESTS, TOKEN = (f"/local-stack/{name}" for name in ("faults", "requests", "token"))


def test_faults_over_http(emulator: StackEmulator, api: Api) -> None:
    assert api.raw("POST", FAULTS, {}, {"kind": "status", "times": 1}).status == 200
    assert api.raw("GET", FAULTS).json["items"] == [Fault(kind="status", times=1).model_dump()]
    assert emulator.faults.active == [Fault(kind="status", times=1)]
    assert api.raw("DELETE", FAULTS).status == 200
    assert api.raw("GET", FAULTS).json["items"] == []


def test_a_fault_that_makes_no_sense(api: Api) -> None:
    refused = api.raw("POST", FAULTS, {}, {"kind": "status", "share": 7})
    assert refused.status == 400
    assert b"share" in refused.content
    assert api.raw("POST", FAULTS, {"content-type": "application/json"}, b"{").status == 400


def test_other_paths_are_not_there(api: Api) -> None:
    assert api.raw("GET", "/local-stack/other").status == 404
    assert api.raw("GET", "/other").status == 404
    assert api.raw("PUT", FAULTS).status == 404
    assert api.raw("PUT", REQUESTS).status == 404


@pytest.mark.parametrize("peer", ["10.0.0.1", "2001:db8::1", "elsewhere.test"])
def test_other_machines_are_refused(emulator: StackEmulator, peer: str) -> None:
    assert Api(emulator, client=(peer, 1)).raw("DELETE", REQUESTS).status == 403


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_is_welcome(emulator: StackEmulator, peer: str) -> None:
    assert Api(emulator, client=(peer, 1)).raw("DELETE", REQUESTS).status == 200
    assert Api(emulator, client=None).raw("DELETE", REQUESTS).status == 200


def test_pages_of_other_sites_are_refused(api: Api) -> None:
    headers = {"origin": "https://evil.example", "content-type": "text/plain"}
    assert api.raw("POST", FAULTS, headers, b'{"kind": "dropped"}').status == 403


def test_the_request_log(emulator: StackEmulator, api: Api, clock: StandingClock) -> None:
    user = emulator.create_user()
    token = emulator.sign_in(user.id).access_token
    api("GET", "/users/me?x=1", token=token, override_error_status="true")
    api("GET", "/users/me", token="garbage")
    first, second = emulator.requests
    assert first == LoggedRequest(
        method="GET",
        path="/api/v1/users/me",
        status=400,
        known_error="SCHEMA_ERROR",
        project_id=emulator.project.id,
        user_id=user.id,
        access_type="server",
        time=clock.now,
    )
    assert (second.status, second.project_id, second.user_id) == (401, None, None)
    assert token not in repr(list(emulator.requests))
    assert emulator.project.secret_server_key not in repr(list(emulator.requests))


def test_the_log_can_be_asked(emulator: StackEmulator, api: Api) -> None:
    user = emulator.create_user()
    token = emulator.sign_in(user.id).access_token
    api("GET", "/users/me", token=token)
    api("GET", f"/users/{user.id}")
    api("POST", "/users", {"x": 1})
    log = emulator.requests
    assert len(log) == 3
    assert log.to("*/users/me") == [log[0]]
    assert log.to("*/users/*", method="GET") == [log[0], log[1]]
    assert log.to(status=400) == [log[2]]
    assert log.to(user_id=user.id) == [log[0]]
    items = api.raw("GET", REQUESTS).json["items"]
    assert [item["path"] for item in items] == [item.path for item in log]
    api.raw("DELETE", REQUESTS)
    assert list(log) == []


def test_every_answer_says_that_it_is_local(api: Api) -> None:
    for path in ("/health", "/api/v1", "/api/v1/", "/api/v1/users/me", FAULTS):
        assert api.raw("GET", path).headers["x-stack-local"] == "true"


def test_a_fresh_token_of_a_user_by_id_or_address(emulator: StackEmulator, api: Api) -> None:
    emulator.create_user(primary_email="bob@example.com")
    user = emulator.create_user(primary_email="alice@example.com")
    for who in (user.id, "alice@example.com"):
        given = api.raw("GET", f"{TOKEN}?user={who}")
        assert given.status == 200
        assert given.headers["content-type"].startswith("text/plain")
        assert api("GET", "/users/me", token=given.content.decode()).json["id"] == user.id


def test_no_token_of_somebody_who_is_not_there(api: Api) -> None:
    for query in ("?user=nobody@example.com", ""):
        assert api.raw("GET", TOKEN + query).status == 404


def test_a_name_that_leads_here_by_somebody_elses_dns_is_refused(api: Api) -> None:
    assert api.raw("GET", REQUESTS, {"host": "rebinding.example"}).status == 403
    assert api.raw("GET", REQUESTS, {"host": "localhost:8101"}).status == 200
    assert api.raw("GET", REQUESTS, {"host": "[::1]:8101"}).status == 200


def published(emulator: StackEmulator, api: Api) -> set[str]:
    document = api.raw("GET", f"/api/v1/projects/{emulator.project.id}/.well-known/jwks.json").json
    return {key["kid"] for key in document["keys"]}


def test_signing_keys_are_rotated_over_http(emulator: StackEmulator, api: Api) -> None:
    before = published(emulator, api)
    assert api.raw("POST", "/local-stack/rotate-keys").status == 200
    assert published(emulator, api) > before
    assert api.raw("POST", "/local-stack/rotate-keys?keep_old=false").status == 200
    assert published(emulator, api).isdisjoint(before)
    assert api.raw("GET", "/local-stack/rotate-keys").status == 404
