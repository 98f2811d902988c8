"""What is missing from a record is named, and no missing number is 0."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from harness.model.instrument_record import ClientHello, ClockState, InstrumentRecord
from test_suites.kit.campaigns.instrument import UNSYNCHRONISED, WHOLE, record


def test_a_whole_record_misses_nothing_and_comes_back() -> None:
    assert WHOLE.missing == ()
    text = msgspec.json.encode(WHOLE)
    assert msgspec.json.decode(text, type=InstrumentRecord) == WHOLE


@pytest.mark.parametrize(
    ("lacking", "told"),
    [
        ({"python": ""}, "Python's version"),
        ({"tls_library": ""}, "the TLS library"),
        ({"kernel": ""}, "the kernel"),
        ({"resolvers": ()}, "the system's resolver"),
        ({"hellos": ()}, "a ClientHello"),
        (
            {"hellos": (ClientHello(client="wire", problem="not caught"),)},
            "the ClientHello of wire: not caught",
        ),
        (
            {"hellos": (ClientHello(client="wire", size=300),)},
            "the ClientHello of wire: no groups in it",
        ),
        ({"clock": UNSYNCHRONISED}, "the clock's offset: the clock is not synchronised"),
        ({"clock": ClockState()}, "the clock's offset: not known"),
        ({"clock": ClockState(offset=0.0)}, "the clock's offset: not known"),
        ({"clock": ClockState(bound=0.1)}, "the clock's offset: not known"),
    ],
)
def test_each_missing_fact_is_named(lacking: dict[str, Any], told: str) -> None:
    assert record(**lacking).missing == (told,)


def test_rows_say_what_is_not_known_without_a_number() -> None:
    unknown = record(
        resolvers=(), mtu=None, clock=UNSYNCHRONISED, hellos=(ClientHello(client="w", problem="x"),)
    )
    rows = dict(unknown.rows)

    assert rows["system's resolvers"] == rows["MTU"] == "not known"
    assert rows["clock"] == "not known: the clock is not synchronised"
    assert rows["ClientHello of w"] == "not known: x"
    whole = dict(WHOLE.rows)
    assert whole["clock"] == "offset +1.000 ms, error at most 20.000 ms"
    assert whole["ClientHello of portable"] == "517 bytes; groups x25519, secp256r1"
    assert whole["ClientHello of browser"].startswith("about 1800 bytes")


@pytest.mark.parametrize(
    ("differing", "alike"),
    [
        ({"at": WHOLE.at + timedelta(days=1)}, True),
        ({"clock": ClockState(offset=-0.2, bound=0.9)}, True),
        (
            {
                "hellos": (
                    WHOLE.hellos[0],
                    ClientHello(client="browser", size=1832, groups=("GREASE", "x25519")),
                )
            },
            True,
        ),
        ({"hellos": (ClientHello(client="portable", size=518, groups=("x25519",)),)}, False),
        ({"clock": UNSYNCHRONISED}, False),
        ({"tls_library": "OpenSSL 1.1.1w"}, False),
        ({"libraries": {"isp-accredit": "0.2.0"}}, False),
        ({"kernel": "Linux 6.19 x86_64"}, False),
        ({"resolvers": ("192.0.2.1",)}, False),
        ({"control_resolver": "192.0.2.1:53"}, False),
        ({"mtu": 1280}, False),
        ({"python": "CPython 3.14.0"}, False),
    ],
)
def test_only_time_and_random_sizes_leave_a_record_alike(
    differing: dict[str, Any], *, alike: bool
) -> None:
    assert WHOLE.is_like(record(**differing)) is alike
