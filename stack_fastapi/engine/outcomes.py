"""Each question is answered once: what was found out is kept, a failure like a success."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Coroutine, Hashable
from typing import Any, TypeVar

from stack_fastapi.exceptions import InternalError, StackAuthError, UnavailableError
from stack_fastapi.telemetry import ProblemLog, logger

T = TypeVar("T")


class Outcomes:
    """Answers to questions, told again to whoever asks again.

    Args:
        log: where operators hear of problems.
    """

    def __init__(self, log: ProblemLog) -> None:
        self._log = log
        self._known: dict[Hashable, Any] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._known

    def recall(self, key: Hashable) -> Any:  # noqa: ANN401 - of the question's type
        """The answer, if there is one; None where nobody asked, or in vain."""
        answer = self._known.get(key)
        return None if isinstance(answer, StackAuthError) else answer

    async def once(self, key: Hashable, question: Coroutine[Any, Any, T]) -> T:
        """The answer to a question, which is asked the first time; raises its failure."""
        if key in self._known:
            question.close()
        else:
            self._known[key] = await self.of(question)
        answer: T | StackAuthError = self._known[key]
        return told(answer)

    async def of(self, question: Coroutine[Any, Any, T]) -> T | StackAuthError:
        """The answer, or the error as a value: it is told to everybody who asks."""
        try:
            return await question
        except UnavailableError as error:
            self._log.report(logging.ERROR, error.code, error.message)
            return error
        except StackAuthError as error:
            return error
        except Exception as error:  # noqa: BLE001 - nobody gets in, and nobody gets a 500
            _report(error)
        return InternalError()


def told(outcome: T | StackAuthError) -> T:
    """An outcome's answer; raises its error, without the frames of whoever was told before."""
    if isinstance(outcome, StackAuthError):
        raise outcome.with_traceback(None)
    return outcome


def _report(error: Exception) -> None:
    """Log what broke and where, but not its text: a foreign error may quote a header."""
    where = "".join(traceback.format_tb(error.__traceback__))
    logger.error("stack_fastapi could not decide: %s\n%s", type(error).__name__, where)
