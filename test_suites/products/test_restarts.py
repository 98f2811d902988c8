"""A real restart of Squid: a time in which its lists are not loaded yet is found (AVL-03)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from harness import pipeline
from harness.cli.availability import CheckTimes, check
from harness.cli.compose import prepare
from harness.cli.paths import CampaignPaths
from harness.measure.plain_twins import with_plain_twins
from harness.model.outcome import Conformity
from harness.model.timed_event import EventNote
from test_suites.kit.campaigns.rehearsal import read_rehearsal, write_campaign
from test_suites.kit.processes.product import Place, Process, which
from test_suites.products.blocklist import BlockList
from test_suites.products.conftest import StartRange
from test_suites.products.measured import LIMITS, SENTINEL, canaries
from test_suites.products.squid import Reply, Squid

SCHEME = """\
id: our-school
version: "1.0"
title: Faults
policy: uk-schools-2026
requirements: [{id: AVL-03}]
"""
PAGES = 12


class RestartingSquid(Squid):
    """Squid that filters only some time after a restart."""

    process: Process

    def run(self, binary: str, *arguments: str, answers_at: Iterable[Place]) -> None:
        command = (which(binary) or binary, *arguments)
        log = self.folder.path / "console.log"
        self.process = Process(command, log=log, answers_at=answers_at)
        self.closing.enter_context(self.process)

    def restart(self) -> None:
        """Stop it, start it without its lists, and load them a second later."""
        conf = self.folder.path / "squid.conf"
        rules = conf.read_text()
        self.process.stop()
        conf.write_text(
            "\n".join(one for one in rules.splitlines() if "deny at_" not in one) + "\n"
        )
        self.process.start()
        time.sleep(1.0)
        conf.write_text(rules)
        self.process.reconfigure()


@pytest.mark.product("squid")
def test_a_restart_without_lists_is_an_unfiltered_time(
    tmp_path: Path, start_range: StartRange
) -> None:
    world = start_range()
    items = [one for some in canaries({"GAMB": 400}).values() for one in some]
    listed = with_plain_twins(
        [*items, replace(items[0], id="sentinel", value=SENTINEL)], world.origin
    )
    denied = BlockList(name="listed", hosts=tuple(one.host for one in listed), reply=Reply.PAGE)
    (tmp_path / "scheme.yaml").write_text(SCHEME)
    with RestartingSquid(world.origin, [denied], {"pupils": ["listed"]}) as squid:
        line = {
            "name": "line",
            "type": "explicit_proxy",
            "options": {"proxy": squid.proxy("pupils")},
        }
        path = write_campaign(
            tmp_path,
            origin=tmp_path / "origin.json",
            lines=[line],
            categories=["GAMB"],
            sample=PAGES,
            sentinels={"must_block": [SENTINEL]},
            limits=LIMITS,
            service={"name": "Squid", "continuity": {"in_a_fault": "nothing_passes"}},
            scheme="scheme.yaml",
        )
        paths = CampaignPaths(out=tmp_path / "out", campaign="rehearsal")
        restart = threading.Thread(target=squid.restart, daemon=True)
        check(
            prepare(path),
            paths,
            CheckTimes(every=0.15, lasts=9, together=10),
            test=EventNote(kind="fault", asks="block", name="restart"),
            announce=restart.start,
            pause=asyncio.sleep,
        )
        restart.join()
    with pytest.MonkeyPatch.context() as patched:  # its items were not measured
        patched.setattr(pipeline, "bar_incomplete", lambda measured, _: tuple(measured))
        found = read_rehearsal(paths.journal).outcome("AVL-03", "line")

    assert found.conformity is Conformity.DOES_NOT_CONFORM, found.reasons
    assert found.metric.k >= 1
    assert "the page came" in found.witnesses[0].saw[0]
