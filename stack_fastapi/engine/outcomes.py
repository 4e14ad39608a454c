"""Each lookup of a request is made once: its result is kept, a failure like a success."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Coroutine, Hashable
from typing import Any, TypeVar

from stack_fastapi.exceptions import InternalError, StackAuthError, UnavailableError
from stack_fastapi.telemetry import ProblemLog, logger

T = TypeVar("T")


class Outcomes:
    """The results of lookups, for whoever asks again.

    Args:
        log: where operators hear of problems.
    """

    def __init__(self, log: ProblemLog) -> None:
        self._log = log
        self._known: dict[Hashable, Any] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._known

    def cached(self, key: Hashable) -> Any:  # noqa: ANN401 - of the lookup's type
        """The result, if there is one; None where nobody asked, or in vain."""
        result = self._known.get(key)
        return None if isinstance(result, StackAuthError) else result

    async def once(self, key: Hashable, lookup: Coroutine[Any, Any, T]) -> T:
        """The result of a lookup, which is made the first time; raises its failure."""
        if key in self._known:
            lookup.close()
        else:
            self._known[key] = await self.of(lookup)
        result: T | StackAuthError = self._known[key]
        return unwrap(result)

    async def of(self, lookup: Coroutine[Any, Any, T]) -> T | StackAuthError:
        """The result, or the error as a value: it is for everybody who asks."""
        try:
            return await lookup
        except UnavailableError as error:
            self._log.report(logging.ERROR, error.code, error.message)
            return error
        except StackAuthError as error:
            return error
        except Exception as error:  # noqa: BLE001 - nobody gets in, and nobody gets a 500
            _report(error)
        return InternalError()


def unwrap(result: T | StackAuthError) -> T:
    """A result's value; raises its error, without the frames of whoever it was raised to before."""
    if isinstance(result, StackAuthError):
        raise result.with_traceback(None)
    return result


def _report(error: Exception) -> None:
    """Log what broke and where, but not its text: a foreign error may quote a header."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("stack_fastapi could not decide: %s\n%s", type(error).__name__, where)
