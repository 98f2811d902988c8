"""Name servers that break the protocol, or answer what no client can use."""

from __future__ import annotations

import struct

import dns.rcode

from probes.range.zone import ADDRESS
from test_suites.calibration.hostile.name_service import Question, Said
from test_suites.calibration.hostile.supplier import name_server

NO_ANSWER = "The answer is not valid DNS, so neither an address nor a denial was seen."


def for_harmful(question: Question, said: Said) -> Said:
    """Say that for harmful names, and else filter rightly."""
    return said if question.is_harmful else question.rightly()


@name_server("Sends an answer with another query's id before the true answer.")
def wrong_id_first(question: Question) -> Said:
    denied = question.failed("NXDOMAIN").wires[0]
    forged = bytes((denied[0] ^ 1, *denied[1:]))
    return for_harmful(question, Said(wires=(forged, *question.truth().wires)))


@name_server("Sends the true answer, and a denial immediately after it.")
def denies_too_late(question: Question) -> Said:
    wires = (*question.truth().wires, *question.failed("NXDOMAIN").wires)
    return for_harmful(question, Said(wires=wires))


@name_server("Sends the true answer over TCP, together with 40 KiB of text.")
def huge_text(question: Question) -> Said:
    if question.is_harmful and question.over == "udp":
        return question.truncated()
    response = question.service.names.answer(question.query)
    for number in range(160):
        question.add(response, question.host, "TXT", '"' + f"{number:04d}" * 60 + '"')
    return for_harmful(question, question.message(response))


@name_server("Says that a harmful name does not exist, but also gives its address.")
def denied_with_address(question: Question) -> Said:
    response = question.blank()
    response.set_rcode(dns.rcode.NXDOMAIN)
    if question.type == "A":
        question.add(response, question.host, "A", ADDRESS)
    return for_harmful(question, question.message(response))


@name_server("Answers harmful names with a name that points to itself (a compression loop).",
             only=NO_ANSWER)  # fmt: skip
def compression_loop(question: Question) -> Said:
    head = question.wire_id + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0)
    loop = b"\xc0\x0c"
    record = b"\x00\x01\x00\x01" + loop + struct.pack(">HHIH", 1, 1, 0, 4) + b"\x7f\x00\x00\x01"
    return for_harmful(question, Said(wires=(head + loop + record,)))


@name_server("Sends only the first half of its answers for harmful names.", only=NO_ANSWER)
def cut_answers(question: Question) -> Said:
    wire = question.truth().wires[0]
    return for_harmful(question, Said(wires=(wire[: len(wire) // 2],)))


@name_server("Answers harmful names with random bytes.", only=NO_ANSWER)
def names_noise(question: Question) -> Said:
    noise = bytes((each * 73 + 41) % 256 for each in range(60))
    return for_harmful(question, Said(wires=(question.wire_id + noise,)))


@name_server("Answers harmful names with two aliases that lead to each other.",
             only="The aliases lead to no address, so neither an address nor a denial was seen.")  # fmt: skip
def alias_loop(question: Question) -> Said:
    response = question.blank()
    question.add(response, question.host, "CNAME", "loop.sites.accredit.test")
    question.add(response, "loop.sites.accredit.test", "CNAME", question.host)
    return for_harmful(question, question.message(response))


@name_server("Answers harmful names with an undefined response code.", only=NO_ANSWER)
def undefined_code(question: Question) -> Said:
    wire = bytearray(question.failed("NOERROR").wires[0])
    wire[3] = wire[3] & 0xF0 | 0x0D
    return for_harmful(question, Said(wires=(bytes(wire),)))
