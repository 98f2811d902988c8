"""Learns how a supplier blocks from its must-block sentinels and its submission.

A fingerprint that the supplier's own filter has just shown us beats any list of other
people's block pages (see PEERS, lesson 1); and some blocks look like trouble (a 503 on
CONNECT, a SERVFAIL) unless one has seen the supplier do it on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.campaign import BlockPage
from harness.model.observation import DnsFacts, Observation, WebFacts
from harness.model.sketch import Sketch, share_within
from harness.stages.judge import recognise

REFUSING = 400
WORDY = 12
"""Characters from which a text says enough to be known again."""
LIKE = 0.9
"""Two texts this alike, host names and numbers aside, are one page."""
AKIN = 0.4
"""Two texts this alike under one title are one page."""


ALIKE_SKETCHES = 0.6
"""Share of shingles, both ways, from which two sketched texts are one page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lore:
    """What the must-block sentinels of one line have met. Empty where nothing was learned.

    ``phrases`` were declared: they stand somewhere on the block page.
    """

    tunnel_statuses: frozenset[int] = frozenset()
    statuses: frozenset[int] = frozenset()
    titles: frozenset[str] = frozenset()
    texts: tuple[str, ...] = ()
    digests: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    rcodes: frozenset[str] = frozenset()
    sinkholes: frozenset[str] = frozenset()
    failures: frozenset[str] = frozenset()
    phrases: tuple[str, ...] = ()
    title_marks: frozenset[str] = frozenset()
    sketches: frozenset[Sketch] = frozenset()

    def beside(self, other: Lore) -> Lore:
        """What both know."""
        return Lore(
            tunnel_statuses=self.tunnel_statuses | other.tunnel_statuses,
            statuses=self.statuses | other.statuses,
            titles=self.titles | other.titles,
            texts=tuple(sorted({*self.texts, *other.texts})),
            digests=self.digests | other.digests,
            hosts=self.hosts | other.hosts,
            rcodes=self.rcodes | other.rcodes,
            sinkholes=self.sinkholes | other.sinkholes,
            failures=self.failures | other.failures,
            phrases=tuple(dict.fromkeys(self.phrases + other.phrases)),
            title_marks=self.title_marks | other.title_marks,
            sketches=self.sketches | other.sketches,
        )

    def knows_page(self, web: WebFacts, control: WebFacts | None) -> bool:
        """Whether a page is one of those known, and is not what the control saw too."""
        known = (self.titles, self.texts, self.digests, self.hosts, self.statuses, self.phrases)
        if not any((*known, self.title_marks, self.sketches)):
            return False
        if (web.body_sha256 and web.body_sha256 in self.digests) or self._has_mark(web, control):
            return True
        if self._knows_fingerprint(web, control):
            return True
        title, text = recognise.normal(web.title, web.url), recognise.normal(web.text, web.url)
        likeness = max((recognise.alike(text, known) for known in self.texts), default=0.0)
        if title in self.titles and (control is None or title != recognise.normal(control.title)):
            # A title is copied easily: where texts are known, the text must be akin to one.
            return not (text and self.texts) or likeness >= AKIN
        if not title and not web.text:
            shows_nothing = not (web.embedded or web.sketch)
            return web.status in self.statuses and shows_nothing
        return bool(text) and likeness >= LIKE

    def _knows_fingerprint(self, web: WebFacts, control: WebFacts | None) -> bool:
        """Whether the page's text is one of those known, told by keyed sketches alone.

        So the block page of an item is known whose words are not kept.
        """
        likeness = max((_resembles(web.sketch, known) for known in self.sketches), default=0.0)
        if likeness >= ALIKE_SKETCHES:
            return True
        same_title = control is not None and web.title_mark == control.title_mark
        return web.title_mark in self.title_marks and not same_title and likeness >= AKIN

    def _has_mark(self, web: WebFacts, control: WebFacts | None) -> bool:
        """Whether a page leads to a known host or says a known phrase, and the control did not."""
        if self.hosts & (_leads_to(web) - _leads_to(control)):
            return True
        return any(_says(web, phrase) and not _says(control, phrase) for phrase in self.phrases)


NOTHING_LEARNED = Lore()


def declare(page: BlockPage | None) -> Lore:
    """What the submission says of its block page."""
    if page is None:
        return NOTHING_LEARNED
    title, phrase = recognise.normal(page.title), recognise.normal(page.text)
    return Lore(
        titles=frozenset({title} - {""}),
        phrases=(phrase,) if phrase else (),
        hosts=frozenset({page.host.lower().rstrip(".")} - {""}),
    )


def _leads_to(web: WebFacts | None) -> frozenset[str]:
    """The hosts that a page came by, and those that it frames or forwards to."""
    if web is None:
        return frozenset()
    return recognise.hosts_of(web) | frozenset(map(recognise.host_of, web.frames))


def _resembles(one: Sketch, other: Sketch) -> float:
    """How much of either text stands in the other: the smaller share of the two."""
    return min(share_within(one, other), share_within(other, one))


def _says(web: WebFacts | None, phrase: str) -> bool:
    return web is not None and phrase in recognise.normal(web.text)


def learn(blocked: Iterable[Observation]) -> Lore:
    """What the service's observations of must-block sentinels have in common with no one else.

    Call it only with sentinels whose control was healthy and that were not let through.
    """
    seen = list(blocked)
    pages = [one.facts for one in seen if isinstance(one.facts, WebFacts)]
    answers = [one.facts for one in seen if isinstance(one.facts, DnsFacts)]
    shown = [page for page in pages if page.status is not None]
    titles = (recognise.normal(page.title, page.url) for page in shown)
    texts = {recognise.normal(page.text, page.url) for page in shown if len(page.text) > WORDY}
    return Lore(
        tunnel_statuses=frozenset(page.tunnel_status or 0 for page in pages) - {0, 200},
        statuses=frozenset(
            page.status or 0 for page in shown if not page.title and (page.status or 0) >= REFUSING
        ),
        titles=frozenset(title for title in titles if title),
        texts=tuple(sorted(texts)),
        digests=frozenset(page.body_sha256 for page in shown if page.body_length),
        hosts=frozenset().union(*map(_strayed, seen)),
        rcodes=frozenset(answer.rcode for answer in answers if answer.rcode),
        sinkholes=frozenset(address for answer in answers for address in answer.addresses),
        failures=frozenset(one.failure.name for one in seen if one.failure is not None),
        title_marks=frozenset(page.title_mark for page in shown if page.title_mark),
        sketches=frozenset(page.sketch for page in shown if page.sketch),
    )


def _strayed(observation: Observation) -> frozenset[str]:
    if not isinstance(observation.facts, WebFacts):
        return frozenset()
    home = frozenset({observation.item.host})
    away = recognise.strayed_to(observation.facts, home)
    framed = {recognise.host_of(address) for address in observation.facts.frames}
    return frozenset({away} | framed) - home - {""}
