"""Judges the journal of a bundle again, and compares with what its assessment says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import ValidationError

from harness.cli.plain_differences import differences
from harness.errors import UsageError
from harness.model.scheme import Scheme

if TYPE_CHECKING:
    from harness.store.bundle_reading import Bundle

NOT_COMPARED = frozenset({"concluded", "rules_version", "registry_head", "warnings"})
"""Of an assessment, what the journal does not decide: when it was made, and what stood beside."""

UNREADABLE = (msgspec.MsgspecError, KeyError, TypeError, ValueError)
"""What judging raises where a journal is whole and holds something else than a campaign's."""

TOLERANCE = 1e-9
"""Figures may differ so much, relatively, from one machine's arithmetic to another's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedAgain:
    """How an assessment differs from the one that the installed rules give of the same journal.

    ``recorded`` and ``installed`` are the versions of the judging rules.
    """

    differences: tuple[str, ...]
    recorded: str
    installed: str

    @property
    def is_same_version(self) -> bool:
        """Whether the rules are those that the assessment was made by."""
        return self.recorded == self.installed


def judge_again(bundle: Bundle) -> JudgedAgain:
    """Judge a bundle's journal against the bundle's scheme, by the rules that are installed.

    Raises UsageError if the bundle's scheme is none that is understood or not the one that is
    shipped under its name and version, or if its journal cannot be judged.
    """
    from harness.pipeline import conclude  # noqa: PLC0415 - scipy is heavy
    from harness.store.assessments import assessment_document  # noqa: PLC0415 - the same
    from harness.verdicts.corrected_labels import hear  # noqa: PLC0415 - keep the start light

    scheme = _scheme(bundle)
    heard = hear(bundle.journal, bundle.appeals)
    try:
        made = conclude(heard, scheme)
    except UNREADABLE as error:  # it was signed by a stranger, so this is no fault of ours
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        msg = f"the journal of the bundle cannot be judged: {said}"
        raise UsageError(msg) from None
    made = replace(made, journal_head=bundle.journal.head.printed())
    one, other = (assessment_document(each) for each in (bundle.assessment, made))
    found = differences("", _by_id(one), _by_id(other), TOLERANCE)
    return JudgedAgain(
        differences=tuple(
            f"{at}: recorded {_short(recorded)}, judged again {_short(judged)}"
            for at, recorded, judged in found
        ),
        recorded=bundle.assessment.rules_version,
        installed=made.rules_version,
    )


def _scheme(bundle: Bundle) -> Scheme:
    from harness.schemes.load import load_scheme, shipped  # noqa: PLC0415 - keep the start light
    from harness.store.assessments import tupled  # noqa: PLC0415 - the same

    try:
        scheme = Scheme.model_validate(tupled(bundle.scheme))
    except ValidationError as error:
        msg = f"scheme.json of the bundle is not understood: {' '.join(str(error).split())[:200]}"
        raise UsageError(msg) from None
    if scheme.id in shipped():
        ours = load_scheme(scheme.id)
        if ours.version == scheme.version and ours != scheme:
            known_as = f"{scheme.id} {scheme.version}"
            msg = f"scheme.json was changed: it is not the {known_as} that is shipped"
            raise UsageError(msg)
    return scheme


def _by_id(document: dict[str, Any]) -> dict[str, Any]:
    """The parts of an assessment's document that are compared; outcomes by their ids."""
    kept = {name: value for name, value in document.items() if name not in NOT_COMPARED}
    return kept | {"outcomes": {each["id"]: each for each in document["outcomes"]}}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a line's share
