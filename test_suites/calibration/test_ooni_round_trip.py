"""Exported OONI measurements get the same states and mechanisms when they are imported."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.interop.ooni import read_ooni
from harness.judge.composite_measurements import judge_foreign, judge_measurement
from harness.model.content_form import variant_of
from harness.model.facts import Certificate, DnsFacts, Hop, WebFacts
from harness.model.observation import CONTROL, FAILURES, Failure
from harness.model.query_case import is_query
from harness.ports.storage import Journal
from reports.exports.ooni import ALIAS_LOOPS, export_ooni
from test_suites.calibration.rule_case import RuleCase
from test_suites.calibration.rule_cases import CASES
from test_suites.kit.campaigns.memory_journal import MemoryJournal
from test_suites.kit.campaigns.trials import PROSE, THEIRS, dns, observation

NOTICE = "This website has been blocked by your school. Category: Games"

CERTIFICATES = st.none() | st.builds(
    Certificate,
    chain=st.sampled_from([("a",), ("b", "c")]),
    issuer=st.sampled_from(["", "CN=R3,O=Let's Encrypt,C=US", "CN=Filter CA"]),
    trusted=st.sampled_from([True, False, None]),
)
FAILING = st.builds(
    Failure,
    name=st.sampled_from(sorted(FAILURES)),
    stage=st.sampled_from(["resolve", "proxy_connect", "tunnel", "connect", "tls", "response"]),
    detail=st.sampled_from(["", "wrong version number"]),
)


@st.composite
def pages(draw: st.DrawFn) -> WebFacts:
    """An answer without a token, or as far as one came."""
    home = f"{draw(st.sampled_from(['http', 'https']))}://{THEIRS}/"
    away = draw(st.sampled_from(["", "http://stop.example/blocked", f"https://{THEIRS}/x"]))
    status = draw(st.sampled_from([None, 200, 302, 403, 451, 503]))
    if status == 302 and not away:
        status = 200
    text = draw(st.sampled_from(["", PROSE, NOTICE, PROSE * 5 + NOTICE]))
    return WebFacts(
        url=away or home,
        status=status,
        tunnel_status=draw(st.sampled_from([None, 200, 403, 407, 503])),
        hops=(Hop(url=home, status=302, location=away),) if away else (),
        headers=draw(st.sampled_from([(), (("server", "x"), ("via", "a")), (("x-rare", "1"),)])),
        peer=draw(st.sampled_from(["", "192.0.2.1", "2001:db8::1"])),
        certificate=draw(CERTIFICATES),
        title=draw(st.sampled_from(["", "Welcome", "Blocked", "Town library"])),
        text=text,
        frames=draw(st.sampled_from([(), ("https://stop.example/frame",)])),
        body_length=None if status is None else len(text) + 40,
        body_sha256=draw(st.sampled_from(["", "d1", "d2"])),
        truncated=draw(st.booleans()),
    )


def answers() -> st.SearchStrategy[DnsFacts]:
    """Answers with and without addresses."""
    addresses = st.lists(st.sampled_from(["93.184.216.34", "0.0.0.0", "10.0.0.1", "1.1.1.1"]))
    found = addresses.filter(bool).map(lambda some: dns(*some, name=THEIRS))
    return found | st.sampled_from(["NXDOMAIN", "REFUSED", "SERVFAIL", "NOERROR"]).map(
        lambda code: dns(rcode=code, name=THEIRS)
    )


UNRESOLVED = FAILING.map(lambda one: Failure(name=one.name, stage="resolve"))


@st.composite
def sides(
    draw: st.DrawFn, facts: st.SearchStrategy[Any], failing: st.SearchStrategy[Failure]
) -> tuple[Any, Failure | None]:
    """Facts, a failure, or both: a resolver that answered did not fail, a page may break off."""
    found = draw(st.none() | facts)
    if isinstance(found, DnsFacts):
        return found, None
    failure = draw(failing if found is None else st.none() | failing)
    if isinstance(found, WebFacts) and found.status is None:
        failure = failure or draw(failing)
    return found, failure


@settings(deadline=None)
@given(data=st.data())
def test_exported_measurements_get_the_same_verdict_when_imported(data: st.DataObject) -> None:
    probe = data.draw(st.sampled_from(["web", "web_https", "dns"]))
    kind = sides(answers(), UNRESOLVED) if probe == "dns" else sides(pages(), FAILING)
    seen = [
        observation(facts, line, host=THEIRS, probe=probe, failure=failure)
        for line in data.draw(st.sampled_from([("proxy", CONTROL), ("proxy",)]))
        for facts, failure in (data.draw(kind),)
    ]
    (before,) = judge_foreign(seen).verdicts
    assume(before.rule not in OF_CAMPAIGNS_ALONE)
    (line,) = export_ooni(cast("Journal", MemoryJournal(*seen)), Counter())
    after = judge_measurement(read_ooni(line).trials)

    assert (before.state, before.mechanism) == (after.state, after.mechanism)


def has_no_token(case: RuleCase) -> bool:
    """Whether a case is of a name or of a page of another party."""
    sides = (case.trial.service, case.trial.control)
    facts = [one.facts for one in sides if one is not None and one.facts is not None]
    return all(
        (isinstance(one, DnsFacts) and one.landing is None)
        or (isinstance(one, WebFacts) and one.canary == "not_applicable")
        for one in facts
    )


def is_of_addresses(case: RuleCase) -> bool:
    """Whether a case is of a page or of a plain question for addresses, all that the format knows."""
    if is_query(variant_of(case.trial.service.item.stratum)):
        return False
    sides = (case.trial.service, case.trial.control)
    facts = [one.facts for one in sides if one is not None]
    return all(one.type in ("A", "AAAA") for one in facts if isinstance(one, DnsFacts))


OF_CAMPAIGNS_ALONE = frozenset(
    {
        "control-no-address-answered",
        "dns-failure-declared",
        "dns-locked",
        "dns-locked-everywhere",
    }
)
"""In a campaign, a name that the control cannot resolve leaves the count; in a measurement of
others, an answer that only the service gives is a block; and the format has no extended errors,
and does not say which search engine a name belongs to."""

LOOP = "dns-alias-loop"
"""The rule of answers that are left out, for the format holds no aliases."""

FIT = [
    case
    for case in CASES
    if has_no_token(case) and is_of_addresses(case) and case.rule not in OF_CAMPAIGNS_ALONE | {LOOP}
]
UNFIT = [case for case in CASES if not is_of_addresses(case)]


@pytest.mark.parametrize("case", FIT, ids=lambda case: str(case.rule))
def test_each_rule_case_keeps_its_state_after_export_and_import(case: RuleCase) -> None:
    """Cases with tokens are excluded, because the format has none."""
    seen = [one for one in (case.trial.control, case.trial.service) if one is not None]
    (line,) = export_ooni(cast("Journal", MemoryJournal(*seen)), Counter())

    assert judge_measurement([case.trial]).state is judge_measurement(read_ooni(line).trials).state


def test_alias_loops_are_not_exported_but_counted() -> None:
    """If they were exported, they would look like a denial of the name, which is a block."""
    trial = next(case.trial for case in CASES if case.rule == LOOP)
    seen = [one for one in (trial.control, trial.service) if one is not None]
    left_out: Counter[str] = Counter()

    assert [] == list(export_ooni(cast("Journal", MemoryJournal(*seen)), left_out))
    assert {ALIAS_LOOPS: 1} == left_out


@pytest.mark.parametrize("case", UNFIT, ids=lambda case: str(case.rule))
def test_queries_unknown_to_the_format_are_not_exported_but_counted(case: RuleCase) -> None:
    seen = [one for one in (case.trial.control, case.trial.service) if one is not None]
    left_out: Counter[str] = Counter()

    assert [] == list(export_ooni(cast("Journal", MemoryJournal(*seen)), left_out))
    assert {"of probes that OONI has no measurement for": 1} == left_out
