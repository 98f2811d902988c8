"""One case for each rule of the judgement: what was seen, and the rule that must say so."""

from __future__ import annotations

from typing import Any

from harness.judge.filter_fingerprints import FilterFingerprints
from harness.model.facts import DnsFacts, DnsRecord, ExtendedError, Hop, SealedFacts
from harness.model.observation import Failure
from harness.model.verdict import Mechanism, State, Trial
from test_suites.calibration.rule_case import RuleCase
from test_suites.calibration.rule_case import case as _case
from test_suites.calibration.rule_cases_queries import QUERIES
from test_suites.calibration.rule_cases_techniques import TECHNIQUES
from test_suites.calibration.rule_cases_tls import TLS
from test_suites.kit.campaigns.trials import (
    OURS,
    PROSE,
    THEIRS,
    certificate,
    dns,
    failed,
    foreign,
    reach,
    trial,
    web,
)

HTTPS = f"https://{THEIRS}/"
OWN = certificate("leaf", "CN=R3,O=Let's Encrypt", trusted=True)
SUPPLIER = certificate("other", "CN=Filter CA,O=Supplier", trusted=True)
NOTICE = "This website has been blocked by your school. Category: Games"
LONDON = dns("192.0.2.7")
BY_NAME = "LOC.SRCH/lock:dns:SV-018@safe.search.test"
TARGET_KNOWN = dns("192.0.2.7", target_addresses=("192.0.2.7",))
LOCKED_NAME = dns(
    "192.0.2.7",
    target_addresses=("192.0.2.7",),
    records=(DnsRecord(name=OURS, type="CNAME", ttl=9, data="safe.search.test."),),
)
_FILE = web(file="content", body_sha256="a" * 64, body_length=90)


def _page(**facts: Any) -> Trial:
    """A site of other people's, with something else in its place on the service."""
    return trial(foreign(**facts), foreign(), host=THEIRS)


def _named(*addresses: str, rcode: str = "NOERROR", **facts: Any) -> Trial:
    return trial(dns(*addresses, rcode=rcode, **facts), LONDON)


def _public(*addresses: str) -> Trial:
    return trial(dns(*addresses), dns("93.184.216.34"), host=THEIRS)


GROUND = (
    _case("control-missing", trial(web(), alone=True), State.INSUFFICIENT),
    _case("instrument-service", trial(failed("instrument_overload", "instrument")),
          State.INSUFFICIENT),
    _case("instrument-control", trial(web(), failed("instrument_error", "instrument")),
          State.INSUFFICIENT),
    _case("control-failed", trial(web(canary="absent"), failed("connection_refused", "connect")),
          State.DOWN),
    _case("control-private-address", trial(web(canary="absent"), failed("private_address", "request")),
          State.DOWN),
    _case("control-of-another-kind", trial(web(), dns("192.0.2.7")), State.INSUFFICIENT),
    _case("control-without-token", trial(web(), web(canary="absent")), State.DOWN),
    _case("control-server-error", trial(foreign(), foreign(status=502)), State.DOWN),
    _case("control-without-coding", trial(web(), web(), stratum="GAMB/gzip"), State.DOWN),
    _case("control-without-ranges",
          trial(_FILE, _FILE, stratum="MALW.MAL/file:ranged"), State.DOWN),
    _case("control-without-connection",
          trial(_FILE, _FILE, stratum="MALW.MAL/file:none by WebSocket binary frame"), State.DOWN),
    _case("control-no-address-answered", trial(LONDON, dns(rcode="NXDOMAIN")), State.DOWN),
    _case("control-no-address", trial(dns(rcode="NXDOMAIN"), dns(rcode="NXDOMAIN")), State.DOWN),
    _case("control-unreached", trial(reach(reached=True), reach(reached=False)), State.DOWN),
    _case("local-trouble", trial(failed("network_down", "connect")), State.INSUFFICIENT),
    _case("proxy-unreachable", trial(failed("connection_refused", "proxy_connect")),
          State.INSUFFICIENT),
    _case("proxy-wants-a-name", trial(web(canary="absent", status=407)), State.INSUFFICIENT),
    _case("resolver-unreachable", trial(failed("connection_refused"), LONDON),
          State.INSUFFICIENT),
    _case("reached", trial(reach(reached=True), reach(reached=True)), State.ALLOWED),
    _case("reach-refused", trial(reach(reached=False, refusal="550 no"), reach(reached=True)),
          State.BLOCKED, Mechanism.OTHER),
    _case("reach-unknown", trial(reach(reached=None), reach(reached=True)), State.INSUFFICIENT),
)  # fmt: skip

