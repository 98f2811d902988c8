"""The DNS probe asks once, and notes the whole answer."""

from __future__ import annotations

import pytest

from harness.model.campaign import Limits
from harness.model.corpus import Item
from harness.model.facts import DnsFacts
from harness.model.marker import mark
from harness.model.observation import AttemptKey, Failure, Timings
from harness.plugins import PROBES
from harness.ports.network import Answer, Attempt, Exchange, Origin, Question, Request
from probes.kinds.dns import Dns, DnsAaaa, DnsHttps
from probes.lines.simulated import Simulated, SimulatedOptions

HOST = "gamb-001.canary.accredit.test"


async def sight(
    probe: Dns | DnsAaaa | DnsHttps | None = None, **options: object
) -> tuple[DnsFacts, str | None]:
    item = Item(id="a", value=f"http://{HOST}/x", kind="url", labels=("GAMB",))
    key = AttemptKey(campaign="c", item="a", probe="dns", line="l", profile="ks2")
    attempt = Attempt(key=key, item=item, limits=Limits(), timeout=2.0)
    declared = SimulatedOptions.model_validate(options)
    sighting = await (probe or Dns()).try_item(attempt, Simulated("l", declared, None, Limits()))
    assert isinstance(sighting.facts, DnsFacts)
    assert sighting.timings.total is not None
    return sighting.facts, sighting.failure.name if sighting.failure else None


async def test_an_answer_is_a_fact() -> None:
    facts, failure = await sight()

    assert (facts.name, facts.type, facts.rcode, failure) == (HOST, "A", "NOERROR", None)


async def test_ipv6_is_asked_for_apart() -> None:
    facts, failure = await sight(DnsAaaa())

    assert (facts.name, facts.type, failure) == (HOST, "AAAA", None)


async def test_https_records_are_asked_for_apart() -> None:
    facts, failure = await sight(DnsHttps())

    assert (facts.type, failure, facts.addresses) == ("HTTPS", None, ())
    assert [record.type for record in facts.records] == ["HTTPS"]


async def test_a_refusal_is_a_fact_and_silence_a_failure() -> None:
    facts, failure = await sight(block=("GAMB",))
    assert (facts.rcode, failure) == ("NXDOMAIN", None)

    facts, failure = await sight(block=("GAMB",), dns_style="silent")
    assert (facts.rcode, failure) == ("", "generic_timeout_error")


def test_it_is_found_by_name_and_asks() -> None:
    assert PROBES.find("dns") is Dns
    assert PROBES.find("dns_aaaa") is DnsAaaa
    assert PROBES.find("dns_https") is DnsHttps
    assert Dns.declares.needs == "ask"


ORIGIN = Origin(zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="", key=b"k" * 32)


class ThreeAddresses(Simulated):
    """A line whose name server gives three addresses; the origin's page is at the last."""

    def __init__(self) -> None:
        super().__init__("l", SimulatedOptions(), ORIGIN, Limits())
        self.went_to: list[str] = []

    async def ask(self, question: Question) -> Answer:
        addresses = ("0.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3")
        facts = DnsFacts(
            name=question.name, type="A", server="s", rcode="NOERROR", addresses=addresses
        )
        return Answer(facts=facts, timings=Timings(total=0.1))

    async def fetch(self, request: Request) -> Exchange:
        self.went_to.append(request.address)
        if request.address != "10.0.0.2":
            failure = Failure(name="connection_refused", stage="connect")
            return Exchange(timings=Timings(total=0.1), failure=failure)
        return await super().fetch(request)


async def test_each_other_address_is_looked_at_until_one_shows_the_page() -> None:
    key = AttemptKey(campaign="c", item="a", probe="dns", line="l", profile="ks2")
    item = Item(id="a", value=HOST, labels=("GAMB",))
    marker = mark(ORIGIN.key, key, HOST)
    attempt = Attempt(key=key, item=item, limits=Limits(), timeout=2.0, marker=marker)
    line = ThreeAddresses()

    facts = (await Dns().try_item(attempt, line)).facts

    assert ["10.0.0.1", "10.0.0.2"] == line.went_to
    assert isinstance(facts, DnsFacts)
    assert facts.landing is not None
    assert "seen" == facts.landing.canary


class TwoPages(ThreeAddresses):
    """A line on which other pages stand at two of the addresses, and the long one comes first."""

    async def fetch(self, request: Request) -> Exchange:
        if request.address == "10.0.0.3":
            failure = Failure(name="connection_refused", stage="connect")
            return Exchange(timings=Timings(total=0.1), failure=failure)
        body = b"<p>word</p>" * (90 if request.address == "10.0.0.1" else 3)
        headers = (("content-type", "text/html"),)
        return Exchange(timings=Timings(total=0.1), status=200, headers=headers, body=body)


async def test_of_several_other_pages_the_one_that_shows_most_is_kept() -> None:
    key = AttemptKey(campaign="c", item="a", probe="dns", line="l", profile="ks2")
    item = Item(id="a", value=HOST, labels=("GAMB",))
    marker = mark(ORIGIN.key, key, HOST)
    attempt = Attempt(key=key, item=item, limits=Limits(), timeout=2.0, marker=marker)

    facts = (await Dns().try_item(attempt, TwoPages())).facts

    assert isinstance(facts, DnsFacts)
    assert facts.landing is not None
    assert 90 * len("word ") - 1 == facts.landing.text_length


class Guarded(ThreeAddresses):
    """A line that refuses one of the addresses, and shows a notice at the others."""

    async def fetch(self, request: Request) -> Exchange:
        if request.address == "10.0.0.2" and not request.may_lead:
            failure = Failure(name="private_address", stage="request")
            return Exchange(timings=Timings(), failure=failure)
        headers = (("content-type", "text/html"),)
        return Exchange(timings=Timings(total=0.1), status=200, headers=headers, body=b"<p>No</p>")


@pytest.mark.parametrize("may_lead", [False, True])
async def test_an_address_that_was_not_visited_is_spoken_for_by_no_other(*, may_lead: bool) -> None:
    key = AttemptKey(campaign="c", item="a", probe="dns", line="l", profile="ks2")
    item = Item(id="a", value=HOST, labels=("GAMB",))
    attempt = Attempt(
        key=key, item=item, limits=Limits(), timeout=2.0, marker=mark(ORIGIN.key, key, HOST),
        may_lead=may_lead,
    )  # fmt: skip

    facts = (await Dns().try_item(attempt, Guarded())).facts

    assert isinstance(facts, DnsFacts)
    assert may_lead is (facts.landing is not None)
