"""What the real server answered to a server's questions fits the models, and nothing is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from stack_fastapi.client._calls import Success
from stack_fastapi.models import (
    AccessToken,
    ApiKey,
    ContactChannel,
    CreatedApiKey,
    Project,
    ProjectPermission,
    Session,
    SessionTokens,
    Team,
    TeamMemberProfile,
    TeamMembership,
    TeamPermission,
    User,
)

#: What the answer of each endpoint is, or each of its items is.
ANSWERS: dict[str, type[BaseModel]] = {
    "DELETE /auth/sessions/{}": Success,
    "DELETE /contact-channels/{}/{}": Success,
    "DELETE /project-permissions/{}/{}": Success,
    "DELETE /team-permissions/{}/{}/{}": Success,
    "DELETE /teams/{}": Success,
    "DELETE /users/{}": Success,
    "GET /auth/sessions": Session,
    "GET /contact-channels": ContactChannel,
    "GET /contact-channels/{}/{}": ContactChannel,
    "GET /project-permissions": ProjectPermission,
    "GET /projects/current": Project,
    "GET /team-api-keys": ApiKey,
    "GET /team-api-keys/{}": ApiKey,
    "GET /team-member-profiles": TeamMemberProfile,
    "GET /team-member-profiles/{}/{}": TeamMemberProfile,
    "GET /team-permissions": TeamPermission,
    "GET /teams": Team,
    "GET /teams/{}": Team,
    "GET /user-api-keys": ApiKey,
    "GET /user-api-keys/{}": ApiKey,
    "GET /users": User,
    "GET /users/me": User,
    "GET /users/{}": User,
    "PATCH /contact-channels/{}/{}": ContactChannel,
    "PATCH /team-api-keys/{}": ApiKey,
    "PATCH /team-member-profiles/{}/{}": TeamMemberProfile,
    "PATCH /teams/{}": Team,
    "PATCH /user-api-keys/{}": ApiKey,
    "PATCH /users/{}": User,
    "POST /auth/sessions": SessionTokens,
    "POST /auth/sessions/current/refresh": AccessToken,
    "POST /project-permissions/{}/{}": ProjectPermission,
    "POST /team-api-keys": CreatedApiKey,
    "POST /team-api-keys/check": ApiKey,
    "POST /team-memberships/{}/{}": TeamMembership,
    "POST /team-permissions/{}/{}/{}": TeamPermission,
    "POST /teams": Team,
    "POST /user-api-keys": CreatedApiKey,
    "POST /user-api-keys/check": ApiKey,
    "POST /users": User,
}
#: Signing in is the client's own business.
NOT_OURS = {"POST /auth/anonymous/sign-up", "POST /auth/password/sign-up"}
_ID = re.compile(r"(?<=/)[0-9a-f]{8}-[0-9a-f-]{27}(?=/|$)")


def endpoint(exchange: dict[str, Any]) -> str:
    request = exchange["request"]
    path = request["path"].partition("?")[0].removeprefix("/api/v1")
    parts = _ID.sub("{}", path).split("/")
    if parts[1].endswith("-permissions") and len(parts) > 2:
        parts = ["", parts[1], *("{}" for _ in parts[2:])]
    return f"{request['method']} {'/'.join(parts)}"


def answered(exchanges: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Questions of a server that were answered as they should be."""
    return [
        exchange
        for exchange in exchanges
        if exchange["request"]["headers"].get("x-stack-access-type") == "server"
        and exchange["response"]["status"] in {200, 201}
        and "x-stack-override-error-status" not in exchange["request"]["headers"]
    ]


def shown(value: Any) -> Any:
    """A model as JSON had it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {name: shown(item) for name, item in value.items()}
    return value


def holds(whole: Any, part: Any) -> bool:
    """Whether a value has all that another has; the models add what a record left out."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and holds(whole[name], part[name]) for name in part)
    return bool(whole == part)


def test_every_recorded_answer_fits_and_loses_nothing(
    recorded_exchanges: list[dict[str, Any]],
) -> None:
    count = 0
    for exchange in answered(recorded_exchanges):
        body = exchange["response"]["body"]
        model = ANSWERS.get(endpoint(exchange))
        if model is None:
            assert endpoint(exchange) in NOT_OURS, exchange["name"]
            continue
        for record in body.get("items", [body]):
            count += 1
            found = shown(model.model_validate(record).model_dump())
            if model is Session:
                found |= {"created_at": found["created_at_millis"]}
                found |= {"last_used_at": found["last_used_at_millis"]}
            assert holds(found, record), exchange["name"]
    assert count > 250


def test_every_endpoint_in_the_table_was_recorded(
    recorded_exchanges: list[dict[str, Any]],
) -> None:
    assert set(ANSWERS) <= {endpoint(exchange) for exchange in answered(recorded_exchanges)}


@pytest.mark.parametrize("model", [SessionTokens, AccessToken, CreatedApiKey])
def test_what_stack_shows_once_is_not_shown_by_a_repr(
    model: type[BaseModel], recorded_exchanges: list[dict[str, Any]]
) -> None:
    seen = 0
    for exchange in answered(recorded_exchanges):
        if ANSWERS.get(endpoint(exchange)) is not model:
            continue
        body = exchange["response"]["body"]
        record = model.model_validate(body)
        texts = repr(record), str(record), record.model_dump_json()
        for name in {"access_token", "refresh_token", "value"} & body.keys():
            seen += 1
            assert not any(body[name] in text for text in texts)
    assert seen


@pytest.mark.parametrize("record", [None, 7, "text", []])
def test_what_is_no_record_is_no_session(record: object) -> None:
    with pytest.raises(ValueError, match="Session"):
        Session.model_validate(record)


def test_a_session_keeps_its_times_when_it_is_written_and_read() -> None:
    session = Session.model_validate(
        {"id": "s", "user_id": "u", "created_at": 1_000, "is_impersonation": False, "new": [1]}
    )
    assert session.last_used_at is None
    assert session.created_at.isoformat() == "1970-01-01T00:00:01+00:00"
    assert Session.model_validate_json(session.model_dump_json()) == session
    used = Session.model_validate({**session.model_dump(), "last_used_at": 2_000})
    assert used.last_used_at is not None
    assert used.last_used_at.isoformat() == "1970-01-01T00:00:02+00:00"
