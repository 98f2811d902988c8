"""The origin's servers for protocols beside the web: who gets an answer, and what it holds."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.model.marker import nonce_for, protocol_proof
from harness.model.observation import AttemptKey
from harness.model.protocol_case import OWN_PORTS, OwnPort
from probes.kinds.protocols import OPENINGS
from probes.range.arrival_log import ArrivalLog
from probes.range.protocol_server import LONGEST, SPEAKERS, ProtocolServers
from test_suites.kit.networks.public_origin import ZONE, origin_in, write_folder
from test_suites.kit.processes.product import free_port

KEY = b"k" * 32
HOST = "shed.accredit.test"
ATTEMPT = AttemptKey(campaign="c", item="i", probe="protocols", line="a", profile="p")
NONCE = nonce_for(KEY, ATTEMPT)
names = st.sampled_from([*OWN_PORTS])


@given(names, st.integers(0, 400))
def test_a_beginning_is_complete_only_when_all_of_it_came(name: OwnPort, size: int) -> None:
    opening = OPENINGS[name](HOST, NONCE)
    beginning = SPEAKERS[name].beginning(opening[:size])

    assert (beginning is not None) is (size >= len(opening))
    assert beginning is None or NONCE in beginning.text


@given(names, st.binary(max_size=LONGEST))
def test_no_bytes_break_a_reader(name: OwnPort, data: bytes) -> None:
    for beginning in (data, OPENINGS[name](HOST, NONCE)[:7] + data):
        SPEAKERS[name].beginning(beginning)


async def _answers(ports: dict[int, int], sent: dict[OwnPort, bytes]) -> dict[OwnPort, bytes]:
    answers = {}
    for name, data in sent.items():
        reader, writer = await asyncio.open_connection("127.0.0.1", ports[OWN_PORTS[name]])
        for piece in (data[:9], data[9:]):
            writer.write(piece)
        try:
            answers[name] = await reader.read()
        except ConnectionResetError:  # closed with bytes that were not read
            answers[name] = b""
        writer.close()
    return answers


async def test_each_protocol_answers_with_its_proof_and_logs_the_nonce() -> None:
    log = ArrivalLog()
    async with ProtocolServers(key=KEY, log=log) as servers:
        sent = {name: OPENINGS[name](HOST, NONCE) for name in OWN_PORTS}
        answers = await _answers(servers.ports, sent)

    for name, answer in answers.items():
        assert protocol_proof(KEY, name, NONCE).encode() in answer
    assert [(one.over, one.method, one.nonce) for one in log.arrivals()] == [
        ("tcp", name, NONCE) for name in OWN_PORTS
    ]
    assert log.arrivals()[0].host == HOST


async def test_a_stranger_gets_no_answer() -> None:
    log = ArrivalLog()
    forged = NONCE[:-1] + ("0" if NONCE[-1] != "0" else "1")
    async with ProtocolServers(key=KEY, log=log) as servers:
        sent = {name: OPENINGS[name](HOST, forged) for name in OWN_PORTS}
        answers = await _answers(servers.ports, sent)
        endless = {name: OPENINGS[name](HOST, NONCE)[:3] + b"x" * LONGEST for name in OWN_PORTS}
        answers_to_endless = await _answers(servers.ports, endless)

    assert {*answers.values(), *answers_to_endless.values()} == {b""}
    assert {one.nonce for one in log.arrivals()} == {""}


async def test_a_public_origin_listens_on_the_ports_that_it_declares(tmp_path: Path) -> None:
    ports: dict[OwnPort, int] = {"xmpp": free_port(), "irc": free_port()}
    write_folder(tmp_path / "origin", protocols=ports)
    declared = json.loads((tmp_path / "origin/origin.json").read_text())
    key = bytes.fromhex(declared["key"])
    nonce = nonce_for(key, ATTEMPT)
    async with origin_in(tmp_path / "origin", []):
        real = {int(usual): port for usual, port in declared["ports"].items()}
        sent = {name: OPENINGS[name](f"shed.{ZONE}", nonce) for name in ports}
        answers = await _answers(real, sent)

    assert {OWN_PORTS[name]: port for name, port in ports.items()}.items() <= real.items()
    for name, answer in answers.items():
        assert protocol_proof(key, name, nonce).encode() in answer


def test_two_protocols_cannot_share_a_port(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="each of the protocols need a port of their own"):
        write_folder(tmp_path / "origin", protocols={"xmpp": 5222, "irc": 5222})
