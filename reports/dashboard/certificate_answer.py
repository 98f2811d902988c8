"""Whether a certificate is valid today, from what the public register says."""

from __future__ import annotations

from typing import NamedTuple

from harness.model.decision import STOPPED
from reports.next_steps import day
from reports.site.page_maker import counted
from reports.site.public_facts import PublicRegister, PublicService
from reports.words import STATUSES, capitalised

MOST_LETTERS = 40
"""How much of a number counts; numbers have 21 letters, digits and hyphens."""


class CertificateAnswer(NamedTuple):
    """The answer: its state and word, a title, a sentence, and the service if it is known."""

    state: str
    word: str
    title: str
    words: str
    service: PublicService | None = None


def number_of(typed: str) -> str:
    """The number of a certificate as it is printed, from what somebody typed."""
    return "".join(typed.split()).upper()[:MOST_LETTERS]


def answer_about(register: PublicRegister, number: str) -> CertificateAnswer:
    """Whether the certificate of that number is valid at the time of the register."""
    today = day(register.as_of)
    found = [each for each in register.services if each.certificate == number]
    if not found:
        return CertificateAnswer(
            "no-data",
            "Not known",
            "No certificate in force has this number",
            f"The register of {today} does not know it: it may be mistyped, replaced by a later "
            "one, or of another scheme owner. Do not rely on it.",
        )
    service = found[0]
    if service.is_accredited:
        until = f" It ends on {day(service.valid_until)}." if service.valid_until else ""
        return CertificateAnswer(
            "conforms", "Valid", f"Valid today, {today}", f"{_standing(service)}{until}", service
        )
    state = "stopped" if service.status in STOPPED else "no-data"
    word, since = STATUSES[service.status], day(service.since)
    because = f", {service.why}" if service.why else ""
    words = f"The status of the service has been “{word.lower()}” since {since}{because}."
    return CertificateAnswer(state, word, f"Not valid today, {today}", words, service)


def _standing(service: PublicService) -> str:
    """What the register says of an accredited service, in a sentence."""
    count = len(service.findings)
    failures = (
        f" {capitalised(counted(count, 'failure is', 'failures are'))} being corrected."
        if count
        else " No failure is open."
    )
    return f"The service is {STATUSES[service.status].lower()}.{failures}"
