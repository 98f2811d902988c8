"""Our journals as OONI measurements: what is written, what is not, and the way back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.foreign.ooni import read_ooni
from harness.model.campaign import Campaign
from harness.model.observation import (
    CONTROL,
    FAILURES,
    Certificate,
    DnsFacts,
    Failure,
    Hop,
    Observation,
    Stage,
    WebFacts,
)
from harness.plugins import find
from harness.ports.keeping import Journal
from harness.stages.judge.together import judge_foreign, judge_together
from reports.exports.ooni import export_ooni
from test_suites.calibration.rule_cases import CASES, RuleCase
from test_suites.calibration.trials import (
    PROSE,
    THEIRS,
    batch_of,
    dns,
    failed,
    foreign,
    observation,
    reach,
    web,
)

NOTICE = "This website has been blocked by your school. Category: Games"


class Held:
    """A journal in memory, as far as an export reads it."""

    def __init__(self, *observations: Observation, **header: Any) -> None:
        campaign = Campaign.model_validate(
            {
                "campaign": "c",
                "service": {"name": "s"},
                "lines": (
                    {"name": "proxy", "type": "explicit_proxy", "options": {"proxy": "p:1"}},
                    {"name": "wire", "type": "interface"},
                ),
                "profiles": {"ks2": {}},
                "corpora": ({"pack": "canary"},),
            }
        )
        self.header = {"campaign": campaign.model_dump_json(), **header}
        self._observations = observations

    def observations(self) -> Iterator[Observation]:
        return iter(self._observations)


def exported(*observations: Observation, **header: Any) -> list[dict[str, Any]]:
    """The measurements of these observations, as JSON reads them."""
    held = cast("Journal", Held(*observations, **header))
    return [json.loads(line) for line in export_ooni(held, Counter())]


def tried(service: Any, control: Any = None, **more: Any) -> list[Observation]:
    """A service's observation of a foreign host, and the control's."""
    return [
        observation(service, **{"host": THEIRS, "line": "proxy", **more}),
        observation(control or foreign(), **{"host": THEIRS, **more, "line": CONTROL}),
    ]


def test_a_page_is_written_with_its_way_and_its_control() -> None:
    hop = Hop(url=f"http://{THEIRS}/", status=302, location="http://stop.example/")
    page = foreign("http://stop.example/", title="Stop", hops=(hop,), headers=(("server", "x"),))

    (written,) = exported(*tried(page))
    last, first = written["test_keys"]["requests"]

    assert (written["test_name"], written["data_format_version"], written["input"]) == (
        "web_connectivity",
        "0.2.0",
        f"http://{THEIRS}/",
    )
    assert ("c/gamb-001/web/proxy/ks2/1", "2026-03-02 12:00:00") == (
        written["id"],
        written["measurement_start_time"],
    )
    assert (first["response"]["code"], first["response"]["headers"]) == (
        302,
        {"location": "http://stop.example/"},
    )
    assert (last["request"]["url"], last["response"]["code"]) == ("http://stop.example/", 200)
    assert written["test_keys"]["control"]["http_request"]["title"] == "Welcome"
    assert "blocking" not in written["test_keys"]


def test_a_name_is_written_as_a_query_of_the_lines_own_resolver() -> None:
    (written,) = exported(*tried(dns("192.0.2.1", "2001:db8::1"), dns("192.0.2.9"), probe="dns"))
    (query,) = written["test_keys"]["queries"]

    assert [
        {"answer_type": "A", "ipv4": "192.0.2.1"},
        {"answer_type": "AAAA", "ipv6": "2001:db8::1"},
    ] == query["answers"]
    assert (query["engine"], query["resolver_address"]) == ("udp", "127.0.0.1:53")
    assert written["test_keys"]["control"]["dns"] == {"addrs": ["192.0.2.9"], "failure": None}


@pytest.mark.parametrize(
    ("rcode", "failure"),
    [("NXDOMAIN", "dns_nxdomain_error"), ("NOERROR", "dns_no_answer"), ("REFUSED", "dns_refused_error"),
     ("FORMERR", "dns_server_misbehaving")],
)  # fmt: skip
def test_an_answer_without_an_address_has_a_failures_name(rcode: str, failure: str) -> None:
    (written,) = exported(*tried(dns(rcode=rcode), dns("192.0.2.9"), probe="dns"))

    assert failure == written["test_keys"]["queries"][0]["failure"]


@pytest.mark.parametrize(
    ("line", "stage", "connections"),
    [
        ("wire", "connect", [("192.0.2.1", "connection_refused")]),
        ("wire", "response", [("192.0.2.1", None)]),
        ("wire", "resolve", []),
        ("proxy", "response", []),
    ],
)
def test_a_connection_is_written_where_the_hosts_own_address_is_known(
    line: str, stage: Stage, connections: list[Any]
) -> None:
    page = WebFacts(url=f"http://{THEIRS}/", peer="192.0.2.1")
    failure = failed("connection_refused", stage)
    seen = observation(page, host=THEIRS, line=line, failure=failure)
    (written,) = exported(seen, observation(foreign(), CONTROL, host=THEIRS))

    told = written["test_keys"]["tcp_connect"]
    assert connections == [(each["ip"], each["status"]["failure"]) for each in told]
    assert written["test_keys"]["requests"][0]["failure"] == "connection_refused"


def test_s4_items_and_other_probes_are_counted_and_never_written() -> None:
    (secret, beside) = tried(foreign())
    hidden = [
        msgspec.structs.replace(
            seen, item=msgspec.structs.replace(seen.item, id="s", sensitivity="S4"),
            key=msgspec.structs.replace(seen.key, item="s"),
        )
        for seen in (secret, beside)
    ]  # fmt: skip
    far = tried(reach(reached=True), reach(reached=True), probe="chat", item="chat-1")
    left_out: Counter[str] = Counter()
    held = cast("Journal", Held(*hidden, *far, *batch_of(1, web(), failed("eof_error"))))

    assert [] == list(export_ooni(held, left_out))
    assert sorted(left_out.values()) == [1, 1]


def test_a_trial_without_a_control_says_so() -> None:
    (written,) = exported(tried(foreign())[0])

    assert written["test_keys"]["control"] is None
    assert written["test_keys"]["control_failure"]


def test_a_foreign_measurement_keeps_its_name_and_both_layers() -> None:
    seen = (
        *tried(dns("192.0.2.1"), dns("192.0.2.1"), probe="dns", item="20260701_GB"),
        *tried(foreign(), item="20260701_GB"),
    )
    (written,) = exported(*seen, foreign="ooni")

    assert written["id"] == "20260701_GB"
    assert {"queries", "requests"} <= written["test_keys"].keys()


def test_it_is_found_by_name() -> None:
    assert export_ooni is find("exports", "ooni")


def test_no_token_leaves_with_a_measurement() -> None:
    (written,) = exported(*tried(web(canary="seen"), web(canary="seen")))

    beyond = written["test_keys"]["requests"][0]["x_accredit"]
    assert "canary" not in beyond
    assert "title" in beyond


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


@st.composite
def sides(draw: st.DrawFn, facts: st.SearchStrategy[Any]) -> tuple[Any, Failure | None]:
    """Facts, a failure, or both; an answer with addresses has none."""
    found = draw(st.none() | facts)
    if isinstance(found, DnsFacts) and found.addresses:
        return found, None
    failure = draw(FAILING if found is None else st.none() | FAILING)
    if isinstance(found, WebFacts) and found.status is None and found.tunnel_status is None:
        failure = failure or draw(FAILING)
    return found, failure


@settings(deadline=None)
@given(data=st.data())
def test_what_was_exported_is_judged_as_it_was(data: st.DataObject) -> None:
    probe = data.draw(st.sampled_from(["web", "web_https", "dns"]))
    kind = sides(answers() if probe == "dns" else pages())
    seen = [
        observation(facts, line, host=THEIRS, probe=probe, failure=failure)
        for line in data.draw(st.sampled_from([("proxy", CONTROL), ("proxy",)]))
        for facts, failure in (data.draw(kind),)
    ]
    (before,) = judge_foreign(seen).verdicts
    (line,) = export_ooni(cast("Journal", Held(*seen)), Counter())
    after = judge_together(read_ooni(line).trials)

    assert (before.state, before.mechanism) == (after.state, after.mechanism)


def has_no_token(case: RuleCase) -> bool:
    """Whether a case is one of a name or a page of somebody else's."""
    sides = (case.trial.service, case.trial.control)
    facts = [one.facts for one in sides if one is not None and one.facts is not None]
    return all(
        isinstance(one, DnsFacts) or (isinstance(one, WebFacts) and one.canary == "not_applicable")
        for one in facts
    )


FIT = [case for case in CASES if has_no_token(case)]


@pytest.mark.parametrize("case", FIT, ids=lambda case: str(case.rule))
def test_a_case_of_each_rule_keeps_its_state_on_the_way_out_and_in(case: RuleCase) -> None:
    """Token cases aside: no file can say that a token arrived."""
    seen = [one for one in (case.trial.control, case.trial.service) if one is not None]
    (line,) = export_ooni(cast("Journal", Held(*seen)), Counter())

    assert judge_together([case.trial]).state is judge_together(read_ooni(line).trials).state
