"""From the text in a form's fields to values, and from what is wrong to a sentence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from stack_fastapi.emulator import json_text
from stack_fastapi.emulator.page.visit import FieldError

Form = Mapping[str, str]
Model = TypeVar("Model", bound=BaseModel)
METADATA = ("client_metadata", "client_read_only_metadata", "server_metadata")


def text(form: Form, name: str) -> str | None:
    """The text; None if there is none."""
    return form.get(name, "").strip() or None


def required(form: Form, name: str) -> str:
    """The text.

    Raises:
        FieldError: There is none.
    """
    given = text(form, name)
    if given is None:
        raise FieldError({name: "is needed"})
    return given


def flag(form: Form, name: str) -> bool:
    """Whether a box is ticked."""
    return name in form


def filled(form: Form, *names: str) -> dict[str, str]:
    """Those of the fields that are not empty."""
    found = ((name, text(form, name)) for name in names)
    return {name: value for name, value in found if value is not None}


def metadata(form: Form) -> dict[str, Any]:
    """The three fields of metadata, each JSON or nothing.

    Raises:
        FieldError: One is no JSON.
    """
    return {name: _json(form, name) for name in METADATA if name in form}


def checked(model: type[Model], fields: Mapping[str, Any]) -> Model:
    """The fields, checked.

    Raises:
        FieldError: They do not make sense.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise FieldError(_problems(error)) from None


def _json(form: Form, name: str) -> Any:  # noqa: ANN401 - any JSON value
    given = text(form, name)
    if given is None:
        return None
    try:
        value = json_text.read(given)
        json.dumps(value, ensure_ascii=False).encode()  # half a character has no encoding
    except (ValueError, RecursionError):
        raise FieldError({name: "is no JSON"}) from None
    return value


def _problems(error: ValidationError) -> dict[str, str]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return {
        ".".join(map(str, item["loc"])) or "form": item["msg"].removeprefix("Value error, ")
        for item in found
    }
