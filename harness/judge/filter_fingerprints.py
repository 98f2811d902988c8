"""Learn how a supplier blocks, from its must-block sentinels and its declared block page.

What the supplier's own filter has just shown is better evidence than any list of other people's
block pages. Some blocks look like network trouble (503 to CONNECT, SERVFAIL) unless the must-block
sentinels met the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.judge import block_page_classifier
from harness.judge.block_page_check import (
    READ,
    has_styles_by_header,
    is_wordless,
    may_hold_other_content,
    shown_beside_text,
)
from harness.model.facts import DnsFacts, SealedFacts, WebFacts
from harness.model.observation import Observation
from harness.model.service_declaration import BlockPage
from harness.model.sketch import Sketch, share_within

REFUSING = 400
WORDY = 12
"""Characters from which a text is long enough to be recognised."""
LIKE = 0.9
"""Likeness from which two texts are the same page, host names and numbers aside."""
AKIN = 0.4
"""The same for two texts under one title."""


ALIKE_SKETCHES = 0.6
"""Share of shingles, in both directions, from which two sketched texts are the same page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterFingerprints:
    """What the must-block sentinels of one line have met; empty where nothing was learned.

    ``phrases`` were declared: they stand somewhere on the block page. ``embedded`` is the largest
    number of pictures, frames and scripts on one of these pages, and ``parts`` are the marks of
    those that are the same wherever they stand (``WebFacts.parts``). ``servers`` are those that
    redirects led to (``block_page_classifier.server_of``), ``notices`` the keyed digests of notices
    that a sealed list program met.
    """

    tunnel_statuses: frozenset[int] = frozenset()
    statuses: frozenset[int] = frozenset()
    titles: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    digests: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    servers: frozenset[str] = frozenset()
    rcodes: frozenset[str] = frozenset()
    sinkholes: frozenset[str] = frozenset()
    failures: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()
    title_marks: frozenset[str] = frozenset()
    sketches: frozenset[Sketch] = frozenset()
    embedded: int = 0
    notices: frozenset[str] = frozenset()
    parts: frozenset[int] = frozenset()

    def merged_with(self, other: FilterFingerprints) -> FilterFingerprints:
        """The fingerprints of both."""
        return FilterFingerprints(
            tunnel_statuses=self.tunnel_statuses | other.tunnel_statuses,
            statuses=self.statuses | other.statuses,
            titles=self.titles | other.titles,
            texts=tuple(sorted({*self.texts, *other.texts})),
            digests=self.digests | other.digests,
            hosts=self.hosts | other.hosts,
            servers=self.servers | other.servers,
            rcodes=self.rcodes | other.rcodes,
            sinkholes=self.sinkholes | other.sinkholes,
            failures=self.failures | other.failures,
            phrases=tuple(dict.fromkeys(self.phrases + other.phrases)),
            title_marks=self.title_marks | other.title_marks,
            sketches=self.sketches | other.sketches,
            embedded=max(self.embedded, other.embedded),
            notices=self.notices | other.notices,
            parts=self.parts | other.parts,
        )

    def may_hold_other_content(
        self, web: WebFacts, control: WebFacts | None, read: int = READ
    ) -> bool:
        """Whether a page may hold content beside the ``read`` characters it is known by."""
        known = max(self.embedded, sum(part in self.parts for part in web.parts))
        return may_hold_other_content(web, control, self.sketches, embedded=known, read=read)

    def matches_page(self, web: WebFacts, control: WebFacts | None) -> bool:
        """Whether a page is a known block page, holds nothing else, and is not the control's."""
        is_same = bool(web.body_sha256) and web.body_sha256 in self.digests
        if is_same and (not has_styles_by_header(web) or shown_beside_text(web) <= self.embedded):
            return True
        if self._is_at_known_host(web, control):
            return True
        if self.may_hold_other_content(web, control):
            return False
        says = any(_says(web, each) and not _says(control, each) for each in self.phrases)
        return says or self._matches_sketch(web, control) or self._matches_words(web, control)

    def _matches_words(self, web: WebFacts, control: WebFacts | None) -> bool:
        """Whether title or text match; without either, whether the status does."""
        if not any((self.titles, self.texts, self.statuses)):
            return False
        title, text = (
            block_page_classifier.normal(web.title, web.url),
            block_page_classifier.normal(web.text, web.url),
        )
        likeness = max(
            (block_page_classifier.alike(text, known) for known in self.texts), default=0.0
        )
        if title in self.titles and (
            control is None or title != block_page_classifier.normal(control.title)
        ):
            # A title is copied easily: where texts are known, the text must be akin to one.
            return not (text and self.texts) or likeness >= AKIN
        if not title and not web.text:
            shows_nothing = not (web.embedded or web.sketch)
            return web.status in self.statuses and shows_nothing
        return bool(text) and likeness >= LIKE

    def _matches_sketch(self, web: WebFacts, control: WebFacts | None) -> bool:
        """Whether the page's text is a known one, by keyed sketches alone.

        Needed for items whose text is not kept.
        """
        likeness = max((_mutual_share(web.sketch, known) for known in self.sketches), default=0.0)
        if likeness >= ALIKE_SKETCHES:
            return True
        same_title = control is not None and web.title_mark == control.title_mark
        return web.title_mark in self.title_marks and not same_title and likeness >= AKIN

    def _is_at_known_host(self, web: WebFacts, control: WebFacts | None) -> bool:
        """Whether a page is at a known host, or only leads there, and the control's was not.

        The host is not text of the page, so no text counts as read. Frames that came are judged as
        pages themselves.
        """
        hosts = self.hosts - _hosts_of(control)
        if not hosts:
            return False
        if _final_host(web) in hosts:
            return not self.may_hold_other_content(web, control, read=0)
        framed = {block_page_classifier.host_of(each) for each in web.frames}
        if not is_wordless(web) or not framed or not framed <= hosts:
            return False
        came = any(page.status is not None for page in web.inner)
        only_leads = web.embedded <= max(self.embedded, 1)
        return only_leads and not came


