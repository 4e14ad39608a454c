"""Stack's records as models: the recorded ones fit, new fields survive, types are kept."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from stack_fastapi import AccessTokenClaims, RestrictedReason, Team, User

USER: dict[str, Any] = {
    "id": "u",
    "display_name": None,
    "primary_email": "alice@example.com",
    "primary_email_verified": True,
    "signed_up_at_millis": 1_795_488_284_861,
    "is_anonymous": False,
    "is_restricted": False,
}
CLAIMS: dict[str, Any] = {
    "sub": "u",
    "iss": "i",
    "aud": "a",
    "exp": 2,
    "iat": 1.5,
    "branch_id": "main",
    "is_anonymous": False,
    "is_restricted": False,
}
TEAM = {"id": "t", "display_name": "A team"}


def records(body: Any, mark: str) -> Iterator[dict[str, Any]]:
    """The records in an answer that have a field, wherever they stand."""
    if isinstance(body, list):
        for item in body:
            yield from records(item, mark)
    elif isinstance(body, dict):
        if mark in body and "id" in body:
            yield body
        for value in body.values():
            yield from records(value, mark)


def recorded(exchanges: list[dict[str, Any]], path: str, mark: str) -> list[dict[str, Any]]:
    return [
        record
        for exchange in exchanges
        if exchange["request"]["path"].startswith(f"/api/v1/{path}")
        and exchange["request"]["headers"].get("x-stack-access-type") == "server"
        and exchange["response"]["status"] in {200, 201}
        for record in records(exchange["response"]["body"], mark)
    ]


def test_every_recorded_user_fits_and_loses_nothing(
    recorded_exchanges: list[dict[str, Any]],
) -> None:
    found = recorded(recorded_exchanges, "users", "primary_email_verified")
    assert len(found) > 100
    for record in found:
        user = User.model_validate(record)
        assert user.model_dump().items() >= record.items()
        assert (user.identity, user.is_authenticated) == (record["id"], True)
    assert {User.model_validate(record).user_type for record in found} == {
        "normal",
        "restricted",
        "anonymous",
    }


def test_every_recorded_team_fits_and_loses_nothing(
    recorded_exchanges: list[dict[str, Any]],
) -> None:
    found = recorded(recorded_exchanges, "teams", "display_name")
    found += recorded(recorded_exchanges, "users", "created_at_millis")
    assert len(found) > 10
    for record in found:
        assert Team.model_validate(record).model_dump().items() >= record.items()


@pytest.mark.parametrize(
    ("model", "record"), [(User, USER), (AccessTokenClaims, CLAIMS), (Team, TEAM)]
)
def test_a_field_that_stack_adds_later_is_kept(
    model: type[BaseModel], record: dict[str, Any]
) -> None:
    value = {"deep": [1, None, {"x": "y"}]}
    found = model.model_validate({**record, "a_field_of_tomorrow": value})
    assert found.model_extra == {"a_field_of_tomorrow": value}
    assert found.model_dump()["a_field_of_tomorrow"] == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 1),
        ("id", None),
        ("primary_email_verified", "true"),
        ("primary_email_verified", 1),
        ("is_anonymous", 0),
        ("is_restricted", None),
        ("signed_up_at_millis", "1795488284861"),
        ("signed_up_at_millis", True),
        ("selected_team", "t"),
        ("restricted_reason", "email_not_verified"),
    ],
)
def test_a_user_is_not_bent_into_shape(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        User.model_validate({**USER, field: value})


@pytest.mark.parametrize(
    "missing", ["id", "primary_email_verified", "is_anonymous", "is_restricted"]
)
def test_what_decisions_are_made_on_has_no_default(missing: str) -> None:
    with pytest.raises(ValidationError):
        User.model_validate({name: value for name, value in USER.items() if name != missing})


@pytest.mark.parametrize(
    ("flags", "user_type"),
    [
        ({}, "normal"),
        ({"is_restricted": True}, "restricted"),
        ({"is_restricted": True, "is_anonymous": True}, "anonymous"),
        ({"is_anonymous": True}, "anonymous"),
    ],
)
def test_the_flags_tell_the_type_of_user(flags: dict[str, bool], user_type: str) -> None:
    assert User.model_validate({**USER, **flags}).user_type == user_type
    assert AccessTokenClaims.model_validate({**CLAIMS, **flags}).user_type == user_type


def test_no_field_of_a_record_can_pose_as_an_answer_of_the_kit() -> None:
    posing = {"user_type": "normal", "is_authenticated": False, "identity": "admin"}
    guest = User.model_validate({**USER, **posing, "is_anonymous": True})
    assert (guest.user_type, guest.is_authenticated, guest.identity) == ("anonymous", True, "u")


@pytest.mark.parametrize(
    "record", [User.model_validate(USER), AccessTokenClaims.model_validate(CLAIMS)]
)
def test_a_record_cannot_be_changed(record: User | AccessTokenClaims) -> None:
    for field in (*type(record).model_fields, "a_new_one"):
        with pytest.raises(ValidationError):
            setattr(record, field, True)


def test_records_survive_being_copied_and_pickled() -> None:
    user = User.model_validate({**USER, "selected_team": TEAM, "new": {"a": 1}})
    assert copy.deepcopy(user) == user
    assert pickle.loads(pickle.dumps(user)) == user  # noqa: S301 - our own bytes
    assert User.model_validate_json(user.model_dump_json()) == user


def test_times_are_points_in_time() -> None:
    moment = datetime(2026, 11, 24, 3, 4, 44, 861_000, tzinfo=UTC)
    millis = 1_795_489_484_861
    assert User.model_validate({**USER, "signed_up_at_millis": millis}).signed_up_at == moment
    assert Team.model_validate({**TEAM, "created_at_millis": millis}).created_at == moment
    assert Team.model_validate(TEAM).created_at is None


def test_claims_name_the_user_and_keep_fractions() -> None:
    claims = AccessTokenClaims.model_validate(
        {**CLAIMS, "restricted_reason": {"type": "of tomorrow", "more": 1}}
    )
    assert (claims.user_id, claims.iat) == ("u", 1.5)
    assert claims.restricted_reason == RestrictedReason.model_validate(
        {"type": "of tomorrow", "more": 1}
    )
