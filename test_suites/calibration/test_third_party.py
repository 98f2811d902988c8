"""A probe of another package takes part in a campaign through its entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from harness.campaign.origin_file import write_origin
from harness.ports.network import Origin
from test_suites.kit.campaigns.rehearsal import write_campaign

PROBE = '''
"""Asks whether a greeting gets through: a protocol that Accredit does not know."""

from harness.model.observation import Timings
from harness.model.facts import ReachFacts
from harness.model.probe import ProbeDeclaration
from harness.plugins import PROBES
from harness.ports.network import Request, ProbeResult


@PROBES.register("greeting")
class Greeting:
    """Greets a host over the line."""

    declares = ProbeDeclaration(needs="fetch", facts="reach")

    async def try_item(self, attempt, line):
        seen = await line.fetch(Request(url=attempt.item.url(), timeout=attempt.timeout))
        facts = ReachFacts(
            target=attempt.item.host,
            reached=seen.status == 200,
            refusal="" if seen.status == 200 else f"status {seen.status}",
        )
        return ProbeResult(timings=Timings(total=seen.timings.total), facts=facts)
'''
READ = """
import sys
from pathlib import Path
from collections import Counter
from test_suites.kit.campaigns.rehearsal import rehearse
run = rehearse(Path(sys.argv[1]))
print(sorted(Counter((v.key.probe, v.item.category, v.state.value) for v in run.verdicts).items()))
"""


def test_a_probe_of_another_package_takes_part_in_a_campaign(tmp_path: Path) -> None:
    package = tmp_path / "site"
    info = package / "accredit_greeting-1.0.dist-info"
    info.mkdir(parents=True)
    (package / "greeting_probe.py").write_text(PROBE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: accredit-greeting\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[accredit.probes]\ngreeting = greeting_probe\n")
    origin = Origin(
        zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="a.pem", key=b"k" * 32
    )
    write_origin(origin, tmp_path / "origin.json")
    block = ["DRUG", "copper-meadow.accredit.test"]
    campaign = write_campaign(
        tmp_path / "run",
        origin=tmp_path / "origin.json",
        lines=[{"name": "proxy", "type": "simulated", "options": {"block": block}}],
        categories=["DRUG"],
        sample=20,
        control={"type": "simulated"},
        probes=["greeting"],
    )

    ended = subprocess.run(
        [sys.executable, "-c", READ, str(campaign)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(package), os.environ["PYTHONPATH"]])},
        capture_output=True,
        text=True,
        check=False,
    )

    expected = [(("greeting", "ALW.DRUGED", "allowed"), 20), (("greeting", "DRUG", "blocked"), 20)]
    assert str(expected) == ended.stdout.strip(), ended.stderr
