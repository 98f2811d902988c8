"""Whether a certificate is valid at a time: only what was checked is said, and silence is no pass.

``not-valid`` needs evidence against the certificate, ``valid`` evidence for each step.
``insufficient`` is the rest: above all without a current status list.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from harness.follow.certificates import has_own_number
from harness.model.certificate import Certificate, CertificateStatus, StatusList
from harness.model.event_times import TOLERANCE, in_utc


class Validity(StrEnum):
    """What is known of a certificate."""

    VALID = "valid"
    NOT_VALID = "not-valid"
    INSUFFICIENT = "insufficient"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a check: what follows from it alone, and what was found, in a sentence."""

    result: Validity
    found: str


def outcome_of(checks: tuple[Check, ...]) -> Validity:
    """What follows from all steps: evidence against it prevails, then what is not known."""
    results = {check.result for check in checks}
    for worst in (Validity.NOT_VALID, Validity.INSUFFICIENT):
        if worst in results or not results:
            return worst
    return Validity.VALID


def check_content(certificate: Certificate, now: datetime) -> tuple[Check, ...]:
    """Check the number of a certificate whose signature holds, and its dates."""
    return (_number(certificate), _dates(certificate, now))


def _number(certificate: Certificate) -> Check:
    if has_own_number(certificate):
        return _valid(f"the number {certificate.number} follows from what the certificate says")
    return _against(f"the number {certificate.number} belongs to another certificate")


def _dates(certificate: Certificate, now: datetime) -> Check:
    until, issued = certificate.valid_until, certificate.issued_at
    if now > until:
        return _against(f"it expired on {in_utc(until)}")
    if now < issued - TOLERANCE:
        return _unknown(
            f"it was issued on {in_utc(issued)}, but the clock of this machine says {in_utc(now)}: "
            "one of them is wrong"
        )
    return _valid(f"it was issued on {in_utc(issued)} and ends on {in_utc(until)}")


def check_status(certificate: Certificate, listed: StatusList, now: datetime) -> Check:
    """Check a certificate against a status list whose signature holds."""
    when = f"the status list of {in_utc(listed.issued_at)}"
    status = listed.certificates.get(certificate.number)
    why = (listed.reasons or {}).get(certificate.number, "")
    if status is CertificateStatus.REVOKED:
        return _against(f"{when}: revoked {why}".rstrip())  # for good, however old the list is
    if why_not := _why_not_current(certificate, listed, now):
        return without_list(f"{when} {why_not}")
    if status is CertificateStatus.VALID:
        return _valid(f"{when}, current until {in_utc(listed.next_update)}: valid")
    return _against(f"{when}: {status or 'it has no certificate of this number'} {why}".rstrip())


def _why_not_current(certificate: Certificate, listed: StatusList, now: datetime) -> str:
    """Why a list says nothing about the certificate now; empty if it does."""
    if now > listed.next_update:
        return f"is out of date since {in_utc(listed.next_update)}; ask for the current one"
    if now < listed.issued_at - TOLERANCE:
        return f"is later than the clock of this machine, {in_utc(now)}"
    if listed.issued_at < certificate.issued_at and certificate.number not in listed.certificates:
        return "is older than the certificate"
    return ""


def without_list(why: str) -> Check:
    """The step where no status list can be used."""
    return _unknown(f"suspension was not checked: {why}")


def _valid(found: str) -> Check:
    return Check(result=Validity.VALID, found=found)


def _against(found: str) -> Check:
    return Check(result=Validity.NOT_VALID, found=found)


def _unknown(found: str) -> Check:
    return Check(result=Validity.INSUFFICIENT, found=found)
