"""``accredit check``: a school's own check on one laptop, with public test pages and no control.

Nothing is loaded into the filter beforehand, and no rights or help are needed. Ordinary pages are
tried before and after each part: without them nothing counts as blocked. Each run writes a record
into a folder of its own, so the history is kept.
"""

from __future__ import annotations

import asyncio
import platform
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from harness import VERSION
from harness.cli.printing import say, say_data, shown, warn
from harness.errors import InstrumentError, StoppedError, UsageError
from harness.judge.without_control import (
    STOPPED,
    has_connection,
    judge_alone,
    require_connection,
)
from harness.measure.event_loop import new_loop
from harness.model.school_check import (
    FORMAT,
    NO_CONNECTION,
    PARTS,
    CheckRecord,
    CheckResult,
    CheckRow,
    CheckTarget,
    Circumstances,
)
from harness.ports.storage import Clock, WallClock
from harness.store.atomic_write import write_whole_unsynced
from harness.store.private_folder import LENGTH, private_key
from harness.untrusted.regular_file import read_bounded

if TYPE_CHECKING:
    from harness.cli.check_plan import CheckLine, CheckPlan

OUT = Path("school-check")
RECORD, PAGE, KEY = "record.json", "record.html", "names.key"
"""The key of the digests of hidden names is the same for all records of a folder."""
AT_ONCE = 6
"""How many targets are tried at the same time."""
SENTENCE = 12
"""Characters of a sentence that tells a block page from other pages."""
RECORD_BYTES = 16 * 1024 * 1024
MOST_EARLIER = 50
"""How many earlier records the page lists."""

NAMES = Annotated[Path | None, typer.Option(help="A hidden list of names: a text file, or a pack.")]
AUTHORITY = Annotated[Path | None, typer.Option(help="The CA file of a filter that opens TLS.")]
RANGE = Annotated[
    Path | None, typer.Option("--range", help="Rehearse on the test range in this folder.")
]
ONLY_LIST = Annotated[
    bool, typer.Option("--list", help="List what would be contacted, and send nothing.")
]

See = Callable[[CheckTarget], Awaitable[CheckResult]]
"""Tries a target and judges it."""


