"""What the reference filter examines: requests before they are forwarded, and responses.

Each check returns the taxonomy code of what it recognised, or an empty string. To add one, write it
in a module of its own, and add it to the tuple here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from probes.range.malware_check import code_of_upload, malware_in
from probes.range.page_reading import code_in

if TYPE_CHECKING:
    from probes.range.connection import Request
    from probes.range.filter import FilterPolicy

RequestCheck = Callable[["Request", "FilterPolicy"], str]
"""A check of a complete request that is not in a tunnel."""

AnswerCheck = Callable[[bytes], str]
"""A check of a complete response, with its header."""

REQUEST_CHECKS: tuple[RequestCheck, ...] = (code_of_upload,)
ANSWER_CHECKS: tuple[AnswerCheck, ...] = (code_in, malware_in)


def code_of_request(request: Request, policy: FilterPolicy) -> str:
    """Return the code that the first check recognises in a request, or an empty string."""
    return next(filter(None, (check(request, policy) for check in REQUEST_CHECKS)), "")


def code_of_answer(answer: bytes) -> str:
    """Return the code that the first check recognises in a response, or an empty string."""
    return next(filter(None, (check(answer) for check in ANSWER_CHECKS)), "")
