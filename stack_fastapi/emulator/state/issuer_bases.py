"""Under which base URLs tokens are good, and by which names that were given an emulator goes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from stack_fastapi.client.transport.loopback import is_loopback

#: Browsers lead any name below `.localhost` here, so that a page could ask at as many as it likes.
MOST_ASKED_AT = 32


class IssuerBases(Collection[str]):
    """Base URLs of issuers: those that were configured, and the last ones that were asked at.

    What a client asks at counts only after its host was checked (`protocol.guard`). Whoever changes
    or reads them holds the state's lock.
    """

    def __init__(self) -> None:
        self._configured: dict[str, str] = {}
        self._asked_at: dict[str, None] = {}

    def __contains__(self, base_url: object) -> bool:
        return base_url in self._configured or base_url in self._asked_at

    def __iter__(self) -> Iterator[str]:
        return iter([*self._configured, *self._asked_at])

    def __len__(self) -> int:
        return len(self._configured) + len(self._asked_at)

    def configure(self, base_url: str) -> None:
        """Accept a base URL for good, and its host as a name of this emulator.

        Those of this machine need no such word: they are like those that were asked at.

        Raises:
            ValueError: It is no URL.
        """
        url = urlsplit(base_url)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ValueError("An issuer's base is a URL such as http://stack.example:8102.")
        if is_loopback(url.hostname):
            self.note(base_url)
        else:
            self._configured[base_url] = url.hostname

    def note(self, base_url: str) -> None:
        """Accept a base URL that a client asks at; where there are many, the oldest is dropped."""
        if base_url in self._configured:
            return
        self._asked_at.pop(base_url, None)
        self._asked_at[base_url] = None
        if len(self._asked_at) > MOST_ASKED_AT:
            del self._asked_at[next(iter(self._asked_at))]

    def is_configured(self, host: str) -> bool:
        """Whether a host is that of a base URL that was configured."""
        return host in self._configured.values()
