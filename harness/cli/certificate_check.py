"""Check a certificate, or a PDF that holds one, by files alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.follow.certificate_checks import (
    Check,
    Validity,
    check_content,
    check_status,
    outcome_of,
    without_list,
)
from harness.follow.certificates import CERTIFICATES
from harness.model.certificate import (
    CERTIFICATE_TYPE,
    LONGEST_FILE,
    STATUS_LIST_TYPE,
    Certificate,
    StatusList,
)
from harness.model.event_times import in_utc
from harness.model.signature import shown_identity
from harness.signing import Trusted, read_keys, read_signed_document
from harness.untrusted.regular_file import read_bounded

STATUS_LISTS = msgspec.json.Decoder(StatusList)


class CheckedCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that was checked: the result, each step, and what it says if it is signed."""

    result: Validity
    checks: tuple[Check, ...]
    certificate: Certificate | None = None


def check_file(
    file: Path, key: Path, status_list: Path | None, now: datetime
) -> CheckedCertificate:
    """Check a certificate in a file at a time. Raises UsageError if a file cannot be read.

    A faulty certificate raises nothing: it is not valid. A faulty status list is not used.
    """
    trusted = read_keys([key])
    raw = _read(file)
    try:
        signed = _signed_in(raw, file)
        payload, signer = read_signed_document(
            signed, "certificate", CERTIFICATE_TYPE, trusted, file
        )
        certificate = CERTIFICATES.decode(payload)
    except (UsageError, msgspec.MsgspecError) as error:
        return _checked((Check(result=Validity.NOT_VALID, found=str(error)),))
    checks = (
        Check(result=Validity.VALID, found=f"signed by key {signer}"),
        *check_content(certificate, now),
        _status(certificate, status_list, trusted, now),
        *_page(raw, signed),
    )
    return _checked(checks, certificate)


def _checked(
    checks: tuple[Check, ...], certificate: Certificate | None = None
) -> CheckedCertificate:
    return CheckedCertificate(result=outcome_of(checks), checks=checks, certificate=certificate)


def _read(path: Path) -> bytes:
    try:
        return read_bounded(path, LONGEST_FILE)
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise UsageError(msg) from None


def _signed_in(raw: bytes, where: Path) -> bytes:
    """The signed JSON in a file: the file itself, or what is attached to a PDF."""
    if not _is_pdf(raw):
        return raw
    from reports.certificate_page import embedded_certificate  # noqa: PLC0415 - an extra

    return embedded_certificate(raw, where)


def _is_pdf(raw: bytes) -> bool:
    return raw.startswith(b"%PDF-")


def _page(raw: bytes, signed: bytes) -> tuple[Check, ...]:
    """Whether the page of a PDF shows what the certificate inside says; nothing for JSON."""
    if not _is_pdf(raw):
        return ()
    from reports.certificate_page import compare_page  # noqa: PLC0415 - an extra

    is_same = compare_page(raw, signed)
    if is_same is None:
        return (Check(result=Validity.INSUFFICIENT, found=PAGES[None]),)
    result = Validity.VALID if is_same else Validity.NOT_VALID
    return (Check(result=result, found=PAGES[is_same]),)


PAGES = {
    None: "the page was not compared with the certificate inside, because another version of typst "
    "made it; compare it with what is printed here, or check certificate.json",
    True: "the page shows what the certificate inside says: it was made again, byte for byte",
    False: "the page is not the one that is made from the certificate inside: it was changed",
}
"""What is said of the page of a PDF."""


def _status(certificate: Certificate, path: Path | None, trusted: Trusted, now: datetime) -> Check:
    if path is None:
        return without_list("no status list was given (--status-list FILE)")
    raw = _read(path)
    try:
        payload, _ = read_signed_document(raw, "status_list", STATUS_LIST_TYPE, trusted, path)
        listed = STATUS_LISTS.decode(payload)
    except (UsageError, msgspec.MsgspecError) as error:
        return without_list(f"the status list cannot be used: {error}")
    return check_status(certificate, listed, now)


SIGNS = {Validity.VALID: "✓", Validity.NOT_VALID: "✗", Validity.INSUFFICIENT: "?"}

SUMMARIES = {
    Validity.VALID: "valid now",
    Validity.NOT_VALID: "NOT VALID",
    Validity.INSUFFICIENT: "NOT KNOWN whether it is valid",
}


def lines_of_check(checked: CheckedCertificate, now: datetime) -> Iterator[str]:
    """The result of a check, what the certificate says, and each step."""
    said = checked.certificate
    number = f"certificate {said.number}" if said else "the certificate"
    yield f"{number}: {SUMMARIES[checked.result]} ({in_utc(now)})"
    if said is not None:
        yield f"  {said.supplier}: {said.service}, version {said.version}"
        if said.white_labels:
            yield f"  also sold as: {', '.join(said.white_labels)}"
        yield f"  {said.status} by {said.scheme.id} {said.scheme.version}"
        if said.limited_to:
            yield f"  limited to: {said.limited_to}"
        for each in said.conditions:
            yield f"  to be fixed: {each.requirement}, due {each.due}"
        identity = shown_identity(said.decided_by, said.decided_key or "")
        yield (
            f"  decided by {said.decided_by} ({identity}) on {in_utc(said.decided_at)}, for "
            f"{said.body.name}"
        )
    yield from (f"  {SIGNS[check.result]} {check.found}" for check in checked.checks)
