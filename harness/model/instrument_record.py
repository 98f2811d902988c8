"""An instrument record says what a campaign was measured with: the client's own software and clock.

Results depend on the client: its TLS library and the size of its ClientHello decide what some
filters see (TQ-13). A fact that could not be found out is empty or ``None``, never 0.

A journal's chain covers a record's text as it is encoded here: a field that is added later must
be left out of the text while it has its default.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

RANDOM = "GREASE"
"""How a group is named that a client offers at random (RFC 8701)."""


class ClientHello(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first words of one TLS client of ours, as they leave it.

    ``size`` is in bytes, with the record's header; ``groups`` are the key exchange groups that it
    offers, by their IANA names, best first. ``problem`` says why they are not known.
    """

    client: str
    size: int | None = None
    groups: tuple[str, ...] = ()
    problem: str = ""

    @property
    def is_random(self) -> bool:
        """Whether its size differs from one connection to the next, as browsers' do."""
        return RANDOM in self.groups

    @property
    def description(self) -> str:
        """Size and groups in words."""
        if self.size is None:
            return f"not known: {self.problem}"
        about = "about " if self.is_random else ""
        return f"{about}{self.size} bytes; groups {', '.join(self.groups) or 'not known'}"


class ClockState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the kernel vouches for of the machine's clock, in seconds.

    ``offset`` is what the kernel still has to correct, ``bound`` the largest error of the clock by
    its own account. Both are ``None`` where the clock is not kept in step with another.
    """

    offset: float | None = None
    bound: float | None = None
    problem: str = ""

    @property
    def is_known(self) -> bool:
        """Whether the clock is kept in step and its largest error is known."""
        return self.offset is not None and self.bound is not None

    @property
    def description(self) -> str:
        """Offset and bound in words; never a number where it is not known."""
        if self.offset is None or self.bound is None:
            return f"not known: {self.problem or 'nothing vouches for it'}"
        return (
            f"{self.offset * 1000:+.3f} ms to be corrected, at most {self.bound * 1000:.3f} ms off"
        )


class InstrumentRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one start of a measurement was made with.

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
        """What is not known of what TQ-13 asks for, in words."""
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
        """The record as names and values for people, in the order in which they read it."""
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
        """Whether nothing differs but the time, the clock's present error, and random sizes."""
        return _steady(self) == _steady(other)


def _steady(record: InstrumentRecord) -> InstrumentRecord:
    zero = 0.0 if record.clock.is_known else None
    return msgspec.structs.replace(
        record,
        at=datetime.fromtimestamp(0, UTC),
        clock=msgspec.structs.replace(record.clock, offset=zero, bound=zero),
        hellos=tuple(
            msgspec.structs.replace(hello, size=0) if hello.is_random else hello
            for hello in record.hellos
        ),
    )
