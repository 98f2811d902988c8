"""What a hub keeps of its agents beside the events: the state of its operation, which is no proof.

Each function works within a transaction of the registry (``Registry.transaction``). A message id
is accepted once (``accept_message``), which refuses replays; older messages are refused by date.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, and_, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from harness.store.registry.tables import (
    AGENT_MESSAGES,
    AGENT_ORDERS,
    AGENT_REPORTS,
    AGENT_STATUSES,
)

KEPT_IDS = timedelta(days=1)
"""How long message ids are kept; the date of an older message refuses it."""

WAITING, RECORDED, ASIDE = "waiting", "recorded", "aside"
"""The states of a report: not looked at yet, recorded in a stream, and set aside with a reason."""

MOST_SERIAL = 2**31 - 2
"""The largest number of an order."""


class HeldStatus(NamedTuple):
    """What an agent said of itself last, as JSON, and when that came."""

    at: datetime
    status: str


class HeldOrder(NamedTuple):
    """The number of an agent's last order, and when its content changed."""

    serial: int
    at: datetime


class HeldReport(NamedTuple):
    """A report of a run: ``run`` is the SHA-256 of the run's key, ``bundle`` that of its bundle."""

    agent: str
    run: str
    bundle: str
    at: datetime
    state: str
    reason: str


def accept_message(
    connection: Connection, agent: str, message: str, at: datetime, now: datetime
) -> bool:
    """Keep the id of a message; return whether it is new. Old ids are removed."""
    connection.execute(delete(AGENT_MESSAGES).where(AGENT_MESSAGES.c.at < now - KEPT_IDS))
    values = {"agent": agent, "id": message, "at": at}
    return _inserted(connection, AGENT_MESSAGES, values)


def keep_status(connection: Connection, agent: str, status: str, now: datetime) -> None:
    """Keep what an agent says of itself in place of what it said before."""
    values = {"agent": agent, "at": now, "status": status}
    if not _inserted(connection, AGENT_STATUSES, values):
        matches = AGENT_STATUSES.c.agent == agent
        connection.execute(update(AGENT_STATUSES).where(matches).values(at=now, status=status))


def statuses(connection: Connection) -> dict[str, HeldStatus]:
    """The last status of each agent, by its id."""
    rows = connection.execute(select(AGENT_STATUSES)).all()
    return {str(row.agent): HeldStatus(row.at, row.status) for row in rows}


def number_order(
    connection: Connection, agent: str, digest: str, now: datetime, *, above: int = 0
) -> HeldOrder:
    """Return the number of an order with that content; it grows where the content changed.

    ``above`` is the number that the agent has. It is larger than ours only if the registry was
    restored from an old copy; then the number grows beyond it.
    """
    values = {"agent": agent, "serial": 1, "digest": digest, "at": now}
    _inserted(connection, AGENT_ORDERS, values)
    question = select(AGENT_ORDERS).where(AGENT_ORDERS.c.agent == agent)
    row = connection.execute(question.with_for_update()).one()
    serial, at = int(row.serial), row.at
    is_behind = serial < above <= MOST_SERIAL
    if row.digest != digest or is_behind:
        serial, at = max(serial, above if is_behind else 0) + 1, now
        changed = {"serial": serial, "digest": digest, "at": at}
        matches = AGENT_ORDERS.c.agent == agent
        connection.execute(update(AGENT_ORDERS).where(matches).values(changed))
    return HeldOrder(serial, at)


def orders(connection: Connection) -> dict[str, HeldOrder]:
    """The last order of each agent, by its id."""
    rows = connection.execute(select(AGENT_ORDERS)).all()
    return {str(row.agent): HeldOrder(int(row.serial), row.at) for row in rows}


def keep_report(connection: Connection, agent: str, run: str, bundle: str, now: datetime) -> bool:
    """Keep that a report came; return whether it is the first about that run."""
    values = {
        "agent": agent, "run": run, "bundle": bundle, "at": now, "state": WAITING, "reason": "",
    }  # fmt: skip
    return _inserted(connection, AGENT_REPORTS, values)


def end_report(connection: Connection, agent: str, run: str, state: str, reason: str = "") -> None:
    """Keep what became of a report."""
    matches = and_(AGENT_REPORTS.c.agent == agent, AGENT_REPORTS.c.run == run)
    connection.execute(update(AGENT_REPORTS).where(matches).values(state=state, reason=reason))


def reports(connection: Connection, **values: str) -> tuple[HeldReport, ...]:
    """The reports with those values, oldest first."""
    matches = (AGENT_REPORTS.c[name] == value for name, value in values.items())
    order = (AGENT_REPORTS.c.at, AGENT_REPORTS.c.agent, AGENT_REPORTS.c.run)
    question = select(AGENT_REPORTS).where(*matches).order_by(*order)
    return tuple(HeldReport(*row) for row in connection.execute(question))


def count_reports(connection: Connection, agent: str, state: str) -> int:
    """How many reports of an agent are in a state."""
    matches = and_(AGENT_REPORTS.c.agent == agent, AGENT_REPORTS.c.state == state)
    question = select(func.count()).select_from(AGENT_REPORTS).where(matches)
    return int(connection.scalar(question) or 0)


def _inserted(connection: Connection, table: Table, values: dict[str, Any]) -> bool:
    """Insert a row unless there is one with its key; return whether it was inserted.

    The row is asked for, because psycopg does not tell how many there were.
    """
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    added = dialect.insert(table).values(values).on_conflict_do_nothing()
    return connection.execute(added.returning(table.c.agent)).first() is not None