DNS = (
    _case("dns-locked-everywhere", trial(LOCKED_NAME, LOCKED_NAME, stratum=BY_NAME), State.DOWN),
    _case("dns-locked", trial(LOCKED_NAME, TARGET_KNOWN, stratum=BY_NAME), State.BLOCKED,
          Mechanism.SAFE_MODE),
    _case("dns-same", _named("192.0.2.7"), State.ALLOWED),
    _case("dns-refused", _named(rcode="REFUSED"), State.BLOCKED, Mechanism.DNS_REFUSED),
    _case("dns-nxdomain", _named(rcode="NXDOMAIN"), State.BLOCKED, Mechanism.DNS_NXDOMAIN),
    _case("dns-nodata", _named(), State.BLOCKED, Mechanism.DNS_NODATA),
    _case("dns-failure-declared",
          trial(dns(rcode="SERVFAIL", extended_errors=(ExtendedError(code=15),)), LONDON), State.BLOCKED,
          Mechanism.DNS_SERVFAIL),
    _case("dns-servfail-learned", _named(rcode="SERVFAIL"), State.BLOCKED, Mechanism.DNS_SERVFAIL,
          fingerprints=FilterFingerprints(rcodes=frozenset({"SERVFAIL"}))),
    _case("dns-alias-loop", _named(records=(
              DnsRecord(name=OURS, type="CNAME", ttl=0, data="a.test."),
              DnsRecord(name="a.test", type="CNAME", ttl=0, data=OURS))),
          State.INSUFFICIENT),
    _case("dns-servfail", _named(rcode="SERVFAIL"), State.INSUFFICIENT, Mechanism.DNS_SERVFAIL),
    _case("dns-null-address", _named("0.0.0.0"), State.BLOCKED, Mechanism.DNS_SINKHOLE),
    _case("dns-learned-sinkhole", _public("203.0.114.9"), State.BLOCKED, Mechanism.DNS_SINKHOLE,
          fingerprints=FilterFingerprints(sinkholes=frozenset({"203.0.114.9"}))),
    _case("dns-bogon-everywhere", trial(dns("10.1.1.1"), dns("192.168.7.7"), host=THEIRS),
          State.DOWN),
    _case("dns-landing-delivered", trial(dns("198.51.100.9", landing=web()), LONDON),
          State.ALLOWED),
    _case("dns-landing-block-page", trial(
              dns("198.51.100.9", landing=web(canary="absent", text=NOTICE)), LONDON),
          State.BLOCKED, Mechanism.DNS_SINKHOLE),
    _case("dns-inner-unanswered", trial(
              dns("10.1.1.1", landing=web(canary="absent", status=None)), LONDON),
          State.BLOCKED, Mechanism.DNS_SINKHOLE),
    _case("dns-inner-unvisited", _named("10.1.1.1"), State.INSUFFICIENT),
    _case("dns-address-unknown", _named("198.51.100.9"), State.INSUFFICIENT),
    _case("dns-inner-address", _public("10.1.1.1"), State.BLOCKED, Mechanism.DNS_SINKHOLE),
    _case("dns-varies", _public("151.101.1.69"), State.ALLOWED),
    _case("dns-silent", trial(failed("generic_timeout_error", "resolve"), LONDON), State.BLOCKED,
          Mechanism.DNS_SILENT),
    _case("dns-unclear", trial(failed("dns_bogon_error", "resolve"), LONDON), State.INSUFFICIENT),
)  # fmt: skip


def _mail(*records: str, rcode: str = "NOERROR") -> DnsFacts:
    """What came of a question for the mail servers of a name."""
    told = (DnsRecord(name=OURS, type="MX", ttl=60, data=record) for record in records)
    return dns(rcode=rcode, type="MX", records=tuple(told))


MAIL = _mail("10 mail.accredit.test.")