def check_command(
    *,
    out: Annotated[Path, typer.Option(help="The folder of the records; each run adds one.")] = OUT,
    by: Annotated[str, typer.Option(help="Who checks.")] = "",
    site: Annotated[str, typer.Option(help="The school or site.")] = "",
    place: Annotated[str, typer.Option(help="The place on the site.")] = "",
    device: Annotated[str, typer.Option(help="The kind of device (default: its system).")] = "",
    group: Annotated[str, typer.Option(help="The user group that is signed in.")] = "",
    action: Annotated[str, typer.Option(help="What is done about the result.")] = "",
    supplier: Annotated[str, typer.Option(help="Your supplier: its own test pages count.")] = "",
    block_page: Annotated[str, typer.Option(help="A sentence on your filter's block page.")] = "",
    names: NAMES = None,
    proxy: Annotated[str, typer.Option(help="The proxy (default: the laptop's).")] = "",
    resolver: Annotated[str, typer.Option(help="A name server to use, without a proxy.")] = "",
    pac: Annotated[str, typer.Option(help="A PAC file to follow: a path or a URL.")] = "",
    direct: Annotated[bool, typer.Option("--direct", help="Use no proxy.")] = False,
    authority: AUTHORITY = None,
    on_range: RANGE = None,
    only_list: ONLY_LIST = False,
    json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """A school's own check of its filter, from this laptop.

    It tries public test pages, and keeps a record. Exit 0: nothing needs attention. 1: something
    does. 3: something could not be told.
    """
    from harness.cli.check_plan import contacts, find_line, plan_check  # noqa: PLC0415 - keep it light

    _check_sentence(block_page)
    line = find_line(proxy, resolver, pac, str(authority or ""), on_range, direct=direct)
    if only_list:
        say(*contacts(plan_check(line, supplier, names, bytes(LENGTH)), line))
        return
    key = private_key(out / KEY) if names is not None else b""
    plan = plan_check(line, supplier, names, key)
    check = Check(plan, line, block_page, WallClock(), lambda text: say(text, to_stderr=json))
    circumstances = Circumstances(
        by=by, site=site, place=place, group=group, action=action, supplier=supplier,
        connection=str(line),
        device=device or f"{platform.system()} {platform.release()}".strip(),
        rehearsal=on_range is not None,
    )  # fmt: skip
    record = run_and_write(check, circumstances, out, is_json=json)
    raise typer.Exit(record.exit_code)


def _check_sentence(block_page: str) -> None:
    """Refuse a sentence that stands on many pages. Raises UsageError."""
    if block_page and len(" ".join(block_page.split())) < SENTENCE:
        raise UsageError(
            f"--block-page {shown(block_page)!r}: give a sentence of the block page, of at least "
            f"{SENTENCE} characters"
        )


@dataclass(slots=True)
class Check:
    """One check while it runs; ``rows`` are what was seen so far."""

    plan: CheckPlan
    line: CheckLine
    block_page: str
    clock: Clock
    tell: Callable[[str], None]
    rows: list[CheckRow] = field(default_factory=list)
    lost: int = 0
    not_tried: list[str] = field(default_factory=list)
    _open: list[tuple[CheckTarget, CheckResult, datetime]] = field(default_factory=list)
    _connected: bool = False
    _done: int = 0

    async def run(self) -> None:
        """Try all targets, part by part, with ordinary pages before and after each part."""
        from probes.clients.school_check import SchoolCheckClient  # noqa: PLC0415 - keep it light

        async with self.line.line as opened:
            client = SchoolCheckClient(opened, secrets.token_hex(16), self.line.authority)

            async def see(target: CheckTarget) -> CheckResult:
                return judge_alone(target, await client.try_target(target), self.block_page)

            await self._begin(see)
            for part in PARTS if self._connected else ():
                await self._try_part(self.plan.of(part), see)

    def close(self) -> None:
        """Keep what was seen of a part that was stopped; nothing of it counts as blocked."""
        self._keep(before=self._connected, after=False, why=STOPPED)

    async def _begin(self, see: See) -> None:
        """Try ordinary pages, and keep what was seen of them."""
        targets, now = self.plan.of("start"), self.clock.now()
        seen = await self._try_ordinary(see)
        self.rows += [
            CheckRow.of(target, each, now) for target, each in zip(targets, seen, strict=True)
        ]
        self._done += len(targets)
        self._connected = has_connection(seen)
        if not self._connected:
            self.not_tried.append(f"all else: {NO_CONNECTION}")

    async def _try_ordinary(self, see: See) -> list[CheckResult]:
        seen = await asyncio.gather(*(see(target) for target in self.plan.of("start")))
        self.lost += not has_connection(seen)
        return list(seen)

    async def _try_part(self, targets: Sequence[CheckTarget], see: See) -> None:
        limit = asyncio.Semaphore(AT_ONCE)

        async def attempt(target: CheckTarget) -> None:
            async with limit:
                seen = await see(target)
            self._open.append((target, seen, self.clock.now()))
            self._done += 1
            self.tell(f"{self._done:>3} of {len(self.plan.targets)}  {target.what}: {seen.result}")

        if not targets:
            return
        async with asyncio.TaskGroup() as group:
            for target in targets:
                group.create_task(attempt(target))
        after = has_connection(await self._try_ordinary(see))
        self._keep(before=self._connected, after=after)
        self._connected = after

    def _keep(self, *, before: bool, after: bool, why: str = "") -> None:
        order = {target.id: number for number, target in enumerate(self.plan.targets)}
        for target, seen, at in sorted(self._open, key=lambda row: order[row[0].id]):
            options = {"why": why} if why else {}
            kept = require_connection(seen, before=before, after=after, **options)
            self.rows.append(CheckRow.of(target, kept, at))
        self._open.clear()


def run_and_write(
    check: Check, circumstances: Circumstances, out: Path, *, is_json: bool = False
) -> CheckRecord:
    """Run a check, write its record and print it; what was seen is written also if it is stopped.

    Raises StoppedError then, and InstrumentError if the record cannot be written.
    """
    begun = check.clock.now()
    folder = new_folder(out, begun)
    stopped: BaseException | None = None
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(check.run())
    except BaseException as error:  # noqa: BLE001 - what was seen is written first, then it is raised
        stopped = error
        check.close()
    record = CheckRecord(
        version=VERSION,
        begun=begun,
        ended=check.clock.now(),
        circumstances=circumstances,
        rows=tuple(check.rows),
        lost=check.lost,
        not_tried=(*check.plan.not_tried, *check.not_tried),
        stopped=stopped is not None,
    )
    trouble = write_record(record, folder, out)
    if isinstance(stopped, KeyboardInterrupt) and trouble is None:
        raise StoppedError(f"stopped; what was seen so far is in {folder / PAGE}") from None
    if stopped is not None and not isinstance(stopped, KeyboardInterrupt):
        raise stopped
    show_record(record, folder, is_json=is_json)
    if trouble is not None:
        raise trouble
    return record


def new_folder(out: Path, at: datetime) -> Path:
    """Make the folder of one run under ``out``. Raises UsageError, InstrumentError."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; name a folder with --out")
    name = at.strftime("%Y-%m-%dT%H%M%SZ")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            folder = out / (name if number == 1 else f"{name}-{number}")
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise InstrumentError(f"{out}: cannot be written: {error.strerror or error}") from None
    raise UsageError(f"{out} holds too many records of this second; try again")


def write_record(record: CheckRecord, folder: Path, out: Path) -> InstrumentError | None:
    """Write a record as JSON, then as a page with the earlier ones; return what went wrong."""
    from reports.school_check import render_check  # noqa: PLC0415 - keep the start light

    document = msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
    try:
        write_whole_unsynced(folder / RECORD, document)
        page = render_check(record, earlier_records(out, folder))
        write_whole_unsynced(folder / PAGE, page.encode())
    except OSError as error:
        return InstrumentError(f"{folder}: cannot be written: {error.strerror or error}")
    return None


_RECORDS = msgspec.json.Decoder(CheckRecord)


def earlier_records(out: Path, own: Path) -> list[CheckRecord]:
    """The records of earlier runs under ``out``, the last first; unreadable ones are named."""
    found: list[CheckRecord] = []
    for path in sorted(out.glob(f"*/{RECORD}"), reverse=True):
        if path.parent == own:
            continue
        try:
            record = _RECORDS.decode(read_bounded(path, RECORD_BYTES))
            if record.format != FORMAT or record.begun.tzinfo is None:
                raise msgspec.ValidationError
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            warn(f"{path}: not a record of this version; the page does not list it")
            continue
        found.append(record)
        if len(found) == MOST_EARLIER:
            break
    return sorted(found, key=lambda record: record.begun, reverse=True)


def show_record(record: CheckRecord, folder: Path, *, is_json: bool) -> None:
    """Print a record, and where it was written."""
    from reports.school_check import terminal_lines  # noqa: PLC0415 - keep the start light

    if is_json:
        say_data(record)
        return
    say("", *terminal_lines(record))
    say("", f"The record: {folder / PAGE}")
