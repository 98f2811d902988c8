"""Rules about fetches that were not made, for they led to a private address (dd-012).

What stands there is not known. Only where the must-block sentinels were sent to the same server is
it a block; otherwise the trial is insufficient.
"""

from __future__ import annotations

from harness.judge import block_page_classifier
from harness.judge.rule import Rule
from harness.judge.rules.refusals import how_it_failed
from harness.judge.trial_features import Case
from harness.model.private_address import PRIVATE_ADDRESS
from harness.model.verdict import Mechanism, State


def _is_refused(case: Case) -> bool:
    return case.failure == PRIVATE_ADDRESS


def _was_sent_there(case: Case) -> bool:
    return _is_refused(case) and case.web is not None and bool(case.web.hops)


def _where(case: Case) -> str:
    return block_page_classifier.server_of(case.web.url) if case.web is not None else ""


PRIVATE_RULES: tuple[Rule, ...] = (
    Rule(
        id="private-redirect-learned",
        matches=lambda case: _was_sent_there(case) and _where(case) in case.lore.servers,
        state=State.BLOCKED,
        mechanism=Mechanism.REDIRECT,
        says="the client was sent to the server that must-block sentinels are sent to, which is at "
        "a private address and was not visited",
        saw=lambda case: f"to {_where(case)}",
    ),
    Rule(
        id="private-redirect",
        matches=_was_sent_there,
        state=State.INSUFFICIENT,
        says="the client was sent to a private address that is not declared, and was not visited",
        saw=how_it_failed,
    ),
    Rule(
        id="private-address",
        matches=_is_refused,
        state=State.INSUFFICIENT,
        says="the host is at a private address on the service line, which was not visited",
        saw=how_it_failed,
    ),
)
