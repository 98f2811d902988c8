"""The sealed list program of the guide uses the connection that it is given."""

from __future__ import annotations

import hashlib
import hmac
import io
import runpy
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.model.observation import Failure, Timings
from harness.ports.list_program import Connection
from harness.ports.network import Exchange, Request
from probes.lines.direct import Interface
from test_suites.kit.campaigns.rehearsal import simulated_origin
from test_suites.kit.guides import files_of

KEY, ADDRESS = "key", "listed.example/a"
ENTRY = hmac.new(KEY.encode(), ADDRESS.encode(), hashlib.sha256).hexdigest()
CHECK = "c4" * 32
Start = Callable[..., dict[str, Any]]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """Runs the program to the end of its input, and returns what it defines."""

    def run(*messages: Mapping[str, object]) -> dict[str, Any]:
        program = files_of("test-a-sealed-list.md")["sealed_list.py"]
        files = {"sealed_list.py": program, "entries.txt": ADDRESS, "key.bin": KEY}
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        origin = simulated_origin(tmp_path, authority="")
        monkeypatch.setattr(sys, "argv", [*(str(tmp_path / name) for name in files), str(origin)])
        lines = (msgspec.json.encode(message).decode() + "\n" for message in messages)
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(lines)))
        return runpy.run_path(str(tmp_path / "sealed_list.py"), run_name="__main__")

    return run


@pytest.mark.parametrize("checks_are_asked_elsewhere", [True, False])
def test_each_kind_of_entry_is_asked_of_its_name_server(
    start: Start, monkeypatch: pytest.MonkeyPatch, checks_are_asked_elsewhere: bool
) -> None:
    other = "192.0.2.1:53" if checks_are_asked_elsewhere else ""
    told = Connection(resolver="192.0.2.2:53", check_resolver=other)
    asked: list[tuple[str, str]] = []

    async def fetch(line: Interface, request: Request) -> Exchange:
        asked.append((request.url, line.connection().resolver))
        failure = Failure(name="connection_reset", stage="connect")
        return Exchange(timings=Timings(), failure=failure)

    monkeypatch.setattr(Interface, "fetch", fetch)
    common = {"scheme": "http", "headers": (), "timeout": 5.0, "connection": told}

    start(
        {"check": CHECK, "host": "open.accredit.test"},
        *({"number": number, "id": id_} | common for number, id_ in enumerate((ENTRY, CHECK))),
    )

    assert sorted(asked) == [
        ("http://listed.example/a", told.resolver),
        ("http://open.accredit.test/", other or told.resolver),
    ]


@pytest.mark.parametrize(
    "told",
    [
        Connection(proxy="http://192.0.2.7:3128", username="pupil", password="p", source="::1"),
        Connection(resolver="192.0.2.53:53", ports={80: 8080}, source="127.0.0.5"),
        Connection(resolver="tls://192.0.2.53:853", device="eth1", netns="school"),
    ],
    ids=["proxy", "direct", "device"],
)
def test_its_lines_have_the_connection_that_it_was_told(start: Start, told: Connection) -> None:
    line = start()["line_for"](msgspec.to_builtins(told), told.resolver)

    assert line.connection() == told
