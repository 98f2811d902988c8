"""Our journals as OONI measurements: what is written, what is not, and the way back."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, cast

import msgspec
import pytest

from harness.model.facts import Hop, WebFacts
from harness.model.observation import CONTROL, Observation, Stage
from harness.ports.storage import Journal
from reports.exports import JOURNAL_EXPORTERS
from reports.exports.ooni import export_ooni
from test_suites.kit.campaigns.memory_journal import MemoryJournal
from test_suites.kit.campaigns.trials import (
    THEIRS,
    batch_of,
    dns,
    failed,
    foreign,
    observation,
    reach,
    web,
)


def exported(*observations: Observation, **header: Any) -> list[dict[str, Any]]:
    """The measurements of these observations, as JSON reads them."""
    held = cast("Journal", MemoryJournal(*observations, **header))
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
    held = cast("Journal", MemoryJournal(*hidden, *far, *batch_of(1, web(), failed("eof_error"))))

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


def test_the_url_is_the_one_that_was_asked_for() -> None:
    secure = f"https://{THEIRS}/a"
    elsewhere = "http://stop.example/"

    for url, told in ((secure, secure), (elsewhere, f"http://{THEIRS}/")):
        (written,) = exported(*tried(foreign(url)))
        assert told == written["input"]


def test_a_name_that_some_unknown_resolver_gave_was_asked_of_the_system() -> None:
    (written,) = exported(*tried(dns("192.0.2.1", server=""), dns("192.0.2.1"), probe="dns"))
    (query,) = written["test_keys"]["queries"]

    assert ("system", []) == (query["engine"], query["tags"])


def test_it_is_found_by_name() -> None:
    assert export_ooni is JOURNAL_EXPORTERS.find("ooni")


def test_no_token_leaves_with_a_measurement() -> None:
    (written,) = exported(*tried(web(canary="seen"), web(canary="seen")))

    beyond = written["test_keys"]["requests"][0]["x_accredit"]
    assert "canary" not in beyond
    assert "title" in beyond
