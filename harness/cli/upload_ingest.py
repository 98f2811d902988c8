"""Verify a bundle that a person sent, judge it again, and record what a laboratory signed.

What it shows is concluded here, from its journal, by the hub's own scheme and rules. A campaign is
recorded once, however often its bundle comes; a bundle of the same run that was measured further
replaces what is recorded. What a supplier signed with its own key is a self-test: it is judged,
and neither the results folder nor the registry holds anything of it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from harness.cli.conclude import conclude_journal
from harness.cli.hub_file import HubFile, read_hub
from harness.cli.judge import judge_again
from harness.cli.paths import CampaignPaths
from harness.cli.placed_campaign import Continuation, place_campaign
from harness.cli.registry_facts import (
    appeals_in,
    escalate_plans,
    open_plans,
    record_of,
    registry_heads,
)
from harness.cli.registry_session import place_of_any
from harness.cli.trusted_keys import TrustedKey
from harness.errors import HarnessError, InstrumentError, UsageError
from harness.model.declared import tupled
from harness.model.outcome import Assessment
from harness.model.scheme import Scheme
from harness.ports.storage import Clock
from harness.store.hub.upload_store import StoredUpload, UploadState

if TYPE_CHECKING:
    from harness.store.bundle_reading import Bundle

STEPS = 4
"""The steps from verifying to recording."""

ROOM = 4
"""How many times the size of a bundle must be free to unpack, rebuild and keep it."""

LONGEST_REASON = 1000
UNKNOWN = "it is of a service or supplier that you do not see here; check who may send its results"
NO_KEYS = "this hub trusts no signing key yet; its administrator names them in hub.yaml"
RECORDED_ALREADY = "recorded already"

Told = Callable[[UploadState, int, "Ended"], None]
"""Called at each step with the state, how many steps are complete, and what is known so far."""


class Ended(NamedTuple):
    """What became of a bundle, or what is known of it so far; empty texts are not known."""

    state: UploadState = UploadState.VERIFYING
    reason: str = ""
    stream: str = ""
    campaign: str = ""
    service: str = ""
    scheme: str = ""
    signer: str = ""
    result: str = ""


class UploadIngest:
    """Looks at bundles, one at a time. ``folder`` is that of the hub."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def ingest(self, upload: StoredUpload, path: Path, told: Told) -> Ended:
        """Verify, judge and record a bundle; a fault of it is a refusal.

        Raises HarnessError for what is no fault of the bundle; then it waits.
        """
        hub = self._hub()
        _require_room(hub, path)
        try:
            return self._ingested(hub, upload, path, told)
        except UsageError as fault:
            return Ended(UploadState.REFUSED, _reason(fault, path))
        except HarnessError:
            raise
        except Exception as error:  # noqa: BLE001 - what a bundle from outside may hold is not known
            words = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            return Ended(UploadState.REFUSED, f"it cannot be judged: {words}; nothing was stored")

    def _hub(self) -> HubFile:
        """The hub's file as it is now, so that a key that was removed counts no more."""
        try:
            return read_hub(self._folder)
        except UsageError as error:
            raise InstrumentError(*error.args) from None

    def _ingested(self, hub: HubFile, upload: StoredUpload, path: Path, told: Told) -> Ended:
        from harness.store.bundle_reading import opened_bundle  # noqa: PLC0415 - numpy is heavy

        try:
            trusted = hub.trusted_keys()
        except UsageError as error:
            raise InstrumentError(*error.args) from None
        if not trusted.by_id:
            raise UsageError(NO_KEYS)
        told(UploadState.VERIFYING, 0, Ended())
        with opened_bundle(path, trusted.paths) as bundle, closing(bundle.journal):
            key = trusted.by_id[bundle.signed_by]
            known = _known(bundle, key)
            _require_visible(bundle, key, upload, known)
            _require_measured_once(bundle)
            told(UploadState.JUDGING, 1, known)
            assessment = self._assessment(hub, bundle, lambda: told(UploadState.JUDGING, 2, known))
            known = known._replace(result=assessment.conformity.value)
            told(UploadState.RECORDING, 3, known)
            if not key.is_evidence:
                return known._replace(state=UploadState.SELF_TEST)
            reason = self._recorded(hub, bundle, assessment, upload.actor)
            return known._replace(state=UploadState.RECORDED, reason=reason)

    def _assessment(
        self, hub: HubFile, bundle: Bundle, next_step: Callable[[], None]
    ) -> Assessment:
        """Conclude the journal by the hub's scheme, rules and decided appeals.

        Raises UsageError where the bundle's own assessment does not follow from its journal.
        """
        from harness.pipeline import conclude  # noqa: PLC0415 - keep the start light
        from harness.verdicts.corrected_labels import with_corrected_labels  # noqa: PLC0415 - the same

        scheme = own_scheme(hub, bundle.assessment.scheme)
        again = judge_again(bundle)
        if again.is_same_version and again.differences:
            raise UsageError(f"it is not supported by its journal: {again.differences[0]}")
        if Scheme.model_validate(tupled(bundle.scheme)) != scheme:
            named = f"{scheme.id} {scheme.version}"
            raise UsageError(f"it was assessed by another scheme than {named} of the hub")
        next_step()
        corrected = with_corrected_labels(bundle.journal, appeals_in(hub.registry))
        made = conclude(corrected, scheme, self._clock)
        suppliers, owners = registry_heads(hub.registry, made)
        head = bundle.journal.head.printed()
        return replace(made, journal_head=head, registry_head=suppliers, owner_head=owners)

    def _recorded(self, hub: HubFile, bundle: Bundle, assessment: Assessment, actor: str) -> str:
        """Put a campaign to the results and record it; return a note if it was there already."""
        paths = CampaignPaths(out=hub.results, campaign=assessment.campaign)
        record = record_of(assessment, paths)
        if record is not None and not paths.journal.exists():
            _require_continues(record.journal, bundle)
        found = place_campaign(hub.results, bundle.journal, assessment)
        if record is not None and found in (Continuation.SAME, Continuation.SHORTER):
            head = assessment.journal_head
            if found is Continuation.SHORTER or (head and record.journal == head.hash):
                return RECORDED_ALREADY
        if found is Continuation.SHORTER:  # measured here, and never recorded
            path = _scheme_file(hub, assessment.scheme)
            assessment, _ = conclude_journal(paths.journal, path, self._clock)
        open_plans(assessment, paths, self._clock, actor)
        escalate_plans(assessment, paths, self._clock, actor)
        return "it replaces a shorter journal" if found is Continuation.LONGER else ""


