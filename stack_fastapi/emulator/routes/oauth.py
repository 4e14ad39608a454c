"""The token endpoint, as browsers refresh their access tokens (RFC 6749, section 6)."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict

from stack_fastapi.emulator.errors import KnownError
from stack_fastapi.emulator.protocol.access import check_client_key, is_same
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.fields import Strict, Text
from stack_fastapi.emulator.protocol.response import Answer, json_answer
from stack_fastapi.emulator.protocol.routing import Route
from stack_fastapi.emulator.state import sessions
from stack_fastapi.emulator.state.project import Project

#: What a client sends that has no secret.
PUBLIC_CLIENT = "__stack_public_client__"
#: The server says so, whatever `exp` says.
EXPIRES_IN = 3600


class TokenRequest(Strict):
    """The body; fields that the server does not know are let through."""

    model_config = ConfigDict(extra="ignore")

    grant_type: Literal["authorization_code", "refresh_token"]
    refresh_token: Text = ""
    client_id: Text = ""
    client_secret: Text = ""


def token(call: Call) -> Answer:
    """A fresh access token for a refresh token. The client authenticates in the body alone."""
    form = call.body(TokenRequest)
    project = _client(call, form)
    if form.grant_type == "authorization_code":
        raise KnownError("INVALID_AUTHORIZATION_CODE")
    if not form.refresh_token:
        return json_answer(
            {"error": "invalid_request", "error_description": "refresh_token is missing"}, 400
        )
    access_token = sessions.refresh(project, form.refresh_token, call.issue)
    return json_answer(
        {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": EXPIRES_IN,
            "scope": "legacy",
            "afterCallbackRedirectUrl": None,
            "after_callback_redirect_url": None,
        },
        headers={"cache-control": "no-store"},
    )


def _client(call: Call, form: TokenRequest) -> Project:
    project = call.state.projects.get(form.client_id)
    if project is None:
        raise _wrong_client()
    is_public = form.client_secret == PUBLIC_CLIENT
    if is_public or not form.client_secret:
        check_client_key(project, None)
    if not is_public and not is_same(form.client_secret, project.publishable_client_key):
        raise _wrong_client()
    return project


def _wrong_client() -> KnownError:
    return KnownError("INVALID_OAUTH_CLIENT_ID_OR_SECRET", {"client_id": None})


ROUTES = (Route("POST", "/auth/oauth/token", token, allowed=None),)
