"""A hostile supplier of one area, and the register of them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dns.edns
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from harness.model.outcome import Conformity
from probes.range.search_control import locking_name
from test_suites.calibration.hostile.areas.knock import Admit, Lead, admit_none, lead_rightly
from test_suites.calibration.hostile.areas.log_line import Record, line_of
from test_suites.calibration.hostile.areas.relayed_mail import Handle, handle_rightly
from test_suites.calibration.hostile.areas.told import Told
from test_suites.calibration.hostile.areas.told_alerts import Tell, tell_rightly
from test_suites.calibration.hostile.areas.visit import Behaviour, good
from test_suites.calibration.hostile.name_service import Question, Said

LOGGING = "logging"
"""The area whose services keep a log."""
ALERTING = "alerting"
"""The area whose services send alerts."""
MAILING = "mailing"
"""The area whose services have a mail relay."""
SPEED = "speed"
"""The area whose services are measured for their speed."""
AVAILABILITY = "availability"
"""The area whose services are checked, and fail while they are."""
DEVICES = "devices"
"""The area whose services are checked while a device changes its network."""
TECHNIQUES = "techniques"
"""The area whose services stand before a good gateway."""

PROFILE = "pupils"
"""The profile for which a name server answers."""


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """One question to a service's name server, and the answers that it may give."""

    question: Question
    told: Told

    @property
    def host(self) -> str:
        """The name that is asked for."""
        return self.question.host

    def rightly(self) -> Said:
        """No address for what is blocked, the locking name of an engine, or the truth."""
        policy = self.told.policy
        if policy.is_blocked(self.host, PROFILE):
            return self.blocked()
        target = locking_name(self.host, policy, PROFILE)
        return self.alias(target) if target else self.question.truth()

    def blocked(self, kept_for: int = 60, error: int | None = 15) -> Said:
        """No such name, for so many seconds, with an extended error (RFC 8914) where EDNS is."""
        query, response = self.question.query, self.question.blank()
        response.set_rcode(dns.rcode.NXDOMAIN)
        soa = "ns.filter.test. hostmaster.filter.test. 1 3600 600 86400 3600"
        response.authority.append(dns.rrset.from_text("filter.test.", kept_for, "IN", "SOA", soa))
        if query.edns >= 0 and error is not None:
            option = dns.edns.EDEOption(dns.edns.EDECode.make(error))
            response.use_edns(0, options=[option])
        return self.question.message(response)

    def alias(self, target: str) -> Said:
        """The answer for another name, of which the asked one is an alias (CNAME)."""
        query = self.question.query
        response = self.question.blank()
        self.question.add(response, self.host, "CNAME", target)
        followed = dns.message.make_query(target, query.question[0].rdtype)
        response.answer += self.question.service.names.answer(followed).answer
        return self.question.message(response)


LookUp = Callable[[Lookup], Said]


def _rightly(lookup: Lookup) -> Said:
    return lookup.rightly()


@dataclass(frozen=True, kw_only=True)
class AreaSupplier:
    """One supplier. ``why`` says why only *insufficient* can be had, where that is so.

    No outcome is demanded of the requirements ``by_chance``. Most suppliers spare the sentinels,
    and serve them as a good service does. ``record`` writes the log, in
    the area ``logging``; ``tell`` sends alerts, in the area ``alerting``; ``handle`` decides on mail,
    in the area ``mailing``; ``lead`` and ``admit`` about connections and datagrams, in the area
    ``techniques``.
    """

    id: str
    area: str
    does: str
    breaks: frozenset[str]
    behave: Behaviour
    look_up: LookUp = _rightly
    why: str = ""
    by_chance: frozenset[str] = frozenset()
    spares_sentinels: bool = True
    pace: float = 0.0
    record: Record = line_of
    tell: Tell = tell_rightly
    handle: Handle = handle_rightly
    lead: Lead = lead_rightly
    admit: Admit = admit_none

    @property
    def answer(self) -> Conformity:
        """What the whole campaign must come to."""
        return Conformity.INSUFFICIENT if self.why else Conformity.DOES_NOT_CONFORM


AREA_SUPPLIERS: dict[str, AreaSupplier] = {}
"""Every supplier by its id, in the order of definition."""


def _register(named: Callable[..., object], **details: Any) -> None:
    """Register a supplier under a function's name."""
    identity = named.__name__.replace("_", "-")
    assert identity not in AREA_SUPPLIERS, identity
    AREA_SUPPLIERS[identity] = AreaSupplier(id=identity, **details)


def in_area(
    area: str, *, spares_sentinels: bool = True
) -> Callable[..., Callable[[Behaviour], Behaviour]]:
    """A decorator that registers the suppliers of an area, each under the name of its function."""

    def supplier(
        does: str,
        breaks: set[str],
        *,
        only: str = "",
        look_up: LookUp = _rightly,
        by_chance: frozenset[str] = frozenset(),
        record: Record = line_of,
        tell: Tell = tell_rightly,
        handle: Handle = handle_rightly,
    ) -> Callable[[Behaviour], Behaviour]:
        def register(behave: Behaviour) -> Behaviour:
            _register(
                behave,
                area=area,
                does=does,
                breaks=frozenset(breaks),
                behave=behave,
                look_up=look_up,
                why=only,
                by_chance=by_chance,
                spares_sentinels=spares_sentinels,
                record=record,
                tell=tell,
                handle=handle,
            )
            return behave

        return register

    return supplier


def against_techniques(
    does: str, breaks: set[str], *, only: str = "", admit: Admit = admit_none
) -> Callable[[Lead], Lead]:
    """A decorator that registers a supplier of the area ``techniques`` under a function's name."""

    def register(lead: Lead) -> Lead:
        _register(
            lead,
            area=TECHNIQUES,
            does=does,
            breaks=frozenset(breaks),
            behave=good,
            why=only,
            lead=lead,
            admit=admit,
        )
        return lead

    return register


def good_of(area: str) -> AreaSupplier:
    """The good service, as it is measured in an area."""
    return AreaSupplier(
        id=f"good-{area}", area=area, does="Filters rightly.", breaks=frozenset(), behave=good
    )