def own_scheme(hub: HubFile, name: str) -> Scheme:
    """The hub's copy of a scheme: a shipped one, or one that ``hub.yaml`` names.

    Raises UsageError if it has none of that id, InstrumentError if a file of the hub is faulty.
    """
    from harness.schemes.load import load_scheme  # noqa: PLC0415 - keep the start light

    return load_scheme(_scheme_file(hub, name))


def _scheme_file(hub: HubFile, name: str) -> str:
    """The id of a shipped scheme, or the path of the file with that id."""
    from harness.schemes.load import load_scheme, shipped  # noqa: PLC0415 - keep the start light

    if name in shipped():
        return name
    for path in hub.scheme_paths():
        try:
            found = load_scheme(str(path))
        except UsageError as error:
            raise InstrumentError(*error.args) from None
        if found.id == name:
            return str(path)
    msg = f"it was assessed by the scheme {name!r}, which this hub does not have"
    raise UsageError(msg)


def _known(bundle: Bundle, key: TrustedKey) -> Ended:
    """What a verified bundle says of itself."""
    service = bundle.journal.header.campaign.service
    return Ended(
        stream=place_of_any(service.supplier, service.name).stream,
        campaign=bundle.assessment.campaign,
        service=service.name,
        scheme=f"{bundle.assessment.scheme} {bundle.assessment.scheme_version}",
        signer=key.holder,
    )


def _require_visible(bundle: Bundle, key: TrustedKey, upload: StoredUpload, known: Ended) -> None:
    """Raise UsageError for a bundle that the person may not send, or its key may not sign."""
    if bundle.journal.header.foreign:
        raise UsageError("its journal was not measured by Accredit")
    supplier = bundle.journal.header.campaign.service.supplier
    if not upload.may_see(known.stream) or not key.may_sign_for(supplier):
        raise UsageError(UNKNOWN)


def _require_measured_once(bundle: Bundle) -> None:
    """Raise UsageError if the journal holds an attempt twice, or one of another campaign."""
    keys = bundle.journal.keys()
    if len(keys) != bundle.journal.rows:
        raise UsageError("its journal holds an attempt more than once")
    if any(key.campaign != bundle.assessment.campaign for key in keys):
        raise UsageError("its journal holds attempts of another campaign")


def _require_continues(recorded: str, bundle: Bundle) -> None:
    """Raise UsageError if the recorded head is none that the bundle's journal had."""
    from harness.store.journal.reader import past_heads  # noqa: PLC0415 - numpy is heavy

    if recorded and all(head.hash != recorded for head in past_heads(bundle.journal)):
        name = bundle.assessment.campaign
        msg = f"the hub has another run of the campaign {name!r}; give the campaign a new name"
        raise UsageError(msg)


def _reason(fault: UsageError, path: Path) -> str:
    """Why a bundle was refused, without the paths of the hub."""
    lines = [line.removeprefix(f"{path}: ") for line in str(fault).splitlines()]
    text = "; ".join(line.replace(str(path), "the bundle") for line in lines)
    return f"{text[:LONGEST_REASON]}; nothing was stored"


def _require_room(hub: HubFile, path: Path) -> None:
    """Raise InstrumentError where a bundle cannot be unpacked, which is no fault of the bundle."""
    size = path.stat().st_size if path.exists() else 0
    for folder in (Path(tempfile.gettempdir()), hub.folder):
        if shutil.disk_usage(folder).free < ROOM * size:
            msg = f"{folder}: too little space to unpack a bundle of {size:,} bytes"
            raise InstrumentError(msg)
