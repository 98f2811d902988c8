"""``accredit plan detail``, ``evidence`` and ``sign``: what makes the record of a plan complete."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.event_basis import part_of
from harness.cli.paths import OUT, REGISTRY_OPTION, chosen_registry
from harness.cli.plan_step import BY, PLAN, SUPPLIER, clock
from harness.cli.printing import say, say_document
from harness.cli.registry_session import OWNERS, RegistrySession, current_user, open_session
from harness.errors import InstrumentError, UsageError, known
from harness.follow.decisions import SPEAKS_FOR_SUPPLIER
from harness.follow.guards import DETAILS
from harness.follow.next_step import next_step
from harness.follow.plan_terms import digest_of, text_to_sign
from harness.model.action_plan import PlanRole
from harness.model.event import EvidenceAdded, PlanDetailed, PlanSigned
from harness.model.observation import Evidence
from harness.model.registry_record import Contact, record_key

if TYPE_CHECKING:
    from harness.store.evidence import EvidenceFolder

MOST_BYTES = 64 * 1024 * 1024
"""The size of the largest document that is kept as evidence."""


def detail_command(
    plan: PLAN,
    cause: Annotated[str, typer.Option(help="The root cause.")] = "",
    containment: Annotated[str, typer.Option(help="What limits the failure until the fix.")] = "",
    prevention: Annotated[str, typer.Option(help="What keeps it from coming back.")] = "",
    explanation: Annotated[str, typer.Option(help="The supplier's own explanation.")] = "",
    *,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Record or correct details of a plan; what is not given stays. It must then be signed anew."""
    event = PlanDetailed(
        at=clock.now(),
        actor=by or current_user(),
        plan=plan,
        root_cause=cause,
        containment=containment,
        preventive_action=prevention,
        explanation=explanation,
    )
    with open_session(chosen_registry(registry), clock=clock) as session:
        after = session.advance(plan, event, supplier=supplier)
        finding = session.plan(plan, supplier).finding
    given = [name.replace("_", " ") for name in DETAILS if getattr(event, name).strip()]
    say(
        f"plan {after.id}: recorded: {', '.join(given)}",
        f"next: {next_step(after, finding, clock.now(), supplier)}",
    )


