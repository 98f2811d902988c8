"""Two processes of ``accredit monitor run`` share a registry in PostgreSQL, as on two machines."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path

import pytest

from harness.cli.registry_session import open_session
from harness.errors import UsageError
from harness.model.surveillance_event import SurveillanceRun
from test_suites.kit.campaigns.monitored_service import MonitoredService
from test_suites.kit.processes.monitor_process import running_in_group
from test_suites.products.postgresql import PostgreSql

pytestmark = [pytest.mark.product("initdb", "postgres"), pytest.mark.timeout(900)]

PATIENCE = 600.0


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with PostgreSql() as running:
        yield running.new_database()


def worker(file: Path, out: Path, url: str) -> AbstractContextManager[subprocess.Popen[str]]:
    """One worker, with results of its own."""
    database = {"ACCREDIT_DATABASE_URL": url}
    return running_in_group("monitor", "run", file, "--out", out, environment=database)


def runs_in(url: str) -> list[SurveillanceRun]:
    """The runs on record; none while there is no registry yet."""
    found: list[SurveillanceRun] = []
    with suppress(UsageError), open_session(url) as session:
        for head in session.registry.heads():
            with session.registry.reading(head.stream) as access:
                found += [each for each in access.events() if isinstance(each, SurveillanceRun)]
    return found


def test_two_workers_record_each_run_once_and_end_in_an_orderly_way(
    tmp_path: Path, url: str
) -> None:
    service = MonitoredService(folder=tmp_path / "files", cron="* * * * *")
    service.write()
    deadline = time.monotonic() + PATIENCE
    with ExitStack() as stack:
        workers = [stack.enter_context(worker(service.file, tmp_path / name, url)) for name in "ab"]
        while {each.site for each in runs_in(url) if each.result == "measured"} < {*service.sites}:
            assert all(each.poll() is None for each in workers)
            assert time.monotonic() < deadline
            time.sleep(0.2)
        for each in workers:
            each.send_signal(signal.SIGTERM)
        said = [each.communicate(timeout=PATIENCE)[0] for each in workers]

    assert [0, 0] == [each.returncode for each in workers], said
    counted = Counter(each.about for each in runs_in(url))
    assert max(counted.values()) == 1
    kept = [*tmp_path.glob("a/*/journal"), *tmp_path.glob("b/*/journal")]
    assert len({path.parent.name for path in kept}) == len(kept)