OTHER_RECORDS = (
    _case("dns-same", trial(_mail("10 MAIL.accredit.test."), MAIL), State.ALLOWED),
    _case("dns-nodata", trial(_mail(), MAIL), State.BLOCKED, Mechanism.DNS_NODATA),
    _case("dns-nxdomain", trial(_mail(rcode="NXDOMAIN"), MAIL), State.BLOCKED,
          Mechanism.DNS_NXDOMAIN),
    _case("dns-other-records", trial(_mail("10 mail.example."), MAIL), State.INSUFFICIENT),
    _case("control-no-address", trial(_mail(), _mail()), State.DOWN),
)  # fmt: skip


def _https(*records: str, rcode: str = "NOERROR") -> DnsFacts:
    """What came of a question for an HTTPS record."""
    told = (DnsRecord(name=OURS, type="HTTPS", ttl=60, data=record) for record in records)
    return dns(rcode=rcode, type="HTTPS", records=tuple(told))


KEYED = _https("1 . alpn=h3 ech=AEX+")
UNRECORDED = _https()

HTTPS_RECORDS = (
    _case("https-added", trial(KEYED, UNRECORDED), State.ALTERED),
    _case("https-none", trial(UNRECORDED, UNRECORDED), State.INSUFFICIENT),
    _case("https-same", trial(KEYED, KEYED), State.ALLOWED),
    _case("https-without-keys", trial(_https("1 . alpn=h2"), KEYED), State.ALTERED),
    _case("https-varies", trial(_https("1 . alpn=h2"), _https("1 . alpn=h3")), State.ALLOWED),
    _case("https-withheld", trial(UNRECORDED, KEYED), State.ALTERED, Mechanism.DNS_NODATA),
    _case("https-refused", trial(_https(rcode="REFUSED"), KEYED), State.ALTERED,
          Mechanism.DNS_REFUSED),
    _case("https-silent", trial(failed("generic_timeout_error", "resolve"), KEYED),
          State.ALTERED, Mechanism.DNS_SILENT),
)  # fmt: skip


def _sent_to(url: str) -> Trial:
    """A redirect to a private address, which was not followed."""
    hops = (Hop(url=f"http://{OURS}/", status=302, location=url),)
    facts = web(url, canary="absent", status=None, body_length=None, hops=hops)
    return trial(facts, failure=failed("private_address", "request"))


PRIVATE = (
    _case("private-redirect-learned", _sent_to("http://10.0.0.1:8090/item"), State.BLOCKED,
          Mechanism.REDIRECT, fingerprints=FilterFingerprints(servers=frozenset({"http://10.0.0.1:8090"}))),
    _case("private-redirect", _sent_to("http://10.0.0.1/blocked"), State.INSUFFICIENT,
          fingerprints=FilterFingerprints(servers=frozenset({"http://10.0.0.1:8090"}), hosts=frozenset({"10.0.0.1"}))),
    _case("private-address", trial(failed("private_address", "request")), State.INSUFFICIENT,
          fingerprints=FilterFingerprints(failures=frozenset({"private_address"}))),
)  # fmt: skip

BLOCKED = "This page has been blocked by your school's internet filter"
_WORDY = web(text="The library is open every day", text_length=900, sketch=(1, 2, 3))

