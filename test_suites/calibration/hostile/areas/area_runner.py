"""Measures the services of the areas, several at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path

from test_suites.calibration.hostile.areas.area import areas
from test_suites.calibration.hostile.areas.area_supplier import (
    ALERTING,
    AREA_SUPPLIERS,
    AVAILABILITY,
    DEVICES,
    LOGGING,
    MAILING,
    SPEED,
    AreaSupplier,
    good_of,
)
from test_suites.calibration.hostile.areas.area_testbed import AreaTestbed
from test_suites.calibration.hostile.areas.log_line import send_and_read
from test_suites.calibration.hostile.areas.measured_speed import measure_speed
from test_suites.calibration.hostile.areas.relayed_mail import send_and_read as send_mail
from test_suites.calibration.hostile.areas.told_alerts import play_and_read
from test_suites.calibration.hostile.runner import (
    Begun,
    Run,
    exempt_from_collection,
    in_processes,
    measured,
)

MODULES: tuple[str, ...] = (
    "illegal_lists",
    "addresses",
    "searches",
    "page_content",
    "overblocking",
    "downloads",
    "uploads",
    "users",
    "block_pages",
    "service_logs",
    "service_alerts",
    "mail_relays",
    "service_speed",
    "service_outages",
    "device_moments",
    "resolving",
    "ways_round",
)
"""Where the suppliers are defined, in the order of the areas."""
SHORT_RUN = frozenset(
    {
        "list-for-marked-requests",
        "knows-plain-viewers-only",
        "block-page-and-receipt",
        "mixes-users-when-busy",
        "records-marked-requests",
        "filters-the-tester-alone",
    }
)
"""The services that are measured in every run: six, each of another area and way to deceive."""
PROCESSES, THREADS = 2, 2


def all_area_suppliers() -> dict[str, AreaSupplier]:
    """Every hostile supplier of an area by its id."""
    for module in MODULES:
        import_module(f"{__package__}.{module}")
    return AREA_SUPPLIERS


def find_area_supplier(identity: str) -> AreaSupplier:
    """The supplier, or good service, of that id. Raises KeyError."""
    good = {one.id: one for one in map(good_of, areas())}
    return good.get(identity) or all_area_suppliers()[identity]


def run_areas(
    identities: Sequence[str], *, processes: int = PROCESSES, threads: int = THREADS
) -> dict[str, Run]:
    """Measure the suppliers of these ids; gives each one's run by its id."""
    return in_processes(partial(run_area_share, threads=threads), identities, processes)


def run_area_share(identities: Iterable[str], threads: int = THREADS) -> list[Run]:
    """Measure suppliers in this process, beside one origin that they share."""
    suppliers = [find_area_supplier(each) for each in identities]
    exempt_from_collection()
    with (
        tempfile.TemporaryDirectory(prefix="accredit-areas-") as name,
        AreaTestbed(Path(name)) as testbed,
        ThreadPoolExecutor(threads) as pool,
    ):
        return list(pool.map(lambda each: run_in_area(each, testbed), suppliers))


def run_in_area(supplier: AreaSupplier, testbed: AreaTestbed) -> Run:
    """Measure and conclude the campaign of a supplier's area."""

    @contextmanager
    def begin(folder: Path) -> Iterator[Begun]:
        with testbed.serving(supplier) as running:
            yield testbed.write_campaign(folder, supplier, running), running.crashes

    def read_log(campaign: Path, out: Path) -> None:
        if supplier.area == LOGGING:
            send_and_read(campaign, out, testbed.log_of(supplier))
        if supplier.area == ALERTING:
            play_and_read(campaign, out, testbed.spool_of(supplier))
        if supplier.area == MAILING:
            mail = testbed.mail_of(supplier)
            send_mail(campaign, out, mail.inbox.mails, mail.spam)
        if supplier.area == SPEED:
            measure_speed(campaign, out)
        if supplier.area == AVAILABILITY:
            testbed.checked(supplier).check(campaign, out)
        if supplier.area == DEVICES:
            testbed.checked(supplier).change_networks(campaign, out)

    return measured(supplier.id, testbed.folder, begin, read_log)
