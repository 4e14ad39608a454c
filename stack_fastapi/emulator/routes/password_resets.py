"""Forgotten passwords: a code by e-mail, and a new password for it."""

from __future__ import annotations

from stack_fastapi.emulator.protocol.account_fields import Password
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.email_fields import Email
from stack_fastapi.emulator.protocol.fields import Strict, Url
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.protocol.routing import Route
from stack_fastapi.emulator.routes.verification import Code
from stack_fastapi.emulator.state import accounts, sign_in_methods, verification_codes
from stack_fastapi.emulator.state.membership import user_of
from stack_fastapi.emulator.state.records import VerificationCode


class SendCode(Strict):
    """Who forgot the password, and the page that asks for a new one."""

    email: Email
    callback_url: Url


class Reset(Code):
    """What came by e-mail, and the new password."""

    password: Password


def send(call: Call) -> Answer:
    """Send a code, if somebody signs in with the address; the answer does not tell."""
    project, form = call.project, call.body(SendCode)
    sign_in_methods.check_enabled(project)
    email = accounts.normal_email(form.email)
    found = project.auth_channel(email)
    if found is not None:
        verification_codes.send_reset(call.state, project, found[0], email, form.callback_url)
    return json_answer({"success": "An e-mail was sent, if somebody signs in with the address."})


def reset(call: Call) -> Answer:
    """Use a code: its user has the new password, and all sessions end.

    A password that is refused costs the code as well.
    """
    form = call.body(Reset)
    found = _found(call, form.code)
    found.used_at_millis = call.now_millis
    sign_in_methods.check_enabled(call.project)
    sign_in_methods.check_length(form.password)
    user = user_of(call.project, str(found.user_id))
    accounts.update_user(
        call.project, user, {"password": form.password}, call.state.entropy, call.now_millis
    )
    return success()


def check(call: Call) -> Answer:
    """Whether a code is good, without using it."""
    _found(call, call.body(Code).code)
    return json_answer({"is_code_valid": True})


def _found(call: Call, code: str) -> VerificationCode:
    return verification_codes.find(call.project, "password_reset", code, call.now_millis)


ROUTES = (
    Route("POST", "/auth/password/send-reset-code", send),
    Route("POST", "/auth/password/reset", reset),
    Route("POST", "/auth/password/reset/check-code", check),
)
