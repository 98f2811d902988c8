"""Rules for DNS answers (RFC 1035, RFC 2308, RFC 8914) and HTTPS records (RFC 9460)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from harness.judge.block_page_check import says_nothing
from harness.judge.rules.queries import is_about_query
from harness.judge.trial_features import Rule, TrialFeatures
from harness.model.facts import DnsFacts
from harness.model.observation import BLOCK_CODES, TIMEOUTS
from harness.model.private_address import is_public
from harness.model.verdict import Mechanism, State, says_blocked

OUR_ZONES = ("test", "example", "invalid", "localhost")
"""Reserved names (RFC 6761): for them the control's address is the right one."""


def _said(features: TrialFeatures) -> str:
    """The answer code, with what the extended errors add."""
    if features.dns is None:
        return f"service: {features.failure}"
    errors = "".join(
        f", extended error {error.code} ({BLOCK_CODES.get(error.code, error.text or 'other')})"
        for error in features.dns.extended_errors
    )
    return f"service: {features.rcode or 'no answer'}{errors}"


def _addresses(features: TrialFeatures) -> str:
    ours = ", ".join(sorted(features.answers)[:4])
    theirs = ", ".join(sorted(features.control_answers)[:4])
    way = ", ".join(features.dns.chain[:4]) if features.dns is not None else ""
    by = f" by way of {way}" if way else ""
    return f"{_said(features)}, {ours}{by}; control: {theirs}"


def _is_null(address: str) -> bool:
    parsed = _parsed(address)
    return parsed is not None and (parsed.is_unspecified or parsed.is_loopback)


def _is_inner(address: str) -> bool:
    parsed = _parsed(address)
    return parsed is not None and not parsed.is_global


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None


def _has_our_name(features: TrialFeatures) -> bool:
    return features.host.rsplit(".", 1)[-1] in OUR_ZONES


def _is_inner_everywhere(features: TrialFeatures) -> bool:
    """Whether a name outside ``OUR_ZONES`` has only addresses that the internet cannot reach."""
    if _has_our_name(features) or not features.addresses or not features.control_addresses:
        return False
    return all(map(_is_inner, features.addresses | features.control_addresses))


def _is_strange_page(features: TrialFeatures) -> bool:
    """Whether a page is at the address that is not known as a block page."""
    landing = features.landing
    if landing is None or landing.web is None or not landing.answered:
        return False
    is_notice = landing.looks_blocked or landing.is_learned_page
    return not is_notice and not says_nothing(landing.web)


def _is_empty(features: TrialFeatures) -> bool:
    return features.is_dns and features.rcode == "NOERROR" and not features.answers


