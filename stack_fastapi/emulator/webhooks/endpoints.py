"""Where webhooks may go: to this machine, unless somebody says otherwise. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from stack_fastapi.client.transport.loopback import is_loopback
from stack_fastapi.emulator.state.events import EVENT_TYPES
from stack_fastapi.emulator.state.records import Endpoint


def check(endpoint: Endpoint) -> Endpoint:
    """The endpoint, if messages may go there.

    Raises:
        ValueError: It is no plain HTTP URL, leads to another machine without saying so, or wants
            events that do not exist.
    """
    unknown = [name for name in endpoint.types if name not in EVENT_TYPES]
    if unknown:
        raise ValueError(f"There is no event {unknown[0]!r}.")
    url = urlsplit(endpoint.url)
    is_plain = url.scheme in {"http", "https"} and "@" not in url.netloc and url.port != 0
    if not is_plain or not url.hostname or not endpoint.url.isprintable():
        raise ValueError("A webhook's URL is a plain http:// or https:// URL.")
    is_sent_there = endpoint.post is None and not endpoint.allow_remote
    if is_sent_there and not is_loopback(url.hostname):
        raise ValueError(
            f"{url.hostname} is another machine, and webhooks hold users' data; pass"
            " allow_remote=True if that is what you want."
        )
    return endpoint
