"""Step 5 of 5: which parameters would take a record of Stack's from whoever calls.

To FastAPI ``user: User`` is the request's body, where ``user: CurrentUser`` was meant: a route that
believes whatever its caller writes there. Pydantic cannot tell a request from an answer, so no
model can refuse this by itself; an app's routes can be looked at, whatever a parameter hides it in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from functools import partial
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

from fastapi.dependencies.models import Dependant
from fastapi.params import Depends
from pydantic import Field, TypeAdapter
from pydantic.fields import FieldInfo

from stack_fastapi.app.routes import every_route
from stack_fastapi.dependencies.permissions import CurrentTeam
from stack_fastapi.dependencies.principals import CurrentPrincipal
from stack_fastapi.dependencies.users import CurrentClaims, CurrentUser, Guard, OptionalUser
from stack_fastapi.dependencies.webhooks import CurrentWebhook
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
_ALIASES: dict[str, object] = {
    "CurrentUser": CurrentUser,
    "OptionalUser": OptionalUser,
    "CurrentTeam": CurrentTeam,
    "CurrentClaims": CurrentClaims,
    "CurrentPrincipal": CurrentPrincipal,
    "CurrentWebhook": CurrentWebhook,
}
# Of a core schema: what no caller can write to.
_NOT_READ = frozenset({"metadata", "default", "computed_fields"})


def forgeable_records(app: object) -> list[str]:
    """A sentence for each record of Stack's that a route would not get from Stack.

    It would read it from its caller, or has an alias of ours where a dependency belongs.
    """
    return list(
        dict.fromkeys(
            f"the route {path} would {problem}"
            for path, route in every_route(app)
            for problem in _problems(getattr(route, "dependant", None))
        )
    )


def _problems(dependant: Dependant | None) -> Iterator[str]:
    if dependant is None:
        return
    for child in dependant.dependencies:
        made = _made_by(child.call)
        if made is not None:
            yield _forgeable(child.name or made.__name__, made, made)
        elif _is_alias(child.call):
            yield _misplaced(child.name, child.call)
        else:
            yield from _problems(child)
    for field in (
        *dependant.path_params,
        *dependant.query_params,
        *dependant.header_params,
        *dependant.cookie_params,
        *dependant.body_params,
    ):
        record = _record_in(_schema_of(field.field_info))
        if record is not None:
            yield _forgeable(field.name, record, field.field_info.annotation)


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


def _is_alias(call: object) -> bool:
    """Whether it is a parameter's type, such as ``CurrentUser``, and no dependency."""
    beside = get_args(call)[1:] if get_origin(call) is Annotated else ()
    return any(isinstance(it, Depends) and isinstance(it.dependency, Guard) for it in beside)


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


def _instead(record: type, annotation: object) -> str | None:
    """The alias that hands out such a record."""
    if issubclass(record, User) and NoneType in get_args(annotation):
        return "OptionalUser"
    return next((alias for types, alias in _INSTEAD if issubclass(record, types)), None)


def _forgeable(name: str, record: type, annotation: object) -> str:
    instead = _instead(record, annotation)
    advice = (
        f"write {instead} in its place"
        if instead
        else "take what callers may send in a model of your own, and the record from auth.client"
    )
    return (
        f"read {record.__name__} from what its caller sends, in the parameter {name!r}, so that "
        f"anybody could make one up: {advice}"
    )


def _misplaced(name: str | None, alias: object) -> str:
    said = next((known for known, ours in _ALIASES.items() if ours == alias), "the alias")
    return (
        f"call {said} as a dependency, which it is not: it is the type of a parameter. Write "
        f"{name or 'it'}: {said} and no Depends(...) around it"
    )
