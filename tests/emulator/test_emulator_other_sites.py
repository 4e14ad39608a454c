"""What a page of another site could try on a local Stack, out of a browser on this machine.

It knows the keys: they are the same everywhere. A browser puts `Origin` or `Sec-Fetch-Site` into
what a page sends, asks first (a preflight) where a page adds headers, and believes any DNS.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from stack_fastapi.emulator import StackEmulator, User
from stack_fastapi.emulator.state import saving
from stack_fastapi.emulator.state.issuer_bases import MOST_ASKED_AT, IssuerBases

from .emulator_api import API, HOST, Api

OWN = f"http://{HOST}"
RECORDINGS = Path(__file__).parents[1] / "recordings"
LOCAL = "/local-stack/"
#: Every endpoint of the emulator's own.
OWN_ENDPOINTS = [
    ("GET", "token?user=alice@example.com"),
    ("GET", "emails"),
    ("GET", "faults"),
    ("POST", "faults"),
    ("DELETE", "faults"),
    ("GET", "requests"),
    ("DELETE", "requests"),
    ("POST", "rotate-keys"),
    ("GET", "webhooks"),
    ("POST", "webhooks"),
    ("DELETE", "webhooks?url=http://127.0.0.1/"),
    ("POST", "webhooks/redeliver"),
    ("POST", "webhooks/hold"),
    ("POST", "webhooks/release"),
]
PATHS = ["/", "/health", f"{LOCAL}token?user=x", f"{LOCAL}faults", f"{LOCAL}page/x", f"{API}/users"]
#: What browsers put into the requests of pages that are not the local Stack's own.
FOREIGN: list[dict[str, str]] = [
    {"origin": "https://evil.example"},
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"origin": "http://stack.localhost:3000", "sec-fetch-site": "same-site"},
    {"origin": f"https://{HOST}"},
    {"origin": f"{OWN}.evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": f"{OWN}, https://evil.example"},
    {"origin": OWN, "Origin": "https://evil.example"},
    {"origin": OWN, "sec-fetch-site": "cross-site"},
    {"ORIGIN": "https://evil.example", "Sec-Fetch-Site": "none"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "Same-Origin"},
    {"sec-fetch-site": ""},
    {"sec-fetch-site": "same-origin", "Sec-Fetch-Site": "cross-site"},
]


@pytest.fixture
def alice(emulator: StackEmulator) -> User:
    return emulator.create_user(primary_email="alice@example.com", password="correct horse")


def bases_of(emulator: StackEmulator) -> IssuerBases:
    return emulator._state.issuer_bases


# The keys of servers


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("access", ["server", "admin"])
def test_no_page_of_another_site_has_the_access_of_a_server(
    emulator: StackEmulator, api: Api, alice: User, access: str, headers: Mapping[str, str]
) -> None:
    sent = {**api.keys(access), **headers}
    listed = api.raw("GET", f"{API}/users", sent)
    assert listed.status == 403
    assert b"alice" not in listed.content
    assert b"another site" in listed.content
    assert api.raw("POST", f"{API}/auth/sessions", sent, {"user_id": alice.id}).status == 403
    assert api.raw("DELETE", f"{API}/users/{alice.id}", sent).status == 403
    assert emulator.project.sessions == {}
    assert list(emulator.project.users) == [alice.id]


def test_neither_under_the_newer_names_of_the_headers(api: Api, alice: User) -> None:
    keys = {name.replace("x-stack", "x-hexclave"): key for name, key in api.keys("server").items()}
    assert api.raw("GET", f"{API}/users", keys).status == 200
    refused = api.raw("GET", f"{API}/users", {**keys, "origin": "https://evil.example"})
    assert refused.status == 403


def test_neither_where_errors_are_told_with_200(api: Api, alice: User) -> None:
    headers = {"origin": "https://evil.example", "x-stack-override-error-status": "true"}
    refused = api.raw("GET", f"{API}/users", {**api.keys("server"), **headers})
    assert refused.headers["x-stack-actual-status"] == "403"
    assert b"alice" not in refused.content


def test_a_wrong_key_is_told_nothing_else(api: Api) -> None:
    keys = {**api.keys("server"), "x-stack-secret-server-key": "ssk_guessed"}
    assert api.raw("GET", f"{API}/users", keys).status == 401
    assert api.raw("GET", f"{API}/users", {**keys, "origin": "null"}).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": OWN},
        {"origin": OWN, "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-mode": "cors"},  # what Node sends by itself
    ],
)
def test_programs_and_the_local_stacks_own_pages_have_it(
    api: Api, alice: User, headers: Mapping[str, str]
) -> None:
    (item,) = api.raw("GET", f"{API}/users", {**api.keys("server"), **headers}).json["items"]
    assert item["id"] == alice.id


def test_front_ends_have_client_access(emulator: StackEmulator, api: Api, alice: User) -> None:
    token = emulator.sign_in(alice.id).access_token
    page = {"origin": "http://localhost:3000", "sec-fetch-site": "cross-site"}
    headers = {**api.keys("client"), **page, "x-stack-access-token": token}
    reply = api.raw("GET", f"{API}/users/me", headers)
    assert reply.json["id"] == alice.id
    assert reply.headers["access-control-allow-origin"] == "*"
    signed_in = api.raw(
        "POST",
        f"{API}/auth/password/sign-in",
        {**api.keys("client"), **page},
        {"email": "alice@example.com", "password": "correct horse"},
    )
    assert signed_in.json["user_id"] == alice.id
    keys = api.raw("GET", f"{API}/projects/{emulator.project.id}/.well-known/jwks.json", page)
    assert keys.json["keys"]


def test_a_front_end_may_send_what_the_official_client_sends(api: Api) -> None:
    recorded = json.loads((RECORDINGS / "wire.json").read_text())
    asked = [
        item["headers"]["access-control-request-headers"]
        for item in recorded["requests_to_stack"]
        if item["method"] == "OPTIONS"
    ]
    assert asked
    for names in asked:
        preflight = {"origin": "http://localhost:3000", "access-control-request-headers": names}
        reply = api.raw("OPTIONS", f"{API}/users/me", preflight)
        allowed = reply.headers["access-control-allow-headers"].split(", ")
        assert set(names.split(",")) <= set(allowed)


def test_no_site_on_the_internet_is_let_into_this_network(api: Api) -> None:
    asked = {
        "origin": "https://evil.example",
        "access-control-request-method": "GET",
        "access-control-request-private-network": "true",
    }
    reply = api.raw("OPTIONS", f"{API}/users", asked)
    assert "access-control-allow-private-network" not in reply.headers
    assert "access-control-allow-credentials" not in reply.headers


# The emulator's own endpoints


@pytest.mark.parametrize(("method", "path"), OWN_ENDPOINTS)
def test_no_page_asks_the_emulators_own_endpoints(
    emulator: StackEmulator, api: Api, alice: User, method: str, path: str
) -> None:
    kept = emulator.project.signing_keys.dump()
    for headers in [*FOREIGN, {"origin": OWN, "sec-fetch-site": "same-origin"}]:
        reply = api.raw(method, f"{LOCAL}{path}", headers)
        assert reply.status == 403, headers
        assert reply.headers["content-type"].startswith("text/plain")
        assert "access-control-allow-origin" not in reply.headers
    assert emulator.project.sessions == {}
    assert emulator.faults.active == []
    assert emulator.project.signing_keys.dump() == kept


@pytest.mark.parametrize("path", [path for method, path in OWN_ENDPOINTS if method == "GET"])
def test_an_address_that_a_person_types_is_answered(api: Api, alice: User, path: str) -> None:
    headers = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"}
    assert api.raw("GET", f"{LOCAL}{path}", headers).status == 200


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("text/plain", b'{"kind": "dropped"}'),
        ("application/x-www-form-urlencoded", b"kind=dropped"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("", b'{"kind": "dropped"}'),
    ],
)
def test_what_a_form_can_send_is_no_body_there(
    emulator: StackEmulator, api: Api, media_type: str, content: bytes
) -> None:
    refused = api.raw("POST", f"{LOCAL}faults", {"content-type": media_type}, content)
    assert refused.status == 415
    assert b"application/json" in refused.content
    assert emulator.faults.active == []


@pytest.mark.parametrize("path", [*PATHS, f"{LOCAL}emails", f"{LOCAL}webhooks", f"{API}/nothing"])
def test_no_answer_is_a_script_or_a_picture_to_another_site(
    api: Api, alice: User, path: str
) -> None:
    reply = api.raw("GET", path, api.keys("server"))
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"


def test_tokens_and_codes_stay_in_no_cache(api: Api, alice: User) -> None:
    for method, path in OWN_ENDPOINTS:
        assert "no-store" in api.raw(method, f"{LOCAL}{path}").headers["cache-control"]
    assert "no-store" in api("POST", "/auth/anonymous/sign-up").headers["cache-control"]


# Hosts


@pytest.mark.parametrize(
    "host",
    [
        "[x",
        "x]",
        "[]",
        "[::1",
        "[1]",
        "[:::]",
        "[::1]x",
        "127.0.0.1@evil.example",
        "evil.example@127.0.0.1",
        "127.0.0.1, evil.example",
        "127.0.0.1/evil",
        "127.0.0.1?",
        "127.0.0.1#evil.example",
        "127.0.0.1\\evil",
        "127.0.0.1:",
        "127.0.0.1:x",
        "127.0.0.1:65536",
        "127.0.0.1:8102:8102",
        "local host",
        "%6cocalhost",
        "löcalhost",
    ],
)
def test_a_host_that_cannot_be_read_is_said_to_be_that(
    emulator: StackEmulator, api: Api, host: str
) -> None:
    known = list(bases_of(emulator))
    for path in PATHS:
        reply = api.raw("GET", path, {"host": host})
        assert reply.status == 400, path
        assert b"Host" in reply.content
    assert list(bases_of(emulator)) == known


def test_a_host_that_cannot_be_read_on_a_socket(emulator: StackEmulator) -> None:
    with emulator.serve() as served:
        for path in PATHS:
            assert asked_raw(served.url, path, "[x").startswith(b"HTTP/1.1 400 ")


def asked_raw(url: str, path: str, host: str) -> bytes:
    """What a client gets that writes the Host by hand."""
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=10) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: sock.recv(4096), b""))


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8102", "127.0.0.1.evil.example", "localhost.", "10.0.0.1"],
)
def test_nothing_answers_to_a_name_that_somebody_elses_dns_leads_here(
    emulator: StackEmulator, api: Api, alice: User, host: str
) -> None:
    known = list(bases_of(emulator))
    for path in [*PATHS, f"{API}/projects/{emulator.project.id}/.well-known/jwks.json"]:
        for access in ("client", "server"):
            reply = api.raw("GET", path, {**api.keys(access), "host": host})
            assert reply.status == 403, path
            assert b"--issuer" in reply.content
            assert "access-control-allow-origin" not in reply.headers
    assert list(bases_of(emulator)) == known


def test_rebinding_makes_no_issuer(emulator: StackEmulator, api: Api, alice: User) -> None:
    issuer = f"http://evil.example/api/v1/projects/{emulator.project.id}"
    token = emulator.issue_token(alice.id, iss=issuer)
    page = {"host": "evil.example", "origin": "http://evil.example"}
    sign_up = api.raw("POST", f"{API}/auth/anonymous/sign-up", {**api.keys("client"), **page})
    assert sign_up.status == 403
    assert api("GET", "/users/me", token=token).code == "UNPARSABLE_ACCESS_TOKEN"


def test_names_of_this_machine_are_few(emulator: StackEmulator, api: Api, alice: User) -> None:
    for number in range(MOST_ASKED_AT * 2):
        api.raw("GET", "/health", {"host": f"n{number}.localhost"})
    assert len(bases_of(emulator)) == MOST_ASKED_AT
    token = api("GET", "/users/me", token=emulator.sign_in(alice.id).access_token)
    assert token.status == 200


def test_the_name_that_is_asked_at_is_not_crowded_out(
    emulator: StackEmulator, api: Api, alice: User
) -> None:
    refresh_token = emulator.sign_in(alice.id).refresh_token
    refreshed = api("POST", "/auth/sessions/current/refresh", {}, refresh_token=refresh_token)
    for number in range(MOST_ASKED_AT * 2):
        api.raw("GET", "/health", {"host": f"n{number}.localhost"})
        api.raw("GET", "/health", {"host": HOST})
    other = {"host": f"n{MOST_ASKED_AT}.localhost"}
    headers = {**api.keys("client"), **other}
    token = {"x-stack-access-token": refreshed.json["access_token"]}
    assert api.raw("GET", f"{API}/users/me", headers | token).json["id"] == alice.id


def test_a_host_in_capitals_is_the_same_one(emulator: StackEmulator, api: Api) -> None:
    known = list(bases_of(emulator))
    headers = {**api.keys("server"), "host": HOST.upper(), "origin": OWN}
    assert api.raw("GET", f"{API}/users", headers).status == 200
    assert list(bases_of(emulator)) == [*known, OWN]


def test_the_name_that_it_was_given_is_answered_to() -> None:
    for emulator in (
        StackEmulator(issuer="http://stack.internal:8102"),
        StackEmulator({"projects": {"p": {"id": "p"}}, "issuer_bases": ["http://stack.internal"]}),
    ):
        known = Api(emulator)
        for host in ("stack.internal", "stack.internal:8102"):
            headers = {**known.keys("server"), "host": host}
            assert known.raw("GET", f"{API}/users", headers).status == 200
            far = {**headers, "origin": "https://evil.example"}
            assert known.raw("GET", f"{API}/users", far).status == 403
        assert known.raw("GET", f"{LOCAL}emails", {"host": "stack.internal"}).status == 403
        assert known.raw("GET", "/", {"host": "stack.internal"}).status == 403


def test_a_name_that_was_given_stays_over_a_restart_and_is_never_crowded_out() -> None:
    given = {"projects": {"p": {"id": "p"}}, "issuer_bases": ["http://stack.internal:8102"]}
    emulator = StackEmulator(given)
    for number in range(MOST_ASKED_AT * 2):
        Api(emulator).raw("GET", "/health", {"host": f"n{number}.localhost"})
    again = StackEmulator(saving.dump(emulator._state))
    Api(again).raw("GET", "/health", {"host": "another.localhost"})
    for one in (emulator, again):
        assert "http://stack.internal:8102" in bases_of(one)
        assert len(bases_of(one)) == MOST_ASKED_AT + 1


@pytest.mark.parametrize("base_url", ["stack:8102", "", "http://", "http://[x", "ftp://stack"])
def test_an_issuer_that_is_no_url_is_said_to_be_that(base_url: str) -> None:
    with pytest.raises(ValueError, match=r"URL"):
        StackEmulator(issuer=base_url)
    with pytest.raises(ValueError, match=r"URL"):
        StackEmulator({"projects": {"p": {"id": "p"}}, "issuer_bases": [base_url]})


@pytest.mark.parametrize(
    ("address", "host"), [("192.0.2.7", "192.0.2.7:8102"), ("2001:db8::1", "[2001:db8::1]:8102")]
)
def test_the_address_that_it_listens_at_is_answered_to(
    emulator: StackEmulator, address: str, host: str
) -> None:
    api = Api(emulator, server=(address, 8102))
    assert api.raw("GET", f"{API}/users", {**api.keys("server"), "host": host}).status == 200
    elsewhere = {**api.keys("server"), "host": "192.0.2.8:8102"}
    assert api.raw("GET", f"{API}/users", elsewhere).status == 403


def test_an_emulator_that_is_open_to_others_answers_at_the_url_it_says() -> None:
    emulator = StackEmulator()
    with emulator.serve(host="0.0.0.0", allow_remote=True) as served:  # noqa: S104 - that is it
        port = urlsplit(served.url).port
        answer = asked_raw(f"http://127.0.0.1:{port}", "/health", f"0.0.0.0:{port}")
        assert answer.startswith(b"HTTP/1.1 200 ")
        foreign = asked_raw(f"http://127.0.0.1:{port}", "/health", f"evil.example:{port}")
        assert foreign.startswith(b"HTTP/1.1 403 ")


async def test_a_websocket_is_closed(emulator: StackEmulator) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", HOST.encode()), (b"origin", b"https://evil.example")]
    await emulator.app({"type": "websocket", "path": "/", "headers": headers}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]
