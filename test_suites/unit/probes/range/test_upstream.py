"""The far side hands on what the origin says, and tells the near side when it is done."""

from __future__ import annotations

from typing import Any

from probes.range.origin_side import OriginSide


class Near:
    """A near side that remembers."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def send_to_client(self, data: bytes) -> None:
        self.heard.append(data)

    def origin_side_closed(self, origin_side: OriginSide) -> None:
        self.heard.append(("ended", origin_side.has_answered))

    def pause(self) -> None:
        self.heard.append("pause")

    def resume(self) -> None:
        self.heard.append("resume")


class Transport:
    """A transport that remembers what was done with it."""

    def __init__(self) -> None:
        self.done: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.done.append((name, *given))


def made() -> tuple[Near, Transport, OriginSide]:
    """A far side with its connection open."""
    near, transport = Near(), Transport()
    origin_side = OriginSide(near, "a.accredit.test")
    origin_side.connection_made(transport)  # type: ignore[arg-type]
    return near, transport, origin_side


def test_what_the_origin_says_goes_to_the_near_side() -> None:
    near, _, origin_side = made()
    origin_side.data_received(b"page")
    origin_side.connection_lost(None)

    assert [b"page", ("ended", True)] == near.heard


def test_an_origin_that_says_nothing_is_told_apart() -> None:
    near, _, origin_side = made()
    origin_side.connection_lost(ConnectionResetError())

    assert [("ended", False)] == near.heard


def test_each_side_waits_for_the_other() -> None:
    near, transport, origin_side = made()
    origin_side.pause_writing()
    origin_side.resume_writing()
    origin_side.pause()
    origin_side.resume()

    assert ["pause", "resume"] == near.heard
    assert [("pause_reading",), ("resume_reading",)] == transport.done


def test_nothing_is_sent_when_the_connection_is_gone() -> None:
    _, transport, origin_side = made()
    origin_side.send(b"request")
    origin_side.connection_lost(None)
    origin_side.send(b"late")
    origin_side.abort()
    origin_side.pause()
    origin_side.resume()

    assert [("write", b"request")] == transport.done
