"""The limits at which one rule ends and the next begins, and what verdicts say of the facts."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from harness.judge.block_page_check import UNLIKE
from harness.judge.block_page_classifier import PageClassification, PageKind
from harness.judge.filter_fingerprints import NO_FINGERPRINTS
from harness.judge.judge import judge_trial
from harness.judge.rules import dns as dns_rules
from harness.judge.rules import web as web_rules
from harness.judge.rules import web_pages
from harness.judge.rules.order import RULES
from harness.judge.trial_features import TrialFeatures
from harness.model.facts import DnsFacts, DnsRecord, ExtendedError
from harness.model.observation import Failure
from test_suites.kit.campaigns.trials import OURS, THEIRS, dns, failed, foreign, trial, web

BY_ID = {rule.id: rule for rule in RULES}


def features(
    service: Any = None,
    control: Any = None,
    *,
    host: Any = THEIRS,
    alone: Any = False,
    **known: Any,
) -> TrialFeatures:
    """Features of a foreign page beside a foreign control's, some of them set by hand."""
    made = trial(
        service or foreign(), None if alone else control or foreign(), host=host, alone=alone
    )
    found = TrialFeatures(made, NO_FINGERPRINTS)
    for name, value in known.items():
        setattr(found, name, value)
    return found


def matches(rule: str, found: TrialFeatures) -> bool:
    return bool(BY_ID[rule].matches(found))


@pytest.mark.parametrize(
    ("status", "control", "is_refusal"),
    [(399, 200, False), (400, 200, True), (499, 200, True), (500, 200, False),
     (404, 399, True), (404, 400, False)],
)  # fmt: skip
def test_the_origin_refuses_with_a_client_error_that_the_control_does_not_get(
    status: int, control: int, *, is_refusal: bool
) -> None:
    own: dict[str, Any] = {"authentic": True, "intercepted": False}
    found = features(foreign(status=status), foreign(status=control), **own)

    assert is_refusal is matches("origin-refusal", found)
    assert not matches(
        "origin-refusal",
        features(foreign(status=status), foreign(status=control), authentic=False),
    )


@pytest.mark.parametrize(
    ("status", "is_own"), [(200, True), (399, True), (400, False), (500, False)]
)
def test_only_an_answer_without_an_error_is_the_origins_page(status: int, *, is_own: bool) -> None:
    proven = features(foreign(status=status), authentic=True, intercepted=False)
    named = features(foreign(status=status), bears_own_name=True)

    assert is_own is matches("page-authentic", proven)
    assert is_own is matches("page-bears-own-name", named)
    assert not matches("page-authentic", features(authentic=True, intercepted=True))
    assert matches("page-authentic", features(same_server=True))
    assert not matches("page-bears-own-name", features(bears_own_name=False))


@pytest.mark.parametrize(
    ("likeness", "status", "control", "is_same"),
    [(0.6, 200, 200, True), (0.59, 200, 200, False), (1.0, 200, 404, False), (1.0, 404, 404, True)],
)
def test_the_same_page_is_alike_and_has_the_same_status(
    likeness: float, status: int, control: int, *, is_same: bool
) -> None:
    found = features(foreign(status=status), foreign(status=control), likeness=likeness)

    assert is_same is matches("page-same", found)


ORDINARY = PageClassification(kind=PageKind.ORDINARY, weight=0.0, witnesses=())
BLOCK = PageClassification(kind=PageKind.BLOCK, weight=9.0, witnesses=())


@pytest.mark.parametrize(
    ("changes", "is_unlike"),
    [
        ({}, True),
        ({"likeness": UNLIKE}, False),
        ({"is_notice": False}, False),
        ({"classification": BLOCK}, False),
        ({"status": 499}, True),
        ({"status": 500}, False),
    ],
)
def test_an_unlike_page_is_short_ordinary_and_less_than_half_alike(
    changes: dict[str, Any], *, is_unlike: bool
) -> None:
    known: dict[str, Any] = {
        "likeness": UNLIKE - 0.01,
        "is_notice": True,
        "classification": ORDINARY,
    }

    assert is_unlike is matches("page-unlike", features(**known | changes))
    for control in (foreign(status=400), foreign(status=503)):
        assert not matches("page-unlike", features(None, control, **known))
    assert matches("page-unlike", features(None, foreign(status=399), **known))
    assert not matches("page-unlike", features(failed("eof_error"), **known))


