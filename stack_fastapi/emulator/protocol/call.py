"""A call of an endpoint: the request, who makes it, and its checked parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import ValidationError

from stack_fastapi.emulator.errors import KnownError
from stack_fastapi.emulator.protocol.access import Access, AccessType
from stack_fastapi.emulator.protocol.fields import Nothing, Strict, explained
from stack_fastapi.emulator.protocol.request import Request
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import User
from stack_fastapi.emulator.state.sessions import Issue
from stack_fastapi.emulator.state.state import State

Part = TypeVar("Part", bound=Strict)


@dataclass(frozen=True)
class Call:
    """What an endpoint works with.

    Attributes:
        params: The parts of the path that the route names.
        access: Who calls; None where the endpoint lets everybody in.
        now: Unix time in seconds.
        issue: How access tokens are issued in this call.
        raw_body: The body, read but not checked.
    """

    state: State
    request: Request
    params: Mapping[str, str]
    access: Access | None
    issue: Issue
    raw_body: Any = field(repr=False)

    @property
    def now(self) -> float:
        """Unix time in seconds."""
        return self.issue.now

    @property
    def now_millis(self) -> int:
        """The same in milliseconds."""
        return int(self.now * 1000)

    @property
    def caller(self) -> Access:
        """Who calls, at endpoints that need to know.

        Raises:
            KnownError: The request does not say.
        """
        if self.access is None:
            raise KnownError("ACCESS_TYPE_REQUIRED")
        return self.access

    @property
    def project(self) -> Project:
        """The caller's project."""
        return self.caller.project

    @property
    def access_type(self) -> AccessType:
        """The access type."""
        return self.caller.type

    @property
    def is_client(self) -> bool:
        """Whether this is client access."""
        return self.access_type == "client"

    @property
    def own_user(self) -> User | None:
        """The signed-in user, if there is one."""
        return self.access.user if self.access else None

    def me(self, code: str = "CANNOT_GET_OWN_USER_WITHOUT_USER") -> User:
        """The signed-in user.

        Args:
            code: Of the error where there is none.

        Raises:
            KnownError: There is none.
        """
        if self.own_user is None:
            raise KnownError(code)
        return self.own_user

    def signed_in_user(self) -> User:
        """The signed-in user, at endpoints whose form includes one.

        Raises:
            KnownError: There is none; the server says that the form is wrong.
        """
        if self.own_user is None:
            message = "The header x-stack-access-token must name a user of the project."
            raise KnownError("SCHEMA_ERROR", {"message": message})
        return self.own_user

    def path(self, form: type[Part]) -> Part:
        """The path's parameters."""
        return self._checked("params", form, dict(self.params))

    def query(self, form: type[Part]) -> Part:
        """The query's parameters."""
        return self._checked("query", form, self.request.query)

    def no_query(self) -> None:
        """Make sure that there is no query."""
        self.query(Nothing)

    def body(self, form: type[Part]) -> Part:
        """The body."""
        return self._checked("body", form, self.raw_body)

    def _checked(self, part: str, form: type[Part], value: object) -> Part:
        own = self.own_user
        try:
            return form.model_validate(value, context={"own_user_id": own.id if own else None})
        except ValidationError as error:
            raise KnownError("SCHEMA_ERROR", {"message": explained(error, part)}) from None
