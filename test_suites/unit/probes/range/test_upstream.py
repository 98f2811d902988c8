"""The far side hands on what the origin says, and tells the near side when it is done."""

from __future__ import annotations

from typing import Any

from probes.range.proxy import Far


class Near:
    """A near side that remembers."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def pass_back(self, data: bytes) -> None:
        self.heard.append(data)

    def far_ended(self, far: Far) -> None:
        self.heard.append(("ended", far.has_spoken))

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


def made() -> tuple[Near, Transport, Far]:
    """A far side with its connection open."""
    near, transport = Near(), Transport()
    far = Far(near, "a.accredit.test")
    far.connection_made(transport)  # type: ignore[arg-type]
    return near, transport, far


def test_what_the_origin_says_goes_to_the_near_side() -> None:
    near, _, far = made()
    far.data_received(b"page")
    far.connection_lost(None)

    assert [b"page", ("ended", True)] == near.heard


def test_an_origin_that_says_nothing_is_told_apart() -> None:
    near, _, far = made()
    far.connection_lost(ConnectionResetError())

    assert [("ended", False)] == near.heard


def test_each_side_waits_for_the_other() -> None:
    near, transport, far = made()
    far.pause_writing()
    far.resume_writing()
    far.pause()
    far.resume()

    assert ["pause", "resume"] == near.heard
    assert [("pause_reading",), ("resume_reading",)] == transport.done


def test_nothing_is_sent_when_the_connection_is_gone() -> None:
    _, transport, far = made()
    far.send(b"request")
    far.connection_lost(None)
    far.send(b"late")
    far.abort()
    far.pause()
    far.resume()

    assert [("write", b"request")] == transport.done