@pytest.mark.parametrize(
    ("service", "known", "is_shrunken"),
    [
        ({}, {}, True),
        ({"status": 399}, {"bears_own_name": True}, True),
        ({"status": 400}, {"bears_own_name": True}, False),
        ({"body_length": 1799}, {}, True),
        ({"body_length": 1800}, {}, False),
        ({"body_length": 0}, {}, False),
        ({"body_length": None}, {}, False),
        ({"text": ""}, {}, False),
        ({}, {"same_words": UNLIKE}, False),
        ({}, {"is_notice": False}, False),
        ({}, {"likeness": 0.1}, False),
        ({}, {"likeness": 0.1, "bears_own_name": True}, True),
    ],
)
def test_a_shrunken_page_has_the_name_of_the_site_and_next_to_nothing_else(
    service: dict[str, Any], known: dict[str, Any], *, is_shrunken: bool
) -> None:
    usual: dict[str, Any] = {
        "likeness": 1.0,
        "same_words": 0.1,
        "is_notice": True,
        "bears_own_name": False,
    }
    seen: dict[str, Any] = {"body_length": 1000, "text": "Welcome"}
    page = foreign(**seen | service)

    assert is_shrunken is matches("page-shrunken", features(page, **usual | known))
    for control in (foreign(text=""), foreign(body_length=None), foreign(body_length=0)):
        assert not matches("page-shrunken", features(page, control, **usual))
    assert not matches("page-shrunken", features(page, alone=True, **usual))


@pytest.mark.parametrize(
    ("one", "other", "is_altered"),
    [
        ({}, {}, False),
        ({"status": 203}, {}, True),
        ({"title": "B"}, {}, True),
        ({"canary": "absent"}, {}, False),
        ({"status": 203}, {"canary": "absent"}, False),
        ({"body_length": 464}, {}, False),
        ({"body_length": 465}, {}, True),
        ({"body_length": 336}, {}, False),
        ({"body_length": 335}, {}, True),
        ({"body_length": 10_500}, {"body_length": 10_000}, False),
        ({"body_length": 10_501}, {"body_length": 10_000}, True),
        ({"body_length": 9000, "truncated": True}, {}, False),
        ({"body_length": 9000}, {"truncated": True}, False),
        ({"body_length": None}, {}, False),
        ({}, {"body_length": None}, False),
    ],
)
def test_a_page_is_altered_if_it_differs_by_more_than_a_little(
    one: dict[str, Any], other: dict[str, Any], *, is_altered: bool
) -> None:
    found = features(web(**one), web(**other))

    assert is_altered is web_rules._is_altered(found)
    assert not web_rules._is_altered(features(web(**one), failed("eof_error")))
    assert not web_rules._is_altered(features(failed("eof_error"), web(**other)))


def test_what_a_verdict_says_of_pages() -> None:
    silent = features(failed("eof_error"))
    alone = features(alone=True)
    bare = features(foreign(title="", text="", body_length=7), foreign(title=""))
    led = features(foreign("http://away.test/", codings=("br", "gzip"), asked=True, text="Words"))

    assert web_pages._page(silent) == ""
    assert web_pages._page(bare) == "service: status 200"
    assert web_pages._beside(alone).endswith("; control: status None; likeness 0.00")
    assert web_pages._beside(bare).endswith(
        "service: status 200; control: status 200; likeness 0.00"
    )
    assert web_pages._what_came(silent) == ""
    assert web_pages._what_came(bare) == "service: status 200, 7 bytes without text"
    assert web_pages._what_came(led) == (
        "service: status 200, 'Welcome', text 'Words', codings br, gzip, the origin was asked, "
        "after a redirect to away.test"
    )
    assert web_pages._what_came(features(foreign(text="z" * 90))).count("z") == 80
    assert web_pages._what_else(silent) == ""
    assert web_rules._difference(silent) == web_rules._difference(alone) == ""
    assert web_rules._size(silent) == "None bytes; service: eof_error at response"
    broken = trial(web(body_length=12), web(), failure=Failure(name="eof_error", stage="response"))
    found = TrialFeatures(broken, NO_FINGERPRINTS)
    assert web_rules._size(found) == "12 bytes; service: eof_error at response"


