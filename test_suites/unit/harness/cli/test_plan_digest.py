"""``accredit plan digest``: what it prints and sends, and what it never tells."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from harness.cli import plan
from harness.cli.paths import registry_variables
from harness.cli.process import exit_code_of
from harness.errors import FaultyDocument, InstrumentError, UsageError
from test_suites.unit.harness.cli.due_registry import DueRegistry


@pytest.fixture
def due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DueRegistry:
    return DueRegistry(tmp_path, monkeypatch)


class Sink:
    """A web server on this machine that keeps what is sent to it, or refuses it."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.paths: list[str] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sink.paths.append(self.path)
                if "refuse" in self.path:
                    self.send_error(503)
                    return
                sink.taken.append(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port


@pytest.fixture
def sink() -> Iterator[Sink]:
    held = Sink()
    thread = threading.Thread(target=held.server.serve_forever, args=(0.01,))
    thread.start()
    yield held
    held.server.shutdown()
    thread.join()
    held.server.server_close()


def addresses(folder: Path, *lines: str, name: str = "targets.txt") -> Path:
    """A file of addresses that only its owner can read."""
    file = folder / name
    file.write_text("\n".join(lines), encoding="utf-8")
    file.chmod(0o600)
    return file


def test_what_is_due_is_printed_worst_first(due: DueRegistry) -> None:
    due.later(20)
    lines = due.run("digest").splitlines()

    assert lines[:2] == ["escalated: nothing", "overdue: 2"]
    assert lines[2].startswith("  Beta, Spring (Calm Net): review (request), 13 days overdue")
    assert lines[4].startswith("  Beta, P-0001 (Calm Net, URL-01, Maj): agreement of the plan")
    assert lines[5] == "    Beta: submit the plan: say who owns it and the corrective action"
    assert "Acme (Ann Lee): report how the work stands" in due.run("digest")


def test_days_leave_out_what_is_due_later_but_nothing_overdue(due: DueRegistry) -> None:
    assert "on track: nothing" in due.run("digest", "--days", "7")
    due.later(400)
    found = json.loads(due.run("digest", "--days", "0", "--json"))

    assert {one["lane"] for one in found} == {"overdue"}
    assert {(one["supplier"], one["about"]) for one in found} == {
        ("Acme", "P-0001"), ("Beta", "P-0001"), ("Beta", "Spring"),
    }  # fmt: skip
    assert all(one["who"] and one["act"] and one["overdue_days"] > 0 for one in found)


def test_nothing_is_due_where_no_registry_was_made_unless_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, due: DueRegistry
) -> None:
    for name in registry_variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(plan.app, ["digest"], catch_exceptions=False)
    due.path = tmp_path / "none.sqlite"

    assert ended.output.count("nothing") == 4
    with pytest.raises(UsageError, match=r"none\.sqlite"):
        due.run("digest")