WEB = (
    _case("token-in-block-page",
          trial(web(title=BLOCKED, text=BLOCKED, text_length=70, sketch=(7,)), _WORDY),
          State.ALLOWED, Mechanism.INSIDE_BLOCK_PAGE),
    _case("token-not-shown", trial(web(text="Hello", text_length=70, sketch=(7,)), _WORDY),
          State.ALLOWED, Mechanism.HIDDEN),
    _case("token-in-broken-answer", trial(web(), failure=failed("eof_error")), State.ALLOWED),
    _case("file-arrived", trial(web(file="test string"), web(file="test string")), State.ALLOWED),
    _case("file-unchanged", trial(_FILE, _FILE), State.ALLOWED),
    _case("file-changed", trial(web(file="content", body_sha256="b" * 64, body_length=91), _FILE),
          State.ALTERED),
    _case("words-arrived", trial(web(words=("tizametefabime",))), State.ALLOWED),
    _case("token-in-another-page", trial(web(title="A page, with advertisements")), State.ALLOWED),
    _case("token-arrived", trial(web()), State.ALLOWED),
    _case("arrived-inside", trial(web(canary="absent", inner=(web(),))), State.ALLOWED),
    _case("tunnel-refused-learned", trial(web(canary="absent", status=None, tunnel_status=503)),
          State.BLOCKED, Mechanism.PROXY_REFUSAL, fingerprints=FilterFingerprints(tunnel_statuses=frozenset({503}))),
    _case("tunnel-trouble", trial(web(canary="absent", status=None, tunnel_status=503)),
          State.INSUFFICIENT),
    _case("tunnel-refused", trial(web(canary="absent", status=None, tunnel_status=403)),
          State.BLOCKED, Mechanism.PROXY_REFUSAL),
    _case("resolve-nxdomain", trial(failed("dns_nxdomain_error", "resolve")), State.BLOCKED,
          Mechanism.DNS_NXDOMAIN),
    _case("resolve-nodata", trial(failed("dns_no_answer", "resolve")), State.BLOCKED,
          Mechanism.DNS_NODATA),
    _case("resolve-refused", trial(failed("dns_refused_error", "resolve")), State.BLOCKED,
          Mechanism.DNS_REFUSED),
    _case("resolve-bogon", trial(failed("dns_bogon_error", "resolve")), State.BLOCKED,
          Mechanism.DNS_SINKHOLE),
    _case("resolve-silent", trial(failed("generic_timeout_error", "resolve")), State.BLOCKED,
          Mechanism.DNS_SILENT),
    _case("resolve-failure-declared",
          trial(Failure(name="dns_servfail_error", stage="resolve", extended_errors=(18,))),
          State.BLOCKED, Mechanism.DNS_SERVFAIL),
    _case("resolve-failure-learned", trial(failed("dns_servfail_error", "resolve")), State.BLOCKED,
          Mechanism.DNS_SERVFAIL, fingerprints=FilterFingerprints(failures=frozenset({"dns_servfail_error"}))),
    _case("resolve-trouble", trial(failed("dns_servfail_error", "resolve")), State.INSUFFICIENT,
          Mechanism.DNS_SERVFAIL),
    _case("sent-astray", trial(
              foreign(status=None, hops=(Hop(url=f"http://{THEIRS}/", status=302,
                                             location="http://10.10.34.34/"),)),
              foreign(), failure=failed("generic_timeout_error", "connect"), host=THEIRS),
          State.BLOCKED, Mechanism.REDIRECT),
    _case("false-certificate-block-page", trial(
              web(canary="absent", text=NOTICE), failure=failed("ssl_unknown_authority", "tls")),
          State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE),
    _case("false-certificate-unknown-page", trial(
              web(canary="absent"), failure=failed("ssl_unknown_authority", "tls")),
          State.INSUFFICIENT),
    _case("broken-off", trial(web(canary="absent"), failure=failed("eof_error")),
          State.INSUFFICIENT),
    _case("reset", trial(failed("connection_reset")), State.BLOCKED, Mechanism.TCP_RESET),
    _case("refused", trial(failed("connection_refused", "connect")), State.BLOCKED,
          Mechanism.TCP_REFUSED),
    _case("closed", trial(failed("eof_error")), State.BLOCKED, Mechanism.TCP_EOF),
    _case("unreachable", trial(failed("host_unreachable", "connect")), State.BLOCKED,
          Mechanism.ICMP_UNREACHABLE),
    _case("tls-alert", trial(failed("tls_alert", "tls")), State.BLOCKED, Mechanism.TLS_ALERT),
    _case("tls-plain-answer", trial(failed("ssl_failed_handshake", "tls", "wrong version number")),
          State.BLOCKED, Mechanism.BLOCK_PAGE),
    _case("tls-false-certificate", trial(failed("ssl_unknown_authority", "tls")), State.BLOCKED,
          Mechanism.TLS_INTERCEPT_PAGE),
    _case("tls-false-chain", trial(
              web(HTTPS, status=None, canary="absent", certificate=SUPPLIER),
              web(HTTPS, certificate=OWN), failure=failed("ssl_invalid_certificate", "tls")),
          State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE),
    _case("silence", trial(failed("generic_timeout_error", "connect")), State.BLOCKED,
          Mechanism.SILENT_DROP),
    _case("failure-learned", trial(failed("http_invalid_response")), State.BLOCKED,
          Mechanism.OTHER, fingerprints=FilterFingerprints(failures=frozenset({"http_invalid_response"}))),
    _case("redirects-without-end", trial(
              web(canary="absent", status=302, url="http://round.supplier.example/"),
              failure=failed("http_redirect_limit")),
          State.INSUFFICIENT),
    _case("redirect-not-followed", trial(
              web("http://away.supplier.example/", canary="absent", status=None),
              failure=failed("connection_refused", "connect")),
          State.INSUFFICIENT),
    _case("too-long-to-read", trial(web(canary="absent", truncated=True)), State.INSUFFICIENT),
    _case("failure-unclear", trial(failed("http_invalid_response")), State.INSUFFICIENT),
    _case("coding-unknown", trial(web(canary="absent", undecoded="sdch")), State.INSUFFICIENT),
    _case("results-locked", trial(web(canary="absent", page_words=5, locked=True)), State.BLOCKED,
          Mechanism.SAFE_MODE),
    _case("piece-missing", trial(web(canary="absent", page_words=5)), State.INSUFFICIENT),
)  # fmt: skip

