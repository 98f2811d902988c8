"""A public origin as a process: it is prepared, served, reloaded and stopped from outside."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from cryptography import x509

from probes.range.authority import Authority
from test_suites.kit.networks.public_origin import ZONE, limit
from test_suites.kit.processes.running import accredit
from test_suites.kit.processes.serving import prepared, serving
from test_suites.kit.processes.warm_start import run

HOST = f"porn-001.canary.{ZONE}"


def test_pages_and_names_are_served_over_both_families(tmp_path: Path) -> None:
    folder = tmp_path / "origin"
    ports = prepared(folder)
    log = tmp_path / "log"
    with log.open("wb") as stdout, serving(folder, ports, stdout=stdout) as origin:
        assert any(f"http://[::1]:{ports['http']}" in line for line in origin.said)
        trust = str(folder / "authority.pem")
        for address in ("127.0.0.1", "::1"):
            for status, body in (
                origin.get(HOST, address=address),
                origin.get(HOST, address=address, trust=trust),
            ):
                assert 200 == status
                assert b"ACCREDIT-MARKER-PORN-" in body
            for ask in (dns.query.udp, dns.query.tcp):
                query = dns.message.make_query(HOST, "AAAA")
                told = ask(query, address, port=ports["dns"], timeout=10)
                assert ["::1"] == [str(record) for record in told.answer[0]]
                assert not told.flags & dns.flags.RA
        query = dns.message.make_query("www.example.com", "A")
        refused = dns.query.udp(query, "127.0.0.1", port=ports["dns"], timeout=10)
        assert dns.rcode.REFUSED is refused.rcode()
        assert 421 == origin.get("www.example.com")[0]
        assert "ok" == json.loads(origin.get(ZONE, "/health", trust=trust)[1])["status"]
        assert 0 == origin.stop()

    arrivals = [json.loads(line) for line in log.read_text().splitlines()]
    assert {"http", "https", "dns"} == {arrival["over"] for arrival in arrivals}
    assert all(arrival["at"].endswith("Z") for arrival in arrivals)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_and_its_ports_are_free_again(
    tmp_path: Path, number: int
) -> None:
    folder = tmp_path / "origin"
    ports = prepared(folder, addresses=("127.0.0.1",))
    for _ in range(2):
        with serving(folder, ports) as origin:
            stay = socket.create_connection(("127.0.0.1", ports["http"]))
            assert 0 == origin.stop(number)
            stay.close()


def write_chain(folder: Path, authority: Authority, host: str) -> tuple[Path, Path, int]:
    """Write a chain and its key as an ACME client does: whole, by renaming; gives the number."""
    leaf = authority.leaf(host)
    pem = authority.pem_with_key(leaf)
    split = pem.index(b"-----BEGIN CERTIFICATE")
    chain, key = folder / "fullchain.pem", folder / "privkey.pem"
    for path, content in ((key, pem[:split]), (chain, pem[split:])):
        path.with_suffix(".new").write_bytes(content)
        path.with_suffix(".new").replace(path)
    return chain, key, leaf.serial_number


def test_a_given_chain_is_replaced_while_it_serves_and_no_connection_ends(tmp_path: Path) -> None:
    authority = Authority()
    (tmp_path / "trust.pem").write_bytes(authority.pem)
    trust = str(tmp_path / "trust.pem")
    chain, key, first = write_chain(tmp_path, authority, HOST)
    folder = tmp_path / "origin"
    ports = prepared(folder, "--certificate", chain, "--key", key)
    with serving(folder, ports) as origin:
        with origin.connected(HOST, trust) as open_before:
            assert first == shown_by(open_before)
            *_, second = write_chain(tmp_path, authority, HOST)
            with origin.connected(HOST, trust) as new:
                assert second == shown_by(new)
            assert "new certificate, valid until" in origin.wait_for("certificate")
            open_before.sendall(f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            assert open_before.recv(20).startswith(b"HTTP/1.1 200")
        chain.write_text("no certificate")
        with origin.connected(HOST, trust) as kept:
            assert second == shown_by(kept)
        assert "was not replaced" in origin.wait_for("certificate")
        assert 0 == origin.stop()


def shown_by(stream: ssl.SSLSocket) -> int:
    shown = stream.getpeercert(binary_form=True)
    assert shown
    return x509.load_der_x509_certificate(shown).serial_number


def test_sighup_opens_the_log_again_and_reads_the_certificate(tmp_path: Path) -> None:
    authority = Authority()
    chain, key, _ = write_chain(tmp_path, authority, HOST)
    folder = tmp_path / "origin"
    ports = prepared(folder, "--certificate", chain, "--key", key)
    settings = folder / "origin.yaml"
    settings.write_text(settings.read_text().replace('log: "-"', "log: arrivals.jsonl"))
    with serving(folder, ports) as origin:
        origin.get(HOST)
        (folder / "arrivals.jsonl").rename(folder / "arrivals.jsonl.1")
        write_chain(tmp_path, authority, HOST)
        origin.process.send_signal(signal.SIGHUP)
        origin.wait_for("new certificate")
        while not (folder / "arrivals.jsonl").exists():  # opened right after the certificate
            origin.get(ZONE, "/health")
        origin.get(f"x.{ZONE}")
        assert 0 == origin.stop()

    before, after = ((folder / name).read_text() for name in ("arrivals.jsonl.1", "arrivals.jsonl"))
    assert (True, False) == (HOST in before, HOST in after)
    assert f"x.{ZONE}" in after


def test_a_full_disk_is_said_once_and_the_service_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "origin"
    ports = prepared(folder, addresses=("127.0.0.1",))
    with Path("/dev/full").open("wb") as full, serving(folder, ports, stdout=full) as origin:
        for _ in range(3):
            assert 200 == origin.get(HOST)[0]
        assert "degraded" == json.loads(origin.get(ZONE, "/health")[1])["status"]
        origin.process.send_signal(signal.SIGTERM)
        _, rest = origin.process.communicate(timeout=20)

    assert 0 == origin.process.returncode
    assert 1 == rest.count("No space left on device")


def test_a_flood_from_one_network_leaves_another_served(tmp_path: Path) -> None:
    folder = tmp_path / "origin"
    ports = prepared(folder, addresses=("127.0.0.1",))
    limit(folder, per_second=0.001, burst=20)
    with serving(folder, ports) as origin:
        query = dns.message.make_query(HOST, "A")
        with socket.socket(type=socket.SOCK_DGRAM) as flood:
            for _ in range(120):
                flood.sendto(query.to_wire(), ("127.0.0.1", ports["dns"]))
            told = dns.query.udp(
                query, "127.0.0.1", port=ports["dns"], timeout=10, source="127.0.1.1"
            )
            flood.settimeout(0)
            answers = [dns.message.from_wire(wire) for wire in _received(flood)]
        assert told.answer
        assert 40 == len(answers)
        assert 20 == sum(bool(each.flags & dns.flags.TC) for each in answers)
        assert 0 == origin.stop()


def _received(flood: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            yield flood.recv(4096)
        except BlockingIOError:
            return


def test_a_server_name_that_is_no_text_fills_no_log(tmp_path: Path) -> None:
    folder = tmp_path / "origin"
    ports = prepared(folder, addresses=("127.0.0.1",))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="xxx.org")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read().replace(b"xxx.org", b"\xff\xff\xff.org")
    with serving(folder, ports) as origin:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", ports["https"]), timeout=10) as stream:
                stream.sendall(hello)
                assert b"\x15" == stream.recv(1)
        origin.process.send_signal(signal.SIGTERM)
        _, rest = origin.process.communicate(timeout=20)

    assert "accredit origin: stopped\n" == rest


def test_a_port_in_use_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    folder = tmp_path / "origin"
    ports = prepared(folder, addresses=("127.0.0.1",))
    with serving(folder, ports):
        second = accredit("origin", "serve", folder / "origin.yaml")

    assert 2 == second.returncode
    assert (
        f"accredit: cannot listen on 127.0.0.1, TCP port {ports['http']}: Address already in use; "
        "another program uses it; stop that program, or list under 'listen' only addresses that "
        "are free\n"
    ) == second.stderr


def test_an_address_of_another_machine_is_one_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "origin"
    prepared(folder, addresses=("192.0.2.10",))

    ended = accredit("origin", "serve", folder / "origin.yaml")

    assert 2 == ended.returncode
    assert "this machine has no such address; list its own addresses under 'listen'" in ended.stderr


def test_the_command_and_the_health_check_of_the_container_file_work(tmp_path: Path) -> None:
    folder = tmp_path / "origin"
    ports = prepared(folder, addresses=("192.0.2.10", "2001:db8::10"))
    text = (folder / "Containerfile").read_text()
    words, check = (
        json.loads(re.findall(rf"^{name} (\[.*\])$", text, re.MULTILINE)[0])
        for name in ("CMD", "HEALTHCHECK CMD")
    )

    with serving(folder, ports, *words):
        checked = run([sys.executable, *check[1:]], capture_output=True, text=True)
    after = run([sys.executable, *check[1:]], capture_output=True, text=True)

    assert (0, "") == (checked.returncode, checked.stderr)
    assert 0 != after.returncode


def test_the_command_of_the_service_works_with_its_credentials_alone(tmp_path: Path) -> None:
    folder, credentials = tmp_path / "origin", tmp_path / "credentials"
    ports = prepared(folder, addresses=("127.0.0.1",))
    text = (folder / "accredit-origin.service").read_text()
    credentials.mkdir()
    for name, source in re.findall(r"^LoadCredential=(\S+):(\S+)$", text, re.MULTILINE):
        (credentials / name).write_bytes(Path(source).read_bytes())
    (line,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    words = shlex.split(line.replace("${CREDENTIALS_DIRECTORY}", str(credentials)))
    assert str(credentials / "origin.yaml") == words[-1]

    with serving(credentials, ports) as origin:
        assert 200 == origin.get(HOST)[0]
        assert 0 == origin.stop()
