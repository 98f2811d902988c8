"""A hub of the demonstration that is really served, for tests that walk through it in a browser.

Accounts have passwords, a provider on loopback signs people in, a laboratory's key is trusted, and
the server is a process with its own threads.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from harness.cli.bundle import make_bundle
from harness.cli.conclude import conclude_journal
from harness.cli.demo_hub import make_demo_hub, own_environment
from harness.cli.demo_hub_files import DNS, HARBOUR, NORTHGATE, campaign_text
from harness.cli.demo_hub_story import FIXED
from harness.cli.drawing import silent
from harness.cli.hub_agents import open_hub
from harness.cli.hub_projector import Projector
from harness.cli.measure import measure_prepared, prepare_in
from harness.cli.paths import CampaignPaths
from harness.cli.plan_soak import SoakReading
from harness.cli.registry_session import open_session
from harness.cli.retest import retest_plan
from harness.cli.serve_demo import demo_people
from harness.model.action_plan import RetestResult
from harness.model.event import SoakMeasured
from harness.ports.storage import WallClock
from harness.store.hub.accounts import Accounts
from harness.store.hub.people import membership
from test_suites.kit.hubs.keys import write_keys
from test_suites.kit.hubs.oidc_provider import CLIENT, SECRET, OidcProviderDouble, oidc_provider
from test_suites.kit.processes.product import free_port
from test_suites.kit.processes.warm_start import Started

TESTER, SECOND_ASSESSOR = "Placeholder Assessor", "second-assessor@demo.invalid"
EVALUATOR = "evaluator@demo.invalid"
"""Somebody with the name of who measured, and an account that may decide."""

PASSWORD = "nine old trams at noon"
SEED = "a story"
BUNDLED, FIX, HELD = "harbour-visit", "dns-fixed", "dns-held"
"""The campaigns of the story: one that is sent as a bundle, and those by which a plan ends."""

ENDS_WITHIN = 120


class MadeHub(NamedTuple):
    """The folder of a hub that was made, the passwords by address, and a bundle to send."""

    folder: Path
    passwords: dict[str, str]
    bundle: Path


class StoryHub(NamedTuple):
    """A hub that is served."""

    folder: Path
    url: str
    passwords: dict[str, str]
    bundle: Path
    provider: OidcProviderDouble

    @property
    def out(self) -> Path:
        """Where its results are."""
        return self.folder / "out"


def make_story_hub(folder: Path) -> MadeHub:
    """Make the hub of the demonstration with its people and the bundle, and the rows of pages."""
    hub, clock = folder / "hub", WallClock()
    with own_environment():
        make_demo_hub(hub, datetime.now(UTC))
        passwords = {who.email: word for who, word in demo_people(hub, clock).items()}
        with open_session(hub / "out/registry.sqlite", clock=clock) as session:
            accounts = Accounts(session.registry, clock.now)
            for email, name, role in (
                (SECOND_ASSESSOR, "Placeholder Second Assessor", "assessor"),
                (EVALUATOR, TESTER, "decision-maker"),
            ):
                accounts.add(email, name, membership(role), password=PASSWORD, actor="the test")
                passwords[email] = PASSWORD
        for name, service, site in (
            (BUNDLED, HARBOUR, "Kingsmead School"),
            (FIX, DNS, "Ashfield High"),
            (HELD, DNS, "Ashfield High"),
        ):
            text = campaign_text(service, site, name, FIXED, SEED + name)
            (hub / f"{name}.yaml").write_text(text, encoding="utf-8")
        bundle = _bundle(hub, folder / "laboratory")
        told: list[str] = []
        with open_hub(hub, clock, told.append, lambda _: None) as opened:
            Projector(opened.registry, opened.hub.results, clock, told.append).catch_up()
        assert [] == told
    return MadeHub(hub, passwords, bundle)


def _bundle(hub: Path, laboratory: Path) -> Path:
    """Measure a campaign elsewhere, and sign a bundle of it by a key that the hub trusts."""
    laboratory.mkdir()
    private, public = write_keys(laboratory, "laboratory")
    out = laboratory / "own"
    paths = measure_prepared(prepare_in(hub / f"{BUNDLED}.yaml", out), out, silent())
    made = laboratory / f"{BUNDLED}.zip"
    make_bundle(paths.journal, private, made, packs=[hub / "pack"])
    shutil.copy(public, hub / public.name)
    return made


@contextmanager
def served_story(made: MadeHub, folder: Path) -> Iterator[StoryHub]:
    """Serve a copy of the hub by ``accredit serve``, with a provider by which people sign in."""
    shutil.copytree(made.folder, folder)
    with oidc_provider(lambda: datetime.now(UTC)) as provider:
        url = f"http://127.0.0.1:{free_port()}"
        (folder / "client-secret").write_text(f"{SECRET}\n", encoding="utf-8")
        declared = (folder / "hub.yaml").read_text(encoding="utf-8")
        (folder / "hub.yaml").write_text(
            declared.replace('url: "http://127.0.0.1"', f'url: "{url}"')
            + "trusted:\n- {key: laboratory.pub.pem, holder: A Laboratory, kind: laboratory}\n"
            "schemes: [scheme.yaml]\n"
            f'oidc: {{name: Example Board, issuer: "{provider.issuer}", client: "{CLIENT}", '
            "secret: client-secret}\n",
            encoding="utf-8",
        )
        with _serving(folder, url):
            yield StoryHub(folder, url, made.passwords, made.bundle, provider)


@contextmanager
def _serving(folder: Path, url: str) -> Iterator[None]:
    command = [sys.executable, "-m", "harness.cli.process", "serve", "--hub", str(folder)]
    command += ["--port", url.rpartition(":")[2]]
    log = folder.with_name("server.log")
    with (
        log.open("w") as errors,
        Started(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        try:
            assert process.stdout is not None
            assert f"serving {url};" in process.stdout.readline(), log.read_text()
            yield
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=ENDS_WITHIN)
            assert "serving stopped" in said
        finally:
            process.kill()
    assert "unexpected error" not in log.read_text()


def retest(hub: StoryHub, plan: str) -> None:
    """Re-test a claimed fix as ``accredit retest`` does, and measure once more that it holds.

    Nothing has closed the plan afterwards.
    """
    clock = WallClock()
    with own_environment():
        done, _ = retest_plan(
            plan, hub.folder / f"{FIX}.yaml", hub.out, TESTER, silent(), clock,
            supplier=NORTHGATE, soak_days=0,
        )  # fmt: skip
        assert done.outcome is RetestResult.CONFORMS
        prepared = prepare_in(hub.folder / f"{HELD}.yaml", hub.out)
        measure_prepared(prepared, hub.out, silent(), clock)
        paths = CampaignPaths(out=hub.out, campaign=HELD)
        assessment, _ = conclude_journal(paths.journal, clock=clock)
        with open_session(paths.registry, clock=clock) as session:
            soak = SoakReading(assessment, paths).of(session.plan(plan, NORTHGATE))
            assert soak is not None
            measured = SoakMeasured(
                at=clock.now(), actor=TESTER, plan=plan, soak=soak, service=DNS.name,
                scheme=assessment.scheme,
            )  # fmt: skip
            session.advance(plan, measured, supplier=NORTHGATE)
