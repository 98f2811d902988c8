"""A dead origin or control ends a measurement: nothing that follows could be judged."""

from __future__ import annotations

from collections.abc import Iterable

from harness.errors import UnfinishedError
from harness.model.observation import CONTROL, Observation
from harness.model.trouble import is_answer

AFTER = ".after"
"""How the sentinels end that are tried when a batch is done."""


def require_control(batch: int, observations: Iterable[Observation]) -> None:
    """Raise UnfinishedError if no must-allow sentinel answers on the control after a batch."""
    after = [
        one
        for one in observations
        if one.role == "must_allow" and one.key.line == CONTROL and one.key.item.endswith(AFTER)
    ]
    if not after or any(map(is_answer, after)):
        return
    failure = after[0].failure
    if failure is not None and failure.is_instrument:
        return
    saw = f"{failure.name} at {failure.stage}" if failure is not None else "no token in its page"
    msg = (
        f"batch {batch}: the origin does not answer for {after[0].item.host} on the control line "
        f"({saw}), so nothing can be judged: measuring is stopped; the journal is whole; mend the "
        "origin or the control, and give the same command again"
    )
    raise UnfinishedError(msg)
