"""The probe ``techniques``: carries out a technique to reach a blocked page, step by step.

An item is a statement (``harness.model.technique``); each of its steps is carried out as it is
written, by ``probes.techniques``. The technique succeeded if and only if the page of the item's
host arrived by it, which only its token or words show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from time import perf_counter
from typing import ClassVar

from msgspec import structs

from harness.errors import UsageError
from harness.model.corpus import NAMED, VECTOR, Item
from harness.model.facts import SentStep, TechniqueFacts, WebFacts
from harness.model.observation import Failure, Timings
from harness.model.private_address import PRIVATE_ADDRESS
from harness.model.probe import ProbeDeclaration
from harness.model.technique import case_of_item
from harness.model.technique_host import ALLOWED, RELAY
from harness.model.transition_address import page_path
from harness.plugins import PROBES
from harness.ports.network import Attempt, Exchange, Line, Origin, ProbeResult
from probes.kinds.web import Visit, Web
from probes.net.browser_profiles import Headers, profile_for
from probes.net.delivery import ExpectedMarks
from probes.net.exchange_recorder import ExchangeRecorder
from probes.net.page_result import page_result
from probes.net.redirects import RedirectChain
from probes.techniques.run import AnsweredError, NotCarriedError, NotDialledError, TechniqueRun
from probes.techniques.steps import read_statement

RESOLVER = "dns"
"""The first label of the origin's host that answers DNS over HTTPS."""


@PROBES.register("techniques")
class Techniques(Web):
    """Tries each technique of the pack ``circumvention``; sentinels are fetched as by ``web``."""

    declares: ClassVar[ProbeDeclaration] = ProbeDeclaration(
        needs="dial", facts="technique", kinds=NAMED | {VECTOR}
    )

    def fits(self, item: Item) -> bool:
        """Whether the item is a technique. Raises UsageError for a statement that is not one."""
        if item.kind != VECTOR or case_of_item(item) is None or not item.host:
            return False
        try:
            read_statement(item.value)
        except ValueError as error:
            msg = f"item {item.id!r}: {error}"
            raise UsageError(msg) from None
        return True

    def address(self, item: Item) -> str:
        """Return the URL of a sentinel; a technique has none."""
        return "" if item.kind == VECTOR else super().address(item)

    async def try_item(self, attempt: Attempt, line: Line) -> ProbeResult:
        """Carry out one technique over the line."""
        if attempt.item.kind != VECTOR:
            fetched = await super().try_item(attempt, line)
            assert isinstance(fetched.facts, WebFacts)
            plain = SentStep(step="plain", to=attempt.item.host, data=fetched.facts.url)
            return structs.replace(fetched, facts=_with_sent(fetched.facts, [plain]))
        if attempt.marker is None or line.origin is None:
            return _not_carried(attempt, "it needs a host of the campaign's own origin")
        started = perf_counter()
        expected = ExpectedMarks(attempt, line, attempt.item.host)
        run = _new_run(attempt, line, line.origin, expected, started)
        try:
            await _carry_out(run)
        except NotCarriedError as error:
            return _not_carried(attempt, str(error))
        exchange = _exchange_of(run, perf_counter() - started)
        chain = RedirectChain(url=_name_of(attempt.item))
        chain.add(attempt.item.host, exchange)
        visit = Visit(attempt, line, expected, self._pages, run.deadline)
        facts = _with_sent(visit.facts(chain), run.sent)
        beside = expected.marks_in(run.values["allowed"], exchange).is_shown
        facts = structs.replace(facts, beside=beside)
        return page_result(attempt, chain, facts, exchange.timings)


def _new_run(
    attempt: Attempt, line: Line, origin: Origin, expected: ExpectedMarks, started: float
) -> TechniqueRun:
    recorder = ExchangeRecorder(attempt.limits.body_bytes)
    return TechniqueRun(
        attempt=attempt,
        line=line,
        origin=origin,
        values=_values(attempt, origin, expected),
        recorder=recorder,
        deadline=started + attempt.timeout,
        host=attempt.item.host,
    )


