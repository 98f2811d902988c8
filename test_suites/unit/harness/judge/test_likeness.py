"""How alike two pages are, which hosts belong to one site, and what a short notice is."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge.block_page_classifier import (
    alike,
    has_same_site_name,
    host_of,
    host_redirected_to,
    hosts_of,
    is_same_site_host,
    likeness,
    normal,
    server_of,
    site_name_of,
)
from harness.judge.certificates import is_intercepted, is_same_origin
from harness.judge.filter_fingerprints import NO_FINGERPRINTS
from harness.judge.trial_features import TrialFeatures
from harness.model.facts import Certificate, DnsFacts, Hop, WebFacts
from test_suites.kit.campaigns.trials import THEIRS, dns, failed, foreign, trial, web


def page(url: str = "http://a.test/", **facts: Any) -> WebFacts:
    return WebFacts(url=url, **facts)


def features(service: WebFacts, control: WebFacts | None = None) -> TrialFeatures:
    return TrialFeatures(trial(service, control or foreign(), host=THEIRS), NO_FINGERPRINTS)


def test_pages_of_one_digest_are_the_same_whatever_else_is_said() -> None:
    one, other = page(body_sha256="aa", text="one"), page(body_sha256="aa", text="other")

    assert 1.0 == likeness(one, other)
    assert 0.0 == likeness(one, page(body_sha256="bb", text="other"))
    assert 0.0 == likeness(page(text="one"), page(text="other"))


def test_texts_are_compared_by_words_without_hosts_numbers_and_case() -> None:
    one = page("http://a.test/", text="Access to a.test is denied 17")
    other = page("http://b.test/", text="access to B.TEST is denied 23")
    third = page("http://b.test/", text="access to all is granted")

    assert 1.0 == likeness(one, other)
    assert pytest.approx(0.6, abs=0.1) == likeness(one, third)
    assert likeness(one, third) == likeness(third, one)
    assert 0.0 == likeness(one, page(text=""))


def test_titles_count_where_they_are_more_alike() -> None:
    one = page("http://a.test/", title="A.test is stopped", text="x", body_length=10)
    other = page("http://b.test/", title="b.test is stopped", text="y", body_length=1000)

    assert 1.0 == likeness(one, other)
    assert 0.0 == likeness(one, page(text="y"))


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [((10, 10), 0.8), ((5, 10), 0.2), ((10, 5), 0.2), ((0, 10), 0.0), ((None, 10), 0.0),
     ((10, None), 0.0), ((0, 0), 0.0), ((None, None), 0.0), ((1, None), 0.0)],
)  # fmt: skip
def test_without_text_lengths_are_compared_and_prove_little(
    lengths: tuple[int | None, int | None], expected: float
) -> None:
    one, other = (page(body_length=length) for length in lengths)

    assert expected == pytest.approx(likeness(one, other))


def test_normal_text_has_no_host_and_no_number() -> None:
    assert "" == normal("")
    assert normal("At A.TEST  now", "http://a.test/") == normal("at B.test now", "http://b.test/")
    assert "plain words" == normal("Plain \n words")


def test_empty_texts_are_not_alike() -> None:
    assert [0.0, 0.0, 0.0, 1.0] == [alike("", ""), alike("a", ""), alike("", "a"), alike("a", "a")]
    assert pytest.approx(0.5) == alike("a b", "a c")


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://A.Test/x", "a.test"),
        ("http://user:pass@a.test:8080/x@y", "a.test"),
        ("http://a.test.?q=//b.test", "a.test"),
        ("http://a.test#f", "a.test"),
        ("//a.test/", "a.test"),
        ("http://[2001:DB8::1]:80/", "2001:db8::1"),
        ("/relative", ""),
        ("", ""),
    ],
)
def test_the_host_of_a_url(url: str, host: str) -> None:
    assert host == host_of(url)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("http://a.test/x", "http://a.test:80"),
        ("https://A.test", "https://a.test:443"),
        ("https://a.test:8443/", "https://a.test:8443"),
        ("ftp://a.test/", ""),
        ("http://a.test:port/", ""),
        ("/x", ""),
    ],
)
def test_the_server_of_a_url(url: str, server: str) -> None:
    assert server == server_of(url)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("www.example.co.uk", "example"),
        ("example.com", "example"),
        ("example.co.uk", "example"),
        ("co.uk", "co"),
        ("com", ""),
        ("a.b.example.sch.uk", "example"),
        ("org.example", "org"),
    ],
)
def test_the_site_name_of_a_host(host: str, name: str) -> None:
    assert name == site_name_of(host)


def test_hosts_of_one_site() -> None:
    assert is_same_site_host("www.a.test", "a.test")
    assert is_same_site_host("sub.a.test", "www.a.test")
    assert not is_same_site_host("a.test", "sub.a.test")
    assert not is_same_site_host("ba.test", "a.test")
    assert has_same_site_name("www.town.de", "town.org")
    assert not has_same_site_name("town.de", "village.de")
    assert not has_same_site_name("x.de", "x.org"), "one letter is no name"
    assert has_same_site_name("xy.de", "xy.org")


def test_the_first_host_away_from_home_is_where_a_redirect_led() -> None:
    hops = (
        Hop(url="http://a.test/", status=302, location="http://sub.a.test/"),
        Hop(url="http://sub.a.test/", status=302, location="http://b.test/"),
    )
    seen = page("http://c.test/", hops=hops)

    assert "b.test" == host_redirected_to(seen, frozenset({"a.test"}))
    assert "c.test" == host_redirected_to(seen, frozenset({"a.test", "b.test"}))
    assert "" == host_redirected_to(seen, frozenset({"a.test", "b.test", "c.test"}))
    assert {"a.test", "sub.a.test", "b.test", "c.test"} == hosts_of(seen)
    assert {"a.test"} == hosts_of(page())
    assert frozenset() == hosts_of(page(""))


def test_pages_without_text_are_compared_by_their_sketches() -> None:
    half = features(foreign(text="", sketch=(1, 2, 3, 4)), foreign(sketch=(1, 2, 9, 8)))
    part = features(foreign(text="", sketch=(1, 2)), foreign(sketch=(1, 2, 3, 4)))
    whole = features(foreign(text="", sketch=(1, 2, 3, 4)), foreign(sketch=(1, 2)))

    assert (half.likeness, part.likeness, whole.likeness) == (0.5, 0.5, 0.5)
    assert features(foreign(sketch=(1, 2)), foreign(sketch=(8, 9))).likeness == 1.0, "its text"
    assert features(foreign(text="", title="", sketch=(1,)), foreign()).likeness == 0.0


@pytest.mark.parametrize(
    ("service", "control", "is_notice"),
    [
        ({"body_length": 1800}, {"body_length": 100}, True),
        ({"body_length": 1801}, {"body_length": 100}, False),
        ({"body_length": 7000}, {"body_length": 10_000}, True),
        ({"body_length": 7001}, {"body_length": 10_000}, False),
        ({"body_length": 90_000}, {"body_length": None}, True),
        ({"body_length": None}, {"body_length": 10_000}, False),
        ({"body_length": 90, "text": "x" * 1800}, {}, True),
        ({"body_length": 90, "text": "x" * 1801}, {}, False),
    ],
)
def test_a_notice_is_short_beside_the_page_of_the_control(
    service: dict[str, Any], control: dict[str, Any], *, is_notice: bool
) -> None:
    assert is_notice is features(foreign(**service), foreign(**control)).is_notice


def test_without_a_page_on_both_sides_there_is_nothing_to_compare() -> None:
    alone = TrialFeatures(trial(foreign(), alone=True, host=THEIRS), NO_FINGERPRINTS)
    silent = TrialFeatures(trial(failed("eof_error"), foreign(), host=THEIRS), NO_FINGERPRINTS)

    for one in (alone, silent):
        assert (one.likeness, one.same_words, one.same_server) == (0.0, 0.0, False)
        assert (one.is_notice, one.intercepted, one.authentic) == (False, False, False)
        assert one.is_unlike_origin
    assert (silent.bears_own_name, silent.redirected_host, silent.status) == (False, "", None)
    assert (silent.rcode, silent.addresses, silent.answers) == ("", frozenset(), frozenset())
    assert (silent.control_answers, silent.control_addresses) == (frozenset(), frozenset())
    assert (silent.origin_page_inside, silent.unfollowed_url) == ("", "")
    assert (silent.is_secure, silent.proven, silent.issuer_is_private) == (False, False, False)


def test_the_name_of_the_site_in_the_title_speaks_for_the_page() -> None:
    own = {"title": "The Town-Library", "text": "Open every day"}

    assert features(foreign(**own)).bears_own_name
    assert features(foreign(**own | {"title": "Town Library"})).bears_own_name is False
    assert not features(foreign(**own | {"title": "Library"})).bears_own_name
    assert not features(foreign("http://away.test/", **own)).bears_own_name
    stopped = "This website has been blocked by your school. Category: Games"
    assert not features(foreign(**own | {"text": stopped})).bears_own_name


def test_a_page_at_the_address_of_a_resolver_is_a_trial_without_the_failure() -> None:
    landing = web("http://198.51.100.9/", status=302)
    made = trial(dns("198.51.100.9", landing=landing), dns("192.0.2.7"))
    found = TrialFeatures(made, NO_FINGERPRINTS)

    assert found.landing is not None
    assert (found.landing.web, found.landing.status, found.landing.failure) == (landing, 302, "")
    assert found.landing.control_web is None
    assert found.landing.answered
    broken = trial(dns(landing=landing), dns(), failure=failed("dns_servfail_error", "resolve"))
    after = TrialFeatures(broken, NO_FINGERPRINTS).landing
    assert after is not None
    assert (after.failure, after.answered) == ("", True)
    assert TrialFeatures(trial(dns(), dns()), NO_FINGERPRINTS).landing is None
    assert isinstance(found.control_dns, DnsFacts)


def _chain(*chain: str, issuer: str = "", trusted: bool | None = None) -> Certificate:
    return Certificate(chain=chain, issuer=issuer, trusted=trusted)


LETS, OWN, FILTER = "CN=R3,O=Let's Encrypt", "CN=School CA", "CN=Filter CA"


@pytest.mark.parametrize(
    ("service", "control", "is_another"),
    [
        (None, _chain("a", issuer=OWN), False),
        (_chain("a", issuer=OWN), None, False),
        (_chain("a", issuer=FILTER), _chain("a", issuer=OWN), False),
        (_chain("b", "ca", issuer=FILTER), _chain("a", "ca", issuer=OWN), False),
        (_chain("b", "fa", issuer=OWN), _chain("a", "ca", issuer=OWN), True),
        (_chain("b", issuer=OWN), _chain("a", issuer=OWN), False),
        (_chain("b"), _chain("a"), True),
        (_chain("b", issuer=FILTER), _chain("a", issuer=OWN), True),
        (_chain("b", issuer=LETS), _chain("a", issuer=OWN), False),
        (_chain("b", issuer=LETS, trusted=True), _chain("a", issuer=OWN), False),
        (_chain("b", issuer=LETS, trusted=False), _chain("a", issuer=OWN), True),
        (_chain(issuer=FILTER), _chain(issuer=OWN), True),
        (_chain(issuer=LETS), _chain(issuer=OWN), False),
        (_chain(issuer=OWN), _chain(issuer=OWN), False),
        (_chain(issuer=""), _chain(issuer=OWN), False),
        (_chain(issuer=FILTER), _chain(issuer=""), False),
        (_chain(issuer=FILTER), _chain("a", issuer=OWN), True),
        (_chain("b", issuer=FILTER), _chain(issuer=OWN), True),
    ],
)
def test_another_issuer_is_another_party_unless_a_public_authority_vouches(
    service: Certificate | None, control: Certificate | None, *, is_another: bool
) -> None:
    assert is_another is is_intercepted(service, control)


@pytest.mark.parametrize(
    ("service", "control", "is_same"),
    [
        (None, _chain("a"), False),
        (_chain(), _chain("a"), False),
        (_chain("a", trusted=False), _chain("a"), True),
        (_chain("b", issuer=LETS, trusted=True), _chain("a"), True),
        (_chain("b", issuer=FILTER, trusted=True), _chain("a"), False),
        (_chain("b", issuer=LETS, trusted=False), _chain("a"), False),
        (_chain("b", issuer=LETS), None, False),
        (_chain("b", trusted=True), None, True),
        (_chain("b", trusted=True), _chain(), True),
    ],
)
def test_the_same_leaf_or_a_trusted_public_chain_is_the_origin(
    service: Certificate | None, control: Certificate | None, *, is_same: bool
) -> None:
    assert is_same is is_same_origin(service, control)
