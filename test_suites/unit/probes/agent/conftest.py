"""PAC files that tests write, and a hub on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from test_suites.kit.hubs.fake_hub import FakeHub
from test_suites.unit.probes.agent.asking import AGENT


@pytest.fixture
def pac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write a PAC file with a body of its function; gives the path."""
    monkeypatch.setattr("probes.agent.pac_proxies.ELSEWHERE", "127.0.0.1")

    def write(body: str) -> str:
        path = tmp_path / "proxy.pac"
        path.write_text(f"function FindProxyForURL(url, host) {{ {body} }}", encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    """A hub that answers the agent of ``asking``."""
    with FakeHub(agent=AGENT.public).running() as running:
        yield running
