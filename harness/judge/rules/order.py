"""All rules in the order in which they are tried; the first that matches gives the verdict.

A rule's id is in every verdict, so it must never be reused for another meaning. A new branch needs
a new rule and a calibration case. Order: first what voids the trial, then delivery (the token),
then each kind of block, and at last *insufficient*. The rules stand in the modules of this package;
those for probes of other protocols, which only say whether the far end was reached, stand here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from harness.errors import UsageError, known
from harness.judge.rules.dns import DNS_RULES, HTTPS_RULES
from harness.judge.rules.files import FILE_PRECONDITIONS, FILE_RULES
from harness.judge.rules.preconditions import PRECONDITION_RULES, PRIVATE_RULES
from harness.judge.rules.queries import QUERY_RULES
from harness.judge.rules.sealed import SEALED_RULES
from harness.judge.rules.techniques import TECHNIQUE_RULES
from harness.judge.rules.tls import TLS_RULES
from harness.judge.rules.web import WEB_RULES
from harness.judge.rules.web_pages import PAGE_RULES
from harness.judge.trial_features import Rule
from harness.model.code_digest import digest_of_code
from harness.model.verdict import Mechanism, State

REACH_RULES: tuple[Rule, ...] = (
    Rule(
        id="reached",
        matches=lambda features: features.reach is not None and features.reach.reached,
        state=State.ALLOWED,
        says="the far end was reached",
        saw=lambda features: f"target {features.reach.target}" if features.reach else "",
    ),
    Rule(
        id="reach-refused",
        matches=lambda features: (
            features.reach is not None
            and features.reach.reached is False
            and features.reach.refusal
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.OTHER,
        says="access to the far end was refused",
        saw=lambda features: features.reach.refusal if features.reach else "",
    ),
    Rule(
        id="reach-unknown",
        matches=lambda features: features.reach is not None,
        state=State.INSUFFICIENT,
        says="it is not known whether the far end was reached",
    ),
)
"""Rules for probes of other protocols, which only say whether the far end was reached."""


RULES_VERSION = f"1+{digest_of_code('harness.judge')[:12]}"
"""Written into each verdict; it changes with any change to code or data that judging reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """Rules for some kinds of facts, by their tags (``harness.model.facts``).

    A group that names no kind is for all facts.
    """

    facts: frozenset[str] = frozenset()
    rules: tuple[Rule, ...]

    def is_about(self, tag: str) -> bool:
        """Whether the rules are tried for a trial that left facts of this tag, or no facts."""
        return not tag or not self.facts or tag in self.facts


GROUPS = (
    RuleGroup(rules=PRECONDITION_RULES),
    RuleGroup(facts=frozenset({"web"}), rules=FILE_PRECONDITIONS),
    RuleGroup(facts=frozenset({"reach"}), rules=REACH_RULES),
    RuleGroup(facts=frozenset({"sealed"}), rules=SEALED_RULES),
    RuleGroup(facts=frozenset({"dns"}), rules=(*QUERY_RULES, *HTTPS_RULES, *DNS_RULES)),
    RuleGroup(facts=frozenset({"technique"}), rules=TECHNIQUE_RULES),
    RuleGroup(facts=frozenset({"tls_check"}), rules=TLS_RULES),
    RuleGroup(rules=PRIVATE_RULES),
    RuleGroup(facts=frozenset({"web"}), rules=FILE_RULES),
    RuleGroup(facts=frozenset({"web", "reach", "sealed"}), rules=WEB_RULES),
    RuleGroup(facts=frozenset({"web"}), rules=PAGE_RULES),
)
"""All rules in their order."""

RULES: tuple[Rule, ...] = tuple(rule for group in GROUPS for rule in group.rules)

JUDGED_FACTS = frozenset[str]().union(*(group.facts for group in GROUPS))
"""The kinds of facts that there are rules for. Facts of other kinds cannot be judged."""


READ_FACTS = frozenset({
    "alert_report", "arrivals", "log_entries", "log_file", "machine", "mail", "mail_arrivals",
    "people_answer", "supplier_declaration",
})  # fmt: skip
"""The kinds of facts of records, alerts, mail and machines, and what people state: no rule judges
them."""

MEASURED_FACTS = frozenset({"transfer"})
"""The kinds of facts that are times and sizes, which no rule judges (``accredit speed``)."""


@cache
def rules_for(tag: str) -> tuple[Rule, ...]:
    """Return the rules for trials that left facts of a kind; all rules if they left none.

    Raises UsageError for a kind without rules: no other kind's rules may judge it.
    """
    if tag and tag not in JUDGED_FACTS:
        msg = f"there are no rules of judgement for facts of kind {tag!r}; {known(JUDGED_FACTS)}"
        raise UsageError(msg)
    return tuple(rule for group in GROUPS if group.is_about(tag) for rule in group.rules)
