"""Step 5 of 5: the dependencies that ask what a user may do, and in which team.

A team's id in a path is anybody's text. It counts only as the one spelling that Stack gives ids (a
UUID in lower case), as a team that the user is in; everything else is a team that they are not
in, whether there is one or not, and reaches Stack in no form.
"""

# No "from __future__ import annotations": see ``dependencies.users``.

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Unpack

from fastapi import Depends
from starlette.requests import HTTPConnection
from starlette.types import Scope

from stack_fastapi.dependencies.refusals import NOT_CACHED, NotCached, refusing
from stack_fastapi.dependencies.users import MustBeCalled, RuledGuard, UserRules, cached_user
from stack_fastapi.engine.authentication import Authentication
from stack_fastapi.engine.cached_decision import CachedDecision
from stack_fastapi.engine.policy import PermissionRule
from stack_fastapi.engine.stack_auth import SCOPE_KEY
from stack_fastapi.exceptions import (
    ConfigurationError,
    PolicyError,
    ProjectPermissionRequiredError,
    TeamHiddenError,
    TeamMembershipRequiredError,
    TeamPermissionRequiredError,
    TeamRequiredError,
)
from stack_fastapi.models import Team, User
from stack_fastapi.telemetry import logger

#: The header by which a request may name its team to ``current_team``.
TEAM_HEADER = "X-Team-Id"

#: The path parameter that names a team where nothing else was said.
TEAM_PARAMETER = "team_id"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)


class _PermissionGuard(RuledGuard):
    """The user, if they hold permissions in the whole project."""

    def __init__(self, rule: PermissionRule, rules: UserRules) -> None:
        super().__init__(rules)
        self._rule = rule
        self.needs = f"{rule} in the project"

    def cached(self, scope: Scope) -> User | NotCached:
        """The user, if they are known to hold what is asked for."""
        return _cached_holder(scope, None, self._rule) if self.is_plain else NOT_CACHED

    @refusing
    async def __call__(self, connection: HTTPConnection) -> User:
        """The user; raises like ``current_user``, and where a permission is missing."""
        decision, user = await self.enter(connection)
        missing = self._rule.missing(await _held(decision, user, None, self.max_age))
        if missing:
            raise ProjectPermissionRequiredError(missing, any_of=self._rule.any_of)
        return user


class _TeamGuard(RuledGuard):
    """What guards of a team have in common."""

    def __init__(self, parameter: str, rules: UserRules, *, reveal: bool) -> None:
        super().__init__(rules)
        if not parameter.isidentifier():
            raise ValueError(f"team names a parameter of the path, not {parameter!r}")
        self.path_parameter = parameter
        self.hides = not reveal

    def non_member(self) -> PolicyError:
        """The refusal of somebody who is not in the team."""
        return TeamHiddenError() if self.hides else TeamMembershipRequiredError()

    async def member_of(self, decision: Authentication, user: User, team_id: str | None) -> Team:
        """The team, if the user is in it."""
        team = None
        if team_id is not None:
            team = (await decision.teams(user, self.max_age)).get(team_id)
        if team is None:
            raise self.non_member()
        return team


class _TeamPermissionGuard(_TeamGuard):
    """The user, if they hold permissions in the route's team."""

    def __init__(
        self, rule: PermissionRule, parameter: str, rules: UserRules, *, reveal: bool
    ) -> None:
        super().__init__(parameter, rules, reveal=reveal)
        self._rule = rule
        self.needs = f"{rule} in the team `{parameter}`"

    def cached(self, scope: Scope) -> User | NotCached:
        """The user, if they are known to hold what is asked for in the team of the path."""
        team_id = scope.get("path_params", {}).get(self.path_parameter)
        if not self.is_plain or not isinstance(team_id, str) or _canonical(team_id) is None:
            return NOT_CACHED
        return _cached_holder(scope, team_id, self._rule)

    @refusing
    async def __call__(self, connection: HTTPConnection) -> User:
        """The user; raises like ``current_user``, and where team or permission are missing."""
        decision, user = await self.enter(connection)
        await self._check(decision, user, _team_in_path(connection, self.path_parameter))
        return user

    async def _check(self, decision: Authentication, user: User, team_id: str | None) -> None:
        if team_id is None:  # which would mean the whole project below
            raise self.non_member()
        held = None if self.max_age is not None else decision.cached_permissions(user, team_id)
        if not held:
            await self._check_membership(decision, user, team_id)
            held = await _held(decision, user, team_id, self.max_age)
        missing = self._rule.missing(held)
        if missing:
            raise TeamPermissionRequiredError(missing, any_of=self._rule.any_of)

    async def _check_membership(self, decision: Authentication, user: User, team_id: str) -> None:
        """Refuse an invented team before Stack is asked for the permissions in it."""
        if team_id not in await decision.teams(user):
            await self.member_of(decision, user, team_id)


class _TeamMemberGuard(_TeamGuard):
    """The route's team, if the user is in it."""

    def __init__(self, parameter: str, rules: UserRules, *, reveal: bool) -> None:
        super().__init__(parameter, rules, reveal=reveal)
        self.needs = f"membership in the team `{parameter}`"

    @refusing
    async def __call__(self, connection: HTTPConnection) -> Team:
        """The team; raises like ``current_user``, and where the user is not in it."""
        decision, user = await self.enter(connection)
        team_id = _team_in_path(connection, self.path_parameter)
        return await self.member_of(decision, user, team_id)


