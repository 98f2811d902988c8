"""Reads OONI's ``web_connectivity`` measurements, data format 0.2.0, with their control.

One measurement becomes two trials: what the resolver said of the host, and what came of
fetching the page. The probe's own conclusions (``blocking``, ``accessible``) are not looked
at. See ooni/spec ts-017-web-connectivity and data formats df-001, df-002, df-005, df-006.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from harness.interop.ooni_dns import read_dns
from harness.interop.ooni_failures import failure_from
from harness.interop.ooni_form import Keys, Measurement
from harness.interop.ooni_web import read_control_web, read_web
from harness.interop.record import (
    LONG_AGO,
    MEASUREMENT_IMPORTERS,
    UNREADABLE,
    NotReadable,
    Record,
    Side,
    trial,
)
from harness.model.verdict import Trial

TEST = "web_connectivity"
TIMES = "%Y-%m-%d %H:%M:%S"
"""How a measurement writes when it was made, in UTC (df-000)."""


@MEASUREMENT_IMPORTERS.register("ooni")
def read_ooni(line: bytes | str) -> Record:
    """OONI's web_connectivity, data format 0.2.0. Raises NotReadable, saying what is wrong."""
    try:
        found = msgspec.json.decode(line, type=Measurement, strict=False)
    except UNREADABLE as error:
        raise NotReadable(str(error)) from None
    if found.test_name not in ("", TEST):
        msg = f"a measurement of {found.test_name[:60]!r}, not of {TEST!r}"
        raise NotReadable(msg)
    if not found.input or found.test_keys is None:
        missing = "test_keys" if found.input else "input"
        msg = f"the key `{missing}` is missing"
        raise NotReadable(msg)
    identity = identity_of(found)
    return Record(id=identity, trials=tuple(_trials(identity, found, found.test_keys)))


def _trials(identity: str, found: Measurement, keys: Keys) -> Iterator[Trial]:
    url, started = found.input or "", started_of(found)
    failed = keys.control_failure or keys.control is None
    names, web = read_dns(found), read_web(found)
    if names is not None:
        service, control = names
        yield trial(identity, url, "dns", service, None if failed else control, started=started)
    if web is not None:
        control = None if failed else read_control_web(found)
        yield trial(identity, url, "web", web, control, started=started)
    if names is None and web is None:
        yield trial(identity, url, "web", _nothing(keys), None, started=started)


def identity_of(found: Measurement) -> str:
    """``id``, the measurement's UID, or report and input: whichever is there first."""
    named: Any = found.id if found.id not in (None, "") else found.measurement_uid
    if named:
        return str(named)
    return f"{found.report_id or 'unreported'}?input={found.input}"


def started_of(found: Measurement) -> datetime:
    """When the measurement was made; long ago where it does not say so."""
    try:
        return datetime.strptime(found.measurement_start_time or "", TIMES).replace(tzinfo=UTC)
    except ValueError:
        return LONG_AGO


def _nothing(keys: Keys) -> Side:
    return Side(failure=failure_from(keys.http_experiment_failure or "nothing tried", "request"))
