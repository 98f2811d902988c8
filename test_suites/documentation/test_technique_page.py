"""The page of techniques: each step, option and value is on it, and each statement can be read."""

from __future__ import annotations

import csv
import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from corpora.pack_reader import open_pack
from harness.estimate import technique_metrics
from harness.model.corpus import VECTOR
from harness.model.technique import GROUPS, case_of_item
from harness.model.technique_host import ALLOWED, PART, RELAY, home_of_technique
from harness.model.technique_metric_specs import TECHNIQUE_METRICS
from harness.ports.network import Origin
from harness.ports.streams import DialsStreams, SendsDatagrams
from probes.kinds.techniques import Techniques
from probes.lines.direct import Control, Interface, ResolverLine
from probes.lines.explicit_proxy import ExplicitProxy
from probes.lines.pac import Pac
from probes.lines.simulated import Simulated
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.pings import SendsPings
from probes.range import public_origin
from probes.techniques.run import NotCarriedError, TechniqueRun
from probes.techniques.steps import read_statement, readers
from test_suites.documentation.technique_page import METRICS, OWN_ROW, ROWS, left_out
from test_suites.documentation.technique_steps import (
    NEEDS,
    OPTION_WORDS,
    STEPS,
    options_of_step,
)
from test_suites.kit.campaigns.techniques import attempt_of
from test_suites.kit.guides import ROOT

PAGE = (ROOT / "docs/reference/techniques.md").read_text(encoding="utf-8")
STATEMENTS = [
    line
    for block in re.findall(r"^```statement\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
WITHOUT_OPTIONS = {name for name, step in STEPS.items() if step.text}


def test_each_step_is_described_with_an_example() -> None:
    assert set(readers()) == set(STEPS)
    for name, step in STEPS.items():
        assert any(part.split(" ")[0] == name for part in step.example.split(" | ")), name


@pytest.mark.parametrize("statement", [*STATEMENTS, OWN_ROW])
def test_each_statement_of_the_page_can_be_read(statement: str) -> None:
    assert read_statement(statement)


def test_a_step_has_options_or_a_text_of_its_own() -> None:
    assert {name for name in STEPS if not options_of_step(name)} == WITHOUT_OPTIONS
    assert {name for step in STEPS for name in options_of_step(step)} == set(OPTION_WORDS)


@pytest.mark.parametrize("name", sorted(set(STEPS) - WITHOUT_OPTIONS))
def test_the_options_are_those_that_the_reader_knows(name: str) -> None:
    options = options_of_step(name)

    with pytest.raises(ValueError, match="is no option") as refused:
        readers()[name]("unheard-of=1")

    named = re.findall(r"[\w-]+", str(refused.value).partition(";")[2].partition(":")[2])
    assert set(named) == set(options)
    readers()[name](" ".join(f"{option}={value}" for option, value in options.items() if value))


ORIGIN = Origin(zone="accredit.test", resolver="", ports={}, authority="", key=b"k" * 16)


class BareLine:
    """A line that carries nothing."""

    origin = None

    name, carries = "bare", frozenset[str]()


@pytest.mark.parametrize("name", STEPS)
async def test_a_step_needs_of_a_line_what_the_page_says(name: str) -> None:
    run = TechniqueRun(
        attempt=attempt_of(STEPS[name].example, ORIGIN, "bare"),
        line=cast("Any", BareLine()),
        origin=ORIGIN,
        values=dict.fromkeys(("host", "label", "parent", "allowed", "relay", "zone"), "a.test")
        | {"ip": "127.0.0.1", "nonce": "0" * 32, "headers": "", "marks": ""},
        recorder=ExchangeRecorder(1000),
        deadline=float("inf"),
        host="a.test",
    )
    obstacle = NEEDS[STEPS[name].needs][1]
    own = STEPS[name].example.split(" | ")
    place = next(number for number, part in enumerate(own) if part.split(" ")[0] == name)
    (step,) = read_statement(own[place])

    if not obstacle:
        await step(run)
    else:
        with pytest.raises(NotCarriedError, match=obstacle):
            await step(run)


def test_lines_carry_what_the_page_says() -> None:
    kinds = (DialsStreams, SendsDatagrams, SendsPings)

    def carried(line: type) -> list[bool]:
        methods = [{name for name in vars(kind) if name[0] != "_"} for kind in kinds]
        return [all(hasattr(line, each) for each in named) for named in methods]

    for line in (Control, Interface, ResolverLine, Pac):
        assert [True, True, True] == carried(line)
        assert "ask" in line.carries
    assert [True, False, False] == carried(ExplicitProxy)
    assert "ask" not in ExplicitProxy.carries
    assert [False, False, False] == carried(Simulated)


def test_each_metric_of_techniques_counts_a_group() -> None:
    assert set(GROUPS) == set(METRICS)
    counted = {spec.name for spec in TECHNIQUE_METRICS} - {"circumvention_stopped"}
    assert counted <= set(METRICS.values())
    for group, metric in METRICS.items():
        words = inspect.getdoc(getattr(technique_metrics, metric, None)) if metric else ""
        if words and words.startswith("Count the open classes of"):
            assert GROUPS[group].words in words


def test_hosts_of_the_page_are_those_of_techniques() -> None:
    zone = "example.org"
    for name in (f"x-1.{PART}.{zone}", f"{ALLOWED}.{PART}.{zone}", f"any.{RELAY}.{PART}.{zone}"):
        assert home_of_technique(name, [zone])
        assert f".{PART}.ZONE" in PAGE


def test_each_row_has_a_statement_or_a_reason_that_the_page_names() -> None:
    with ROWS.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    named = " ".join(ids for ids, _ in left_out())

    assert all(bool(row["sends"]) != bool(row["measured_elsewhere"]) for row in rows)
    for row in rows:
        assert (f"{row['id']} (" in named) == bool(row["measured_elsewhere"])


def test_a_public_origin_speaks_over_quic_what_the_page_says() -> None:
    source = inspect.getsource(public_origin)

    assert ("shows its pages over HTTP/3" in PAGE) == ("h3_listener(" in source)
    assert ("and no more over QUIC" in PAGE) == ("QuicServices" not in source)


def test_the_page_s_own_pack_can_be_tried(tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(# make_pack\.py\n.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "make_pack.py").write_text(code, encoding="utf-8")

    made = subprocess.run(
        [sys.executable, "make_pack.py"],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": shutil.which("env") or ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (0, "") == (made.returncode, made.stderr)
    (item,) = open_pack(str(tmp_path / "my-ways")).items()
    assert (VECTOR, "my-1.ways.accredit.test") == (item.kind, item.host)
    assert Techniques().fits(item)
    case = case_of_item(item)
    assert case is not None
    assert case.name in GROUPS[case.group].classes
