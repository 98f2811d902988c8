"""PAC files that tests write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def pac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write a PAC file with a body of its function; gives the path."""
    monkeypatch.setattr("probes.agent.pac_proxies.ELSEWHERE", "127.0.0.1")

    def write(body: str) -> str:
        path = tmp_path / "proxy.pac"
        path.write_text(f"function FindProxyForURL(url, host) {{ {body} }}", encoding="utf-8")
        return str(path)

    return write
