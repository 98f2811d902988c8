"""Instrument records: the client's own software, TLS behaviour and clock during a campaign.

Results depend on the client: its TLS library and the size of its ClientHello decide what some
filters see (TQ-13). An unknown fact is empty or ``None``, never 0.

A journal's hash chain covers the encoded text of a record: a field that is added later must be left
out of the text while it has its default.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec

RANDOM = "GREASE"
"""The name of a random key exchange group (RFC 8701)."""


CLOCK_WITHIN = 1.0
"""The largest error of the clock in seconds with which times of events are compared (TQ-12)."""

DRIFT = 0.0005
"""Seconds by which the Linux kernel widens the largest error each second since the clock was last
set (``second_overflow`` in ``kernel/time/ntp.c``: 500 ppm)."""


class ClientHello(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ClientHello that one of our TLS clients sends.

    ``size`` is in bytes with the record header; ``groups`` are the offered key exchange groups by
    IANA name, best first. ``problem`` says why they are not known.
    """

    client: str
    size: int | None = None
    groups: tuple[str, ...] = ()
    problem: str = ""

    @property
    def is_random(self) -> bool:
        """Whether its size differs between connections, as with browsers."""
        return RANDOM in self.groups

    @property
    def description(self) -> str:
        """Size and groups in words."""
        if self.size is None:
            return f"not known: {self.problem}"
        about = "about " if self.is_random else ""
        return f"{about}{self.size} bytes; groups {', '.join(self.groups) or 'not known'}"


class ClockState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kernel's account of the machine's clock, in seconds.

    ``offset`` is what the kernel still has to correct, ``bound`` the largest error it states. Both
    are ``None`` if the clock is not synchronised; ``problem`` then says why. If the clock follows a
    hub's signed time instead, ``hub_age`` is how many seconds ago that was read.
    """

    offset: float | None = None
    bound: float | None = None
    problem: str = ""
    hub_age: float | msgspec.UnsetType = msgspec.UNSET

    @property
    def is_known(self) -> bool:
        """Whether the clock is synchronised and its largest error is known."""
        return self.offset is not None and self.bound is not None

    @property
    def is_exact(self) -> bool:
        """Whether its largest error is known, and at most ``CLOCK_WITHIN``."""
        return self.bound is not None and self.bound <= CLOCK_WITHIN

    @property
    def longest_age(self) -> float | None:
        """The most seconds since the clock was last set that the bound allows, if it is known."""
        return None if self.bound is None else self.bound / DRIFT

    @property
    def description(self) -> str:
        """Offset and bound in words, or that they are not known."""
        if self.offset is None or self.bound is None:
            return f"not known: {self.problem or 'nothing vouches for it'}"
        said = f"offset {self.offset * 1000:+.3f} ms, error at most {self.bound * 1000:.3f} ms"
        if self.hub_age is msgspec.UNSET:
            return said
        return f"{said}, by the hub's time, read {self.hub_age:.0f} s before"


class InstrumentRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The software, TLS behaviour and clock of one start of a measurement.

    ``libraries`` are versions by name; ``resolvers`` are the addresses of the system's name
    servers, ``control_resolver`` is what the control line asks; ``mtu`` is that of the interface
    of the default route, in bytes.
    """

    at: datetime
    python: str
    tls_library: str
    libraries: dict[str, str]
    kernel: str
    resolvers: tuple[str, ...]
    control_resolver: str
    mtu: int | None
    hellos: tuple[ClientHello, ...]
    clock: ClockState

    @property
    def missing(self) -> tuple[str, ...]:
        """The facts asked for by TQ-13 that are not known, in words."""
        facts = {
            "Python's version": self.python,
            "the TLS library": self.tls_library,
            "the kernel": self.kernel,
            "the system's resolver": self.resolvers,
            "a ClientHello": self.hellos,
        }
        lacking = [name for name, value in facts.items() if not value]
        lacking += [
            f"the ClientHello of {hello.client}: {hello.problem or 'no groups in it'}"
            for hello in self.hellos
            if hello.size is None or not hello.groups
        ]
        if not self.clock.is_known:
            lacking.append(f"the clock's offset: {self.clock.problem or 'not known'}")
        return tuple(lacking)

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """The record as names and values for display, in order."""
        unknown = "not known"
        return (
            ("Python", self.python or unknown),
            ("TLS library", self.tls_library or unknown),
            *((f"library {name}", number) for name, number in self.libraries.items()),
            ("kernel", self.kernel or unknown),
            ("system's resolvers", ", ".join(self.resolvers) or unknown),
            *([("control asks", self.control_resolver)] if self.control_resolver else []),
            ("MTU", f"{self.mtu} bytes" if self.mtu else unknown),
            *((f"ClientHello of {hello.client}", hello.description) for hello in self.hellos),
            ("clock", self.clock.description),
        )

    def is_like(self, other: InstrumentRecord) -> bool:
        """Whether the records differ at most in time, random sizes and a clock error in bounds."""
        return _steady(self) == _steady(other)


def _steady(record: InstrumentRecord) -> InstrumentRecord:
    zero = 0.0 if record.clock.is_known else None
    bound = zero if zero is None or record.clock.is_exact else math.inf
    age = msgspec.UNSET if record.clock.hub_age is msgspec.UNSET else 0.0
    return msgspec.structs.replace(
        record,
        at=datetime.fromtimestamp(0, UTC),
        clock=msgspec.structs.replace(record.clock, offset=zero, bound=bound, hub_age=age),
        hellos=tuple(
            msgspec.structs.replace(hello, size=0) if hello.is_random else hello
            for hello in record.hellos
        ),
    )