PAGE = (
    _case("page-learned", trial(web(canary="absent", title="Hello")), State.BLOCKED,
          Mechanism.BLOCK_PAGE, fingerprints=FilterFingerprints(titles=frozenset({"hello"}))),
    _case("page-under-interception", trial(
              web(HTTPS, canary="absent", text=NOTICE, certificate=SUPPLIER),
              web(HTTPS, certificate=OWN)),
          State.BLOCKED, Mechanism.TLS_INTERCEPT_PAGE),
    _case("origin-451", trial(foreign(HTTPS, status=451, certificate=OWN),
                              foreign(HTTPS, certificate=OWN), host=THEIRS), State.INSUFFICIENT),
    _case("status-451", trial(web(canary="absent", status=451)), State.BLOCKED,
          Mechanism.HTTP_451),
    _case("status-403", trial(web(canary="absent", status=403)), State.BLOCKED,
          Mechanism.BLOCK_PAGE),
    _case("frame-not-followed", trial(
              web(canary="absent", text=NOTICE, inner=(web("http://a.test/", status=None, canary="absent"),))),
          State.INSUFFICIENT),
    _case("transition-not-carried", trial(web(canary="absent", status=503),
              stratum="DRUG/transition:nat64"), State.BLOCKED, Mechanism.PROXY_REFUSAL),
    _case("token-missing-server-error", trial(web(canary="absent", status=502),
              stratum="DRUG/address:http"), State.INSUFFICIENT),
    _case("notice-beside-content", trial(web(canary="absent", text=NOTICE, embedded=1)),
          State.INSUFFICIENT),
    _case("file-without-content", trial(web(canary="absent", asked=True), _FILE), State.ALTERED),
    _case("page-not-recognised", trial(web(canary="absent")), State.INSUFFICIENT),
    _case("origin-refusal", _page(status=403, title="Just a moment...", text="Ray ID: 7a"),
          State.INSUFFICIENT),
    _case("page-authentic", trial(foreign(HTTPS, title="Another day", text="", certificate=OWN),
                                  foreign(HTTPS, certificate=OWN), host=THEIRS), State.ALLOWED),
    _case("parked", _page(title="town-library.org", text="This domain is for sale."), State.DOWN),
    _case("page-redirect", _page(url="http://blocked.isp.example/", title="Sorry", text=NOTICE),
          State.BLOCKED, Mechanism.REDIRECT),
    _case("page-recognised", _page(title="Sorry", text=NOTICE), State.BLOCKED,
          Mechanism.BLOCK_PAGE),
    _case("page-shrunken", _page(text="Back to your lesson, please.", body_length=300),
          State.INSUFFICIENT),
    _case("page-same", _page(text=PROSE + "Today: a reading.", body_length=9100), State.ALLOWED),
    _case("page-bears-own-name", trial(
              foreign(title="Town Library: games evening", text="Come and play! " * 40),
              foreign(), host="www.townlibrary.org"), State.ALLOWED),
    _case("page-unlike", _page(title="Hello", text="Not today, friend.", body_length=120),
          State.INSUFFICIENT),
    _case("page-server-error", _page(status=503, title="503", text="", body_length=30),
          State.INSUFFICIENT),
    _case("page-unclear", _page(status=404, title="Not found", text="No such thing here.",
                                body_length=130), State.INSUFFICIENT),
)  # fmt: skip


