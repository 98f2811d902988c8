"""Take reports of agents into the registry: verify the bundle, judge again, record, raise alarms.

What a run shows is concluded here, from the journal in its bundle and by the hub's own scheme and
rules; what the agent says that it shows is not used. A bundle that does not verify counts as a run
that failed, with the reason, and is put aside. A run is recorded once, and a journal counts once.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness.campaign.assemble import read_campaign
from harness.cli.event_basis import needed_by
from harness.cli.hub_file import HubFile
from harness.cli.hub_reports import StoredReport
from harness.cli.judge import judge_again
from harness.cli.monitor_history import (
    History,
    current_intensity,
    place_of_service,
    run_record,
    whole_history,
)
from harness.cli.monitor_plan import declaration_now
from harness.cli.monitor_run import (
    CarriedOut,
    Monitored,
    measured_run,
    monitored,
    record_run,
)
from harness.cli.placed_campaign import place_campaign
from harness.cli.registry_facts import appeals_in
from harness.cli.registry_session import open_session
from harness.errors import InstrumentError, UsageError
from harness.fleet.envelope import ANSWER_WITHIN
from harness.fleet.identity import PublicIdentity
from harness.model.campaign import Campaign
from harness.model.corpus import Appeal
from harness.model.declared import tupled
from harness.model.outcome import Assessment
from harness.model.scheme import Scheme
from harness.model.stream import same_name
from harness.model.surveillance_event import Intensity, RunResult, SurveillanceRun
from harness.ports.storage import Clock
from harness.store.private_folder import make_private
from harness.store.registry.agent_store import ASIDE, RECORDED

if TYPE_CHECKING:
    from harness.store.bundle_reading import Bundle

LONGEST_NAME = 100

ROOM = 3
"""How many times the size of a bundle must be free to unpack and rebuild it."""


class Ingested(NamedTuple):
    """What became of a report: its state, the reason if it was put aside, and new alarms."""

    state: str
    reason: str = ""
    alarms: tuple[str, ...] = ()


class Ingest:
    """Records reports of runs in the streams of suppliers.

    ``identity_of`` gives the public keys of an agent, ``bundle_of`` the path of one of its bundles.
    """

    def __init__(
        self,
        hub: HubFile,
        clock: Clock,
        identity_of: Callable[[str], PublicIdentity],
        bundle_of: Callable[[str, str], Path],
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._identity_of = identity_of
        self._bundle_of = bundle_of

    def ingest(self, report: StoredReport) -> Ingested:
        """Record a report, unless its run is recorded.

        Raises UsageError, InstrumentError if that is not possible now; then it waits.
        """
        declared = self._hub.read_monitoring()
        try:
            what = monitored(declared, report.run.about, self._hub.results)
        except UsageError as error:
            return Ingested(ASIDE, str(error))
        history = self._history(what)
        if any(run.about == what.key.text for run in history.runs):
            return Ingested(RECORDED, "recorded already")
        intensity = current_intensity(history, what.key.schedule_id)
        if not report.bundle:
            done = self._record(what, report, self._not_measured(what, report, intensity))
            return Ingested(RECORDED, alarms=done.alarms)
        expected = _expected(what, history, self._clock.now())
        path = self._bundle_of(report.agent, report.bundle)
        _require_room(path)
        try:
            with self._concluded(expected, report, path) as (bundle, assessment):
                run = self._measured(what, bundle, assessment, intensity)
                place_campaign(self._hub.results, bundle.journal, assessment)
        except UsageError as fault:
            reason = f"the bundle of agent {report.agent} was refused: {fault.args[0]}"
            self._put_aside(path, report.agent)
            failed = self._without_result(what, "failed", reason, intensity)
            self._record(what, report, failed)
            return Ingested(ASIDE, reason)
        done = self._record(what, report, run, assessment)
        return Ingested(RECORDED, alarms=done.alarms)

    def _history(self, what: Monitored) -> History:
        """The history of a service; its present declaration is recorded, if it is not yet."""
        place = place_of_service(what.service)
        with (
            open_session(what.registry, create=True, clock=self._clock) as session,
            session.registry.writing(place.stream) as access,
        ):
            history = whole_history(access, what.declared.monitoring, what.service.service)
            changed = declaration_now(what.declared, what.service, history, self._clock.now())
            if changed is not None:
                session.record_in(access, place, [changed], needed_by(access, [changed]))
        return history

    def _record(
        self,
        what: Monitored,
        report: StoredReport,
        run: SurveillanceRun,
        assessment: Assessment | None = None,
    ) -> CarriedOut:
        named = msgspec.structs.replace(run, actor=f"agent {report.agent}")
        return record_run(what, named, self._clock, assessment)

    def _without_result(
        self, what: Monitored, result: RunResult, reason: str, intensity: Intensity
    ) -> SurveillanceRun:
        return run_record(what.key, self._clock.now(), result, reason, intensity=intensity)

    def _not_measured(
        self, what: Monitored, report: StoredReport, intensity: Intensity
    ) -> SurveillanceRun:
        """The record of a run that an agent did not measure.

        Only reduced surveillance leaves runs out; an agent that left out others missed them.
        """
        said = report.run
        result, reason = said.result, said.reason
        if result == "left-out" and intensity != "reduced":
            result, reason = "missed", "left out by the agent, but surveillance is not reduced"
        run = self._without_result(what, result, reason, intensity)
        return msgspec.structs.replace(run, count=said.count, first_due=said.first_due)

    @contextmanager
    def _concluded(
        self, expected: Expected, report: StoredReport, path: Path
    ) -> Iterator[tuple[Bundle, Assessment]]:
        """Open a bundle and conclude its journal here. Raises UsageError if it is not as it ought.

        What a bundle from outside may hold is not known, so any error in it is a fault of it.
        """
        from harness.store.bundle_reading import opened_bundle  # noqa: PLC0415 - numpy is heavy

        verifier = self._identity_of(report.agent).verifier
        pem = verifier.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with tempfile.TemporaryDirectory(prefix="accredit-key-") as folder:
            key = Path(folder) / "agent.pem"
            key.write_bytes(pem)
            try:
                with opened_bundle(path, [key], expected.campaign) as bundle:
                    expected.require(bundle)
                    yield bundle, _assessment(expected, bundle, self._clock)
            except (UsageError, InstrumentError):
                raise
            except Exception as error:  # noqa: BLE001 - see above
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                raise UsageError(f"its journal cannot be judged: {reason}") from None

    def _measured(
        self, what: Monitored, bundle: Bundle, assessment: Assessment, intensity: Intensity
    ) -> SurveillanceRun:
        times = [one.started for one in bundle.journal.observations()]
        seconds = (max(times) - min(times)).total_seconds()
        run = measured_run(what, assessment, bundle.journal, self._clock, intensity, seconds)
        measured_by = bundle.journal.header.instrument[:LONGEST_NAME]
        instrument = [
            measured_by if each.startswith("isp-accredit ") and measured_by else each
            for each in run.instrument
        ]
        return msgspec.structs.replace(run, instrument=tuple(instrument))

    def _put_aside(self, path: Path, agent: str) -> None:
        folder = self._hub.folder / "aside" / agent
        make_private(folder)
        if path.exists():
            path.replace(folder / path.name)


class Expected(NamedTuple):
    """What the bundle of a run has to be: of this campaign, by this scheme, at this time.

    ``own`` is the campaign file of the hub, ``journals`` are the journals that runs used, by the
    hashes of their heads, ``appeals`` the decided ones.
    """

    what: Monitored
    own: Campaign
    campaign: str
    scheme: Scheme
    journals: Mapping[str, str]
    appeals: tuple[Appeal, ...]
    now: datetime

    def require(self, bundle: Bundle) -> None:
        """Raise UsageError for a bundle of anything else."""
        journal = bundle.journal
        if journal.header.foreign:
            raise UsageError("its journal was not measured by Accredit")
        self._require_campaign(journal.header.campaign)
        if other := self.journals.get(journal.head.hash):
            raise UsageError(f"its journal was used already, by the run {other}")
        times = [one.started for one in journal.observations()]
        earliest, latest = self.what.key.due - ANSWER_WITHIN, self.now + ANSWER_WITHIN
        if not times or min(times) < earliest or max(times) > latest:
            raise UsageError("it was not measured between the due time of the run and now")
        if Scheme.model_validate(tupled(bundle.scheme)) != self.scheme:
            named = f"{self.scheme.id} {self.scheme.version}"
            raise UsageError(f"it was assessed by another scheme than {named} of the hub")

    def _require_campaign(self, measured: Campaign) -> None:
        said, own = measured.service, self.own.service
        pairs = ((said.name, own.name), (said.supplier, own.supplier))
        if any(same_name(one) != same_name(other) for one, other in pairs):
            raise UsageError("it is of another service or supplier")
        if any(same_name(line.site) != same_name(self.what.key.site) for line in measured.lines):
            raise UsageError("a line of it is at another site")
        if (measured.items, measured.scope) != (self.own.items, self.own.scope):
            raise UsageError("it tested other items, or another scope, than the campaign file says")


def _expected(what: Monitored, history: History, now: datetime) -> Expected:
    """What the bundle of a run has to be. Raises UsageError where a file of the hub is faulty."""
    from harness.schemes.check import resolve  # noqa: PLC0415 - keep the start light
    from harness.schemes.load import load_scheme  # noqa: PLC0415 - the same

    path = what.declared.campaign_path(what.schedule)
    own = read_campaign(path)[0]
    beside = path.parent / own.scheme
    return Expected(
        what=what,
        own=own,
        campaign=what.key.campaign_name(own.campaign),
        scheme=load_scheme(str(beside) if beside.is_file() else resolve(own.scheme)),
        journals={run.journal: run.about for run in history.runs if run.journal},
        appeals=appeals_in(what.registry),
        now=now,
    )


def _assessment(expected: Expected, bundle: Bundle, clock: Clock) -> Assessment:
    """Conclude the journal of a bundle by the hub's scheme, rules and decided appeals."""
    from harness.pipeline import conclude  # noqa: PLC0415 - keep the start light
    from harness.verdicts.corrected_labels import with_corrected_labels  # noqa: PLC0415 - the same

    again = judge_again(bundle)
    if again.is_same_version and again.differences:
        raise UsageError(f"not supported by its journal: {again.differences[0]}")
    corrected = with_corrected_labels(bundle.journal, expected.appeals)
    assessment = conclude(corrected, expected.scheme, clock)
    return replace(assessment, journal_head=bundle.journal.head.printed())


def _require_room(path: Path) -> None:
    """Raise InstrumentError where a bundle cannot be unpacked, which is no fault of the bundle."""
    size = path.stat().st_size if path.exists() else 0
    folder = tempfile.gettempdir()
    if shutil.disk_usage(folder).free < ROOM * size:
        msg = f"{folder}: too little space to unpack a bundle of {size:,} bytes"
        raise InstrumentError(msg)
