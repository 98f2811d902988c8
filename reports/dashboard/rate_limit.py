"""Limit the requests of each person or address to the API (token bucket)."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from typing import NamedTuple

from fastapi import Request, Response

from harness.model.subscriber import subscriber_of
from reports.dashboard.access import Refusal, signed_in

PER_MINUTE, BURST = 600, 120
"""How many requests one person or address may make in the long run, and at once."""

MOST_CALLERS = 10_000
"""How many callers are remembered; the one that was longest not seen is forgotten."""


class TooMany(Refusal):
    """A caller makes too many requests; in so many seconds the next is possible."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, "Too many requests", f"Wait {seconds} s, and ask less often.")
        self.headers = {"Retry-After": str(seconds)}


class _Bucket(NamedTuple):
    left: float
    at: float


class RateLimit:
    """Counts the requests of callers; its methods may be called from several threads.

    ``monotonic`` gives seconds.
    """

    def __init__(
        self,
        per_minute: int = PER_MINUTE,
        burst: int = BURST,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate, self._burst, self._now = per_minute / 60, burst, monotonic
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, caller: str) -> int:
        """Count a request; return how many more are possible at once. Raises TooMany."""
        with self._lock:
            now = self._now()
            held = self._buckets.pop(caller, _Bucket(self._burst, now))
            left = min(self._burst, held.left + (now - held.at) * self._rate)
            is_allowed = left >= 1
            self._buckets[caller] = _Bucket(left - 1 if is_allowed else left, now)
            if len(self._buckets) > MOST_CALLERS:
                self._buckets.popitem(last=False)
        if not is_allowed:
            raise TooMany(max(1, ceil((1 - left) / self._rate)))
        return int(left - 1)

    def __call__(self, request: Request, response: Response) -> None:
        """Count the request of a route, as its dependency."""
        viewer = signed_in(request).viewer
        client = subscriber_of(request.client.host if request.client else "")
        left = self.take(f"person {viewer.person}" if viewer.person else f"address {client}")
        response.headers["RateLimit-Limit"] = str(self._burst)
        response.headers["RateLimit-Remaining"] = str(left)