def test_what_a_verdict_says_of_names() -> None:
    five = [f"192.0.2.{n}" for n in range(1, 6)]
    names = (OURS, "a.test", "b.test", "c.test", "d.test", "e.test")
    chain = tuple(
        DnsRecord(name=one, type="CNAME", ttl=60, data=other)
        for one, other in itertools.pairwise(names)
    )
    many = features(dns(*five, records=chain), dns(*five), host="a.example")
    none = features(dns(rcode=""), dns("192.0.2.7"), host="a.example")
    errors = (ExtendedError(code=15), ExtendedError(code=3, text="stale"), ExtendedError(code=3))
    told = features(dns(rcode="SERVFAIL", extended_errors=errors), dns("192.0.2.7"))

    first = "192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4"
    assert dns_rules._addresses(many) == (
        f"service: NOERROR, {first} by way of a.test, b.test, c.test, d.test; control: {first}"
    )
    assert dns_rules._addresses(none) == "service: no answer, ; control: 192.0.2.7"
    assert dns_rules._said(features(failed("dns_no_answer"), dns())) == "service: dns_no_answer"
    assert dns_rules._said(told) == (
        "service: SERVFAIL, extended error 15 (blocked), extended error 3 (stale), "
        "extended error 3 (other)"
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "host", "is_inner"),
    [
        ("10.0.0.1", "192.168.0.1", "site.org", True),
        ("10.0.0.1", "93.184.216.34", "site.org", False),
        ("93.184.216.34", "10.0.0.1", "site.org", False),
        ("10.0.0.1", "192.168.0.1", "site.test", False),
        ("10.0.0.1", "", "site.org", False),
        ("", "10.0.0.1", "site.org", False),
        ("no address", "10.0.0.1", "site.org", False),
    ],
)
def test_a_name_that_is_inner_everywhere_is_nobodys_block(
    ours: str, theirs: str, host: str, *, is_inner: bool
) -> None:
    found = features(dns(*filter(None, [ours])), dns(*filter(None, [theirs])), host=host)

    assert is_inner is dns_rules._is_inner_everywhere(found)


def test_a_strange_page_is_a_complete_one_that_says_something_else() -> None:
    def landed(page: Any) -> TrialFeatures:
        answer: DnsFacts = dns("198.51.100.9", landing=page)
        return features(answer, dns("192.0.2.7"), host="a.example")

    assert dns_rules._is_strange_page(landed(foreign("http://198.51.100.9/")))
    assert not dns_rules._is_strange_page(landed(None))
    assert not dns_rules._is_strange_page(landed(foreign("http://198.51.100.9/", status=None)))
    bare = foreign("http://198.51.100.9/", text="", title="", body_length=10)
    assert not dns_rules._is_strange_page(landed(bare))
    notice = "This website has been blocked by your school. Category: Games"
    assert not dns_rules._is_strange_page(landed(foreign("http://198.51.100.9/", text=notice)))


@pytest.mark.parametrize(
    ("failure", "detail", "is_plain"),
    [
        ("ssl_failed_handshake", "WRONG_VERSION_NUMBER", True),
        ("ssl_failed_handshake", "wrong version number", True),
        ("ssl_failed_handshake", "Record layer failure", True),
        ("ssl_failed_handshake", "handshake failure", False),
        ("ssl_failed_handshake", "", False),
        ("connection_reset", "wrong version number", False),
    ],
)
def test_an_answer_without_tls_is_known_by_what_tls_says_of_it(
    failure: str, detail: str, *, is_plain: bool
) -> None:
    assert is_plain is web_rules._is_plain_answer(features(failed(failure, "tls", detail)))
    assert not web_rules._is_plain_answer(features())


@pytest.mark.parametrize(
    ("status", "rule"), [(499, "tunnel-refused"), (500, "tunnel-trouble"), (299, None), (300, "tunnel-refused"), (199, "tunnel-refused")]
)  # fmt: skip
def test_a_proxy_that_does_not_open_the_tunnel_refuses_or_is_in_trouble(
    status: int, rule: str | None
) -> None:
    seen = web(status=None, canary="absent", tunnel_status=status)
    made = trial(
        seen,
        failure=failed("proxy_refused_tunnel", "tunnel") if rule else failed("eof_error", "tls"),
    )
    verdict = judge_trial(made)

    assert verdict.rule == (rule or "closed")
