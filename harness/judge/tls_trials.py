"""Collect the trials of checks of TLS, with what the control line shows and the origin saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from harness.model.batch import turn_of
from harness.model.facts import ArrivalFacts, TlsFacts
from harness.model.observation import Observation
from harness.model.tls_check import tls_case
from harness.model.tls_trial import ServiceTls, TlsTrial
from harness.model.tls_view import TlsOffer, TlsView
from harness.model.verdict import BRACKET_FAILED, Mechanism, Trial, Verdict


class TlsTrials:
    """The trials of checks of TLS in a journal, held in memory: there are few of them."""

    def __init__(self) -> None:
        self._trials: list[TlsTrial] = []
        self._offers: dict[str, tuple[TlsOffer, ...]] = {}

    def separate(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        """Yield all observations; keep the offers that the origin saw."""
        for one in observations:
            if isinstance(one.facts, ArrivalFacts):
                self._offers[one.nonce] = one.facts.offers
            yield one

    def count(self, trial: Trial, verdict: Verdict) -> None:
        """Keep a trial of a check of TLS; ignore all others."""
        item, key = trial.service.item, trial.key
        case = tls_case(item.stratum)
        if not case or not isinstance(trial.service.facts, TlsFacts):
            return
        self._trials.append(
            TlsTrial(
                item=item.id,
                host=item.host,
                case=case,
                line=key.line,
                profile=key.profile,
                turn=turn_of(key.round),
                nonce=trial.service.nonce,
                is_void=verdict.rule == BRACKET_FAILED,
                is_block_page=verdict.mechanism is Mechanism.BLOCK_PAGE,
                views=_views(trial.service),
                control=_views(trial.control),
            )
        )

    @property
    def tls(self) -> ServiceTls:
        """What was kept so far."""
        return ServiceTls(
            trials=tuple(
                msgspec.structs.replace(one, offers=self._offers.get(one.nonce))
                for one in self._trials
            )
        )


def _views(seen: Observation | None) -> tuple[TlsView, ...]:
    facts = seen.facts if seen is not None else None
    return facts.views if isinstance(facts, TlsFacts) else ()