DNS_RULES: tuple[Rule, ...] = (
    Rule(
        id="dns-locked-everywhere",
        matches=lambda features: features.is_locked_by(features.control_dns),
        state=State.DOWN,
        says="the control's name server locks the search engine as well",
    ),
    Rule(
        id="dns-locked",
        matches=lambda features: features.is_locked_by(features.dns),
        state=State.BLOCKED,
        mechanism=Mechanism.SAFE_MODE,
        says="the resolver leads to the name or address by which the search engine is locked",
        saw=_addresses,
    ),
    Rule(
        id="dns-bogon-everywhere",
        matches=_is_inner_everywhere,
        state=State.DOWN,
        says="the name has only private or reserved addresses, on the control line as well",
        saw=_addresses,
    ),
    Rule(
        id="dns-same",
        matches=lambda features: features.dns and features.answers & features.control_answers,
        state=State.ALLOWED,
        says="the resolver gives an address that the control gives",
        saw=_addresses,
    ),
    Rule(
        id="dns-landing-delivered",
        matches=lambda features: features.landing and features.landing.content_arrived,
        state=State.ALLOWED,
        says="the resolver gives another address, and the origin's page came from there",
        saw=_addresses,
    ),
    Rule(
        id="dns-refused",
        matches=lambda features: features.is_dns and features.rcode == "REFUSED",
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_REFUSED,
        says="the resolver refuses to answer for a name that exists",
        saw=_said,
    ),
    Rule(
        id="dns-nxdomain",
        matches=lambda features: features.is_dns and features.rcode == "NXDOMAIN",
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_NXDOMAIN,
        says="the resolver says that the name does not exist, but it does",
        saw=_said,
    ),
    Rule(
        id="dns-alias-loop",
        matches=lambda features: (
            _is_empty(features) and features.dns and features.dns.has_alias_loop
        ),
        state=State.INSUFFICIENT,
        says="the resolver gives aliases that lead back to each other, and no address",
        saw=_said,
    ),
    Rule(
        id="dns-nodata",
        matches=_is_empty,
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_NODATA,
        says="the resolver gives no address for a name that has one",
        saw=_said,
    ),
    Rule(
        id="dns-failure-declared",
        matches=lambda features: (
            features.is_dns
            and features.rcode not in ("", "NOERROR")
            and says_blocked(features.service)
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SERVFAIL,
        says="the resolver answers with an error, and says by an extended error that it blocks",
        saw=_said,
    ),
    Rule(
        id="dns-servfail-learned",
        matches=lambda features: (
            features.is_dns
            and features.rcode == "SERVFAIL"
            and "SERVFAIL" in features.fingerprints.rcodes
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SERVFAIL,
        says="the resolver fails in the same way as for the must-block sentinels",
        saw=_said,
    ),
    Rule(
        id="dns-servfail",
        matches=lambda features: features.is_dns and features.rcode and features.rcode != "NOERROR",
        state=State.INSUFFICIENT,
        mechanism=Mechanism.DNS_SERVFAIL,
        says="the resolver failed: this may be a block or a technical fault",
        saw=_said,
    ),
    Rule(
        id="dns-null-address",
        matches=lambda features: (
            features.addresses
            and any(map(_is_null, features.addresses))
            and not (features.landing and features.landing.answered)
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SINKHOLE,
        says="the resolver gives an address that cannot be reached (such as 0.0.0.0)",
        saw=_addresses,
    ),
    Rule(
        id="dns-learned-sinkhole",
        matches=lambda features: (
            features.addresses & features.fingerprints.sinkholes and not _is_strange_page(features)
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SINKHOLE,
        says="the resolver gives the address that it gives for the must-block sentinels",
        saw=_addresses,
    ),
    Rule(
        id="dns-landing-block-page",
        matches=lambda features: (
            features.landing
            and (features.landing.looks_blocked or features.landing.is_learned_page)
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SINKHOLE,
        says="the resolver gives another address, where there is a block page",
        saw=_addresses,
    ),
    Rule(
        id="dns-inner-unanswered",
        matches=lambda features: (
            features.landing
            and not features.landing.answered
            and all(map(_is_inner, features.addresses))
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SINKHOLE,
        says="the resolver gives a private or reserved address, where nothing answers",
        saw=_addresses,
    ),
    Rule(
        id="dns-inner-unvisited",
        matches=lambda features: (
            features.addresses
            and features.landing is None
            and _has_our_name(features)
            and not any(map(is_public, features.addresses))
        ),
        state=State.INSUFFICIENT,
        says="the resolver gives a private or reserved address, which was not visited",
        saw=_addresses,
    ),
    Rule(
        id="dns-address-unknown",
        matches=lambda features: features.addresses and _has_our_name(features),
        state=State.INSUFFICIENT,
        says="the resolver gives another address, and nothing shows a block there",
        saw=_addresses,
    ),
    Rule(
        id="dns-inner-address",
        matches=lambda features: (
            features.addresses
            and any(map(_is_inner, features.addresses))
            and not any(map(_is_inner, features.control_addresses))
        ),
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SINKHOLE,
        says="the resolver gives a private or reserved address for a public name",
        saw=_addresses,
    ),
    Rule(
        id="dns-other-records",
        matches=lambda features: features.answers and not features.addresses,
        state=State.INSUFFICIENT,
        says="the resolver gives other records of the type that was asked for",
        saw=_addresses,
    ),
    Rule(
        id="dns-varies",
        matches=lambda features: features.addresses,
        state=State.ALLOWED,
        says="the resolver gives other public addresses; large sites have many",
        saw=_addresses,
    ),
    Rule(
        id="dns-silent",
        matches=lambda features: features.is_dns and features.failure in TIMEOUTS,
        state=State.BLOCKED,
        mechanism=Mechanism.DNS_SILENT,
        says="the resolver does not answer for a name that exists",
        saw=_said,
    ),
    Rule(
        id="dns-unclear",
        matches=lambda features: features.is_dns,
        state=State.INSUFFICIENT,
        says="what the resolver answered does not show whether the name is blocked",
        saw=_said,
    ),
)

TYPE = "HTTPS"
NOT_ANSWERING = frozenset({"REFUSED", "NOTIMP"})
KEYS = "ech="
"""How keys for an encrypted ClientHello appear in a record's text (RFC 9848)."""


def asks_https(facts: DnsFacts | None) -> bool:
    """Whether a question was for an HTTPS record."""
    return facts is not None and facts.type == TYPE


def _is_here(features: TrialFeatures) -> bool:
    """Whether the trial is of the probe that asks for HTTPS records alone."""
    return asks_https(features.control_dns) and not is_about_query(features)


def _records(facts: DnsFacts | None) -> frozenset[str]:
    found = facts.records if facts is not None else ()
    return frozenset(each.data for each in found if each.type == TYPE)


def _ours(features: TrialFeatures) -> frozenset[str]:
    return _records(features.dns)


def _theirs(features: TrialFeatures) -> frozenset[str]:
    return _records(features.control_dns)


def _record_says(features: TrialFeatures) -> str:
    words = "; ".join(sorted(_ours(features))) or features.rcode or features.failure
    return f"service: {words}; control: {'; '.join(sorted(_theirs(features))) or 'no HTTPS record'}"


def _has_keys(records: frozenset[str]) -> bool:
    return any(KEYS in record for record in records)


HTTPS_RULES: tuple[Rule, ...] = (
    Rule(
        id="https-added",
        matches=lambda features: _is_here(features) and _ours(features) and not _theirs(features),
        state=State.ALTERED,
        says="the resolver gives an HTTPS record where the control knows of none",
        saw=_record_says,
    ),
    Rule(
        id="https-none",
        matches=lambda features: (
            _is_here(features) and not _theirs(features) and features.rcode != "NXDOMAIN"
        ),
        state=State.INSUFFICIENT,
        says="the name has no HTTPS record: there is nothing to compare",
        saw=_record_says,
    ),
    Rule(
        id="https-same",
        matches=lambda features: _is_here(features) and _ours(features) & _theirs(features),
        state=State.ALLOWED,
        says="the resolver gives an HTTPS record that the control gives",
        saw=_record_says,
    ),
    Rule(
        id="https-without-keys",
        matches=lambda features: (
            _is_here(features)
            and _ours(features)
            and _has_keys(_theirs(features))
            and not _has_keys(_ours(features))
        ),
        state=State.ALTERED,
        says="the HTTPS record arrives without its keys for Encrypted ClientHello",
        saw=_record_says,
    ),
    Rule(
        id="https-varies",
        matches=lambda features: _is_here(features) and _ours(features),
        state=State.ALLOWED,
        says="the resolver gives another HTTPS record; large sites have many",
        saw=_record_says,
    ),
    Rule(
        id="https-withheld",
        matches=lambda features: _is_here(features) and features.rcode == "NOERROR",
        state=State.ALTERED,
        mechanism=Mechanism.DNS_NODATA,
        says="the resolver withholds the HTTPS record; browsers work without it",
        saw=_record_says,
    ),
    Rule(
        id="https-refused",
        matches=lambda features: _is_here(features) and features.rcode in NOT_ANSWERING,
        state=State.ALTERED,
        mechanism=Mechanism.DNS_REFUSED,
        says="the resolver refuses to answer for HTTPS records; browsers work without them",
        saw=_record_says,
    ),
    Rule(
        id="https-silent",
        matches=lambda features: _is_here(features) and features.failure in TIMEOUTS,
        state=State.ALTERED,
        mechanism=Mechanism.DNS_SILENT,
        says="the resolver does not answer for an HTTPS record; browsers work without it",
        saw=_record_says,
    ),
)
