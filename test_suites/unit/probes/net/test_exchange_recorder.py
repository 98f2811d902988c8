"""An ExchangeRecorder keeps the facts recorded so far, whatever ends the exchange."""

from __future__ import annotations

import errno
import gzip
import ssl
from itertools import count

import pytest

from probes.net.exchange_recorder import ExchangeRecorder, Head


def ticking() -> ExchangeRecorder:
    ticks = count()
    return ExchangeRecorder(limit=100, clock=lambda: float(next(ticks)))


def test_phases_that_never_happened_stay_absent() -> None:
    recorder = ticking()
    with recorder.phase("connect", "proxy_connect"):
        assert recorder.stage == "proxy_connect"
    timings = recorder.exchange().timings

    assert (timings.connect, timings.total) == (1.0, 3.0)
    assert timings.tls is None
    assert timings.first_byte is None


def test_a_phase_that_broke_is_no_duration_but_a_stage() -> None:
    recorder = ticking()
    with pytest.raises(OSError, match="no"), recorder.phase("connect", "connect"):
        raise OSError(errno.ECONNREFUSED, "no")
    recorder.fail(OSError(errno.ECONNREFUSED, "no"))
    exchange = recorder.exchange()

    assert exchange.timings.connect is None
    assert exchange.failure is not None
    assert exchange.failure.stage == "connect"


def test_the_body_is_unpacked_and_capped() -> None:
    recorder = ticking()
    recorder.head = Head(status=200, headers=(("content-encoding", "gzip"),))
    recorder.body += gzip.compress(b"x" * 500)
    exchange = recorder.exchange()

    assert (exchange.body, exchange.truncated) == (b"x" * 100, True)


def test_a_refused_tunnel_speaks_through_its_own_head() -> None:
    recorder = ticking()
    recorder.tunnel = Head(status=403, headers=(("server", "squid"),))
    recorder.fail_as("proxy_refused_tunnel", "403")
    exchange = recorder.exchange()

    assert (exchange.status, exchange.tunnel_status) == (None, 403)
    assert exchange.headers == (("server", "squid"),)


def wrong_certificate() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "no")
    error.verify_code, error.verify_message = 20, "because"
    return error


def test_a_timeout_replaces_a_certificate_failure_until_an_answer_comes() -> None:
    unread, read = ticking(), ticking()
    for recorder in (unread, read):
        recorder.fail(wrong_certificate())
    read.head = Head(status=200, headers=())
    for recorder in (unread, read):
        recorder.fail(TimeoutError())
        recorder.fail(OSError(errno.ECONNRESET, "no"))
    failures = [recorder.exchange().failure for recorder in (unread, read)]

    assert [failure and failure.name for failure in failures] == [
        "generic_timeout_error",
        "ssl_unknown_authority",
    ]


def test_a_timeout_replaces_no_other_failure() -> None:
    recorder = ticking()
    recorder.fail(OSError(errno.ECONNRESET, "no"))
    recorder.fail(TimeoutError())
    failure = recorder.exchange().failure

    assert failure is not None
    assert failure.name == "connection_reset"
