"""Rules for cases of DNS queries: forms of queries, and signed names (RFC 4033 to RFC 4035).

They stand before those for DNS answers, which judge whether a name is blocked in a form. A check of
signed names says whether they arrive as they left their zone; the control line shows that the zone
is signed, or that its signature is forged.
"""

from __future__ import annotations

from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.content_form import variant_of
from harness.model.facts import SignatureSighting
from harness.model.query_case import QueryCheck, is_query, query_check, query_form
from harness.model.verdict import Mechanism, State

DNSSEC_ERRORS = frozenset(range(5, 13)) | {1, 2, 25}
"""Extended DNS errors about signatures (RFC 8914 sections 4.2 to 4.13, and 25 of RFC 9276)."""

_ON_CONTROL: dict[QueryCheck, SignatureSighting] = {
    "signed": "valid",
    "authentic": "valid",
    "forged": "invalid",
}
"""What the control has to find of the signatures, by the check."""
_WORDS: dict[SignatureSighting, str] = {
    "": "signatures were not looked for",
    "valid": "valid signatures",
    "absent": "no signatures",
    "invalid": "signatures that are not valid",
    "without keys": "no keys of the zone",
}


def _variant(features: TrialFeatures) -> str:
    return variant_of(features.service.item.stratum)


def _is(features: TrialFeatures, *checks: QueryCheck) -> bool:
    return query_check(_variant(features)) in checks


def is_about_query(features: TrialFeatures) -> bool:
    """Whether the item is a case of DNS queries."""
    return is_query(_variant(features))


def _has_no_record(features: TrialFeatures) -> bool:
    is_form = query_form(_variant(features)) is not None
    return is_form and features.control_dns is not None and not features.control_answers


def _is_alias_of_same(features: TrialFeatures) -> bool:
    form = query_form(_variant(features))
    is_alias = form is not None and form.type == "cname" and bool(features.answers)
    return is_alias and bool(features.addresses & features.control_addresses)


def _alias_saw(features: TrialFeatures) -> str:
    ours, theirs = (
        ", ".join(sorted(one)[:4]) for one in (features.answers, features.control_answers)
    )
    return f"service: {ours}; control: {theirs}; both: {', '.join(sorted(features.addresses)[:4])}"


def _is_unproven(features: TrialFeatures) -> bool:
    check = query_check(_variant(features))
    wanted = _ON_CONTROL.get(check) if check is not None else None
    found = features.control_dns.signatures if features.control_dns is not None else ""
    return wanted is not None and found != wanted


def _is_same(features: TrialFeatures) -> bool:
    return bool(features.answers & features.control_answers)


def _is_by_other_keys(features: TrialFeatures) -> bool:
    """Whether the signatures are valid with keys that the control line did not use."""
    ours, theirs = features.dns, features.control_dns
    if ours is None or theirs is None or ours.signatures != "valid":
        return False
    return not ours.keys or not set(ours.keys) <= set(theirs.keys)


def _is_intact(features: TrialFeatures) -> bool:
    is_valid = features.dns is not None and features.dns.signatures == "valid"
    return is_valid and _is_same(features) and not _is_by_other_keys(features)


def _is_broken(features: TrialFeatures) -> bool:
    if features.dns is None or not features.answers:
        return False
    found = features.dns.signatures
    return found in ("absent", "invalid") or _is_by_other_keys(features)


def _says_so(features: TrialFeatures) -> bool:
    errors = features.dns.extended_errors if features.dns is not None else ()
    return features.rcode == "SERVFAIL" and bool(DNSSEC_ERRORS & {one.code for one in errors})


def _flags_say(features: TrialFeatures) -> bool:
    return features.dns is not None and "AD" in features.dns.flags.split()


def _saw(features: TrialFeatures) -> str:
    ours = features.dns.signatures if features.dns is not None else ""
    theirs = features.control_dns.signatures if features.control_dns is not None else ""
    other = ", by another key" if _is_by_other_keys(features) else ""
    answer = features.rcode or features.failure
    return f"service: {answer}, {_WORDS[ours]}{other}; control: {_WORDS[theirs]}"


QUERY_RULES: tuple[Rule, ...] = (
    Rule(
        id="query-no-record",
        matches=_has_no_record,
        state=State.DOWN,
        says="the name has no record of that type on the control line",
    ),
    Rule(
        id="query-alias-same",
        matches=_is_alias_of_same,
        state=State.ALLOWED,
        says="the resolver gives an alias that has the same address as that of the control",
        saw=_alias_saw,
    ),
    Rule(
        id="signed-unproven",
        matches=_is_unproven,
        state=State.DOWN,
        says="the control line does not show the signatures that the check is about",
        saw=_saw,
    ),
    Rule(
        id="signed-intact",
        matches=lambda features: _is(features, "signed") and _is_intact(features),
        state=State.ALLOWED,
        says="the answer is that of the control, and its signatures are valid",
        saw=_saw,
    ),
    Rule(
        id="signed-broken",
        matches=lambda features: _is(features, "signed") and _is_broken(features),
        state=State.ALTERED,
        says="a signed name is answered without its valid signatures, so that a client which "
        "validates them cannot reach it",
        saw=_saw,
    ),
    Rule(
        id="signed-failed",
        matches=lambda features: _is(features, "signed", "authentic") and _says_so(features),
        state=State.ALTERED,
        mechanism=Mechanism.DNS_SERVFAIL,
        says="the resolver says that signatures are missing or wrong, which are valid on the "
        "control line",
        saw=_saw,
    ),
    Rule(
        id="signed-unclear",
        matches=lambda features: _is(features, "signed") and features.answers,
        state=State.INSUFFICIENT,
        says="what the resolver answered does not show whether the signatures are valid",
        saw=_saw,
    ),
    Rule(
        id="authentic-said",
        matches=lambda features: (
            _is(features, "authentic") and _is_same(features) and _flags_say(features)
        ),
        state=State.ALLOWED,
        says="the resolver says by the flag AD that it validated the signatures",
    ),
    Rule(
        id="authentic-unsaid",
        matches=lambda features: _is(features, "authentic") and _is_same(features),
        state=State.ALTERED,
        says="the resolver does not say that it validated the signatures (no flag AD)",
    ),
    Rule(
        id="forged-answered",
        matches=lambda features: _is(features, "forged") and _is_same(features),
        state=State.ALLOWED,
        says="the resolver gives an answer whose signature is forged",
        saw=_saw,
    ),
    Rule(
        id="forged-refused",
        matches=lambda features: _is(features, "forged") and features.rcode == "SERVFAIL",
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SERVFAIL,
        says="the resolver refuses an answer whose signature is forged",
        saw=_saw,
    ),
)
