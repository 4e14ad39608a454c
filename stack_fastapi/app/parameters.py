"""Step 5 of 5: which parameters would take a record of Stack's from whoever calls.

To FastAPI ``user: User`` is the request's body, where ``user: CurrentUser`` was meant: a route that
believes whatever its caller writes there. Pydantic cannot tell a request from an answer, so no
model can refuse this by itself; an app's routes can be looked at, whatever a parameter hides it in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Annotated, Any, get_args

from fastapi.dependencies.models import Dependant
from pydantic import Field, TypeAdapter
from pydantic.fields import FieldInfo

from stack_fastapi.app.routes import every_route
from stack_fastapi.models import (
    AccessTokenClaims,
    Principal,
    PublicUser,
    Team,
    User,
    WebhookEvent,
)
from stack_fastapi.models._base import StackModel

_PRINCIPALS = get_args(Principal)
_RECORDS = (StackModel, *_PRINCIPALS)
#: What hands the record out that Stack vouches for.
_INSTEAD: tuple[tuple[tuple[type, ...], str], ...] = (
    ((User, PublicUser), "CurrentUser"),
    ((Team,), "CurrentTeam"),
    ((AccessTokenClaims,), "CurrentClaims"),
    (_PRINCIPALS, "CurrentPrincipal"),
    (get_args(WebhookEvent), "CurrentWebhook"),
)
# Of a core schema: what no caller can write to.
_NOT_READ = frozenset({"metadata", "default", "computed_fields"})


def forgeable_records(app: object) -> list[str]:
    """A sentence for each record of Stack's that a route would read from its caller."""
    return list(
        dict.fromkeys(
            _sentence(path, name, record)
            for path, route in every_route(app)
            for name, record in _read_by(getattr(route, "dependant", None))
        )
    )


def _read_by(dependant: Dependant | None) -> Iterator[tuple[str, type]]:
    """Names of parameters, and the records that they would hold."""
    if dependant is None:
        return
    for child in dependant.dependencies:
        made = _made_by(child.call)
        if made is None:
            yield from _read_by(child)
        else:
            yield child.name or made.__name__, made
    for field in (
        *dependant.path_params,
        *dependant.query_params,
        *dependant.header_params,
        *dependant.cookie_params,
        *dependant.body_params,
    ):
        record = _record_in(_schema_of(field.field_info))
        if record is not None:
            yield field.name, record


def _schema_of(parameter: FieldInfo) -> object:
    """How pydantic reads a parameter; what stands beside its type may be all that it can read."""
    whole: Any = Annotated[parameter.annotation, *parameter.metadata, Field()]
    return TypeAdapter[Any](whole).core_schema


def _made_by(call: object) -> type | None:
    """The record that a dependency makes of its parameters: a class, or a method of one."""
    while isinstance(call, partial):
        call = call.func
    made = call if isinstance(call, type) else getattr(call, "__self__", None)
    return made if isinstance(made, type) and issubclass(made, _RECORDS) else None


def _record_in(schema: object) -> type | None:
    """The outermost record that pydantic would make of what it reads."""
    to_look_at = deque([schema])
    while to_look_at:
        node = to_look_at.popleft()
        if isinstance(node, Mapping):
            made = node.get("cls")
            if isinstance(made, type) and issubclass(made, _RECORDS):
                return made
            is_schema = isinstance(node.get("type"), str)  # else fields, by whatever name
            left_out = _NOT_READ if is_schema else frozenset()
            to_look_at += [value for name, value in node.items() if name not in left_out]
        elif isinstance(node, (list, tuple)):
            to_look_at += node
    return None


def _sentence(path: str, name: str, record: type) -> str:
    instead = next((alias for types, alias in _INSTEAD if issubclass(record, types)), None)
    advice = (
        f"write {instead} in its place"
        if instead
        else "take what callers may send in a model of your own, and the record from auth.client"
    )
    return (
        f"the route {path} would read {record.__name__} from what its caller sends, in the "
        f"parameter {name!r}, so that anybody could make one up: {advice}"
    )
