"""What is dnspython's own part; how lanes answer questions is in ``test_backend``."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import dns.exception
import dns.message
import dns.name
import pytest
import uvloop

from harness.errors import UsageError
from harness.ports.network import Question
from probes.net.dns_server import DnsServer
from probes.net.portable.name_resolver import Resolver, name_failure, read_message, system_server
from probes.net.route import Address

SERVER = DnsServer(address=Address(host="::1", port=53))


def made(kind: Any) -> Any:
    """An error of dnspython, whose classes tell no types."""
    return kind()


def test_facts_of_a_message_name_their_server() -> None:
    query = dns.message.make_query("a.test", "A")
    reply = dns.message.make_response(query)
    facts = read_message(reply, Question(name="a.test"), SERVER, "tcp")

    assert (facts.server, facts.transport) == ("[::1]:53", "tcp")


def test_a_machine_without_a_name_server_needs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        nameservers: tuple[str, ...] = ()

    monkeypatch.setattr("probes.net.portable.name_resolver.dns.resolver.Resolver", Nothing)
    with pytest.raises(UsageError, match="has no name server"):
        system_server()

    monkeypatch.setattr(Nothing, "nameservers", ("192.0.2.53",))
    assert system_server() == Address(host="192.0.2.53", port=53)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (made(dns.exception.Timeout), "generic_timeout_error"),
        (made(dns.exception.FormError), "dns_server_misbehaving"),
        (made(dns.name.LabelTooLong), "instrument_error"),
        (TimeoutError(), "generic_timeout_error"),
        (ConnectionRefusedError(111, ""), "connection_refused"),
    ],
)
def test_why_a_question_got_no_answer(error: Exception, name: str) -> None:
    assert name_failure(error).name == name


@pytest.mark.parametrize("turns", range(5))
def test_a_question_that_is_cancelled_at_any_moment_leaves_no_endpoint_open(
    turns: int, closed_port: int
) -> None:
    """What uvloop still holds when it is closed, it waits for: for ever, where warnings are errors."""

    async def ask_and_cancel() -> None:
        resolver = Resolver(DnsServer(address=Address(host="127.0.0.1", port=closed_port)))
        asking = asyncio.create_task(resolver.ask(Question(name="a.test")))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(ask_and_cancel())
        gc.collect()
    assert not [str(each.message) for each in warned]