def _alone(**facts: Any) -> Trial:
    return trial(foreign(**facts), alone=True, host=THEIRS)


PROVEN = trial(foreign(HTTPS, certificate=OWN), failed("generic_timeout_error"), host=THEIRS)
"""A page over verified TLS, beside a control that did not get it."""

ALONE = (
    _case("alone-origin-refusal", _alone(title="Just a moment...", text=""), State.INSUFFICIENT,
          alone=True),
    _case("alone-parked", _alone(text="Buy this domain"), State.DOWN, alone=True),
    _case("alone-intercepted", _alone(text=NOTICE, certificate=SUPPLIER), State.BLOCKED,
          Mechanism.TLS_INTERCEPT_PAGE, alone=True),
    _case("alone-redirect", _alone(text=NOTICE, hops=(
              Hop(url=f"http://{THEIRS}/", status=302, location="http://blocked.isp.example/"),)),
          State.BLOCKED, Mechanism.REDIRECT, alone=True),
    _case("alone-451", _alone(text=NOTICE, status=451), State.BLOCKED, Mechanism.HTTP_451,
          alone=True),
    _case("alone-block-page", _alone(text=NOTICE), State.BLOCKED, Mechanism.BLOCK_PAGE,
          alone=True),
    _case("dns-answered-alone", trial(
              dns("198.51.100.9"), failed("dns_nxdomain_error", "resolve"), host=THEIRS),
          State.BLOCKED, Mechanism.DNS_SINKHOLE, alone=True),
    _case("proven-origin", PROVEN, State.ALLOWED, alone=True),
    _case("alone-unclear", _alone(), State.INSUFFICIENT, alone=True),
)  # fmt: skip

CONTENT = SealedFacts(arrived="content", status=200)
LEARNED = "ab" * 32


def _notice(mechanism: str, status: int | None = 403, notice: str = "") -> Trial:
    """A notice of a sealed entry, beside a control on which its content came."""
    facts = SealedFacts(arrived="notice", status=status, mechanism=mechanism, notice=notice)
    return trial(facts, CONTENT)


SEALED = (
    _case("list-program-failed", trial(failed("instrument_list_program", "instrument", "it ended")),
          State.INSUFFICIENT),
    _case("sealed-gone", trial(CONTENT, SealedFacts(arrived="notice", mechanism="redirect")),
          State.DOWN),
    _case("sealed-gone", trial(CONTENT, SealedFacts(arrived="content", status=404)), State.DOWN),
    _case("sealed-content", trial(CONTENT, CONTENT), State.ALLOWED),
    _case("sealed-block-page", _notice("block_page"), State.BLOCKED, Mechanism.BLOCK_PAGE),
    _case("sealed-http-451", _notice("http_451", 451), State.BLOCKED, Mechanism.HTTP_451),
    _case("sealed-proxy-refusal", _notice("proxy_refusal"), State.BLOCKED, Mechanism.PROXY_REFUSAL),
    *(_case(f"sealed-{mechanism.value.replace('_', '-')}",
            _notice(mechanism.value, None, LEARNED), State.BLOCKED, mechanism,
            fingerprints=FilterFingerprints(notices=frozenset({LEARNED})))
      for mechanism in (Mechanism.REDIRECT, Mechanism.TLS_INTERCEPT_PAGE, Mechanism.DNS_SINKHOLE)),
    _case("sealed-notice-unknown", _notice("block_page", 200, LEARNED), State.INSUFFICIENT),
    _case("sealed-notice-unknown", _notice("redirect", 302), State.INSUFFICIENT),
)  # fmt: skip

CASES: tuple[RuleCase, ...] = (
    *GROUND,
    *OTHER_RECORDS,
    *HTTPS_RECORDS,
    *DNS,
    *PRIVATE,
    *WEB,
    *PAGE,
    *ALONE,
    *SEALED,
    *QUERIES,
    *TECHNIQUES,
    *TLS,
)
