"""An agent asks its hub: by its keys alone, whatever the clock, and whoever is on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from harness.fleet.envelope import read_envelope, seal
from harness.fleet.identity import Identity
from harness.fleet.messages import Introduction, Polled, encode
from probes.agent.proxy_choice import FixedProxy, read_proxy
from probes.agent.uplink_error import UplinkError
from probes.range.authority import Authority
from test_suites.kit.hubs.fake_hub import INTRODUCTIONS, FakeHub
from test_suites.kit.networks.intercepting_proxy import InterceptingProxy, Interception
from test_suites.unit.probes.agent.asking import AGENT, POLL, trouble_of, uplink


def polled(answer: bytes) -> Introduction:
    return INTRODUCTIONS.decode(answer)


def noted(held: list[bytes], body: bytes) -> list[bytes]:
    held.append(body)
    return held


@pytest.mark.parametrize("wrong", [timedelta(days=-366), timedelta(0), timedelta(days=400)])
def test_the_clock_may_be_a_year_off(hub: FakeHub, wrong: timedelta) -> None:
    with uplink(hub, clock=lambda: datetime.now(UTC) + wrong) as one:
        reading = one.read_clock()
        answer = one.ask(POLL)

        assert abs(reading.offset + wrong.total_seconds()) <= reading.bound + 0.5
        assert abs((one.now() - datetime.now(UTC)).total_seconds()) <= reading.bound + 0.5
        assert reading == one.reading
    assert isinstance(answer, Polled)


def test_of_several_tries_the_one_with_the_smallest_error_counts(hub: FakeHub) -> None:
    moments = iter([0.0, 4.0, 4.0, 5.0, 5.0, 8.0, 8.0, 12.0, 12.0, 16.0])
    with uplink(hub) as one:
        one._monotonic = lambda: next(moments)

        assert 0.5 == one.read_clock().bound


def test_a_system_clock_that_is_set_later_is_noticed(hub: FakeHub) -> None:
    wrong = [timedelta(days=300)]
    with uplink(hub, clock=lambda: datetime.now(UTC) + wrong[0]) as one:
        one.ask(POLL)
        wrong[0] = timedelta(0)
        one.ask(POLL)

        assert one.reading is not None
        assert abs(one.reading.offset) < 1


def test_the_clock_is_not_asked_for_before_each_message(hub: FakeHub) -> None:
    asked: list[bytes] = []
    hub.changes = lambda body: noted(asked, body)[-1]
    with uplink(hub) as one:
        one.ask(POLL)
        before = len(asked)
        one.ask(POLL)

    assert before + 1 == len(asked)


def test_only_enrolment_sends_the_keys(hub: FakeHub) -> None:
    with uplink(hub) as one:
        one.ask(POLL)
        one.ask(POLL, introduce=True)

    assert [None, AGENT.public] == hub.introduced


def test_the_time_of_somebody_else_is_not_believed(hub: FakeHub) -> None:
    trouble = trouble_of(uplink(hub, keys=Identity.new()))

    assert "untrusted" == trouble.kind
    assert "the time is not signed by the hub" in str(trouble)


def test_a_time_that_was_recorded_is_not_believed(hub: FakeHub) -> None:
    recorded: list[bytes] = []
    hub.changes = lambda body: noted(recorded, body)[0]
    with uplink(hub) as one:
        one.read_clock()
        with pytest.raises(UplinkError, match="not signed by the hub"):
            one.read_clock()


def test_an_answer_of_another_hub_is_refused(hub: FakeHub) -> None:
    other = Identity.new()

    def by_other(body: bytes) -> bytes:
        if b"envelope" not in body:
            return body
        asked = read_envelope(bytes(polled(body).envelope))
        forged = seal(encode(Polled()), other, AGENT.public, hub.clock(), answers=asked.header.answers)  # fmt: skip
        return msgspec.json.encode(Introduction(envelope=msgspec.Raw(forged.encoded())))

    hub.changes = by_other

    assert "untrusted" == trouble_of(uplink(hub)).kind


def test_an_answer_that_was_changed_is_refused(hub: FakeHub) -> None:
    def change(body: bytes) -> bytes:
        if b"envelope" not in body:
            return body
        answer = read_envelope(bytes(polled(body).envelope))
        sealed = bytes((answer.sealed[0] ^ 1, *answer.sealed[1:]))
        changed = msgspec.structs.replace(answer, sealed=sealed)
        return msgspec.json.encode(Introduction(envelope=msgspec.Raw(changed.encoded())))

    hub.changes = change
    trouble = trouble_of(uplink(hub))

    assert "untrusted" == trouble.kind
    assert "was changed" in str(trouble)


def test_an_answer_to_another_question_is_refused(hub: FakeHub) -> None:
    recorded: list[bytes] = []

    def replay(body: bytes) -> bytes:
        if b"envelope" not in body:
            return body
        recorded.append(body)
        return recorded[0]

    hub.changes = replay
    with uplink(hub) as one:
        one.ask(POLL)
        with pytest.raises(UplinkError, match="another question") as caught:
            one.ask(POLL)

    assert "untrusted" == caught.value.kind


def test_an_old_answer_is_refused(hub: FakeHub) -> None:
    def late(body: bytes) -> bytes:
        if b"envelope" not in body:
            return body
        asked = read_envelope(bytes(polled(body).envelope)).header.answers
        old = seal(encode(Polled()), hub.identity, AGENT.public, hub.clock() - timedelta(hours=1), answers=asked)  # fmt: skip
        return msgspec.json.encode(Introduction(envelope=msgspec.Raw(old.encoded())))

    hub.changes = late

    assert "untrusted" == trouble_of(uplink(hub)).kind


def test_interception_is_recognised_by_the_certificate(hub: FakeHub, tmp_path: Path) -> None:
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(Authority().pem)
    ports, how = {443: hub.port}, Interception(verifies=False, alpn=("http/1.1",))
    with InterceptingProxy(ports, trusted=str(trusted), how=how).running() as opening:
        url = opening.url
        proxy = FixedProxy(server=read_proxy(url, "the proxy"))
        with uplink(hub, url="https://hub.accredit.test", proxy=proxy) as one:
            one.read_clock()
            before = one.report
            one.ask(POLL)
            report = one.report

    assert before is None
    assert report is not None
    assert report.is_intercepted
    assert report.seen != hub.certificate
    assert "School Interception CA" in report.issuer
    assert url == f"http://{report.proxy}"


def test_without_interception_the_hubs_own_certificate_is_seen(hub: FakeHub) -> None:
    with uplink(hub) as one:
        one.ask(POLL)
        report = one.report

    assert report is not None
    assert not report.is_intercepted
    assert hub.certificate == report.seen
    assert "" == report.proxy


def test_it_is_not_known_while_the_hub_tells_no_certificates(hub: FakeHub) -> None:
    hub.memory.certificates = ()
    with uplink(hub) as one:
        one.ask(POLL)

        assert one.report is None
