"""Rules about HTTPS records (type 65, RFC 9460), by which browsers learn of HTTP/3 and ECH.

Browsers do without where there is none, so that a filter may hold them back and still let the
site pass; whether it passes is for A and AAAA to tell. What is held back is noted as *altered*,
and no verdict of this kind counts in a rate.
"""

from __future__ import annotations

from harness.judge.rule import Rule
from harness.judge.rules.dns import TIMEOUTS
from harness.judge.trial_features import Case
from harness.model.observation import DnsFacts
from harness.model.verdict import Mechanism, State

TYPE = "HTTPS"
NOT_ANSWERING = frozenset({"REFUSED", "NOTIMP"})
KEYS = "ech="
"""How the keys for an encrypted ClientHello stand in a record's text (RFC 9848)."""


def asks_https(facts: DnsFacts | None) -> bool:
    """Whether a question was for an HTTPS record."""
    return facts is not None and facts.type == TYPE


def _is_here(case: Case) -> bool:
    return asks_https(case.control_dns)


def _records(facts: DnsFacts | None) -> frozenset[str]:
    found = facts.records if facts is not None else ()
    return frozenset(each.data for each in found if each.type == TYPE)


def _ours(case: Case) -> frozenset[str]:
    return _records(case.dns)


def _theirs(case: Case) -> frozenset[str]:
    return _records(case.control_dns)


def _said(case: Case) -> str:
    words = "; ".join(sorted(_ours(case))) or case.rcode or case.failure
    return f"service: {words}; control: {'; '.join(sorted(_theirs(case))) or 'no HTTPS record'}"


def _has_keys(records: frozenset[str]) -> bool:
    return any(KEYS in record for record in records)


HTTPS_RULES: tuple[Rule, ...] = (
    Rule(
        id="https-added",
        matches=lambda case: _is_here(case) and _ours(case) and not _theirs(case),
        state=State.ALTERED,
        says="the resolver gives an HTTPS record where the control knows of none",
        saw=_said,
    ),
    Rule(
        id="https-none",
        matches=lambda case: _is_here(case) and not _theirs(case) and case.rcode != "NXDOMAIN",
        state=State.INSUFFICIENT,
        says="the name has no HTTPS record: there is nothing to compare",
        saw=_said,
    ),
    Rule(
        id="https-same",
        matches=lambda case: _is_here(case) and _ours(case) & _theirs(case),
        state=State.ALLOWED,
        says="the resolver gives an HTTPS record that the control gives",
        saw=_said,
    ),
    Rule(
        id="https-without-keys",
        matches=lambda case: _is_here(case) and _ours(case) and _has_keys(_theirs(case))
        and not _has_keys(_ours(case)),
        state=State.ALTERED,
        says="the HTTPS record comes without its keys for an encrypted ClientHello",
        saw=_said,
    ),
    Rule(
        id="https-varies",
        matches=lambda case: _is_here(case) and _ours(case),
        state=State.ALLOWED,
        says="the resolver gives another HTTPS record, as large sites have many",
        saw=_said,
    ),
    Rule(
        id="https-withheld",
        matches=lambda case: _is_here(case) and case.rcode == "NOERROR",
        state=State.ALTERED,
        mechanism=Mechanism.DNS_NODATA,
        says="the resolver holds the HTTPS record back; browsers do without",
        saw=_said,
    ),
    Rule(
        id="https-refused",
        matches=lambda case: _is_here(case) and case.rcode in NOT_ANSWERING,
        state=State.ALTERED,
        mechanism=Mechanism.DNS_REFUSED,
        says="the resolver refuses to answer for HTTPS records; browsers do without",
        saw=_said,
    ),
    Rule(
        id="https-silent",
        matches=lambda case: _is_here(case) and case.failure in TIMEOUTS,
        state=State.ALTERED,
        mechanism=Mechanism.DNS_SILENT,
        says="the resolver does not answer for an HTTPS record; browsers do without",
        saw=_said,
    ),
)  # fmt: skip
