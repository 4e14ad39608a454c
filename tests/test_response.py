"""What an answer of Stack means, and whose fault a bad one is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from stack_fastapi import (
    ApiUserNotFoundError,
    StackApiError,
    StackAuthError,
    StackConfigurationError,
    StackUnavailableError,
)
from stack_fastapi.client.transport.response import (
    DEFAULT_RETRY_AFTER,
    Response,
    is_server_error,
    read_response,
    requested_pause,
)
from stack_fastapi.exceptions import API_ERRORS

NOW = 1_800_000_000.0
FROM_STACK = {"x-stack-request-id": "0123456789abcdef"}
#: Stack's codes that only the operator can mend.
OPERATORS = {
    "ACCESS_TYPE_REQUIRED",
    "BRANCH_DOES_NOT_EXIST",
    "CURRENT_PROJECT_NOT_FOUND",
    "INVALID_ACCESS_TYPE",
    "INVALID_PUBLISHABLE_CLIENT_KEY",
    "INVALID_SECRET_SERVER_KEY",
    "PROJECT_KEY_WITHOUT_ACCESS_TYPE",
    "PUBLISHABLE_CLIENT_KEY_REQUIRED_FOR_PROJECT",
}


def answer(status: int, body: object = None, **headers: str) -> Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, content)


def refusal(status: int, code: str | None, body: object = None) -> Response:
    known = {} if code is None else {"x_stack_known_error": code}
    return answer(status, body, x_stack_request_id="0123456789abcdef", **known)


def test_every_recorded_answer_has_the_one_whose_fault_it_is(
    recorded_exchanges: list[dict[str, Any]],
) -> None:
    codes = set()
    for exchange in recorded_exchanges:
        response = exchange["response"]
        status, headers, body = response["status"], response["headers"], response["body"]
        code = headers.get("x-stack-known-error")
        content = json.dumps(body).encode()
        if status in {200, 201}:
            assert read_response(Response(status, headers, content), NOW) == body
            continue
        expected: type[StackAuthError]
        if status in {308, 500} or "x-stack-request-id" not in headers:
            expected = StackUnavailableError
        elif code in OPERATORS:
            expected = StackConfigurationError
        else:
            expected = API_ERRORS.get(code, StackApiError)
        with pytest.raises(expected) as caught:
            read_response(Response(status, headers, content), NOW)
        assert type(caught.value) is expected, exchange["name"]
        codes.add(code)
    assert codes >= OPERATORS - {"PROJECT_KEY_WITHOUT_ACCESS_TYPE"}


@pytest.mark.parametrize("value", [{}, [], None, "text", 1, {"items": [{"id": "x"}]}])
@pytest.mark.parametrize("status", [200, 201, 299])
def test_a_good_answer_is_its_json(status: int, value: object) -> None:
    assert read_response(answer(status, value), NOW) == value


@pytest.mark.parametrize("code", sorted(OPERATORS))
def test_an_operators_mistake_is_named(code: str) -> None:
    with pytest.raises(StackConfigurationError) as caught:
        read_response(refusal(401, code), NOW)
    assert caught.value.stack_code == code
    assert code in caught.value.message


@pytest.mark.parametrize(
    ("body", "details"),
    [
        pytest.param({"code": "X", "details": {"a": 1}}, {"a": 1}, id="details"),
        pytest.param({"code": "X"}, {}, id="none"),
        pytest.param({"details": None}, {}, id="null"),
        pytest.param({"details": "text"}, {}, id="text as details"),
        pytest.param([], {}, id="a list"),
        pytest.param("details", {}, id="a text"),
        pytest.param(None, {}, id="JSON null"),
        pytest.param(7, {}, id="a number"),
        pytest.param(b"<text>", {}, id="no JSON"),
        pytest.param(b"", {}, id="no body"),
        pytest.param(b"\xff", {}, id="no text"),
        pytest.param(b"[" * 100_000, {}, id="endless nesting"),
        pytest.param(b"1" * 5_000, {}, id="an endless number"),
    ],
)
def test_a_refusal_keeps_status_code_and_details(body: object, details: dict[str, Any]) -> None:
    with pytest.raises(StackApiError) as caught:
        read_response(refusal(403, "RESTRICTED_USER_NOT_ALLOWED", body), NOW)
    error = caught.value
    assert (error.status, error.stack_code) == (403, "RESTRICTED_USER_NOT_ALLOWED")
    assert error.details == details


def test_a_refusal_without_a_code_is_still_one() -> None:
    with pytest.raises(StackApiError) as caught:
        read_response(refusal(404, None), NOW)
    assert (caught.value.status, caught.value.stack_code) == (404, None)


def test_a_user_who_is_not_there_has_a_class_of_its_own() -> None:
    with pytest.raises(ApiUserNotFoundError):
        read_response(refusal(404, "USER_NOT_FOUND"), NOW)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(answer(401, {"code": "UNPARSABLE_ACCESS_TOKEN"}), id="a proxy's 401"),
        pytest.param(
            answer(401, x_stack_known_error="INVALID_SECRET_SERVER_KEY"), id="no request id"
        ),
        pytest.param(answer(404, b"<html>"), id="another server's 404"),
        pytest.param(answer(302, b"", location="https://elsewhere.example"), id="a redirect"),
        pytest.param(answer(308, b"", **FROM_STACK), id="Stack's own redirect"),
        pytest.param(answer(304, b""), id="not modified"),
        pytest.param(answer(100, b""), id="continue"),
        pytest.param(refusal(429, None), id="too many requests"),
        pytest.param(refusal(429, "INVALID_SECRET_SERVER_KEY"), id="429 beats a code"),
        pytest.param(refusal(500, None), id="500"),
        pytest.param(refusal(503, "USER_NOT_FOUND"), id="503 beats a code"),
        pytest.param(answer(200, b""), id="200 and nothing"),
        pytest.param(answer(200, b"<html>"), id="a page of a captive portal"),
        pytest.param(answer(200, b"{"), id="cut short"),
        pytest.param(answer(200, b"\xff"), id="no text"),
        pytest.param(answer(200, b"[" * 100_000), id="endless nesting"),
        pytest.param(answer(204, b""), id="no content"),
    ],
)
def test_everything_else_is_an_outage(sent: Response) -> None:
    with pytest.raises(StackUnavailableError) as caught:
        read_response(sent, NOW)
    assert caught.value.retry_after == DEFAULT_RETRY_AFTER
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 1),
        ("-9", 1),
        ("1.5", 1.5),
        (format_datetime(datetime.fromtimestamp(NOW + 90, UTC), usegmt=True), 90),
        (format_datetime(datetime.fromtimestamp(NOW - 90, UTC), usegmt=True), 1),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("Mon, 99 Foo 2026 00:00:00 GMT", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999999", None),
    ],
)
def test_a_pause_is_read_in_seconds_or_as_a_date(value: str, pause: float | None) -> None:
    limited = answer(429, retry_after=value)
    assert requested_pause(limited, NOW) == pause
    with pytest.raises(StackUnavailableError) as caught:
        read_response(limited, NOW)
    assert caught.value.retry_after == (pause or DEFAULT_RETRY_AFTER)


@given(st.text(max_size=40) | st.from_regex(r"[A-Z][a-z]{2}, \d+ Jan \d+ \d+:\d+:\d+ [+-]\d+"))
@example("Mon, 01 Jan 0001 00:00:00 -0000")
def test_whatever_a_server_asks_for_is_a_pause_or_nothing(value: str) -> None:
    pause = requested_pause(answer(429, retry_after=value), NOW)
    assert pause is None or 1 <= pause < float("inf")


def test_a_pause_without_a_header_and_without_a_limit_is_none() -> None:
    assert requested_pause(answer(429), NOW) is None
    assert requested_pause(answer(200, retry_after="9"), NOW) is None


@pytest.mark.parametrize("status", [200, 301, 400, 429, 499, 500, 502, 503, 599])
def test_the_servers_own_failures_are_worth_another_try(status: int) -> None:
    assert is_server_error(answer(status)) is (status >= 500)


def test_an_answers_repr_holds_no_body() -> None:
    shown = repr(answer(200, {"email": "alice@example.com"}, authorization="secret"))
    assert "alice" not in shown
    assert "secret" not in shown
