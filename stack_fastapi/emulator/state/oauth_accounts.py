"""Users' accounts at other providers. No HTTP in here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

from stack_fastapi.emulator.errors import KnownError, bad_request, not_found
from stack_fastapi.emulator.state.entropy import Entropy
from stack_fastapi.emulator.state.project import Project
from stack_fastapi.emulator.state.records import OAuthAccount, User


class FirstAccount(Protocol):
    """What is said of a new user's account."""

    id: str
    account_id: str
    email: str | None


def add_first(
    project: Project, user: User, accounts: Iterable[FirstAccount], entropy: Entropy
) -> None:
    """Give a new user accounts.

    Raises:
        PlainError: The project does not have the provider.
    """
    for item in accounts:
        if item.id not in project.config.oauth_providers:
            raise bad_request("The project does not have this provider.")
        user.oauth_accounts.append(
            OAuthAccount(entropy.uuid(), item.id, item.account_id, item.email)
        )


def add(project: Project, user: User, account: OAuthAccount) -> None:
    """Give a user one more account.

    Raises:
        KnownError: Somebody else signs in with it.
        PlainError: The project does not have the provider, or the user has such an account.
    """
    if account.provider_config_id not in project.config.oauth_providers:
        raise not_found("The project does not have this provider.")
    _check(project, user, account, vars(account))
    user.oauth_accounts.append(account)


def change(
    project: Project, user: User, account: OAuthAccount, changes: Mapping[str, Any]
) -> OAuthAccount:
    """Change an account.

    Raises:
        KnownError: Somebody else signs in with it.
        PlainError: The user has such an account.
    """
    _check(project, user, account, changes)
    changed = replace(account, **changes)
    user.oauth_accounts[user.oauth_accounts.index(account)] = changed
    return changed


def _check(project: Project, user: User, account: OAuthAccount, changes: Mapping[str, Any]) -> None:
    wants_sign_in, account_id = changes.get("allow_sign_in", False), changes.get("account_id")
    own = [
        item
        for item in user.oauth_accounts
        if item.id != account.id and item.provider_config_id == account.provider_config_id
    ]
    if wants_sign_in and any(item.allow_sign_in for item in own):
        raise bad_request("The user signs in with another account of this provider.")
    if any(item.account_id == account_id for item in own):
        raise bad_request("The user has this account already.")
    # The real server compares with every account where the request names none.
    others = (item for item in _all(project) if item.allow_sign_in and item.id != account.id)
    if wants_sign_in and any(account_id in {None, item.account_id} for item in others):
        raise KnownError("OAUTH_PROVIDER_ACCOUNT_ID_ALREADY_USED_FOR_SIGN_IN")


def _all(project: Project) -> Iterator[OAuthAccount]:
    for user in project.users.values():
        yield from user.oauth_accounts
