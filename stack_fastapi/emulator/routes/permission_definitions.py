"""Permissions that can be granted, for administrators."""

from __future__ import annotations

from collections.abc import Iterator

from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.fields import CustomPermissionId, PermissionId, Strict, Text
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.protocol.routing import ADMIN, Route
from stack_fastapi.emulator.state import grants
from stack_fastapi.emulator.state.records import PermissionDefinition, Scope


class DefinitionUpdate(Strict):
    """A definition that takes another one's place; what is absent is gone."""

    id: CustomPermissionId = ""
    description: Text = ""
    contained_permission_ids: tuple[PermissionId, ...] = ()


class DefinitionCreate(DefinitionUpdate):
    """A new definition."""

    id: CustomPermissionId


class DefinitionPath(Strict):
    """Which definition."""

    permission_id: PermissionId


class _Definitions:
    """The endpoints of one scope."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def list_(self, call: Call) -> Answer:
        call.no_query()
        found = call.project.definitions_of(self._scope)
        return json_answer(views.listed([views.definition(item) for item in found]))

    def create(self, call: Call) -> Answer:
        call.no_query()
        form = call.body(DefinitionCreate)
        definition = self._definition(form.id, form)
        grants.define(call.project, definition)
        return json_answer(views.definition(definition), status=201)

    def update(self, call: Call) -> Answer:
        call.no_query()
        old_id, form = call.path(DefinitionPath).permission_id, call.body(DefinitionUpdate)
        definition = self._definition(form.id or old_id, form)
        grants.redefine(call.project, old_id, definition)
        return json_answer(views.definition(definition))

    def delete(self, call: Call) -> Answer:
        call.no_query()
        grants.undefine(call.project, call.path(DefinitionPath).permission_id, self._scope)
        return success()

    def routes(self) -> Iterator[Route]:
        path = f"/{self._scope}-permission-definitions"
        yield Route("GET", path, self.list_, ADMIN)
        yield Route("POST", path, self.create, ADMIN)
        yield Route("PATCH", f"{path}/{{permission_id}}", self.update, ADMIN)
        yield Route("DELETE", f"{path}/{{permission_id}}", self.delete, ADMIN)

    def _definition(self, id_: str, form: DefinitionUpdate) -> PermissionDefinition:
        contained = list(form.contained_permission_ids)
        description = form.given().get("description")
        return PermissionDefinition(id_, self._scope, description, contained)


ROUTES = (*_Definitions("team").routes(), *_Definitions("project").routes())