def evidence_command(
    plan: PLAN,
    file: Annotated[Path | None, typer.Argument(help="A document; default: check all.")] = None,
    what: Annotated[str, typer.Option(help="What it shows.")] = "",
    *,
    results: Annotated[Path, typer.Option(help="Where results are.")] = OUT,
    by: BY = "",
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Add a document to a plan as evidence; without one, check that all are unchanged.

    A copy is kept in the results folder, under its SHA-256, and the registry records that.
    """
    with open_session(chosen_registry(registry, results), clock=clock) as session:
        if file is None:
            _check(session, plan, supplier, results)
            return
        _add(session, plan, file, what, results, by or current_user(), supplier)


def sign_command(
    plan: PLAN,
    role: Annotated[PlanRole, typer.Option("--as", help="For whom: supplier or assessor.")],
    signer: Annotated[str, typer.Option(help="The contact in the registry who signs.")],
    key: Annotated[Path | None, typer.Option(help="The private Ed25519 key: a PEM file.")] = None,
    *,
    print_terms: Annotated[
        bool, typer.Option("--print-terms", help="Print the text to be signed, and stop.")
    ] = False,
    registry: REGISTRY_OPTION = "",
    supplier: SUPPLIER = "",
) -> None:
    """Sign the present terms of a plan, for the supplier or for the assessor.

    The signer is a contact whose public key is in the registry: in the supplier's stream, or for
    the assessor in that of the scheme's owner.
    """
    from harness.signing import sign_text  # noqa: PLC0415 - cryptography is heavy

    with open_session(chosen_registry(registry), clock=clock) as session:
        held = session.plan(plan, supplier)
        stream = held.stream if role == "supplier" else OWNERS.stream
        contact = _contact(session, stream, signer, role)
        text = text_to_sign(held.plan, held.finding, role, contact.id)
        if print_terms or key is None:
            _print_or_refuse(text, is_asked=print_terms)
            return
        public, signature = sign_text(text, key)
        if contact.public_key != public:
            msg = (
                f"the key is not that of {contact.id}, which begins with {contact.public_key[:16]}"
            )
            raise UsageError(msg)
        signed = PlanSigned(
            at=clock.now(),
            actor=contact.id,
            plan=plan,
            role=role,
            signer=contact.id,
            key=public,
            terms=digest_of(held.plan, held.finding),
            signature=signature,
        )
        after = session.advance(plan, signed, supplier=supplier)
    say(
        f"plan {plan}: signed for the {role} by {contact.id}, key {public[:16]}",
        f"next: {next_step(after, held.finding, clock.now(), supplier)}",
    )


def _print_or_refuse(text: bytes, *, is_asked: bool) -> None:
    if not is_asked:
        msg = "give the private key (--key), or --print-terms to read what is signed"
        raise UsageError(msg)
    say_document(text.decode() + "\n")


SIGNS_FOR = {
    "supplier": SPEAKS_FOR_SUPPLIER,
    "assessor": frozenset({"assessor", "decision-maker"}),
}
"""The roles of the contacts who sign for each side."""


def _contact(session: RegistrySession, stream: str, signer: str, role: PlanRole) -> Contact:
    """The open contact of a stream who signs for a side, with a public key. Raises UsageError."""
    key = record_key("contact", signer)
    with session.registry.reading(stream) as access:
        contact = part_of(access, records=[key]).open(key)
    whose = "of the scheme's owner" if stream == OWNERS.stream else "of the supplier"
    if not isinstance(contact, Contact) or not contact.public_key:
        msg = (
            f"{signer} is no contact {whose} with a public key; add one: accredit registry add "
            "contact NAME ... --key KEY.pub.pem"
        )
        raise UsageError(msg)
    if contact.role not in SIGNS_FOR[role]:
        msg = (
            f"{contact.id} is a contact with the role {contact.role}, and cannot sign for the "
            f"{role}; {known(SIGNS_FOR[role])}"
        )
        raise UsageError(msg)
    return contact


def _add(
    session: RegistrySession,
    plan: str,
    file: Path,
    what: str,
    results: Path,
    actor: str,
    supplier: str,
) -> None:
    from harness.store.evidence import EvidenceFolder  # noqa: PLC0415 - only if asked
    from harness.untrusted.regular_file import read_bounded  # noqa: PLC0415 - the same

    try:
        body = read_bounded(file, MOST_BYTES)
    except OSError as error:
        msg = f"{file}: {error.strerror or error}"
        raise UsageError(msg) from None
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    evidence = Evidence(body=body, media_type=media_type)
    event = EvidenceAdded(
        at=clock.now(),
        actor=actor,
        plan=plan,
        sha256=evidence.digest.removeprefix("sha256:"),
        name=file.name,
        size=len(body),
        what=what,
    )
    folder, held = EvidenceFolder(_folder(results)), session.plan(plan, supplier)
    is_held = any(one.sha256 == event.sha256 for one in held.plan.evidence)
    if is_held and not _is_whole(folder, evidence.digest):
        folder.keep_durably(evidence)
        say(f"plan {plan}: the copy of {file.name} was missing or damaged, and is kept again")
        return
    session.check(held, event)
    folder.keep_durably(evidence)
    after = session.advance(plan, event, supplier=supplier)
    say(
        f"plan {plan}: {file.name} is kept as evidence, SHA-256 {event.sha256}",
        f"next: {next_step(after, held.finding, clock.now(), supplier)}",
    )


def _is_whole(folder: EvidenceFolder, digest: str) -> bool:
    """Whether the copy of a document is there, and unchanged."""
    try:
        folder.read(digest)
    except (UsageError, InstrumentError):
        return False
    return True


def _check(session: RegistrySession, plan: str, supplier: str, results: Path) -> None:
    """Read every document of a plan. Raises InstrumentError if one is missing or was changed."""
    from harness.store.evidence import EvidenceFolder  # noqa: PLC0415 - only if asked

    folder = EvidenceFolder(_folder(results))
    held, wrong = session.plan(plan, supplier).plan.evidence, []
    for one in held:
        is_whole = _is_whole(folder, f"sha256:{one.sha256}")
        wrong += [] if is_whole else [one.name]
        found = "unchanged" if is_whole else "MISSING OR CHANGED"
        say(f"{one.name}: {found}, {one.size:,} bytes, SHA-256 {one.sha256}: {one.what}")
    if wrong:
        msg = (
            f"plan {plan}: {', '.join(wrong)} in {_folder(results)} is missing or was changed; "
            f"give the original again: accredit plan evidence {plan} FILE"
        )
        raise InstrumentError(msg)
    if not held:
        say(f"plan {plan} has no evidence")


def _folder(results: Path) -> Path:
    return results / "plan-evidence"