async def _carry_out(run: TechniqueRun) -> None:
    """Carry out the steps; network trouble is recorded. Raises NotCarriedError."""
    try:
        async with run.closers, asyncio.timeout(run.remaining):
            for step in read_statement(run.attempt.item.value):
                await step(run)
    except NotCarriedError:
        raise
    except AnsweredError:
        return
    except NotDialledError as error:
        _require_another_address(run, error.dialled.failure)
        run.refused = error.dialled
    except Exception as error:  # noqa: BLE001 - recorded as the failure
        run.recorder.fail(error)


def _require_another_address(run: TechniqueRun, failure: Failure | None) -> None:
    """Raise NotCarriedError if our own guard kept the line from a port of the origin itself.

    An address that is not the origin's shows that the technique was led elsewhere.
    """
    if failure is None or failure.name != PRIVATE_ADDRESS:
        return
    if any(f" {address}:" in f" {failure.detail}" for address in run.origin.addresses):
        raise NotCarriedError(f"the origin declares no port for {run.where}")


def _exchange_of(run: TechniqueRun, total: float) -> Exchange:
    """Return what came, with the phases of dialling."""
    dialled = run.refused or run.dialled
    if run.refused is not None:
        return Exchange(
            timings=structs.replace(run.refused.timings, total=total),
            failure=run.refused.failure,
            peer=run.refused.peer,
            tunnel_status=run.refused.tunnel_status,
            headers=run.refused.headers,
            body=run.refused.body,
            certificate=run.refused.certificate,
        )
    exchange = run.recorder.exchange()
    timings = structs.replace(dialled.timings if dialled else Timings(), total=total)
    return structs.replace(
        exchange,
        timings=timings,
        peer=exchange.peer or (dialled.peer if dialled else ""),
        tunnel_status=dialled.tunnel_status if dialled else None,
        certificate=exchange.certificate or (dialled.certificate if dialled else None),
    )


def _with_sent(facts: WebFacts, sent: Iterable[SentStep]) -> TechniqueFacts:
    fields = {name: getattr(facts, name) for name in WebFacts.__struct_fields__}
    return TechniqueFacts(**fields, sent=tuple(sent))


def _not_carried(attempt: Attempt, obstacle: str) -> ProbeResult:
    """Return the result of a technique that the line or the origin cannot carry."""
    url = _name_of(attempt.item)
    facts = TechniqueFacts(url=url, canary="absent", obstacle=obstacle[:300])
    return ProbeResult(timings=Timings(), facts=facts)


def _name_of(item: Item) -> str:
    """Return what stands for the URL of a technique, which has none of its own."""
    return f"technique:{item.id}"


def _values(attempt: Attempt, origin: Origin, expected: ExpectedMarks) -> dict[str, str]:
    """Return the values of placeholders; those that the origin does not have are empty."""
    host = attempt.item.host
    label, _, parent = host.partition(".")
    addresses = origin.addresses_of(host) or origin.addresses
    marks = expected.request_marks(host)
    nonce = attempt.marker.nonce if attempt.marker else ""
    zone = next((zone for zone in origin.zone_names if host.endswith(zone)), origin.zone)
    carried = marks.headers or ((("Cookie", marks.cookie),) if marks.cookie else ())
    browser = profile_for(attempt.browser).headers("http", marks.cookie, marks.headers)
    return {
        "host": host,
        "label": label,
        "parent": parent,
        "allowed": f"{ALLOWED}.{parent}",
        "relay": f"{_random_word(attempt.browser)}.{RELAY}.{parent}",
        "resolver": f"{RESOLVER}.{zone}",
        "zone": zone,
        "ip": next((each for each in addresses if ":" not in each), ""),
        "ip6": next((each for each in addresses if ":" in each), ""),
        "at": page_path(host),
        "marks": _lines(carried),
        "headers": _lines(browser.direct),
        "nonce": nonce,
        "random": _random_word(attempt.browser),
    }


def _lines(headers: Headers) -> str:
    return "".join(f"{name}: {value}\r\n" for name, value in headers)


LETTERS = "bcdfghklmnprstvw"


def _random_word(number: int) -> str:
    """Return eight letters that a number chooses."""
    return "".join(LETTERS[number >> 4 * place & 15] for place in range(8))
