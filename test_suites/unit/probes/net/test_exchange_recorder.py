"""A passage keeps what was met, whatever ended it."""

from __future__ import annotations

import errno
import gzip
from itertools import count

import pytest

from probes.net.exchange_recorder import ExchangeRecorder, Head


def ticking() -> ExchangeRecorder:
    ticks = count()
    return ExchangeRecorder(limit=100, clock=lambda: float(next(ticks)))


def test_phases_that_never_happened_stay_absent() -> None:
    passage = ticking()
    with passage.phase("connect", "proxy_connect"):
        assert passage.stage == "proxy_connect"
    timings = passage.exchange().timings

    assert (timings.connect, timings.total) == (1.0, 3.0)
    assert timings.tls is None
    assert timings.first_byte is None


def test_a_phase_that_broke_is_no_duration_but_a_stage() -> None:
    passage = ticking()
    with pytest.raises(OSError, match="no"), passage.phase("connect", "connect"):
        raise OSError(errno.ECONNREFUSED, "no")
    passage.fail(OSError(errno.ECONNREFUSED, "no"))
    exchange = passage.exchange()

    assert exchange.timings.connect is None
    assert exchange.failure is not None
    assert exchange.failure.stage == "connect"


def test_the_body_is_unpacked_and_capped() -> None:
    passage = ticking()
    passage.head = Head(status=200, headers=(("content-encoding", "gzip"),))
    passage.body += gzip.compress(b"x" * 500)
    exchange = passage.exchange()

    assert (exchange.body, exchange.truncated) == (b"x" * 100, True)


def test_a_refused_tunnel_speaks_through_its_own_head() -> None:
    passage = ticking()
    passage.tunnel = Head(status=403, headers=(("server", "squid"),))
    passage.end("proxy_refused_tunnel", "403")
    exchange = passage.exchange()

    assert (exchange.status, exchange.tunnel_status) == (None, 403)
    assert exchange.headers == (("server", "squid"),)
