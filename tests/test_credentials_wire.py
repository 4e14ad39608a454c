"""What the official clients put on the wire, as recorded, is read rightly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from stack_fastapi import InvalidTokenError
from stack_fastapi.tokens.credentials import CredentialReader
from stack_fastapi.types import TokenSource

WIRE: dict[str, Any] = json.loads((Path(__file__).parent / "recordings" / "wire.json").read_text())
DEFAULT: tuple[TokenSource, ...] = ("header", "bearer")
ALL: tuple[TokenSource, ...] = ("header", "bearer", "stack_auth", "cookie", "subprotocol")
#: Which source each recorded way of asking an own back end uses.
SOURCES: dict[str, TokenSource] = {
    "fetch without headers, same origin": "cookie",
    "fetch with getAuthHeaders()": "stack_auth",
    "fetch with getAuthorizationHeader()": "bearer",
}

each_request = pytest.mark.parametrize(
    "request_",
    [
        pytest.param(entry, id=f"{entry['sdk']} {entry['origin']} {entry['how']}")
        for entry in WIRE["requests_to_own_back_end"]
    ],
)


def scope(headers: dict[str, str], method: str = "GET", **more: str) -> dict[str, Any]:
    pairs = {**headers, **more}.items()
    encoded = [(name.lower().encode(), value.encode()) for name, value in pairs]
    return {"type": "http", "method": method, "headers": encoded}


def token_in(
    headers: dict[str, Any], *sources: TokenSource, origins: tuple[str, ...] = ()
) -> str | None:
    found = CredentialReader(sources, origins).find(headers)
    assert found is None or isinstance(found, SecretStr)
    return None if found is None else found.get_secret_value()


def test_the_recordings_cover_every_way() -> None:
    assert {entry["how"] for entry in WIRE["requests_to_own_back_end"]} == set(SOURCES)
    assert len(WIRE["requests_to_own_back_end"]) == 18


@each_request
def test_the_source_that_a_client_uses_gives_its_access_token(request_: dict[str, Any]) -> None:
    sent = scope(request_["headers"])
    assert token_in(sent, SOURCES[request_["how"]]) == request_["access_token"]


@each_request
def test_with_all_sources_on_the_answer_is_the_same(request_: dict[str, Any]) -> None:
    """The browser sends its cookies along with whatever header: the two agree."""
    assert token_in(scope(request_["headers"]), *ALL) == request_["access_token"]


@each_request
def test_the_defaults_read_the_authorization_header_and_nothing_else(
    request_: dict[str, Any],
) -> None:
    found = token_in(scope(request_["headers"]), *DEFAULT)
    expected = request_["access_token"] if SOURCES[request_["how"]] == "bearer" else None
    assert found == expected


@each_request
def test_a_cookie_alone_lets_nothing_be_changed_from_a_foreign_page(
    request_: dict[str, Any],
) -> None:
    headers = {"cookie": request_["headers"]["cookie"]}
    own = (request_["origin"],)
    posted = scope(headers, "POST", origin=request_["origin"])
    assert token_in(posted, "cookie", origins=own) == request_["access_token"]
    foreign = scope(headers, "POST", origin="https://evil.example")
    assert token_in(foreign, "cookie", origins=own) is None
    assert token_in(scope(headers, "POST"), "cookie", origins=own) is None


@each_request
def test_no_refresh_token_comes_out(request_: dict[str, Any]) -> None:
    found = CredentialReader(ALL).find(scope(request_["headers"]))
    assert isinstance(found, SecretStr)
    assert request_["refresh_token"] not in found.get_secret_value()
    assert request_["access_token"] not in repr(found)


@each_request
def test_no_refresh_token_is_in_the_error_about_a_damaged_credential(
    request_: dict[str, Any],
) -> None:
    source = SOURCES[request_["how"]]
    damaged = {name: value[:-9] for name, value in request_["headers"].items()}
    error = CredentialReader([source]).find(scope(damaged))
    assert isinstance(error, InvalidTokenError)
    assert error.reason == "malformed"
    shown = f"{error!r} {error} {vars(error)}"
    assert request_["refresh_token"] not in shown
    assert (error.__traceback__, error.__cause__, error.__context__) == (None, None, None)


@pytest.mark.parametrize("sdk", WIRE["sdk_functions"])
def test_every_function_of_the_sdk_leads_to_the_same_token(sdk: str) -> None:
    functions = WIRE["sdk_functions"][sdk]
    token = functions["getAccessToken()"]
    in_all_forms: tuple[dict[str, str], ...] = (
        {"x-stack-access-token": token},
        {"x-hexclave-access-token": token},
        {"authorization": f"Bearer {token}"},
        {"authorization": functions["getAuthorizationHeader()"]},
        functions["getAuthHeaders()"],
    )
    assert [token_in(scope(headers), *ALL) for headers in in_all_forms] == [token] * 5


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param(cookie, id=f"{cookie['sdk']} {cookie['origin']} {cookie['user']}")
        for cookie in WIRE["cookies"]
        if cookie["name_pattern"].endswith("-access")
    ],
)
@pytest.mark.parametrize("prefix", ["", "__Host-", "__Secure-"])
def test_a_recorded_cookie_holds_the_token_behind_the_refresh_token(
    cookie: dict[str, Any], prefix: str
) -> None:
    headers = {"cookie": f"{prefix}{cookie['name']}={cookie['value']}"}
    assert token_in(scope(headers), "cookie") == cookie["decoded"][1]


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param(cookie, id=f"{cookie['name']} {cookie['origin']} {cookie['user']}")
        for cookie in WIRE["cookies"]
        if not cookie["name_pattern"].endswith("-access")
    ],
)
def test_a_refresh_cookie_is_no_credential(cookie: dict[str, Any]) -> None:
    headers = {"cookie": f"{cookie['name']}={cookie['value']}"}
    assert token_in(scope(headers), *ALL) is None
