"""A sealed list program that fails in any way is found out, is ended, and leaves no text behind."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model.sealed_list import SealedList
from harness.ports.list_program import Connection, ListAnswer, ListQuery
from probes.clients import list_program
from probes.clients.list_program import (
    ENDED,
    NOT_READY,
    NOT_STARTED,
    OTHER_FORM,
    SILENT,
    STRAY,
    TOO_LONG,
    SealedListProgram,
    read_answer,
)

SECRET = "http://a-listed-page.example/path"
DIGEST = "ab" * 32
READY = 'say({"ready": "sealed-list/1"})\n'
START = """\
import json, os, signal, subprocess, sys
def say(message): print(json.dumps(message), flush=True)
def ask(): return json.loads(sys.stdin.readline())
"""
CONTENT = 'say({"number": ask()["number"], "arrived": "content", "status": 200})\n'


def question(**changes: Any) -> ListQuery:
    usual: dict[str, Any] = {
        "entry": "0" * 64,
        "scheme": "http",
        "headers": (("Cookie", "sid=1"),),
        "timeout": 30.0,
        "connection": Connection(proxy="http://192.0.2.7:3128", username="u", password="p-secret"),
    }
    return ListQuery(**usual | changes)


@asynccontextmanager
async def running(folder: Path, script: str, **options: float) -> AsyncIterator[SealedListProgram]:
    """Run a program in Python, which has ``say`` and ``ask``."""
    (folder / "program.py").write_text(START + script)
    declared = SealedList(program=sys.executable, arguments=("-I", "-S", "program.py"))
    async with SealedListProgram(declared, folder, **{"end": 30.0} | options) as program:
        yield program


def has_ended(process: int) -> bool:
    """Whether a process has ended, or does so within a minute; given its descriptor."""
    try:
        return bool(select.select([process], [], [], 60)[0])
    finally:
        os.close(process)


async def test_questions_are_answered_in_any_order(tmp_path: Path) -> None:
    script = """\
first, second = ask(), ask()
for one in (second, first):
    status = 200 if one["scheme"] == "http" else 404
    say({"number": one["number"], "arrived": "content", "status": status, "first_byte": 0.5})
"""
    asked = (question(), question(scheme="https"))
    async with running(tmp_path, READY + script) as program:
        answers = await asyncio.gather(*map(program.ask, asked))

    assert [one.status for one in answers if isinstance(one, ListAnswer)] == [200, 404]


async def test_a_check_entry_is_introduced_once_and_asked_for_like_any_other(
    tmp_path: Path,
) -> None:
    script = """\
check, first, second = ask(), ask(), ask()
same = check["check"] == first["id"] == second["id"] and len(first["id"]) == 64
same = same and check["host"] == "open.example" and first.keys() == second.keys()
for one in (first, second):
    say({"number": one["number"], "arrived": "content", "status": 200 if same else 500})
"""
    asked = [question(entry="", check="open.example")] * 2
    async with running(tmp_path, READY + script) as program:
        answers = await asyncio.gather(*map(program.ask, asked))

    assert [one.status for one in answers if isinstance(one, ListAnswer)] == [200, 200]


async def test_credentials_are_not_on_the_command_line(tmp_path: Path) -> None:
    script = """\
one = ask()
seen = open("/proc/self/cmdline").read() + str(dict(os.environ))
told = one["connection"]["password"] == "p-secret" and "p-secret" not in seen
say({"number": one["number"], "arrived": "content", "status": 200 if told else 500})
"""
    async with running(tmp_path, READY + script) as program:
        answer = await program.ask(question())

    assert isinstance(answer, ListAnswer)
    assert answer.status == 200


def test_a_program_that_is_not_there_or_may_not_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(0o644)

    with pytest.raises(UsageError, match=r"there is no program .*absent; give the path"):
        SealedListProgram(SealedList(program="absent"), tmp_path)
    with pytest.raises(UsageError, match="there is no program"):
        SealedListProgram(SealedList(program="."), tmp_path)
    with pytest.raises(UsageError, match=r"text may not be executed; allow it"):
        SealedListProgram(SealedList(program="text"), tmp_path)


async def test_a_program_that_is_no_program_is_not_started(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"\x7fELF, but nothing else")
    (tmp_path / "text").chmod(0o755)

    async with SealedListProgram(SealedList(program="text"), tmp_path) as program:
        assert await program.ask(question()) == NOT_STARTED


@pytest.mark.parametrize(
    "script",
    [
        "raise SystemExit(1)",
        f"print({SECRET!r})",
        'say({"ready": "sealed-list/2"})',
        'say({"ready": "sealed-list/1", "more": 1})',
        "os.close(1); ask()",
        "print('x' * 10_000_000)",
    ],
)
async def test_a_program_that_is_not_ready_is_not_asked(tmp_path: Path, script: str) -> None:
    async with running(tmp_path, script) as program:
        assert program.trouble == NOT_READY
        assert await program.ask(question()) == NOT_READY


async def test_a_program_that_never_says_that_it_is_ready_is_not_waited_for(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, "ask()", start=0.01) as program:
        assert program.trouble == NOT_READY


@pytest.mark.parametrize(
    "extra",
    [
        {"url": SECRET},
        {"status": SECRET},
        {"digest": SECRET},
        {"arrived": SECRET},
        {"arrived": "notice", "mechanism": "listed.example"},
        {"arrived": "nothing", "failure": "listed.example", "stage": "connect"},
        {"arrived": "nothing", "failure": "instrument_error", "stage": "connect"},
        {"arrived": "nothing", "failure": "connection_reset", "stage": "instrument"},
        {"arrived": "nothing", "failure": "connection_reset"},
        {"arrived": "notice"},
        {"digest": DIGEST},
        {"failure": "connection_reset", "stage": "connect"},
        {"total": -1},
    ],
)
async def test_an_answer_of_another_form_is_dropped_and_the_next_one_counts(
    tmp_path: Path, extra: dict[str, object]
) -> None:
    script = f'say({{"number": ask()["number"], "arrived": "content"}} | {extra!r})\n'
    async with running(tmp_path, READY + script + CONTENT) as program:
        first = await program.ask(question())
        second = await program.ask(question())

    assert first == OTHER_FORM
    assert isinstance(second, ListAnswer)
    assert SECRET not in repr(vars(program))


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("ask(); raise SystemExit(1)", ENDED),
        ("ask(); os.close(1); ask()", ENDED),
        (f"ask(); print({SECRET!r}, flush=True); ask()", STRAY),
        ('say({"number": ask()["number"] + 1, "arrived": "content"}); ask()', STRAY),
        ("ask(); print('[' * 4000, flush=True); ask()", STRAY),
        ("ask(); print('{}', flush=True); ask()", STRAY),
        ("ask(); sys.stdout.write('x' * 100_000_000)", TOO_LONG),
        ("ask()\nwhile True: print('{}')", STRAY),
        (f"ask(); print({SECRET!r}, file=sys.stderr, flush=True); raise ValueError({SECRET!r})",
         ENDED),
    ],
)  # fmt: skip
async def test_a_program_that_cannot_be_followed_is_ended(
    tmp_path: Path, script: str, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with running(tmp_path, READY + script) as program:
        assert await program.ask(question()) == reason
        assert await program.ask(question()) == reason

    assert program.trouble == reason
    assert SECRET not in repr(vars(program))
    assert capfd.readouterr() == ("", "")


async def test_an_answer_never_belongs_to_the_question_before_or_after(tmp_path: Path) -> None:
    script = """\
