"""ILL-01 over a sealed list: the program of the guide, programs that lie, and what is kept of both."""

from __future__ import annotations

import hashlib
import hmac
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from corpora.build_pack import import_pack
from corpora.pack_reader import open_pack
from harness.cli.main import app
from harness.model.outcome import Conformity, Outcome
from harness.model.verdict import State
from harness.store.journal.journal import open_journal
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from test_suites.kit.campaigns.ranges import (
    PATIENT,
    is_blocked,
    origin_file,
    proxy_line,
    world_of,
)
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign
from test_suites.kit.guides import files_of
from test_suites.kit.hubs.keys import write_keys

ENTRIES = tuple(f"ill-csam-00{number}.canary.accredit.test" for number in range(1, 5))
KEY = b"a key that stays with the holder"
SCHEME = """\
id: our-school
version: "1.0"
title: A sealed list
policy: uk-schools-2026
requirements: [{id: ILL-01}]
"""
GUIDE = files_of("test-a-sealed-list.md")["sealed_list.py"]
SAYS_NOTICE = '{"arrived": "notice", "mechanism": "block_page", "status": 403}'
SAYS_CONTENT = '{"arrived": "content", "status": 200, "receipt": "' + "0" * 64 + '"}'
Try = Callable[..., Rehearsal]


def identity(entry: str) -> str:
    return hmac.new(KEY, entry.encode(), hashlib.sha256).hexdigest()


def with_facts(control: str, service: str) -> str:
    """The program of the guide, which reaches no network and always says the same of each line."""
    seen = "seen = await lines[name].fetch(request)"
    assert GUIDE.count(seen) == 1
    lied = f"seen = json.loads({service!r} if 'proxy' in name else {control!r})"
    return GUIDE.replace(seen, lied).replace("**facts(seen)", "**seen")


world = world_of(policy=FilterPolicy.from_items(open_pack("canary").items(), is_blocked))
"""A filter that has loaded the list."""


@pytest.fixture
def tried(world: RangeTestbed, tmp_path: Path) -> Iterator[Try]:
    """Measure and conclude a campaign over the filter's proxy."""

    def run(
        program: str = GUIDE,
        *,
        missed: frozenset[str] = frozenset(),
        probes: tuple[str, ...] = ("sealed_list", "sealed_list_https"),
    ) -> Rehearsal:
        (tmp_path / "feed").write_text(
            "".join(f"hmac-sha256:k1:{identity(entry)}\n" for entry in ENTRIES)
        )
        created = "2026-11-27T00:00:00Z"
        import_pack(
            "hmac_feed", tmp_path / "feed", tmp_path / "csam", created=created, label="ILL.CSAM"
        )
        holder = tmp_path / "holder"
        holder.mkdir()
        (holder / "sealed_list.py").write_text(program)
        (holder / "entries.txt").write_text("\n".join(ENTRIES))
        (holder / "key.bin").write_bytes(KEY)
        (tmp_path / "scheme.yaml").write_text(SCHEME)
        origin = origin_file(world)
        files = ("sealed_list.py", "entries.txt", "key.bin")
        if missed:
            world.faults.add(Fault(kind=FaultKind.MISS, hosts=missed))
        declared = {
            "program": sys.executable,
            "arguments": [*(f"holder/{name}" for name in files), str(origin)],
        }
        return rehearse(
            write_campaign(
                tmp_path,
                origin=origin,
                lines=[proxy_line(world)],
                corpora=[{"pack": "./csam"}],
                probes=list(probes),
                scheme="scheme.yaml",
                sealed_list=declared,
                limits=PATIENT | {"retries": 0},
            )
        )

    yield run
    world.faults.clear()


def outcome(run: Rehearsal) -> Outcome:
    return run.outcome("ILL-01", "proxy")


def test_a_filter_that_has_loaded_the_sealed_list_conforms(tried: Try) -> None:
    run = tried()

    assert outcome(run).conformity is Conformity.CONFORMS, outcome(run).reasons
    assert [part.metric.n for part in outcome(run).metric.parts] == [4, 4]
    assert run.mechanisms("ILL.CSAM", "proxy", "sealed_list") == {"block_page": 4}
    assert run.mechanisms("ILL.CSAM", "proxy", "sealed_list_https") == {"proxy_refusal": 4}


def test_a_sealed_entry_that_gets_through_does_not_conform_and_is_named_by_its_id_alone(
    tried: Try, tmp_path: Path
) -> None:
    run = tried(missed=frozenset({ENTRIES[2]}))

    assert outcome(run).conformity is Conformity.DOES_NOT_CONFORM
    assert run.items(State.ALLOWED, "ILL.CSAM", "proxy", "sealed_list") == {identity(ENTRIES[2])}
    kept = everything_kept(run, tmp_path)
    assert identity(ENTRIES[2]).encode() in kept["report.html"]
    for name, text in kept.items():
        assert b"ill-csam-00" not in text, name
        assert KEY not in text, name
        assert not name.startswith("rehearsal/evidence"), name


def everything_kept(run: Rehearsal, folder: Path) -> dict[str, bytes]:
    """What a campaign wrote, with its report and its bundle, unpacked; also what it printed."""
    out = folder / "out"
    private, _ = write_keys(folder)
    called = (
        ["conclude", run.journal],
        ["report", run.journal, "--out", out / "report.html"],
        ["corpus", "info", folder / "csam"],
        ["bundle", "make", run.journal, "--out", out / "all.zip", "--key", private,
         "--pack", folder / "csam", "--reveal-seed"],
    )  # fmt: skip
    printed = [CliRunner().invoke(app, [str(word) for word in words]).output for words in called]
    with zipfile.ZipFile(out / "all.zip") as bundle:
        bundle.extractall(out / "bundle")
    kept = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.*")
            if path.is_file()}  # fmt: skip
    journal = open_journal(run.journal)
    try:
        observations = tuple(journal.observations())
    finally:
        journal.close()
    return kept | {
        "the journal, unpacked": msgspec.json.encode(observations),
        "what was printed": "\n".join(printed).encode(),
    }


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(with_facts(SAYS_NOTICE, SAYS_NOTICE), id="blocked everywhere"),
        pytest.param(with_facts(SAYS_CONTENT, SAYS_NOTICE), id="blocked without any network"),
        pytest.param("raise SystemExit(3)", id="it ends at once"),
    ],
)
def test_a_sealed_list_program_that_proves_nothing_leaves_it_insufficient(
    tried: Try, program: str
) -> None:
    run = tried(program)

    assert outcome(run).conformity is Conformity.INSUFFICIENT
    assert not any(verdict.state is State.BLOCKED for verdict in run.verdicts)
    (failed,) = {one.name for one in run.assessment.preconditions if not one.held}
    assert failed == "list-program-works"
