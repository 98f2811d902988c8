"""Tampering changes the origin's answer in exactly the way that the fault says."""

from __future__ import annotations

import pytest

from harness.model.marker import Carrier, nonce_for
from harness.model.observation import AttemptKey
from probes.range.faults import Fault, FaultKind
from probes.range.tampering import BANNER, DRIP_BYTES, TAMPERED, Ending, tamper, without_nonce

BODY = b"<html><body>0123456789</body></html>"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX: y\r\n\r\n" % len(BODY) + BODY


def length_of(answer: bytes) -> int:
    """The length that an answer states."""
    head = answer.partition(b"\r\n\r\n")[0].lower()
    return int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])


def test_a_banner_is_put_in_and_the_length_is_right() -> None:
    (answer,) = tamper(Fault(kind=FaultKind.BANNER), ANSWER).pieces
    body = answer.partition(b"\r\n\r\n")[2]

    assert BODY.replace(b"<body>", b"<body>" + BANNER) == body
    assert len(body) == length_of(answer)


@pytest.mark.parametrize(
    ("kind", "ending"), [(FaultKind.TRUNCATED, Ending.CLOSE), (FaultKind.TORN, Ending.RESET)]
)
def test_a_cut_answer_promises_more_than_it_has(kind: FaultKind, ending: Ending) -> None:
    cut = tamper(Fault(kind=kind), ANSWER)

    assert ending is cut.ending
    assert ANSWER.startswith(cut.pieces[0])
    assert len(cut.pieces[0]) < len(ANSWER)


def test_a_stalled_answer_is_whole_but_for_its_end() -> None:
    stalled = tamper(Fault(kind=FaultKind.STALLED), ANSWER)

    assert Ending.NEVER is stalled.ending
    assert len(BODY) + 1 == length_of(stalled.pieces[0])
    assert stalled.pieces[0].endswith(BODY)


def test_a_drip_is_the_answer_drop_by_drop() -> None:
    pieces = tamper(Fault(kind=FaultKind.DRIP), ANSWER).pieces

    assert {DRIP_BYTES} == set(map(len, pieces[:-1]))
    assert ANSWER == b"".join(pieces)


def test_other_faults_leave_the_answer_alone() -> None:
    for kind in set(FaultKind) - TAMPERED:
        fault = Fault(kind=kind, words=("x",), categories=("X",))
        assert (ANSWER,) == tamper(fault, ANSWER).pieces


def test_a_request_can_be_passed_on_without_its_nonce() -> None:
    key = AttemptKey(campaign="c", item="i", probe="web", line="proxy", profile="ks2")
    nonce = nonce_for(b"k" * 32, key)
    for carrier in (Carrier("sid", "uuid", is_cookie=True), Carrier("traceparent", "trace")):
        carried = f"X-Any: {carrier.value(nonce)}".encode()
        lines = (b"Host: a.accredit.test", carried, b"Accept: */*")

        assert (lines[0], lines[2]) == without_nonce(lines)
