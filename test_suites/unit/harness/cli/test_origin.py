"""What ``accredit origin init`` writes is whole, private where secret, and right as it stands."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import dns.zone
import pytest
import typer
from cryptography import x509
from typer.testing import CliRunner

from corpora.pack_reader import open_pack
from harness import VERSION
from harness.campaign.origin_file import read_origin
from harness.cli.content_packs import PACK_NAMES
from harness.cli.main import app
from harness.cli.origin import app as origin_app
from harness.cli.origin import read_settings
from harness.errors import FaultyDocument, UsageError
from probes.range.authority import Authority
from probes.range.visitor_limits import VisitorRules
from test_suites.kit.rooms import ROOT

ZONE, TWINS = "canary.example.org", "fair-orchard.example.net"
WORDS = ("--zone", ZONE, "--address", "192.0.2.10", "--address", "2001:db8::10")
SECRET = {
    "origin.key", "origin.json", "authority-key.pem", "twin-authority-key.pem", "content.seed"
}  # fmt: skip


def init(runner: CliRunner, folder: Path, *words: str | Path) -> str:
    result = runner.invoke(app, ["origin", "init", str(folder), *WORDS, *map(str, words)])
    if result.exception is not None:
        raise result.exception
    return result.output


@pytest.fixture
def folder(runner: CliRunner, tmp_path: Path) -> Path:
    init(runner, tmp_path / "origin", "--twin-zone", TWINS, "--twin-address", "198.51.100.10")
    return tmp_path / "origin"


def test_what_is_secret_is_readable_by_the_owner_alone(folder: Path) -> None:
    private = {
        path.name for path in folder.iterdir() if not stat.S_IMODE(path.stat().st_mode) & 0o077
    }

    assert SECRET | {*PACK_NAMES} == private
    key = (folder / "origin.key").read_text().strip()
    assert key not in (folder / "origin.yaml").read_text()


def test_a_campaign_reads_the_origin_s_file(folder: Path) -> None:
    origin = read_origin(folder / "origin.json")

    assert (ZONE, TWINS, "192.0.2.10") == (origin.zone, origin.twin_zone, origin.address)
    assert {80: 80, 443: 443, 53: 53} == origin.ports
    assert "192.0.2.10:53" == origin.resolver
    assert str(folder / "authority.pem") == origin.authority
    assert origin.key.hex() == (folder / "origin.key").read_text().strip()
    stored, of_twins = (
        Authority.from_pem((folder / name).read_bytes())
        for name in ("authority-key.pem", "twin-authority-key.pem")
    )
    assert (folder / "authority.pem").read_bytes() == stored.pem + of_twins.pem


def test_an_origin_of_ipv6_alone_is_written_with_brackets(
    runner: CliRunner, tmp_path: Path
) -> None:
    words = ["--zone", ZONE, "--address", "2001:DB8:0::10"]
    runner.invoke(app, ["origin", "init", str(tmp_path / "o"), *words], catch_exceptions=False)

    assert "[2001:db8::10]:53" == read_origin(tmp_path / "o/origin.json").resolver


def test_its_settings_are_read_back_and_limits_shown_are_the_defaults(folder: Path) -> None:
    settings = read_settings(folder / "origin.yaml")

    assert ((ZONE,), TWINS) == (
        tuple(zone.zone for zone in settings.zones),
        settings.twins and settings.twins.zone,
    )
    assert ("192.0.2.10", "2001:db8::10", "198.51.100.10") == settings.listening
    assert VisitorRules() == settings.limits
    assert ("0.0.0.0",) == read_settings(folder / "origin.yaml", ("0.0.0.0",)).listening


def test_its_content_pages_are_a_pack_on_hosts_of_the_zone(folder: Path) -> None:
    pack = open_pack(str(folder / "content-pages"))

    assert "content" == pack.reference.kind
    assert all(item.host.endswith(f".sites.{ZONE}") for item in pack.items())


def test_the_records_are_lines_of_a_zone_file(
    runner: CliRunner, folder: Path, tmp_path: Path
) -> None:
    text = (folder / "dns-records.txt").read_text()
    zone = dns.zone.from_text(
        f"$TTL 3600\n{text}", origin=".", relativize=False, check_origin=False
    )
    said = init(runner, tmp_path / "other", "--nameserver", "ns.example.com")

    found = {
        (str(name), str(record))
        for rdtype in ("NS", "A", "AAAA")
        for name, _, record in zone.iterate_rdatas(rdtype)
    }

    assert found == {
        (f"{ZONE}.", f"ns1.{ZONE}."),
        (f"{TWINS}.", f"ns1.{TWINS}."),
        (f"ns1.{ZONE}.", "192.0.2.10"),
        (f"ns1.{ZONE}.", "2001:db8::10"),
        (f"ns1.{TWINS}.", "198.51.100.10"),
    }
    assert f"{ZONE}. IN NS ns.example.com." in said
    assert "ns.example.com must have this origin's addresses already" in said


def test_nothing_that_others_see_says_that_it_is_for_a_test(folder: Path) -> None:
    shown = (folder / "dns-records.txt").read_text() + read_certificate(folder)

    assert not re.search(r"\btest|accredit", re.sub(r"(?m)^;.*$", "", shown), re.IGNORECASE)


def read_certificate(folder: Path) -> str:
    return str(x509.load_pem_x509_certificate((folder / "authority.pem").read_bytes()).subject)


def test_nothing_is_overwritten(runner: CliRunner, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(UsageError, match="exists already; choose another folder"):
        init(runner, folder)

    assert before == {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_file_is_no_folder(runner: CliRunner, tmp_path: Path) -> None:
    (tmp_path / "origin").write_text("mine")
    with pytest.raises(UsageError, match="origin is a file; name a folder"):
        init(runner, tmp_path / "origin")


def test_one_file_that_exists_stops_it_before_anything_is_written(
    runner: CliRunner, tmp_path: Path
) -> None:
    (tmp_path / "Containerfile").write_text("mine")
    with pytest.raises(UsageError, match="Containerfile exists already"):
        init(runner, tmp_path)

    assert ["Containerfile"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--zone", "example"], "zone: 'example' is not a domain name"),
        (["--zone", "a..b"], "zone: 'a..b' is not a domain name"),
        (["--zone", "-a.example.org"], "zone: '-a.example.org' is not a domain name"),
        (["--zone", "192.0.2.1"], "zone: '192.0.2.1' is not a domain name"),
        (["--zone", "ä.example"], "zone: 'ä.example' is not a domain name"),
        (["--zone", ".".join(["a" * 60] * 4)], "longer than 180 characters"),
        (["--zone", "_x.example.org"], "zone: '_x.example.org' is not a domain name"),
        (["--twin-zone", f"x.{ZONE}"], "must be apart; neither may be in the other"),
        (["--twin-zone", ZONE], "must be apart"),
        (["--twin-zone", "example.org"], "must be apart"),
        (["--address", "192.0.2.300"], "addresses: '192.0.2.300' is not an IP address"),
        (["--address", "fe80::1%eth0"], "is not an IP address"),
        (["--address", "host.example"], "is not an IP address"),
        (["--address", "0.0.0.0"], "is not the address of a host"),
        (["--address", "ff02::1"], "is not the address of a host"),
        (["--nameserver", "ns_1.example"], "is not a domain name"),
        (["--certificate", "x.pem"], "a certificate needs its key"),
        (["--key", "x.pem"], "a key its certificate"),
        (["--certificate", "x.pem", "--key", "y.pem"], "no usable certificate and key"),
        (
            ["--twin-zone", TWINS, "--listen", "0.0.0.0", "--twin-listen", "10.0.0.2"],
            "0.0.0.0 takes every address of this machine",
        ),
        (["--http-port", "0"], "ports: http: Input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_option_is_one_clear_sentence(
    runner: CliRunner, tmp_path: Path, words: list[str], said: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as error:
        init(runner, tmp_path / "origin", *words)

    assert 2 == error.value.exit_code
    assert 1 == len(str(error.value).splitlines())
    assert not (tmp_path / "origin").exists()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("twins:", "twin:", "this key is not known"),
        ("dns: 53", "dns: 70000", "less than or equal to 65535"),
        ("per_second: 500", "per_second: 0", "greater than 0"),
        ('authority: "authority-key.pem"', 'authority: ""', "name either a certificate"),
        ("zone: canary", "zone: -canary", "is not a domain name"),
    ],
)
def test_a_wrong_declaration_is_named_with_its_line(
    folder: Path, before: str, after: str, said: str
) -> None:
    path = folder / "origin.yaml"
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))

    with pytest.raises(FaultyDocument, match=said) as error:
        read_settings(path)

    assert re.match(rf"{re.escape(str(path))}:\d+:", str(error.value))


def test_a_given_certificate_is_named_by_its_path_and_its_gaps_are_told(
    runner: CliRunner, tmp_path: Path
) -> None:
    authority = Authority()
    pem = authority.pem_with_key(authority.leaf(ZONE))
    chain, key = tmp_path / "fullchain.pem", tmp_path / "privkey.pem"
    split = pem.index(b"-----BEGIN CERTIFICATE")
    chain.write_bytes(pem[split:])
    key.write_bytes(pem[:split])

    result = runner.invoke(
        app,
        ["origin", "init", str(tmp_path / "o"), *WORDS, "--certificate", str(chain), "--key", str(key)],
        catch_exceptions=False,
    )  # fmt: skip

    settings = read_settings(tmp_path / "o/origin.yaml")
    assert (str(chain), str(key), "") == (
        settings.certificate,
        settings.certificate_key,
        settings.authority,
    )
    assert "" == read_origin(tmp_path / "o/origin.json").authority
    assert f"is not valid for *.{ZONE}, *.canary.{ZONE}" in result.output
    assert "SupplementaryGroups=ssl-cert" in (tmp_path / "o/accredit-origin.service").read_text()
    assert f"-v {tmp_path}:{tmp_path}:ro" in (tmp_path / "o/Containerfile").read_text()
    assert not (tmp_path / "o/authority.pem").exists()


def unit_of(folder: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(
        strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",)
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys keep their case
    parser.read_string((folder / "accredit-origin.service").read_text())
    return parser


def test_the_service_has_one_capability_and_its_files_exist(folder: Path) -> None:
    text = (folder / "accredit-origin.service").read_text()
    service = unit_of(folder)["Service"]
    loaded = dict(re.findall(r"^LoadCredential=(\S+):(\S+)$", text, re.MULTILINE))

    assert SECRET - {"origin.json"} | {"origin.yaml"} == set(loaded)
    assert all(Path(path).is_file() for path in loaded.values())
    program, *words = shlex.split(service["ExecStart"])
    assert Path(program).is_file()
    assert ["origin", "serve", "${CREDENTIALS_DIRECTORY}/origin.yaml"] == words[-3:]
    assert Path(shlex.split(service["ExecReload"])[0]).is_file()
    for name in ("AmbientCapabilities", "CapabilityBoundingSet"):
        assert "CAP_NET_BIND_SERVICE" == service[name]
    for name in ("DynamicUser", "NoNewPrivileges", "PrivateTmp", "ProtectHome"):
        assert "yes" == service[name]
    assert "multi-user.target" == unit_of(folder)["Install"]["WantedBy"]


def test_a_folder_with_a_strange_name_is_written_as_systemd_reads_it(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / 'my "own" bin' / "python"
    program.parent.mkdir()
    (program.parent / "accredit").touch()
    monkeypatch.setattr(sys, "executable", str(program))
    init(runner, tmp_path / "my origin 100%")

    text = (tmp_path / "my origin 100%/accredit-origin.service").read_text()
    assert f"LoadCredential=origin.key:{tmp_path}/my origin 100%%/origin.key\n" in text
    assert f'ExecStart="{tmp_path}/my \\"own\\" bin/accredit" origin serve' in text


def test_every_file_that_the_service_names_is_loaded_for_it(folder: Path) -> None:
    settings = read_settings(folder / "origin.yaml")
    text = (folder / "accredit-origin.service").read_text()

    for name in (settings.key, settings.authority, settings.content_seed):
        assert f"LoadCredential={name}:" in text


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_systemd_finds_no_fault_in_the_service(folder: Path) -> None:
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", folder / "accredit-origin.service"],
        capture_output=True,
        text=True,
        check=False,
    )

    said = [line for line in checked.stderr.splitlines() if "accredit-origin" in line]
    assert (0, []) == (checked.returncode, said), checked.stderr


def container_of(folder: Path) -> dict[str, list[str]]:
    """The instructions of the container file, by name."""
    found: dict[str, list[str]] = {}
    for line in (folder / "Containerfile").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            found.setdefault(name, []).append(rest)
    return found


def test_every_path_port_and_command_of_the_container_file_exists(folder: Path) -> None:
    container, settings = container_of(folder), read_settings(folder / "origin.yaml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    entry, words = (json.loads(container[name][0]) for name in ("ENTRYPOINT", "CMD"))
    options = {
        option
        for command in typer.main.get_group(origin_app).commands.values()
        if command.name == "serve"
        for parameter in command.params
        for option in parameter.opts
    }

    assert [f"{project['name']}=={VERSION}"] == re.findall(
        r"isp-accredit==\S+", container["RUN"][0]
    )
    assert entry[0] in project["scripts"]
    assert ["origin", "serve"] == entry[1:3]
    mounted, _, name = entry[3].rpartition("/")
    assert [mounted] == container["VOLUME"]
    assert (folder / name).is_file()
    assert {"--listen"} == {word for word in words if word.startswith("--")} <= options
    ports = {tuple(part.split("/")) for part in container["EXPOSE"][0].split()}
    declared = settings.ports
    assert ports == {
        (str(declared.http), "tcp"),
        (str(declared.https), "tcp"),
        (str(declared.dns), "tcp"),
        (str(declared.dns), "udp"),
    }
    (image,) = container["FROM"]
    version = tuple(map(int, re.findall(r"python:(\d+)\.(\d+)-", image)[0]))
    assert (3, 11) <= version <= sys.version_info[:2] or version >= (3, 11)
    assert ["SIGTERM"] == container["STOPSIGNAL"]


def test_the_container_of_twins_apart_listens_where_the_file_says(
    runner: CliRunner, tmp_path: Path
) -> None:
    folder = tmp_path / "apart"
    words = ["--listen", "10.0.0.1", "--twin-zone", TWINS, "--twin-listen", "10.0.0.2"]
    init(runner, folder, *words)

    assert ["[]"] == container_of(folder)["CMD"]


def test_the_container_file_copies_no_secret(folder: Path) -> None:
    assert not {"COPY", "ADD"} & set(container_of(folder))
    assert container_of(folder)["USER"] == ["65532:65532"]


def test_a_serve_without_its_files_is_the_user_s_mistake(
    runner: CliRunner, tmp_path: Path, folder: Path
) -> None:
    missing = runner.invoke(app, ["origin", "serve", str(tmp_path / "no.yaml")])
    (folder / "content.seed").unlink()
    without_seed = runner.invoke(app, ["origin", "serve", str(folder / "origin.yaml")])

    assert "no.yaml: no such file" in str(missing.exception)
    assert "the seed of the content pages cannot be read" in str(without_seed.exception)
