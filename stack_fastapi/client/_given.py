"""Keyword arguments of which some may be absent: ``None`` is a value, ``NOT_GIVEN`` is none."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, cast

from pydantic import SecretStr


class NotGiven(Enum):
    """The type of ``NOT_GIVEN``."""

    NOT_GIVEN = "not given"


#: Stands for an argument that is left out, where leaving it out is awkward to write.
NOT_GIVEN: Final = NotGiven.NOT_GIVEN


def given(form: type, fields: Mapping[str, object]) -> dict[str, object]:
    """The fields that are there, ready to be sent.

    Args:
        form: the ``TypedDict`` that names all fields; those for secrets allow a ``SecretStr``.
        fields: keyword arguments. Secrets among them are concealed in place, so that no traceback
            shows them either.

    Raises:
        TypeError: there is no such field.
    """
    known = cast("Mapping[str, str]", form.__annotations__)
    values = cast("dict[str, object]", fields)
    for name in [name for name in values if "SecretStr" in str(known.get(name, "SecretStr"))]:
        if isinstance(values[name], str):
            values[name] = SecretStr(str(values[name]))
    unknown = sorted(values.keys() - known.keys())
    if unknown:
        raise TypeError(f"there is no such field: {', '.join(unknown)}")
    return present(**values)


def present(**fields: object) -> dict[str, object]:
    """The fields other than ``NOT_GIVEN``."""
    return {name: value for name, value in fields.items() if value is not NOT_GIVEN}


def concealed(secret: SecretStr | str) -> SecretStr:
    """A secret that no traceback shows from here on."""
    return secret if isinstance(secret, SecretStr) else SecretStr(secret)
