"""Signing up without saying who one is."""

from __future__ import annotations

from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.response import Answer
from stack_fastapi.emulator.protocol.routing import Route
from stack_fastapi.emulator.routes.passwords import signed_in
from stack_fastapi.emulator.state import accounts


def sign_up(call: Call) -> Answer:
    """A new anonymous user, in every project; the body is not looked at."""
    user = accounts.create_user(
        call.project, {"is_anonymous": True}, call.state.entropy, call.now_millis
    )
    return signed_in(call, user)


ROUTES = (Route("POST", "/auth/anonymous/sign-up", sign_up),)
