"""The probe ``browser`` over the range's lines, and what is left of its Chromium."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.marker import mark, new_run
from harness.model.observation import AttemptKey
from harness.ports.network import Attempt, Line, Origin, ProbeResult
from probes.clients.browser_pool import browser_for
from probes.kinds.web_browser import Browser, BrowserHttps
from probes.lines.direct import Control, ControlOptions
from probes.lines.explicit_proxy import ExplicitProxy, ExplicitProxyOptions
from probes.range.testbed import RangeTestbed
from test_suites.browser.small_internet import facts
from test_suites.kit.processes.product import require

pytest.importorskip("playwright", reason="needs the extra: pip install 'isp-accredit[browser]'")
pytestmark = pytest.mark.timeout(240)

BLOCKED = "gamb-001.canary.accredit.test"
ALLOWED = "ctrl-001.canary.accredit.test"


@pytest.fixture(autouse=True)
def _chromium() -> None:
    require("chromium")


async def tried(url: str, line: Line, origin: Origin) -> ProbeResult:
    item = Item(id="i", value=url, kind="url", labels=("GAMB",))
    key = AttemptKey(campaign="c", item="i", probe="browser", line=line.name, profile="ks2")
    marker = mark(origin.key, key, item.host, run=new_run())
    attempt = Attempt(key=key, item=item, limits=Limits(), timeout=20.0, marker=marker)
    return await (BrowserHttps() if url.startswith("https:") else Browser()).try_item(attempt, line)


async def test_pages_come_directly_and_a_block_page_by_the_proxy(tmp_path: Path) -> None:
    async with RangeTestbed(tmp_path, opens_tls=True) as bed:
        origin = bed.origin
        options = ExplicitProxyOptions(proxy=origin.services["reference"]["proxy"]["ks2"])
        async with (
            Control("control", ControlOptions(), origin, Limits()) as control,
            ExplicitProxy("proxy", options, origin, Limits()) as proxy,
        ):
            for scheme in ("http", "https"):
                direct = await tried(f"{scheme}://{BLOCKED}/", control, origin)
                blocked = await tried(f"{scheme}://{BLOCKED}/", proxy, origin)
                allowed = await tried(f"{scheme}://{ALLOWED}/", proxy, origin)

                assert (facts(direct).canary, facts(direct).asked) == ("seen", True)
                assert (facts(allowed).canary, facts(allowed).asked) == ("seen", True)
                assert facts(blocked).canary == "absent"
                if scheme == "http":
                    assert facts(blocked).title == "Access to this page is blocked"
                    assert (facts(blocked).status, facts(blocked).net_error) == (403, "")
                else:  # a browser does not show what stands in the refusal of a tunnel
                    assert (facts(blocked).title, facts(blocked).text) == ("", "")
                    assert facts(blocked).net_error == "ERR_TUNNEL_CONNECTION_FAILED"
                    assert facts(blocked).tunnel_status == 403
                kinds = [each.media_type for each in blocked.evidence]
                assert kinds == ["text/html; charset=utf-8", "image/png"]
            used = await browser_for(control)
            assert await browser_for(proxy) is used
            home = (await used.chromium()).home
            ends = _ends_of(_programs(home))
            assert ends
    assert not home.exists()
    _wait_for(ends)


KILLED = """
import asyncio, sys
from probes.clients.chromium import Chromium
async def main():
    async with Chromium("") as running:
        print(running.home, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


def test_a_process_that_is_killed_takes_its_browser_with_it() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        folder = process.stdout.readline().strip()
        started = _below(process.pid)
        assert len(started) > 2
        ends = _ends_of(started)
        process.send_signal(signal.SIGKILL)
    _wait_for(ends)
    shutil.rmtree(folder)


def _programs(folder: Path) -> set[int]:
    """The processes below this one whose command line names a folder."""
    named = str(folder).encode()
    return {pid for pid in _below(os.getpid()) if named in _read(f"/proc/{pid}/cmdline")}


def _read(file: str) -> bytes:
    """What is told of a process; nothing of one that has ended."""
    try:
        return Path(file).read_bytes()
    except OSError:
        return b""


def _below(pid: int) -> set[int]:
    """All processes that a process started, directly or not."""
    found: set[int] = set()
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        children = {int(each) for each in _read(str(listed)).split()}
        found |= children.union(*map(_below, children))
    return found


def _ends_of(programs: Iterable[int]) -> set[int]:
    """A descriptor for each process, which can be read once it has ended."""
    ends = set()
    for pid in programs:
        with suppress(ProcessLookupError):
            ends.add(os.pidfd_open(pid))
    return ends


def _wait_for(ends: set[int]) -> None:
    """Wait until all processes have ended; the test's own timeout is the limit."""
    waiting = select.poll()
    for end in ends:
        waiting.register(end, select.POLLIN)
    while ends:
        for end, _ in waiting.poll():
            waiting.unregister(end)
            os.close(end)
            ends.discard(end)
