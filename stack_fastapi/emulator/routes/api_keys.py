"""API keys of users and of teams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from stack_fastapi.emulator.errors import InternalError, KnownError, bad_request, forbidden
from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.fields import Flag, Moment, Strict, Text, UserId, Uuid, to_flag
from stack_fastapi.emulator.protocol.response import Answer, json_answer
from stack_fastapi.emulator.protocol.routing import SERVER, Route
from stack_fastapi.emulator.state import api_key_store
from stack_fastapi.emulator.state.api_key_text import OwnerType
from stack_fastapi.emulator.state.records import ApiKey


class NewUserKey(Strict):
    """The body that makes a user's key."""

    user_id: UserId
    description: Text
    expires_at_millis: Moment | None
    is_public: Flag = False

    @property
    def owner_id(self) -> str:
        """Whose key."""
        return self.user_id


class NewTeamKey(Strict):
    """The body that makes a team's key."""

    team_id: Uuid
    description: Text
    expires_at_millis: Moment | None
    is_public: Flag = False

    @property
    def owner_id(self) -> str:
        """Whose key."""
        return self.team_id


class KeyUpdate(Strict):
    """What can be changed; a key that was revoked stays so."""

    description: Text = ""
    revoked: Annotated[Literal[True], BeforeValidator(to_flag)] = True


class Check(Strict):
    """A key to look at."""

    api_key: Text


class KeyPath(Strict):
    """Which key."""

    id: Uuid


class OfUser(Strict):
    """Whose keys."""

    user_id: UserId

    @property
    def owner_id(self) -> str:
        """Whose keys."""
        return self.user_id


class MaybeOfUser(Strict):
    """Whose key; nobody looks at it."""

    user_id: UserId | None = None


class OfTeam(Strict):
    """Whose keys."""

    team_id: Uuid

    @property
    def owner_id(self) -> str:
        """Whose keys."""
        return self.team_id


class _Keys:
    """The endpoints of one kind of owner."""

    def __init__(
        self,
        owner_type: OwnerType,
        new: type[NewUserKey | NewTeamKey],
        owner: type[OfUser | OfTeam],
        maybe_owner: type[MaybeOfUser | OfTeam],
    ) -> None:
        self._owner_type = owner_type
        self._new = new
        self._owner = owner
        self._maybe_owner = maybe_owner

    def create(self, call: Call) -> Answer:
        """The only answer that holds the whole key."""
        form = call.body(self._new)
        self._check_enabled(call)
        self._check_client(call, form.owner_id)
        if form.owner_id not in self._owners(call):
            raise InternalError("The owner of the key does not exist.")
        key, text = api_key_store.create(
            call.state,
            call.project,
            self._owner_type,
            form.owner_id,
            description=form.description,
            expires_at_millis=form.expires_at_millis or None,
            is_public=form.is_public,
        )
        return json_answer(views.api_key(key) | {"value": text})

    def check(self, call: Call) -> Answer:
        form = call.body(Check)
        self._check_enabled(call)
        key = api_key_store.check(call.project, form.api_key, self._owner_type, call.now_millis)
        return json_answer(views.api_key(key))

    def list_(self, call: Call) -> Answer:
        owner_id = call.query(self._owner).owner_id
        self._check_enabled(call)
        self._check_client(call, owner_id)
        found = [
            key
            for key in call.project.api_keys.values()
            if (key.owner_type, key.owner_id) == (self._owner_type, owner_id)
        ]
        found.sort(key=lambda key: key.created_at_millis, reverse=True)
        return json_answer(views.listed([views.api_key(key) for key in found]))

    def read(self, call: Call) -> Answer:
        return json_answer(views.api_key(self._key(call)))

    def update(self, call: Call) -> Answer:
        changes = call.body(KeyUpdate).given()
        key = self._key(call)
        if "description" in changes:
            key.description = changes["description"]
        if "revoked" in changes and key.manually_revoked_at_millis is None:
            key.manually_revoked_at_millis = call.now_millis
        return json_answer(views.api_key(key))

    def routes(self) -> Iterator[Route]:
        path = f"/{self._owner_type}-api-keys"
        yield Route("GET", path, self.list_)
        yield Route("POST", path, self.create)
        yield Route("POST", f"{path}/check", self.check, SERVER)
        yield Route("GET", f"{path}/{{id}}", self.read)
        yield Route("PATCH", f"{path}/{{id}}", self.update)

    def _key(self, call: Call) -> ApiKey:
        # The real server asks for an owner and then does not compare it with the key's own.
        call.query(self._maybe_owner)
        id_ = call.path(KeyPath).id
        self._check_enabled(call)
        key = api_key_store.find(call.project, id_, self._owner_type)
        self._check_client(call, key.owner_id)
        return key

    def _owners(self, call: Call) -> dict[str, Any]:
        project = call.project
        return {"user": dict[str, Any](project.users), "team": dict[str, Any](project.teams)}[
            self._owner_type
        ]

    def _check_enabled(self, call: Call) -> None:
        if not getattr(call.project.config, f"allow_{self._owner_type}_api_keys"):
            raise bad_request(f"{self._owner_type.title()} API keys are off in this project.")

    def _check_client(self, call: Call, owner_id: str) -> None:
        """Clients manage their own keys, and those of teams where they hold the permission."""
        if not call.is_client:
            return
        own_id = call.me("USER_AUTHENTICATION_REQUIRED").id
        if self._owner_type == "user":
            if owner_id != own_id:
                raise forbidden("Clients manage the API keys of their own user.")
            return
        held = call.project.memberships.get((owner_id, own_id))
        if held is None or "$manage_api_keys" not in call.project.closure(held.permissions):
            raise KnownError("API_KEY_NOT_FOUND")  # says nothing about the team


ROUTES = (
    *_Keys("user", NewUserKey, OfUser, MaybeOfUser).routes(),
    *_Keys("team", NewTeamKey, OfTeam, OfTeam).routes(),
)