NO_FINGERPRINTS = FilterFingerprints()


def declared_fingerprints(page: BlockPage | None) -> FilterFingerprints:
    """Return the fingerprints of the block page that the submission declares."""
    if page is None:
        return NO_FINGERPRINTS
    title, phrase = (
        block_page_classifier.normal(page.title),
        block_page_classifier.normal(page.text),
    )
    return FilterFingerprints(
        titles=frozenset({title} - {""}),
        phrases=(phrase,) if phrase else (),
        hosts=frozenset({page.host.lower().rstrip(".")} - {""}),
    )


def _hosts_of(web: WebFacts | None) -> frozenset[str]:
    """The hosts of the URLs of a page, of its redirects and its frames."""
    if web is None:
        return frozenset()
    return block_page_classifier.hosts_of(web) | frozenset(
        map(block_page_classifier.host_of, web.frames)
    )


def _final_host(web: WebFacts) -> str:
    """The host at which an answer ends, or that an unfollowed redirect leads to."""
    last = web.hops[-1] if web.hops else None
    unfollowed = last is not None and last.url == web.url and web.status == last.status
    return block_page_classifier.host_of(last.location if last and unfollowed else web.url)


def _mutual_share(one: Sketch, other: Sketch) -> float:
    """How much of either text is in the other: the smaller of the two shares."""
    return min(share_within(one, other), share_within(other, one))


def _says(web: WebFacts | None, phrase: str) -> bool:
    return web is not None and phrase in block_page_classifier.normal(web.text)


def learn_fingerprints(blocked: Iterable[Observation]) -> FilterFingerprints:
    """Return what the service's observations of must-block sentinels show of its block method.

    Pass only sentinels that the control answered and the service did not let through.
    """
    seen = list(blocked)
    pages = [one.facts for one in seen if isinstance(one.facts, WebFacts)]
    answers = [one.facts for one in seen if isinstance(one.facts, DnsFacts)]
    sealed = [one.facts for one in seen if isinstance(one.facts, SealedFacts)]
    landings = [answer.landing for answer in answers if answer.landing is not None]
    came = (*pages, *landings, *(inner for page in pages for inner in page.inner))
    shown = [page for page in came if page.status is not None]
    titles = (block_page_classifier.normal(page.title, page.url) for page in shown)
    texts = {
        block_page_classifier.normal(page.text, page.url)
        for page in shown
        if len(page.text) > WORDY
    }
    return FilterFingerprints(
        tunnel_statuses=frozenset(page.tunnel_status or 0 for page in pages) - {0, 200},
        statuses=frozenset(
            page.status or 0 for page in shown if not page.title and (page.status or 0) >= REFUSING
        ),
        titles=frozenset(title for title in titles if title),
        texts=tuple(sorted(texts)),
        digests=frozenset(page.body_sha256 for page in shown if page.body_length),
        hosts=frozenset().union(*map(_block_page_hosts, seen)),
        servers=frozenset().union(*map(_redirect_servers, seen)),
        rcodes=frozenset(answer.rcode for answer in answers if answer.rcode),
        sinkholes=frozenset(address for answer in answers for address in answer.addresses),
        failures=frozenset(one.failure.name for one in seen if one.failure is not None),
        title_marks=frozenset(page.title_mark for page in shown if page.title_mark),
        sketches=frozenset(page.sketch for page in shown if page.sketch),
        embedded=max(map(shown_beside_text, shown), default=0),
        notices=frozenset(one.notice for one in sealed if one.notice),
        parts=frozenset(part for page in shown for part in page.parts),
    )


def _redirect_servers(observation: Observation) -> frozenset[str]:
    """The servers that redirects led to, away from the host that was tried."""
    web = observation.facts
    if not isinstance(web, WebFacts):
        return frozenset()
    urls = (*(hop.location for hop in web.hops), *block_page_classifier.urls_of(web))
    away = (url for url in urls if block_page_classifier.host_of(url) != observation.item.host)
    return frozenset(map(block_page_classifier.server_of, away)) - {""}


def _block_page_hosts(observation: Observation) -> frozenset[str]:
    if not isinstance(observation.facts, WebFacts):
        return frozenset()
    home = frozenset({observation.item.host})
    away = block_page_classifier.host_redirected_to(observation.facts, home)
    framed = {block_page_classifier.host_of(address) for address in observation.facts.frames}
    return frozenset({away} | framed) - home - {""}
