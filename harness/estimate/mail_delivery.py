"""How soon mail arrives, whether its sender is verified, and whether it is encrypted (EML-05)."""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness.estimate.item_selection import Selection
from harness.estimate.mail_selection import Mails, barred, unknown_mails, witness
from harness.estimate.quantile_bounds import TimedSample
from harness.estimate.rates import MeasuredMetric
from harness.model.condition import Condition
from harness.model.mail_case import DIRECTIONS, VARIANTS, Direction, case_named
from harness.model.service_mail import READ_AFTER, SentMail

CLOCKS = 5.0
"""Seconds by which a mail may seem to arrive before it was sent: clocks that are hardly wrong."""


def mail_delivery_delay(selection: Selection) -> MeasuredMetric:
    """Compute a quantile of the time until legitimate mail arrives.

    A mail that did not arrive is later than all others. Beside that, forged senders must be
    recognised, mail of a verified sender must arrive, and both servers must offer TLS.
    """
    mails = Mails(selection)
    quantile = selection.measure.quantile or 0.95
    own = [one for one in mails.of("ham", "signed") if one.accepted is not None]
    raw = [one.delay for one in own if one.delay is not None]
    decided = [one for one in own if one.delay is not None or mails.is_right(one) is False]
    never = [one for one in decided if one.delay is None]
    latest = max([READ_AFTER.total_seconds(), *raw])
    sample = TimedSample(
        times=[math.inf if one.delay is None else max(0.0, one.delay) for one in decided],
        least=[latest if one.delay is None else max(0.0, one.delay) for one in decided],
        quantile=quantile,
        alpha=selection.alpha,
        unknown=len(own) - len(decided),
        mark=selection.at_most,
    )
    against = [*never, *mails.wrong(mails.of("forged", "signed"))]
    return MeasuredMetric(
        metric=sample.in_seconds("mail_delivery_delay"),
        witnesses=tuple(map(witness, against)),
        barred=barred(selection),
        conditions=(
            *_senders(mails),
            *_encryption(mails),
            *_clock(raw),
            *unknown_mails(selection),
        ),
    )


def _senders(mails: Mails) -> Iterator[Condition]:
    """Yield whether each kind of forged sender is recognised, and verified ones get through."""
    for variant, words in VARIANTS["forged"].items():
        own = [one for one in mails.of("forged") if case_named(one.case).variant == variant]
        yield _all_right(mails, own, f"mail is stopped or marked that was {words}")
    yield _all_right(mails, mails.of("signed"), "mail of a verified sender arrives")


def _all_right(mails: Mails, own: list[SentMail], name: str) -> Condition:
    answers = [mails.is_right(one) for one in own]
    if False in answers:
        wrong = answers.count(False)
        return Condition(name=name, held=False, detail=f"{wrong} of {len(answers)} were not")
    return Condition(name=name, held=True if answers and None not in answers else None)


def _encryption(mails: Mails) -> Iterator[Condition]:
    """Yield whether the server of each direction offers TLS, and a handshake succeeds."""
    for way, words in DIRECTIONS.items():
        yield Condition(
            name=f"the server for {words} mail offers TLS", held=_is_encrypted(mails, way)
        )


def _is_encrypted(mails: Mails, way: Direction) -> bool | None:
    facts = [
        one.facts for one in mails.all if one.direction == way and one.facts and one.facts.offers
    ]
    return all(each.encrypted for each in facts) if facts else None


def _clock(delays: list[float]) -> Iterator[Condition]:
    """Yield a condition if the clock of the mailbox is seen to be slow."""
    early = -min(delays, default=0.0)
    if early > CLOCKS:
        detail = f"mail seems to arrive {early:.0f} s before it was sent"
        yield Condition(name="the clock of the mailbox is right", held=None, detail=detail)
