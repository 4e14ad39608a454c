"""Settings and engines that lead to a local Stack."""

from __future__ import annotations

from typing import Any

from stack_fastapi.emulator import StackEmulator
from stack_fastapi.engine.stack_auth import StackAuth
from stack_fastapi.settings import StackAuthSettings


def values_for(stack: StackEmulator, project: str | None = None) -> dict[str, str]:
    """What an app has to know of one of the projects, by the names of the settings.

    Args:
        stack: the local Stack.
        project: the seed's name for the project; the first one if absent.
    """
    home = stack.project if project is None else stack.projects[project]
    return {
        "api_url": stack.url,
        "project_id": home.id,
        "secret_server_key": home.secret_server_key,
        "publishable_client_key": home.publishable_client_key,
        "webhook_secret": home.webhook_secret,
    }


def settings_for(
    stack: StackEmulator,
    *,
    project: str | None = None,
    **changes: Any,  # noqa: ANN401 - any setting
) -> StackAuthSettings:
    """Settings for an app that a local Stack protects.

    Args:
        stack: the local Stack.
        project: the seed's name for the project; the first one if absent.
        **changes: further settings, such as ``allow_anonymous``.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    known = StackAuthSettings.model_fields
    values = {name: value for name, value in values_for(stack, project).items() if name in known}
    return StackAuthSettings(**values | changes)


def auth_for(
    stack: StackEmulator,
    *,
    project: str | None = None,
    **changes: Any,  # noqa: ANN401 - any setting
) -> StackAuth:
    """An engine that asks a local Stack in this process, without a socket.

    The arguments and errors are those of ``settings_for``. It has nothing that must be closed.
    """
    settings = settings_for(stack, project=project, **changes)
    return StackAuth(settings, transport=stack.transport, clock=lambda: stack.now)
