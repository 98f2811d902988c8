"""Services that filter rightly and whose mail relays only seem to do so."""

from __future__ import annotations

from probes.mail.marks import gtube
from probes.net.file_contents import eicar
from probes.range.mail_policy import Decision, Mail
from test_suites.calibration.hostile.areas.area_supplier import in_area
from test_suites.calibration.hostile.areas.relayed_mail import RelayedPolicy
from test_suites.calibration.hostile.areas.visit import Visit

relay = in_area("mailing")

SPAM, VIRUS, POLICY, HAM, SENDERS = "EML-01", "EML-02", "EML-03", "EML-04", "EML-05"
DELIVER = Decision(action="deliver")


async def _by_published_strings(policy: RelayedPolicy, mail: Mail) -> Decision:
    decision = await policy.rightly(mail)
    published = eicar() in mail.content or gtube().encode() in mail.content
    return decision if published or "virus" not in decision.why else DELIVER


async def _of_the_known_zone(policy: RelayedPolicy, mail: Mail) -> Decision:
    is_known = ".accredit.test" in mail.sender + mail.recipient
    return await policy.rightly(mail) if is_known else DELIVER


async def _nothing_arrives(policy: RelayedPolicy, mail: Mail) -> Decision:
    del policy, mail
    return Decision(action="drop")


async def _marked(policy: RelayedPolicy, mail: Mail) -> Decision:
    decision = await policy.rightly(mail)
    return Decision(action="mark") if decision.action == "refuse" else decision


async def _incoming_alone(policy: RelayedPolicy, mail: Mail) -> Decision:
    return DELIVER if mail.is_outgoing else await policy.rightly(mail)


async def _the_test_message_alone(policy: RelayedPolicy, mail: Mail) -> Decision:
    decision = await policy.rightly(mail)
    is_spam = "spam" in decision.why and gtube().encode() not in mail.content
    return DELIVER if is_spam else decision


@relay(
    "Finds the test file only where its text stands in the mail as it is sent.",
    {VIRUS},
    handle=_by_published_strings,
)
async def scans_published_strings_only(visit: Visit) -> None:
    await visit.rightly()


@relay(
    "Filters mail of the tester's known zone alone.",
    {SPAM, VIRUS, POLICY, SENDERS},
    handle=_of_the_known_zone,
)
async def filters_the_tester_alone(visit: Visit) -> None:
    await visit.rightly()


@relay(
    "Accepts all mail, and delivers none.",
    {HAM},
    only="Nothing that arrives shows that mail was filtered.",
    by_chance=frozenset({SPAM, VIRUS, POLICY, SENDERS}),
    handle=_nothing_arrives,
)
async def delivers_no_mail(visit: Visit) -> None:
    await visit.rightly()


@relay(
    "Delivers what it has to stop, marked as spam.",
    {VIRUS, POLICY},
    handle=_marked,
)
async def marks_instead_of_stopping(visit: Visit) -> None:
    await visit.rightly()


@relay("Filters incoming mail alone.", {VIRUS, POLICY}, handle=_incoming_alone)
async def filters_incoming_alone(visit: Visit) -> None:
    await visit.rightly()


@relay("Knows no spam but the agreed test message.", {SPAM}, handle=_the_test_message_alone)
async def knows_the_test_message_alone(visit: Visit) -> None:
    await visit.rightly()
