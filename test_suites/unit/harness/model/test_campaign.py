"""Campaigns: options by profile, phases, probes by line, sentinels as the file declares them."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from harness.model.campaign import (
    Campaign,
    Limits,
    LineDeclaration,
    Sentinel,
    Sentinels,
    StoppingPlan,
)
from harness.model.service_declaration import BlockPage
from harness.model.verdict import Mechanism


def campaign(**changes: object) -> Campaign:
    """A small campaign."""
    declared = {
        "campaign": "c",
        "service": {"name": "s"},
        "lines": (
            {"name": "proxy", "type": "explicit_proxy"},
            {"name": "names", "type": "resolver", "probes": ("dns",)},
        ),
        "profiles": {"ks4": {}, "pupils": {}, "teachers": {"phase": "staff"}},
        "corpora": ({"pack": "canary"},),
    }
    return Campaign.model_validate(declared | changes)


def test_options_of_a_profile_override_the_lines() -> None:
    line = LineDeclaration(
        name="a", type="t", options={"proxy": "x", "n": 1}, by_profile={"staff": {"proxy": "y"}}
    )

    assert {"proxy": "y", "n": 1} == line.options_for("staff")
    assert {"proxy": "x", "n": 1} == line.options_for("ks2")


def test_a_phase_is_declared_or_the_profiles_own_name_or_ks2() -> None:
    made = campaign()

    assert ["ks4", "ks2", "staff"] == [made.phase_of(name) for name in made.profiles]


def test_a_line_has_its_own_probes_or_the_campaigns() -> None:
    made = campaign(probes=("web", "web_https"))

    assert [("web", "web_https"), ("dns",)] == [made.probes_on(line) for line in made.lines]


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        ({}, "a title, a text or a host"),
        ({"title": " "}, "a title, a text or a host"),
        ({"text": "No!"}, "pattern"),
        ({"host": "https://stop.example/"}, "pattern"),
        ({"url": "stop.example"}, "Extra inputs"),
    ],
)
def test_a_block_page_says_enough_to_be_known_again(page: dict[str, str], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        campaign(service={"name": "s", "block_page": page})


def test_a_block_page_may_be_declared() -> None:
    made = campaign(service={"name": "s", "block_page": {"host": "stop.example"}})

    assert BlockPage(host="stop.example") == made.service.block_page
    assert campaign().service.block_page is None


@pytest.mark.parametrize(
    ("plans", "fault"),
    [
        ((), "at least 1"),
        (({"categories": ("PORN",), "bad": 0.98, "good": 0.9},), "must be above bad"),
        (({"categories": ("PORN",), "bad": 0.9, "good": 0.9},), "must be above bad"),
        (({"categories": (), "bad": 0.9, "good": 0.98},), "at least 1"),
        (({"categories": ("PORN",), "bad": 0.9, "good": 1.0},), "less than 1"),
        (({"categories": ("PORN",), "bad": 0.9, "good": 0.98, "alpha": 0.5},), "less than 0.5"),
        (({"categories": ("PORN", "PORN.NUDE"), "bad": 0.9, "good": 0.98},), "overlap"),
        (
            (
                {"categories": ("MALW.HACK",), "bad": 0.9, "good": 0.98},
                {"categories": ("MALW",), "bad": 0.9, "good": 0.98},
            ),
            "MALW.HACK and MALW overlap",
        ),
    ],
)
def test_a_stopping_plan_makes_sense_or_is_refused(plans: object, fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        campaign(stopping={"plans": plans})


def test_stopping_is_declared_or_does_not_happen() -> None:
    plan = {"categories": ("PORN",), "bad": 0.9, "good": 0.98}
    made = campaign(stopping={"rule": "sprt", "plans": (plan,)})

    assert campaign().stopping is None
    assert made.stopping is not None
    assert made.stopping.plans == (
        StoppingPlan(categories=("PORN",), bad=0.9, good=0.98, alpha=0.05, beta=0.05),
    )
    assert Campaign.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("sentinels", "said"),
    [
        ({"must_allow": ("http//wrong.test/",)}, "is neither a host nor an http"),
        ({"must_allow": ("two words.test",)}, "is neither a host nor an http"),
        ({"must_block": ("ftp://files.test/",)}, "is neither a host nor an http"),
        ({"must_block": ("http://h.test:99999/",)}, "is neither a host nor an http"),
        ({"must_block": ("",)}, "is neither a host nor an http"),
        ({"must_block": ({"at": "h.test", "mechanism": "magic"},)}, "no mechanism 'magic'; known:"),
        ({"must_allow": ({"at": "h.test", "mechanism": "tcp_reset"},)}, "is agreed to pass"),
        ({"must_allow": ({"host": "h.test"},)}, "Field required"),
        ({"must_allow": (7,)}, "should be a valid dictionary"),
    ],
)
def test_a_sentinel_that_is_not_understood_is_refused(sentinels: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        campaign(sentinels=sentinels)


def test_sentinels_are_hosts_and_urls_or_say_more() -> None:
    declared = campaign(
        sentinels={
            "must_allow": ("h.test", "https://h.test:8443/a"),
            "must_block": ({"at": "b.test", "probes": ("dns",), "mechanism": "dns_nxdomain"},),
        }
    )
    (one,) = declared.sentinels.of("must_block")

    assert [each.item_kind for each in declared.sentinels.of("must_allow")] == ["host", "url"]
    assert (one.at, one.probes, one.mechanism) == ("b.test", ("dns",), "dns_nxdomain")
    assert declared == Campaign.model_validate_json(declared.model_dump_json())


def test_a_visit_has_twice_the_longest_patience_for_its_many_requests() -> None:
    assert 120.0 == Limits(confirmation_timeout=15.0).visit_patience
    assert 80.0 == Limits(silence_timeout=40.0).visit_patience


def test_a_sentinel_may_be_written_as_a_text() -> None:
    declared = Sentinels.model_validate({"must_block": ("blocked.example",)})

    assert declared.of("must_block") == (Sentinel(at="blocked.example"),)
    assert declared.hosts("must_block") == ("blocked.example",)


@pytest.mark.parametrize(
    "at",
    [
        "",
        "two words",
        "ftp://a.example/",
        "http://",
        "http://a.example:0/",
        "-a.example",
        "http://[",
    ],
)
def test_what_is_neither_a_host_nor_a_url_of_the_web_is_refused(at: str) -> None:
    with pytest.raises(ValidationError, match="neither a host nor an http"):
        Sentinel(at=at)


@pytest.mark.parametrize(
    ("sentinel", "address", "expected"),
    [
        (Sentinel(at="a.example"), "https://a.example/", True),
        (Sentinel(at="http://a.example/x"), "http://a.example/x", True),
        (Sentinel(at="http://a.example/x"), "https://a.example/x", False),
        (Sentinel(at="a.example", probes=("dns",)), "http://a.example/", False),
        (Sentinel(at="a.example", probes=("web",)), "http://a.example/", True),
    ],
)
def test_which_probe_tries_it(sentinel: Sentinel, address: str, *, expected: bool) -> None:
    assert sentinel.is_for("web", address) is expected


def test_a_url_knows_its_host() -> None:
    one = Sentinel(at="http://a.example:8080/page")

    assert (one.host, one.item_kind) == ("a.example", "url")


def test_a_mechanism_is_given_by_its_name() -> None:
    one = Sentinel.model_validate({"at": "a.example", "mechanism": "block_page"})

    assert one.mechanism is Mechanism.BLOCK_PAGE


def test_an_unknown_mechanism_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(ValidationError, match=r"no mechanism 'magic'; known: .*block_page"):
        Sentinel.model_validate({"at": "a.example", "mechanism": "magic"})


def test_what_is_agreed_to_pass_has_no_mechanism_of_a_block() -> None:
    with pytest.raises(ValidationError, match="agreed to pass"):
        Sentinels(must_allow=(Sentinel(at="a.example", mechanism=Mechanism.BLOCK_PAGE),))