class _CurrentTeamGuard(_TeamGuard):
    """The team that a request is about, if the user is in it."""

    team_header = True
    needs = f"membership in the team of the path, of `{TEAM_HEADER}`, or the selected one"

    def __init__(self) -> None:
        super().__init__(TEAM_PARAMETER, {}, reveal=True)
        self.path_parameter = None  # a path without it is right as well

    @refusing
    async def __call__(self, connection: HTTPConnection) -> Team:
        """The team.

        That of the path's ``team_id``; where the path has none, that of the header ``X-Team-Id``;
        where that was not sent, the one that the user has selected. Raises like ``current_user``,
        where the user is not in it, and where there is none at all.
        """
        decision, user = await self.enter(connection)
        return await self.member_of(decision, user, _named_team(connection, user))


def _cached_holder(scope: Scope, team_id: str | None, rule: PermissionRule) -> User | NotCached:
    user, decision = cached_user(scope), scope.get(SCOPE_KEY)
    if user is None or not isinstance(decision, CachedDecision):
        return NOT_CACHED
    held = decision.cached_permissions(team_id)
    return NOT_CACHED if held is None or rule.missing(held) else user


async def _held(
    decision: Authentication, user: User, team_id: str | None, max_age: float | None
) -> frozenset[str]:
    held = decision.cached_permissions(user, team_id) if max_age is None else None
    if held is None:
        held = await decision.permissions(user, team_id, max_age)
    return held


def _team_in_path(connection: HTTPConnection, parameter: str | None) -> str | None:
    """The id in the path, in Stack's own spelling; None for any other text.

    Raises:
        ConfigurationError: the path has no such parameter.
    """
    if parameter not in connection.path_params:
        problem = ConfigurationError([missing_parameter(parameter, connection.url.path)])
        logger.error("%s", problem.message)
        raise problem
    return _canonical(str(connection.path_params[parameter]))


def missing_parameter(parameter: str | None, path: str) -> str:
    """The problem of a route that a guard cannot work on."""
    return (
        f"the route {path} has no path parameter {parameter!r}, which its team is read from: "
        f"add {{{parameter}}} to its path, or name the parameter with team=…"
    )


def _named_team(connection: HTTPConnection, user: User) -> str | None:
    if TEAM_PARAMETER in connection.path_params:
        return _canonical(str(connection.path_params[TEAM_PARAMETER]))
    sent = connection.headers.getlist(TEAM_HEADER)
    if sent:
        return _canonical(sent[0]) if len(sent) == 1 else None
    if user.selected_team_id is None:
        raise TeamRequiredError
    return user.selected_team_id


def _canonical(text: str) -> str | None:
    return text if _UUID.fullmatch(text) else None


#: The team of the request, of which the user is a member, or 403.
current_team = _CurrentTeamGuard()

CurrentTeam = Annotated[Team, Depends(current_team)]


def require_permission(
    *ids: Annotated[str, MustBeCalled()], any_of: bool = False, **rules: Unpack[UserRules]
) -> Callable[..., Awaitable[User]]:
    """A dependency like ``require_user`` for users who hold permissions in the whole project.

    Permissions within others count. What Stack said lives as long as a fetched user, and nothing
    stale is taken: in an outage a permission that is not known is 503.

    Args:
        *ids: the permissions.
        any_of: whether one of them is enough; else all are wanted.
        **rules: those of ``require_user``; ``max_age`` applies to the permissions too.

    Raises:
        ValueError: no ids, one that Stack cannot have, or a wrong rule.
        TypeError: a rule that there is not.
    """
    return _PermissionGuard(PermissionRule.of(ids, any_of=any_of), rules)


def require_team_permission(
    *ids: Annotated[str, MustBeCalled()],
    team: str = TEAM_PARAMETER,
    any_of: bool = False,
    reveal: bool = True,
    **rules: Unpack[UserRules],
) -> Callable[..., Awaitable[User]]:
    """A dependency like ``require_permission`` for permissions in the team that the path names.

    Args:
        *ids: the permissions, such as ``$manage_api_keys`` or your own.
        team: the path parameter with the team's id.
        any_of: whether one of them is enough; else all are wanted.
        reveal: False answers 404 in place of 403 where the user is not in the team, for routes
            whose other answers would tell that there is such a team.
        **rules: those of ``require_user``; ``max_age`` applies to the permissions too.

    Raises:
        ValueError: no ids, one that Stack cannot have, a wrong rule, or no name of a parameter.
    """
    rule = PermissionRule.of(ids, any_of=any_of)
    return _TeamPermissionGuard(rule, team, rules, reveal=reveal)


def require_team_member(
    team: Annotated[str, MustBeCalled()] = TEAM_PARAMETER,
    *,
    reveal: bool = True,
    **rules: Unpack[UserRules],
) -> Callable[..., Awaitable[Team]]:
    """A dependency that hands out the team that the path names, if the user is in it.

    Args:
        team: the path parameter with the team's id.
        reveal: as for ``require_team_permission``.
        **rules: those of ``require_user``; ``max_age`` applies to the membership too.

    Raises:
        ValueError: a wrong rule, or no name of a parameter.
    """
    return _TeamMemberGuard(team, rules, reveal=reveal)
