"""``accredit certificate``: issue certificates, list their statuses, and check them offline."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from harness.cli.certificate_check import check_file, lines_of_check
from harness.cli.decision import DECISION_ID, JSON, place_of_decision
from harness.cli.decision_basis import record_decision, state_of
from harness.cli.paths import OUT, REGISTRY_OPTION, chosen_registry
from harness.cli.plan_step import BY, clock
from harness.cli.printing import say, say_data
from harness.cli.registry_session import Place, RegistrySession, current_user, open_session
from harness.cli.vouched_time import (
    require_not_behind_any,
    statements_on,
    why_ahead,
    why_not_vouched,
)
from harness.errors import UsageError
from harness.follow.certificate_checks import Validity
from harness.follow.certificates import (
    CertificateNow,
    canonical_form,
    certificate_facts,
    statuses_of,
    why_not_in_force,
)
from harness.follow.state import StreamState
from harness.model.certificate import (
    CERTIFICATE_TYPE,
    STATUS_LIST_TYPE,
    Body,
    IssuedCertificate,
    StatusList,
)
from harness.model.decision import HeldDecision
from harness.model.decision_event import CertificateIssued
from harness.model.event_times import require_not_behind
from harness.signing import public_key_of, signed_document
from harness.store.atomic_write import write_document

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

KEY = Annotated[Path, typer.Option(help="Your private Ed25519 key, a PEM file.")]
LONGEST_LINE, MOST_DAYS = 200, 92


@app.callback()
def about_certificates() -> None:
    """Issue certificates, list their statuses, and check them offline."""


@app.command("issue")
def issue_command(
    decision: DECISION_ID,
    key: KEY,
    out: Annotated[Path, typer.Option(help="The folder for certificate.json and .pdf.")],
    supplier: Annotated[str, typer.Option(help="The supplier, if several have one of it.")] = "",
    body: Annotated[str, typer.Option(help="The name of the body that accredits.")] = "",
    address: Annotated[str, typer.Option(help="Its address, in one line.")] = "",
    *,
    pdf: Annotated[bool, typer.Option("--pdf/--no-pdf", help="Also write the PDF.")] = True,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
) -> None:
    """Write the certificate of a decision that is in force: signed JSON, and a PDF of it.

    A decision has one certificate: the same command again writes the same one.
    """
    public_key_of(key)  # before anything is recorded
    with open_session(chosen_registry(registry), clock=clock) as session:
        _require_vouched_time(session, chosen_registry(registry))
        place = place_of_decision(session, decision, supplier)
        issued, files = issue_certificate(
            session, place, decision, key,
            body=lambda: _body(body, address), actor=by or current_user(), pdf=pdf,
        )  # fmt: skip
    for name, content in files.items():
        write_document(out / name, content)
    say(f"certificate {issued.number} of decision {decision}: {', '.join(files)} in {out}")


def _require_vouched_time(session: RegistrySession, where: Path | str) -> None:
    """Raise UsageError unless something vouches for the time at which a certificate is issued."""
    signed = [said.at for said in statements_on(where, OUT)]
    if why := why_ahead(session, where, OUT) or why_not_vouched(signed, clock.now()):
        msg = f"no certificate can be issued: {why}"
        raise UsageError(msg)


def issue_certificate(
    session: RegistrySession,
    place: Place,
    decision: str,
    key: Path,
    *,
    body: Callable[[], Body],
    actor: str,
    pdf: bool,
) -> tuple[IssuedCertificate, dict[str, bytes]]:
    """Record the certificate of a decision that is in force, and return it with its files by name.

    ``body`` is asked for only if the decision has no certificate yet. Raises UsageError.
    """
    state = state_of(session, place.stream)
    held = state.decisions[decision]
    _require_in_force(state, decision)
    now = clock.now()
    issued = held.certificate or _drafted(state, held, body(), issued_by=actor, issued_at=now)
    signed = signed_certificate(issued, key)
    files = {"certificate.json": signed}
    if pdf:
        files["certificate.pdf"] = _page_of(signed)
    if held.certificate is None:
        event = CertificateIssued(at=now, actor=actor, of=decision, certificate=issued)
        record_decision(session, place, lambda _: event)
    return issued, files


@app.command("status-list")
def status_list_command(
    key: KEY,
    out: Annotated[Path, typer.Option(help="The file to write, such as status-list.json.")],
    days: Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="Days that it is good for.")] = 7,
    registry: REGISTRY_OPTION = "",
) -> None:
    """Write which of all certificates are valid, suspended, revoked or expired, signed.

    It holds numbers and statuses alone. Publish a new one before it is out of date.
    """
    require_not_behind_any(chosen_registry(registry), OUT, clock)
    with open_session(chosen_registry(registry), clock=clock) as session:
        listed = status_list_of(session, clock.now(), timedelta(days=days))
    document = msgspec.to_builtins(listed)
    write_document(out, signed_document("status_list", STATUS_LIST_TYPE, document, key))
    number = len(listed.certificates)
    said = "1 certificate" if number == 1 else f"{number} certificates"
    say(f"status list: {out} ({said}, current until {listed.next_update:%Y-%m-%d %H:%M} UTC)")


@app.command("verify")
def verify_command(
    file: Annotated[Path, typer.Argument(help="The certificate: JSON, or a PDF that holds it.")],
    key: Annotated[Path, typer.Option(help="The public key of the body, a PEM file.")],
    status_list: Annotated[
        Path | None, typer.Option(help="Its current status list; without it, nothing is valid.")
    ] = None,
    *,
    json: JSON = False,
) -> None:
    """Check a certificate without network: signature, dates, status, and the page of a PDF.

    Exit 0: valid now. Exit 1: not valid. Exit 3: not known, as without a current status list.
    """
    checked = check_file(file, key, status_list, clock.now())
    if json:
        say_data(checked)
    else:
        say(*lines_of_check(checked, clock.now()))
    raise typer.Exit(EXIT[checked.result])


EXIT = {Validity.VALID: 0, Validity.NOT_VALID: 1, Validity.INSUFFICIENT: 3}
"""The exit code for each result of a check."""


def status_list_of(session: RegistrySession, now: datetime, good_for: timedelta) -> StatusList:
    """The statuses of all certificates of a registry, from its events.

    Raises UsageError if the clock is behind the registry.
    """
    require_not_behind(session.registry.heads(), now)
    found: dict[str, CertificateNow] = {}
    for state in _certified(session):
        found |= statuses_of(state.decisions, state.stops_on, now)
    listed = sorted(found.items())
    return StatusList(
        issued_at=now.replace(microsecond=0),
        next_update=(now + good_for).replace(microsecond=0),
        certificates={number: each.status for number, each in listed},
        reasons={number: each.why for number, each in listed if each.why} or msgspec.UNSET,
    )


def signed_certificate(issued: IssuedCertificate, key: Path) -> bytes:
    """The file of an issued certificate, signed. Raises UsageError without a key."""
    document: Any = msgspec.json.decode(issued.text)
    return signed_document("certificate", CERTIFICATE_TYPE, document, key)


def _certified(session: RegistrySession) -> Iterator[StreamState]:
    """The states of all streams that hold a certificate."""
    for head in session.registry.heads():
        with session.registry.reading(head.stream) as access:
            is_certified = bool(access.found(kind=["certificate-issued"]))
        if is_certified:
            yield state_of(session, head.stream)


def _require_in_force(state: StreamState, decision: str) -> None:
    held = state.decisions[decision]
    if why_not := why_not_in_force(state.decisions, held, state.stops_on(held), clock.now()):
        msg = f"no certificate can be issued: {why_not}"
        raise UsageError(msg)


def _drafted(
    state: StreamState, held: HeldDecision, body: Body, *, issued_by: str, issued_at: datetime
) -> IssuedCertificate:
    followed = state.followed(held.decision.service, held.decision.scheme)
    said = certificate_facts(
        held, state.name, followed, body, issued_by=issued_by, issued_at=issued_at
    )
    text = canonical_form(said)
    return IssuedCertificate(
        number=said.number, sha256=hashlib.sha256(text).hexdigest(), text=text.decode()
    )


def _body(name: str, address: str) -> Body:
    """Who accredits. Raises UsageError for texts that are empty, long, or not one line."""
    given = {"--body": " ".join(name.split()), "--address": " ".join(address.split())}
    for option, text in given.items():
        if not text or len(text) > LONGEST_LINE or not text.isprintable():
            msg = (
                f"{option} {text!r}: a certificate names the body that accredits and its address: "
                f"--body NAME --address ADDRESS, each one line of 1 to {LONGEST_LINE} characters"
            )
            raise UsageError(msg)
    return Body(name=given["--body"], address=given["--address"])


def _page_of(signed: bytes) -> bytes:
    from reports.certificate_page import render_certificate  # noqa: PLC0415 - an extra

    return render_certificate(signed)
