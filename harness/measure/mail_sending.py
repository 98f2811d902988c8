"""Send the mails of a test through a service, and record what its servers answered.

Mails of all cases are sent in a mixed order, a few at a time. A server that answers that it is busy
(4yz, RFC 5321 section 4.2.1), as one that lists unknown senders does (RFC 6647), is asked again
after all others, up to ``MOST_TRIES`` times.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from msgspec.structs import replace

from harness.model.corpus import Item
from harness.model.mail_facts import MailFacts
from harness.model.observation import AttemptKey, Failure, Observation, Timings
from harness.model.service_log import ROUND
from harness.model.service_mail import MAIL_LINE
from harness.ports.storage import Clock

PROBE = "mail"
MOST_TRIES = 4
"""How often a mail is given to a server that answers that it is busy."""
BUSY_PAUSE = 300.0
"""Seconds until mails that a busy server did not take are sent again."""
AT_ONCE = 4
"""How many mails are sent at the same time."""
BATCH = 50
"""How many observations are written to the journal together."""

Sleep = Callable[[float], Awaitable[None]]


class Answered(NamedTuple):
    """What came of giving one mail to a server."""

    facts: MailFacts
    failure: Failure | None


class Post(Protocol):
    """Composes the mail of an item of a profile, and gives it to a server."""

    async def send(self, item: Item, profile: str) -> Answered:
        """Send it once. Never raises for what the server or the network does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSending:
    """One sending: its number in the journal (from 1), the campaign, and how fast it goes.

    ``pause`` is in seconds, after each mail.
    """

    number: int
    campaign: str
    clock: Clock
    sleep: Sleep = asyncio.sleep
    pause: float = 0.0
    busy_pause: float = BUSY_PAUSE


class _Turn(NamedTuple):
    profile: str
    item: Item
    tries: int


async def send_mails(
    mails: Iterable[tuple[str, Item]], post: Post, sending: MailSending, first: int
) -> AsyncIterator[list[Observation]]:
    """Send mails, and yield the observations in batches numbered from ``first``.

    ``mails`` are items with their profiles, in the order in which they are sent.
    """
    waiting = [_Turn(profile, item, 1) for profile, item in mails]
    while waiting:
        busy: list[_Turn] = []
        for start in range(0, len(waiting), BATCH):
            made: list[Observation] = []
            for turns in _chunks(waiting[start : start + BATCH], AT_ONCE):
                answers = await asyncio.gather(*(_send(one, post, sending, first) for one in turns))
                for turn, seen in zip(turns, answers, strict=True):
                    if _is_busy(seen) and turn.tries < MOST_TRIES:
                        busy.append(turn._replace(tries=turn.tries + 1))
                    else:
                        made.append(seen)
                if sending.pause:
                    await sending.sleep(sending.pause)
            if made:
                yield made
                first += 1
        if busy:
            await sending.sleep(sending.busy_pause)
        waiting = busy


def _chunks(turns: Sequence[_Turn], size: int) -> Iterable[Sequence[_Turn]]:
    return (turns[start : start + size] for start in range(0, len(turns), size))


async def _send(turn: _Turn, post: Post, sending: MailSending, batch: int) -> Observation:
    started: datetime = sending.clock.now()
    began = sending.clock.monotonic()
    facts, failure = await post.send(turn.item, turn.profile)
    key = AttemptKey(
        campaign=sending.campaign,
        item=turn.item.id,
        probe=PROBE,
        line=MAIL_LINE,
        profile=turn.profile,
        round=ROUND + sending.number,
    )
    return Observation(
        key=key,
        item=turn.item,
        started=started,
        batch=batch,
        role="logged",
        timings=Timings(total=sending.clock.monotonic() - began),
        facts=replace(facts, tries=turn.tries),
        failure=failure,
    )


def _is_busy(seen: Observation) -> bool:
    facts = seen.facts
    return isinstance(facts, MailFacts) and facts.code is not None and 400 <= facts.code < 500  # noqa: PLR2004 - RFC 5321 section 4.2.1