numbers = [ask()["number"], ask()["number"]]
for number in (min(numbers) + 1, max(numbers) - 1):
    say({"number": number, "arrived": "content"})
ask()
"""
    async with running(tmp_path, READY + script) as program:
        answers = await asyncio.gather(program.ask(question()), program.ask(question()))

    assert list(answers) == [STRAY, STRAY]


async def test_a_program_that_hangs_is_ended_after_three_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_program, "GRACE", 0.0)
    async with running(tmp_path, READY + "while True: ask()") as program:
        for number in range(3):
            assert program.trouble == "", number
            assert await program.ask(question(timeout=0.01)) == SILENT

        assert program.trouble == SILENT


async def test_an_answer_that_comes_too_late_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_program, "GRACE", 0.0)
    script = """\
late, one = ask(), ask()
for each in (late, one):
    say({"number": each["number"], "arrived": "content", "status": 200})
"""
    async with running(tmp_path, READY + script) as program:
        assert await program.ask(question(timeout=0.01)) == SILENT
        answer = await program.ask(question())

    assert isinstance(answer, ListAnswer)


async def test_neither_a_program_that_ignores_signals_nor_its_child_survives(
    tmp_path: Path,
) -> None:
    script = """\
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
say({"number": ask()["number"], "arrived": "content"})
open("pids", "w").write(f"{os.getpid()} {child.pid}")
say({"number": ask()["number"], "arrived": "content"})
while True: signal.pause()
"""
    async with running(tmp_path, READY + script, end=0.05) as program:
        await program.ask(question())
        await program.ask(question())
        pids = (tmp_path / "pids").read_text().split()
        processes = [os.pidfd_open(int(pid)) for pid in pids]

    assert all(list(map(has_ended, processes)))


async def test_a_program_runs_again_as_if_it_had_never_run(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(START + READY + "ask(); " + CONTENT)
    declared = SealedList(program=sys.executable, arguments=("-I", "-S", "program.py"))
    program = SealedListProgram(declared, tmp_path)
    for _ in range(2):
        async with program:
            answer = await program.ask(question(entry="", check="open.example"))
            assert isinstance(answer, ListAnswer)
            assert await program.ask(question()) == ENDED


async def test_a_program_that_ends_with_its_input_gets_no_signal(tmp_path: Path) -> None:
    script = """\
def told(*_): open("signal", "w").close()
signal.signal(signal.SIGTERM, told)
sys.stdin.read()
open("ended", "w").close()
"""
    async with running(tmp_path, READY + script):
        pass

    assert (tmp_path / "ended").exists()
    assert not (tmp_path / "signal").exists()


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_nothing(line: bytes) -> None:
    assert read_answer(line) is None or isinstance(read_answer(line), ListAnswer)


_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=80),
    st.sampled_from(["content", "notice", "nothing", "block_page", "connection_reset", "connect",
                     DIGEST, SECRET, DIGEST.upper(), f"{DIGEST}\n"]),
)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from([*ListAnswer.__struct_fields__, "url"]), _VALUES),
    st.sampled_from(["content", "notice", "nothing"]),
)
def test_no_text_of_the_program_is_in_an_answer(fields: dict[str, object], arrived: str) -> None:
    told = msgspec.json.encode({"number": 1, "arrived": arrived} | fields)

    answer = read_answer(told)

    for value in msgspec.structs.astuple(answer) if answer is not None else ():
        is_word = not isinstance(value, str) or value.replace("_", "").isalnum() or not value
        assert is_word, value
        assert not isinstance(value, str) or value.isascii()
