"""Types of request fields, as lenient and as strict as the real server's.

It turns numbers and booleans into text where text is asked for, and text into numbers and booleans
where those are; everything else of the wrong type is refused. So is every unknown field.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
)

from stack_fastapi.emulator.errors import InternalError, KnownError
from stack_fastapi.emulator.json_text import kept
from stack_fastapi.emulator.state.permissions import SYSTEM_TEAM_PERMISSIONS

_UUID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    r"|00000000-0000-0000-0000-000000000000",
    re.IGNORECASE,
)
_PERMISSION_ID = re.compile(r"\$?[a-z0-9_:]+")
ME = "me"


class Strict(BaseModel):
    """A part of a request: body, query or path parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def given(self) -> dict[str, Any]:
        """The fields that the request has, null ones included."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Nothing(Strict):
    """No fields at all."""


def explained(error: ValidationError, *part: str) -> str:
    """What is wrong in a part of a request, without what was sent: it may be a secret."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{'.'.join(map(str, (*part, *item['loc'])))}: {item['msg']}" for item in problems
    )


def _to_text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value


def to_flag(value: object) -> object:
    """A boolean, or what the server takes for one.

    Raises:
        ValueError: It takes it for none.
    """
    text = str(value).lower()
    if text in {"true", "1"}:
        return True
    if text in {"false", "0"}:
        return False
    raise ValueError("must be a boolean")


def _to_query_flag(value: object) -> object:
    if value not in {"true", "false"}:
        raise ValueError("must be 'true' or 'false'")
    return value == "true"


def _to_number(value: object) -> float:
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError("must be a number")
    return value


def _parsed(text: str) -> float:
    """The number, or none that counts; Python's own error would repeat the text."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _to_whole(value: object) -> object:
    number = _to_number(value)
    if number != int(number):
        raise ValueError("must be a whole number")
    return int(number)


def _to_moment(value: object) -> object:
    return int(_to_number(value))


def _uuid(value: str) -> str:
    if _UUID.fullmatch(value) is None:
        raise ValueError("must be a UUID")
    return value.lower()


def _user_id(value: str, info: ValidationInfo) -> str:
    if value != ME:
        return _uuid(value)
    own_id = (info.context or {}).get("own_user_id")
    if own_id is None:
        raise KnownError("CANNOT_GET_OWN_USER_WITHOUT_USER")
    return str(own_id)


def _url(value: str) -> str:
    if " " in value or not urlsplit(value).scheme:
        raise ValueError("must be a URL")
    return storable(value)


def storable(value: str) -> str:
    """The text, if the real server's database keeps it.

    Raises:
        InternalError: It does not.
    """
    if "\0" in value:
        raise InternalError("No database keeps a NUL in a text.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InternalError("No database keeps half a character.") from None
    return value


def _permission_id(value: str) -> str:
    is_known = value in SYSTEM_TEAM_PERMISSIONS or not value.startswith("$")
    if _PERMISSION_ID.fullmatch(value) is None or not is_known:
        raise ValueError("must be a permission id")
    return value


def _custom_permission_id(value: str) -> str:
    if value.startswith("$"):
        raise ValueError("must not be one of the system's ids")
    return _permission_id(value)


Text = Annotated[str, BeforeValidator(_to_text)]
#: Text that the real server puts into its database as it is.
Name = Annotated[Text, AfterValidator(storable)]
#: Any JSON value.
Metadata = Annotated[Any, AfterValidator(kept)]
Flag = Annotated[bool, BeforeValidator(to_flag)]
Number = Annotated[float, BeforeValidator(_to_number)]
Whole = Annotated[int, BeforeValidator(_to_whole)]
#: Milliseconds since the epoch. They may come with a fraction, which nobody keeps.
Moment = Annotated[int, BeforeValidator(_to_moment)]
#: A flag in the query: exactly `true` or `false`.
QueryFlag = Annotated[bool, BeforeValidator(_to_query_flag)]
Uuid = Annotated[Text, AfterValidator(_uuid)]
#: A user's id, or `me` for the signed-in user's.
UserId = Annotated[Text, AfterValidator(_user_id)]
Url = Annotated[Text, AfterValidator(_url)]
PermissionId = Annotated[Text, AfterValidator(_permission_id)]
CustomPermissionId = Annotated[Text, AfterValidator(_custom_permission_id)]
