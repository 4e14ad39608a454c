"""Records of users' accounts at other providers. Signing in with them is not done here."""

from __future__ import annotations

from stack_fastapi.emulator.errors import forbidden, not_found
from stack_fastapi.emulator.protocol import views
from stack_fastapi.emulator.protocol.call import Call
from stack_fastapi.emulator.protocol.email_fields import Email
from stack_fastapi.emulator.protocol.fields import Flag, Name, Strict, UserId, Uuid
from stack_fastapi.emulator.protocol.response import Answer, json_answer, success
from stack_fastapi.emulator.protocol.routing import SERVER, Route
from stack_fastapi.emulator.state import oauth_accounts
from stack_fastapi.emulator.state.membership import user_of
from stack_fastapi.emulator.state.records import OAuthAccount, User


class ClientUpdate(Strict):
    """What users may change about an account."""

    allow_sign_in: Flag = False
    allow_connected_accounts: Flag = False


class ServerUpdate(ClientUpdate):
    """What a server may change."""

    account_id: Name = ""
    email: Email = ""


class Create(Strict):
    """What a server says of an account."""

    user_id: UserId
    provider_config_id: Name
    account_id: Name
    email: Email | None = None
    allow_sign_in: Flag
    allow_connected_accounts: Flag


class AccountQuery(Strict):
    """Whose accounts."""

    user_id: UserId | None = None


class OwnerPath(Strict):
    """Whose accounts."""

    user_id: UserId


class AccountPath(OwnerPath):
    """Which account."""

    provider_id: Uuid


def list_(call: Call) -> Answer:
    """A user's accounts, or all; clients see their own."""
    user_id = call.query(AccountQuery).user_id
    if call.is_client and user_id != call.me().id:
        raise forbidden("Clients list the accounts of their own user.")
    users = call.project.users.values() if user_id is None else [user_of(call.project, user_id)]
    items = [_view(call, user, item) for user in users for item in user.oauth_accounts]
    return json_answer(views.listed(items))


def create(call: Call) -> Answer:
    """One more account of a user."""
    call.no_query()
    form = call.body(Create)
    user = user_of(call.project, form.user_id)
    account = OAuthAccount(
        call.state.entropy.uuid(),
        form.provider_config_id,
        form.account_id,
        form.email,
        form.allow_sign_in,
        form.allow_connected_accounts,
    )
    oauth_accounts.add(call.project, user, account)
    return json_answer(_view(call, user, account), status=201)


def read(call: Call) -> Answer:
    """One account."""
    return json_answer(_view(call, *_found(call)))


def update(call: Call) -> Answer:
    """Change an account."""
    form = call.body(ClientUpdate if call.is_client else ServerUpdate)
    user, account = _found(call)
    changed = oauth_accounts.change(call.project, user, account, form.given())
    return json_answer(_view(call, user, changed))


def delete(call: Call) -> Answer:
    """Forget an account."""
    user, account = _found(call)
    user.oauth_accounts.remove(account)
    return success()


def connected(call: Call) -> Answer:
    """The accounts of a user whose access tokens the app may ask for."""
    call.no_query()
    user = _owner(call, call.path(OwnerPath).user_id)
    items = [
        views.connected_account(user, item)
        for item in user.oauth_accounts
        if item.allow_connected_accounts
    ]
    return json_answer(views.listed(items))


def _owner(call: Call, user_id: str) -> User:
    if call.is_client and user_id != call.me().id:
        raise forbidden("Clients manage the accounts of their own user.")
    return user_of(call.project, user_id)


def _found(call: Call) -> tuple[User, OAuthAccount]:
    call.no_query()
    path = call.path(AccountPath)
    user = _owner(call, path.user_id)
    for account in user.oauth_accounts:
        if account.id == path.provider_id:
            return user, account
    raise not_found("The user has no such account at another provider.")


def _view(call: Call, user: User, account: OAuthAccount) -> views.View:
    view = views.client_oauth_account if call.is_client else views.server_oauth_account
    return view(user, account)


ROUTES = (
    Route("GET", "/oauth-providers", list_),
    Route("POST", "/oauth-providers", create, SERVER),
    Route("GET", "/oauth-providers/{user_id}/{provider_id}", read),
    Route("PATCH", "/oauth-providers/{user_id}/{provider_id}", update),
    Route("DELETE", "/oauth-providers/{user_id}/{provider_id}", delete),
    Route("GET", "/connected-accounts/{user_id}", connected),
)
