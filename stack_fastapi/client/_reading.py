"""From decoded JSON to records, and nothing that is not as documented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from stack_fastapi.exceptions import StackUnavailableError

M = TypeVar("M", bound=BaseModel)


def read(model: type[M], body: object) -> M:
    """The record in an answer.

    Raises:
        StackUnavailableError: there is none.
    """
    try:
        return model.model_validate(body)
    except (ValidationError, RecursionError):
        pass
    raise StackUnavailableError("its answer is not as documented")


def read_list(model: type[M], body: object) -> list[M]:
    """The records in a list that comes whole.

    Raises:
        StackUnavailableError: it is none, or only a part of one.
    """
    if not isinstance(body, dict) or body.get("is_paginated") is not False:
        raise StackUnavailableError("its answer is not a list as documented")
    items = body.get("items")
    if not isinstance(items, list):
        raise StackUnavailableError("its answer is not a list as documented")
    return [read(model, item) for item in items]


def query(values: Mapping[str, str | bool | None]) -> str:
    """A query with those that are not None."""
    given = {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in values.items()
        if value is not None
    }
    return f"?{urlencode(given)}" if given else ""
