"""What is read of the machine, and what systems that show little give."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from probes.clients import machine

_SPEC = spec_from_file_location("machine_itself", machine.__file__)
assert _SPEC is not None
assert _SPEC.loader is not None
itself: Any = module_from_spec(_SPEC)
"""The module as it is: that of tests is made quiet (``test_suites.kit.quiet_machine``)."""
_SPEC.loader.exec_module(itself)
PROC, read_machine = itself.PROC, itself.read_machine

FILES = {
    "thread-self/schedstat": "1500000000 250000000 12\n",
    "stat": "cpu  10 0 10 100 0 0 0 300 0 0\ncpu0 1 0 1 1 0 0 0 300 0 0\n",
    "pressure/cpu": "some avg10=1.00 avg60=0.50 avg300=0.10 total=2500000\n",
    "pressure/memory": "some avg10=0.00 total=0\nfull avg10=0.00 total=1000000\n",
    "net/snmp": "Udp: InDatagrams RcvbufErrors\nUdp: 9 7\nUdpLite: RcvbufErrors\nUdpLite: 3\n",
    "net/netstat": "TcpExt: TCPRcvQDrop ListenDrops\nTcpExt: 2 5\n",
}
COUNTERS = {
    "ran": 1.5,
    "waited": 0.25,
    "stalls": {"cpu some": 2.5, "memory some": 0.0, "memory full": 1.0},
    "dropped": {"RcvbufErrors": 7, "TCPRcvQDrop": 2, "ListenDrops": 5},
}


@pytest.mark.parametrize(
    ("changed", "known"),
    [
        ({}, {}),
        ({"thread-self/schedstat": "0 0\n"}, {"ran": None, "waited": None}),
        ({"thread-self/schedstat": "a b c\n"}, {"ran": None, "waited": None}),
        ({"stat": "cpu  10 0 10\n"}, {"stolen": None}),
        ({"pressure/cpu": "", "pressure/memory": "some total=x\n"}, {"stalls": {}}),
        ({"net/snmp": "", "net/netstat": "TcpExt: ListenDrops\n"}, {"dropped": {}}),
        (
            dict.fromkeys(FILES),
            {"ran": None, "waited": None, "stolen": None, "stalls": {}, "dropped": {}},
        ),
    ],
    ids=["all", "short", "words", "old kernel", "no pressure", "no values", "nothing"],
)
def test_what_a_system_does_not_show_is_not_known(
    tmp_path: Path, changed: dict[str, str | None], known: dict[str, object]
) -> None:
    for name, text in (FILES | changed).items():
        if text is not None:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)

    reading = read_machine(tmp_path)

    for name, value in (COUNTERS | known).items():
        assert getattr(reading, name) == value
    assert (reading.stolen is None) == ("stolen" in known)


@pytest.mark.skipif(not (PROC / "thread-self/schedstat").exists(), reason="this system shows less")
def test_this_machine_says_how_long_a_thread_worked() -> None:
    before = read_machine()
    sum(range(2_000_000))
    after = read_machine()

    assert before.ran is not None
    assert after.ran is not None
    assert after.ran > before.ran
    assert after.at > before.at
