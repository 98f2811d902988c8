"""What rules look at: ``TrialFeatures`` of one trial, and the ``Rule`` type."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from harness.judge import block_page_check, block_page_classifier
from harness.judge.block_page_check import UNLIKE
from harness.judge.block_page_classifier import ENOUGH_BESIDE
from harness.judge.certificates import is_intercepted, is_public, is_same_origin
from harness.model.content_form import variant_of
from harness.model.facts import DnsFacts, ReachFacts, WebFacts
from harness.model.search_case import lock_targets
from harness.model.sketch import BARE, share_within
from harness.model.verdict import Mechanism, State, Trial

if TYPE_CHECKING:
    from harness.judge.block_page_classifier import PageClassification
    from harness.judge.filter_fingerprints import FilterFingerprints
    from harness.model.observation import Observation

SHARED = 0.3
"""Share of the control's text from which a page holds the control's content."""
NOTICE = 1800
"""Characters (or bytes) up to which a page is short."""
SHORT_NAME = 3

_TOO_LONG = re.compile(
    r"has no end|too (?:many|large|long)|more than \d+ bytes|HEADERS_TOO_BIG", re.IGNORECASE
)
"""How the backends and Chromium say that a head was too long."""

RCODE_OF_FAILURE = {
    "dns_nxdomain_error": "NXDOMAIN",
    "dns_refused_error": "REFUSED",
    "dns_servfail_error": "SERVFAIL",
    "dns_no_answer": "NOERROR",
    "dns_temporary_failure": "SERVFAIL",
    "dns_non_recoverable_failure": "SERVFAIL",
    "dns_server_misbehaving": "SERVFAIL",
}
"""The response code that each failure of a stub resolver means (OONI df-007-errors)."""


class TrialFeatures:
    """What the rules know of one trial; features that take time are computed on first use."""

    def __init__(self, trial: Trial, fingerprints: FilterFingerprints) -> None:
        self.fingerprints = fingerprints
        self.service: Observation = trial.service
        self.control: Observation | None = trial.control
        facts = self.service.facts
        other = self.control.facts if self.control is not None else None
        self.web = facts if isinstance(facts, WebFacts) else None
        self.dns = facts if isinstance(facts, DnsFacts) else None
        self.reach = facts if isinstance(facts, ReachFacts) else None
        self.control_web = other if isinstance(other, WebFacts) else None
        self.control_dns = other if isinstance(other, DnsFacts) else None
        self.control_reach = other if isinstance(other, ReachFacts) else None
        failure = self.service.failure
        self.failure = failure.name if failure is not None else ""
        self.stage = failure.stage if failure is not None else ""
        self.is_dns = self.dns is not None or self.control_dns is not None
        self.status = self.web.status if self.web is not None else None
        self.tunnel = (self.web.tunnel_status if self.web is not None else None) or 0

    @cached_property
    def host(self) -> str:
        """The host that was tried."""
        return self.service.item.host

    @cached_property
    def control_has_token(self) -> bool:
        """Whether the control saw our origin's token, also inside a page that only frames another.

        Then only the token means *allowed*.
        """
        web = self.control_web
        return web is not None and any(each.canary == "seen" for each in (web, *web.inner))

    @cached_property
    def landing(self) -> TrialFeatures | None:
        """The page at the address that a resolver gave, as a trial of its own; None without one."""
        page = self.dns.landing if self.dns is not None else None
        return self.beside(page, None) if page is not None else None

    def beside(self, page: WebFacts, control: WebFacts | None) -> TrialFeatures:
        """Another page of this attempt, beside one of the control's, as a trial of its own."""
        service = msgspec.structs.replace(self.service, facts=page, failure=None)
        other = None
        if self.control is not None and control is not None:
            other = msgspec.structs.replace(self.control, facts=control)
        return TrialFeatures(Trial(service=service, control=other), self.fingerprints)

    @cached_property
    def content_arrived(self) -> bool:
        """Whether the last page is the origin's, by its token or its words.

        The page of another host of the zone counts if the control ended at that host as well.
        """
        if self.web is None:
            return False
        if self.web.canary == "elsewhere" and self.control_web is not None:
            there = block_page_classifier.host_of(self.control_web.url)
            return block_page_classifier.host_of(self.web.url) == there
        return self.web.canary == "seen"

    @cached_property
    def origin_page_inside(self) -> str:
        """The URL of the first inner page that is the origin's; empty if there is none."""
        inner = self.web.inner if self.web is not None else ()
        return next((page.url for page in inner if page.canary == "seen"), "")

    @cached_property
    def unfollowed_url(self) -> str:
        """The URL of the first frame or inner redirect that gave no page; empty if there is none.

        A host of the supplier's block page, declared or learned, need not answer.
        """
        inner = self.web.inner if self.web is not None else ()
        return next(
            (
                page.url
                for page in inner
                if page.status is None
                and block_page_classifier.host_of(page.url) not in self.fingerprints.hosts
            ),
            "",
        )

    @cached_property
    def is_unlike_origin(self) -> bool:
        """Whether the service's page does not hold the words of the control's page."""
        if self.web is None or self.control_web is None:
            return True
        if self.web.body_sha256 and self.web.body_sha256 == self.control_web.body_sha256:
            return False
        shared = share_within(self.control_web.sketch, self.web.sketch)
        return shared < SHARED and self.same_words < UNLIKE

    @cached_property
    def shows_another_page(self) -> bool:
        """Whether the origin's marks came in a page whose visible text is not that of its page.

        False where that is not known: no text on the control line, or none recorded here.
        """
        one, other = self.web, self.control_web
        if one is None or other is None or (one.canary, other.canary) != ("seen", "seen"):
            return False
        if not other.sketch or other.text_length <= BARE:
            return False
        if one.text_length <= BARE:
            return one.status is not None
        return bool(one.sketch) and self.is_unlike_origin

    def is_locked_by(self, facts: DnsFacts | None) -> bool:
        """Whether an answer leads to a name or address that locks the item, a search engine.

        An address that only the engine itself has on the control line shows that it does not, and
        one that both have shows nothing.
        """
        targets = lock_targets(variant_of(self.service.item.stratum), self.host)
        if facts is None or not targets:
            return False
        known = set(self.control_dns.target_addresses) if self.control_dns is not None else set()
        if (self.control_answers - known) & set(facts.addresses):
            return False
        telling = frozenset[str]() if self.control_answers & known else known
        return facts.leads_to(targets, telling)

    @cached_property
    def answered(self) -> bool:
        """Whether the service gave a complete web answer."""
        return self.status is not None and not self.failure

    @cached_property
    def head_is_unread(self) -> bool:
        """Whether the head of an answer was too long to read, so that a page may follow it."""
        failure = self.service.failure
        is_invalid = failure is not None and failure.name == "http_invalid_response"
        return is_invalid and bool(_TOO_LONG.search(failure.detail if failure else ""))

    @cached_property
    def rcode(self) -> str:
        """The response code of a DNS trial, from the answer or the name of the failure."""
        if self.dns is not None and self.dns.rcode:
            return self.dns.rcode
        return RCODE_OF_FAILURE.get(self.failure, "")

    @cached_property
    def addresses(self) -> frozenset[str]:
        """The addresses that the service's resolver gave."""
        return frozenset(self.dns.addresses) if self.dns is not None else frozenset()

    @cached_property
    def answers(self) -> frozenset[str]:
        """The records that the service's resolver gave of the type that was asked for."""
        return self.dns.answers if self.dns is not None else frozenset()

    @cached_property
    def control_answers(self) -> frozenset[str]:
        """The records that the control gave of the type that was asked for."""
        return self.control_dns.answers if self.control_dns is not None else frozenset()

    @cached_property
    def control_addresses(self) -> frozenset[str]:
        """The addresses that the control gave."""
        return frozenset(self.control_dns.addresses) if self.control_dns else frozenset()

    @cached_property
    def intercepted(self) -> bool:
        """Whether another party's certificate was shown instead of the origin's."""
        if self.web is None or self.control_web is None:
            return False
        return is_intercepted(self.web.certificate, self.control_web.certificate)

    @cached_property
    def issuer_is_private(self) -> bool:
        """Whether the certificate was issued by no public authority."""
        certificate = self.web.certificate if self.web is not None else None
        return bool(certificate and certificate.issuer) and not is_public(
            certificate.issuer if certificate else ""
        )

    @cached_property
    def is_secure(self) -> bool:
        """Whether the last page came over TLS from the host itself, or all requests used TLS."""
        if self.web is None:
            return False
        urls = block_page_classifier.urls_of(self.web)
        home = block_page_classifier.is_same_site_host(
            block_page_classifier.host_of(urls[-1]), self.host
        )
        return _is_tls(urls[-1]) and (home or all(map(_is_tls, urls)))

    @cached_property
    def authentic(self) -> bool:
        """Whether the answer came over TLS that ends at the origin, as the control's did."""
        if self.web is None or self.control_web is None or not self.is_secure:
            return False
        return is_same_origin(self.web.certificate, self.control_web.certificate)

    @cached_property
    def proven(self) -> bool:
        """Whether the page came over TLS with a certificate of a public authority."""
        if self.web is None or not self.answered or not self.is_secure:
            return False
        return is_same_origin(self.web.certificate, None)

    @cached_property
    def classification(self) -> PageClassification:
        """The classification of the service's page by itself."""
        return (
            block_page_classifier.classify_page(self.web)
            if self.web is not None
            else block_page_classifier.UNCLASSIFIED
        )

    @cached_property
    def is_led_to_block_page_address(self) -> bool:
        """Whether the client was sent to an address that looks like that of a block page."""
        return self.web is not None and block_page_classifier.leads_to_block_page_address(self.web)

    @cached_property
    def control_classification(self) -> PageClassification:
        """The classification of the control's page by itself."""
        return (
            block_page_classifier.classify_page(self.control_web)
            if self.control_web
            else block_page_classifier.UNCLASSIFIED
        )

    @cached_property
    def likeness(self) -> float:
        """How alike both pages are, 0 to 1."""
        if self.web is None or self.control_web is None:
            return 0.0
        if self.web.sketch and self.control_web.sketch and not self.web.text:
            one, other = self.web.sketch, self.control_web.sketch
            return min(share_within(one, other), share_within(other, one))
        return block_page_classifier.likeness(self.web, self.control_web)

    @cached_property
    def same_words(self) -> float:
        """How alike the visible words of both pages are, 0 to 1; 0 where either has none."""
        one, other = self.web, self.control_web
        if one is None or other is None:
            return 0.0
        return block_page_classifier.alike(
            block_page_classifier.normal(one.text, one.url),
            block_page_classifier.normal(other.text, other.url),
        )

    @cached_property
    def redirected_host(self) -> str:
        """The host that only the service redirected the client to; empty if there is none."""
        if self.web is None:
            return ""
        home = (
            block_page_classifier.hosts_of(self.control_web)
            if self.control_web
            else frozenset[str]()
        )
        kin = (
            block_page_classifier.is_same_site_host
            if self.control_has_token
            else block_page_classifier.has_same_site_name
        )
        return block_page_classifier.host_redirected_to(self.web, home | {self.host}, kin)

    @cached_property
    def same_server(self) -> bool:
        """Whether the answer has rare headers in common with the control's."""
        if self.web is None or self.control_web is None or self.redirected_host:
            return False
        return bool(
            block_page_classifier.rare_headers(self.web)
            & block_page_classifier.rare_headers(self.control_web)
        )

    @cached_property
    def is_notice(self) -> bool:
        """Whether the page is short compared with the control's, as notices are."""
        if self.web is None or self.control_web is None or len(self.web.text) > NOTICE:
            return False
        mine, theirs = self.web.body_length, self.control_web.body_length
        return mine is not None and (theirs is None or mine <= max(NOTICE, theirs * 0.7))

    @cached_property
    def bears_own_name(self) -> bool:
        """Whether the page's title has the site's own name, and no sign of a block."""
        if self.web is None or self.classification.weight >= ENOUGH_BESIDE or self.redirected_host:
            return False
        name = block_page_classifier.site_name_of(self.host)
        return len(name) > SHORT_NAME and name in self.web.title.casefold().replace(" ", "")

    @cached_property
    def looks_blocked(self) -> bool:
        """Whether the service's page says that it blocks, and the control's page does not.

        Beside a control's page that is quite another one, weaker signs are enough.
        """
        return block_page_check.looks_blocked(self)

    @cached_property
    def is_learned_page(self) -> bool:
        """Whether the page is the declared block page, or one that the must-block sentinels met.

        A page that also holds the control's content is not, nor is one with a frame that may.
        """
        return block_page_check.is_learned_page(self)


def _is_tls(url: str) -> bool:
    return url.startswith("https:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """If ``matches``, the verdict is ``state`` by ``mechanism``; ``says`` is the reason in words.

    ``saw`` gives the facts of the trial in words, for the witnesses. ``origin_refusal`` marks rules
    under which the origin itself, not the service, refused the client.
    """

    id: str
    matches: Callable[[TrialFeatures], object]
    state: State
    says: str
    mechanism: Mechanism = Mechanism.NONE
    saw: Callable[[TrialFeatures], str] | None = None
    origin_refusal: bool = False