def test_without_the_extra_one_sentence_says_what_to_install(
    due: DueRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    due.later(20)
    for name in [name for name in sys.modules if name.partition(".")[0] == "apprise"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "apprise", None)
    file = addresses(tmp_path, "json://127.0.0.1:1")

    assert exit_code_of(lambda: len(due.run("digest", "--notify", file))) == 2
    assert capfd.readouterr().err == (
        "accredit: this verb needs 'apprise': pip install 'isp-accredit[notify]'\n"
    )


def test_an_unknown_supplier_is_told(due: DueRegistry) -> None:
    with pytest.raises(UsageError, match="holds nothing of 'Acne'"):
        due.run("digest", "--supplier", "Acne")


NAMES = st.text(st.characters(categories=["L"], min_codepoint=0x61), min_size=3, max_size=12)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(names=st.lists(NAMES, min_size=2, max_size=2, unique_by=str.lower), past=st.integers(0, 300))
def test_a_suppliers_digest_holds_nothing_of_another(
    names: list[str], past: int, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    due = DueRegistry(tmp_path_factory.mktemp("due"), monkeypatch)
    one, other = (f"{name}{end}" for name, end in zip(names, ("-one", "-two"), strict=True))
    due.open(one, f"{one} Net")
    due.open(other, f"{other} Net")
    due.later(past)
    text = due.run("digest", "--supplier", one) + due.run("digest", "--supplier", one, "--json")

    assert one in text
    assert not [name for name in (other, "Acme", "Beta", "Calm", "Ann Lee") if name in text]
    assert [one] * 2 == [each["supplier"] for each in json.loads(
        due.run("digest", "--supplier", one, "--json"))]  # fmt: skip


def test_a_message_goes_to_every_address_of_the_file(
    due: DueRegistry, sink: Sink, tmp_path: Path
) -> None:
    due.later(20)
    url = f"json://127.0.0.1:{sink.port}"
    file = addresses(tmp_path, "# who", f"{url}/one?secret=s3", "", f"ops,night={url}/two")
    said = due.run("digest", "--supplier", "beta", "--notify", file)

    assert said == "2 overdue: sent to 2 addresses\n"
    assert [path.partition("?")[0] for path in sink.paths] == ["/one", "/two"]
    assert sink.taken[0]["title"] == "Accredit: 2 overdue for Beta"
    assert "Beta, Spring (Calm Net): review (request), 13 days overdue" in sink.taken[0]["message"]
    assert "on track: nothing" in sink.taken[0]["message"]
    assert "Acme" not in json.dumps(sink.taken)


def test_a_refusal_names_the_line_and_never_the_address(
    due: DueRegistry, sink: Sink, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    due.later(20)
    url = f"json://ann:s3cret@127.0.0.1:{sink.port}"
    file = addresses(tmp_path, f"{url}/ok", f"ops={url}/refuse")
    with pytest.raises(InstrumentError, match=r"not taken by line 2 \(ops\) \(1 of 2") as refused:
        due.run("digest", "--notify", file)

    told = str(refused.value) + "".join(capfd.readouterr())
    assert not [secret for secret in ("s3cret", "127.0.0.1", str(sink.port)) if secret in told]
    assert len(sink.taken) == 1


def test_nothing_is_sent_if_nothing_is_due_unless_asked(
    due: DueRegistry, sink: Sink, tmp_path: Path
) -> None:
    file = addresses(tmp_path, f"json://127.0.0.1:{sink.port}")
    words = ("digest", "--supplier", "Acme", "--notify", file)

    assert due.run(*words) == "nothing is due: no message was sent\n"
    assert sink.taken == []
    assert due.run(*words, "--even-empty") == "nothing is due: sent to 1 address\n"
    assert sink.taken[0]["title"] == "Accredit: nothing is due for Acme"


def test_addresses_may_stand_in_yaml(due: DueRegistry, sink: Sink, tmp_path: Path) -> None:
    due.later(20)
    url = f"json://127.0.0.1:{sink.port}/refuse"
    file = addresses(tmp_path, "version: 1", "urls:", f"  - {url}:", "    - tag: ops", name="t.yml")
    with pytest.raises(InstrumentError, match=r"not taken by address 1 \(ops\)"):
        due.run("digest", "--notify", file)
    wrong = addresses(tmp_path, "version: 1", "urls:", "  - nope://s3cret", name="w.yml")
    with pytest.raises(UsageError, match="an address in it is none") as refused:
        due.run("digest", "--notify", wrong)
    assert "s3cret" not in str(refused.value)
    more = addresses(tmp_path, "include: http://127.0.0.1:1/s3cret", "urls:", "  - " + url)
    with pytest.raises(UsageError, match="includes other files") as refused:
        due.run("digest", "--notify", more)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["json://127.0.0.1:1", "nope://s3cret"], r"targets.txt:2: is no address that Apprise"),
        (["include http://127.0.0.1:1/s3cret"], r"targets.txt:1: is no address"),
        (["s3cret"], r"targets.txt:1: is no address"),
        (["# nothing"], "holds no address"),
        ([""], "holds no address"),
    ],
)
def test_wrong_addresses_are_told_by_their_lines(
    lines: list[str], message: str, due: DueRegistry, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        due.run("digest", "--notify", addresses(tmp_path, *lines))
    assert isinstance(refused.value, UsageError | FaultyDocument)
    assert "s3cret" not in str(refused.value)


def test_files_that_hold_no_addresses_are_refused(due: DueRegistry, tmp_path: Path) -> None:
    latin = tmp_path / "latin.txt"
    latin.write_bytes("mailto://é".encode("latin-1"))
    for file, why in (
        (tmp_path, "is a folder"),
        (tmp_path / "no", "No such"),
        (latin, "not UTF-8"),
    ):
        with pytest.raises(UsageError, match=why):
            due.run("digest", "--notify", file)
    with pytest.raises(UsageError, match="not both"):
        due.run("digest", "--notify", latin, "--json")
    with pytest.raises(UsageError, match="belongs to --notify"):
        due.run("digest", "--even-empty")


def test_a_file_that_others_can_read_is_warned_of(
    due: DueRegistry, sink: Sink, tmp_path: Path
) -> None:
    file = addresses(tmp_path, f"json://127.0.0.1:{sink.port}")
    file.chmod(0o644)

    assert "chmod 600" in due.run("digest", "--notify", file)


def test_a_name_cannot_fake_a_line_of_a_message(
    due: DueRegistry, sink: Sink, tmp_path: Path
) -> None:
    due.open("Gamma", "Net\noverdue: 9\x1b[31m")
    due.later(20)
    due.run("digest", "--supplier", "Gamma", "--notify", addresses(
        tmp_path, f"json://127.0.0.1:{sink.port}"))  # fmt: skip

    assert "\noverdue: 9" not in sink.taken[0]["message"]
    assert "\x1b" not in sink.taken[0]["message"]
