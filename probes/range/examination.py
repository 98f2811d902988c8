"""What the reference filter examines: requests before they are forwarded, and responses.

``REQUEST_CHANGES`` are made to requests that are forwarded. Each check returns the taxonomy code of
what it recognised, or an empty string. To add one, write it in a module of its own, and add it to
the tuple here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from probes.range.malware_check import code_of_upload, malware_in
from probes.range.page_reading import code_in
from probes.range.search_control import code_of_query, locked_request
from probes.range.url_list import listed_code

if TYPE_CHECKING:
    from probes.range.connection import Request
    from probes.range.filter import FilterPolicy

RequestCheck = Callable[["Request", "FilterPolicy"], str]
"""A check of a complete request that is not in a tunnel."""

AnswerCheck = Callable[[bytes], str]
"""A check of a complete response, with its header."""

RequestChange = Callable[["Request", "FilterPolicy", str], "Request"]
"""A change of a complete request that is not in a tunnel, for a profile."""

REQUEST_CHECKS: tuple[RequestCheck, ...] = (
    code_of_query,
    listed_code,
    code_of_upload,
)
REQUEST_CHANGES: tuple[RequestChange, ...] = (locked_request,)
ANSWER_CHECKS: tuple[AnswerCheck, ...] = (code_in, malware_in)


def code_of_request(request: Request, policy: FilterPolicy) -> str:
    """Return the code that the first check recognises in a request, or an empty string."""
    return next(filter(None, (check(request, policy) for check in REQUEST_CHECKS)), "")


def changed_request(request: Request, policy: FilterPolicy, profile: str) -> Request:
    """Return a request as it is forwarded for a profile."""
    for change in REQUEST_CHANGES:
        request = change(request, policy, profile)
    return request


def code_of_answer(answer: bytes) -> str:
    """Return the code that the first check recognises in a response, or an empty string."""
    return next(filter(None, (check(answer) for check in ANSWER_CHECKS)), "")
