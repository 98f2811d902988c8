"""Read a submission and check it against the taxonomy, the scheme and the files beside it.

Every fault has its line. What is allowed but worth knowing is a remark, not a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from corpora.exporters import LIST_EXPORTERS
from corpora.taxonomy import shipped as taxonomy
from harness.cli.compose import load_and_warn
from harness.cli.registry_session import place_of
from harness.cli.submission_file import EDIT
from harness.cli.submission_records import records_of
from harness.errors import Fault, FaultyDocument, UsageError, known
from harness.model.campaign import PHASES
from harness.model.registry_record import require_valid
from harness.model.scheme import Requirement, Scheme
from harness.model.stream import LONGEST_NAME
from harness.model.submission import Submission
from harness.yaml_reader import Document, KeyPath, dotted, read_text, validate

REFERENCES = 2
"""How many users of the service an assessor may ask (UKSIC accreditation; METHOD SUP-02)."""

_MakeFault = Callable[..., Fault]

OTHER = "other"
"""A format of lists that no exporter writes; the steps then describe it."""


@dataclass(frozen=True, slots=True)
class CheckedSubmission:
    """A submission, the text of its file, its scheme, and remarks."""

    submission: Submission
    text: str
    scheme: Scheme
    remarks: tuple[str, ...]


def read_submission(path: Path, now: datetime) -> CheckedSubmission:
    """Read and check a submission. Raises FaultyDocument with the line of each fault."""
    text = read_text(path)
    document = Document(str(path), text)
    submission = validate(document, Submission)
    scheme = _scheme_of(submission, document)

    def fault(key: KeyPath, found: str, remedy: str = "") -> Fault:
        return document.fault(document.line_of(key), dotted(key), found, remedy)

    checked = CheckedSubmission(submission, text, scheme, tuple(_remarks(submission, scheme)))
    faults = [
        *_faults(submission, scheme, path, now, fault),
        *_faults_of_records(checked, fault),
        *_unedited(document.data, (), fault),
    ]
    if faults:
        raise FaultyDocument(tuple(faults))
    return checked


def _scheme_of(submission: Submission, document: Document) -> Scheme:
    """Load the scheme of the certification. Raises FaultyDocument with its line."""
    try:
        return load_and_warn(submission.certification.scheme)
    except FaultyDocument:
        raise
    except UsageError as error:
        at = ("certification", "scheme")
        fault = document.fault(document.line_of(at), dotted(at), str(error), "")
        raise FaultyDocument((fault,)) from None


def asked_in(scheme: Scheme, submission: Submission) -> tuple[Requirement, ...]:
    """The binding requirements of a scheme that concern a profile of the submission."""
    phases = [(name, one.phase or "") for name, one in submission.profiles.items()]
    return tuple(
        requirement
        for requirement in scheme.requirements
        if requirement.binding and any(requirement.is_for(*each) for each in phases)
    )


def _faults(
    submission: Submission, scheme: Scheme, path: Path, now: datetime, fault: _MakeFault
) -> Iterator[Fault]:
    for name, profile in submission.profiles.items():
        if profile.phase is None:
            remedy = f"phases are {', '.join(PHASES)}"
            yield fault(("profiles", name), "a profile needs a phase", remedy)
    if submission.service.block_page is None:
        yield fault(("service",), "block_page is missing", "give its title, a text or a host")
    yield from _faults_of_policy(submission, scheme, fault)
    yield from _faults_of_files(submission, fault, path)
    yield from _faults_of_answers(submission, scheme, fault, now)


def _faults_of_policy(submission: Submission, scheme: Scheme, fault: _MakeFault) -> Iterator[Fault]:
    categories = {category.code for category in taxonomy()}
    for code, row in submission.policy.items():
        if code not in categories:
            yield fault(("policy", code), "not a category", "the codes are in taxonomy.csv")
        for name in row if isinstance(row, dict) else ():
            if name not in submission.profiles:
                yield fault(("policy", code, name), "not a profile", known(submission.profiles))
    for code in scheme.policy.rows:
        for name in submission.profiles:
            if submission.treatment(code, name) is None:
                yield fault(
                    ("policy",), f"nothing is said of {code} for {name}", f"add a row {code}"
                )


def _faults_of_files(submission: Submission, fault: _MakeFault, path: Path) -> Iterator[Fault]:
    form = submission.lists.format
    if form != OTHER and form not in LIST_EXPORTERS.load():
        formats = known([*LIST_EXPORTERS.load(), OTHER])
        yield fault(("lists", "format"), f"no format {form!r}", formats)
    sample = submission.logs.sample
    if sample is not None and not (path.parent / sample).is_file():
        yield fault(("logs", "sample"), f"{sample}: no such file", "give a path beside this file")


def _faults_of_answers(
    submission: Submission, scheme: Scheme, fault: _MakeFault, now: datetime
) -> Iterator[Fault]:
    certified = submission.certification
    at = ("certification", "answers")
    known_ids = {requirement.id for requirement in scheme.requirements}
    for name in certified.answers:
        if name not in known_ids:
            yield fault((*at, name), f"not a requirement of {scheme.id} {scheme.version}")
    for requirement in asked_in(scheme, submission):
        if requirement.id not in certified.answers:
            what = f"{requirement.id} is not answered: {requirement.title}"
            yield fault(at, what, "answer each binding requirement")
    if certified.signed > now:
        yield fault(("certification", "signed"), "is in the future", "give the day of signing")


def _faults_of_records(checked: CheckedSubmission, fault: _MakeFault) -> Iterator[Fault]:
    """What the registry would refuse: names that are none, and names that are given twice."""
    told = checked.submission
    for name in ("supplier", "name"):
        try:
            place_of(getattr(told.service, name))
        except UsageError:
            found = f"not a name that the registry takes: {getattr(told.service, name)!r}"
            remedy = f"give 1 to {LONGEST_NAME} characters, none of them a control character"
            yield fault(("service", name), found, remedy)
    seen = set[str]()
    for at, record in records_of(told, checked.scheme, checked.text):
        try:
            require_valid(record)
        except UsageError as error:
            yield fault(at, str(error))
        if record.key in seen:
            kind = record.kind.replace("-", " ")
            yield fault(at, f"{record.id!r} is named twice", f"name each {kind} once")
        seen.add(record.key)


def _unedited(value: object, at: KeyPath, fault: _MakeFault) -> Iterator[Fault]:
    """The places that still hold only the word EDIT."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _unedited(each, (*at, name), fault)
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _unedited(each, (*at, position), fault)
    elif isinstance(value, str) and value.strip() == EDIT:
        yield fault(at, f"is still {EDIT}", "write what is asked")


def _remarks(submission: Submission, scheme: Scheme) -> Iterator[str]:
    """What an assessor should know: a weaker policy than the scheme's, few references, no label."""
    for code in scheme.policy.rows:
        for name, profile in submission.profiles.items():
            wanted = scheme.policy.expects(code, profile.phase or "")
            said = submission.treatment(code, name)
            if wanted == "block" and said != "block":
                yield f"{code} is not blocked for {name} ({said}); {scheme.id} expects block"
    if len(submission.references) < REFERENCES:
        yield (
            f"{len(submission.references)} of {REFERENCES} references are named: users whom an "
            "assessor may ask"
        )
    unsure = [name for name, one in submission.certification.answers.items() if one.note.strip()]
    if unsure:
        yield f"answered with a note: {', '.join(unsure)}"
