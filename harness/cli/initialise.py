"""The commented files that ``accredit origin init`` writes: what an origin on a host needs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from harness import VERSION
from harness.model.protocol_case import CONTROL_PORTS, CONTROL_TRANSPORTS, OWN_PORTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

    from probes.range.origin_settings import OriginSettings

SETTINGS = """\
# An origin: web server and name server of a zone. Serve it: accredit origin serve {file}
# Restart the service after a change. SIGHUP reads the certificate again and reopens the log.

# The zones, delegated to this host (see dns-records.txt), each with the addresses of all its names,
# as the internet reaches them. The hosts of a campaign's packs are spread over all zones.
zones:
{zones}
# One zone for plain twins alone: a domain of its own at an address of its own, which nothing
# connects with the others. An address that is listed here alone answers for nothing else.
twins:{twins}

# The addresses of this machine to listen on; empty: the published ones. Behind a router that
# translates addresses, or in a container: ["0.0.0.0", "::"], and each address serves all zones. For
# twins apart list single addresses here, and others under 'listen' of the twins.
listen: {listen}
ports: {{http: {http}, https: {https}, dns: {dns}}}
# Ports for protocols beside the web, for URL-16; empty: none. The usual ones:
# {usual}. origin.json names them as well.
protocols: {protocols}
# Ports for control protocols, by which techniques ask for pages (NTP over UDP, TURN over both);
# empty: none. The usual ones: {usual_controls}.
controls: {controls}

# The key of the marks in pages; campaigns read it from origin.json. Keep both secret.
key: origin.key

# The certificate: of an authority of this origin's own, or a chain and its key, which are read
# again when they change. Name either, not both.
authority: {authority}
certificate: {certificate}
certificate_key: {certificate_key}
# Where an ACME authority finds its challenges: _acme-challenge names are aliases of this name.
challenge_alias: null

# The seed of the pages with content (content-pages/); empty: there are none.
content_seed: content.seed
# When pages change their content (2026-11-24T12:00:00Z); null: never. After a change here run
# 'accredit origin pages', restart the service, and poll them with 'accredit watch'.
content_changes_at: null

# The public key of mails that campaigns sign (DKIM), which origin.json holds the private key of.
mail_key: {mail_key}

# Arrivals as JSON lines: a file, or "-" for standard output. The service may write files to
# /var/log/accredit-origin alone.
log: "-"

# Limits for each network (a /24 or /64) that asks. A campaign needs about its concurrency in
# connections, and what its line measures in requests per second.
limits:
  per_second: {per_second:g}
  burst: {burst}
  connections: {connections}
  connections_in_all: {connections_in_all}
  patience: {patience:g}                # seconds that a connection may last
"""

ZONE = """\
  - zone: {zone}
    addresses: {addresses}
    nameservers: {nameservers}
"""

TWINS = """
  zone: {zone}
  addresses: {addresses}
  nameservers: {nameservers}
  listen: {listen}
  # Its certificate; without one its hosts are served by HTTP alone.
  authority: {authority}
  certificate: {certificate}
  certificate_key: {certificate_key}
  challenge_alias: null"""

UNIT = """\
# systemctl link {folder}/accredit-origin.service, then: systemctl enable --now accredit-origin
[Unit]
Description=Web server and name server of {zone}
Wants=network-online.target
After=network-online.target

[Service]
ExecStart={command} origin serve ${{CREDENTIALS_DIRECTORY}}/origin.yaml
ExecReload=/bin/kill -HUP $MAINPID
{credentials}
Restart=on-failure
RestartSec=2
LimitNOFILE=65536
LogsDirectory=accredit-origin
DynamicUser=yes{groups}
AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
PrivateTmp=yes
PrivateDevices=yes
RestrictAddressFamilies=AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
UMask=0077

[Install]
WantedBy=multi-user.target
"""

CONTAINER = """\
# Build: podman build -t accredit-origin -f Containerfile .
# Run:   podman run --user "$(id -u):$(id -g)" --userns keep-id --cap-drop ALL --read-only \\
#          --sysctl net.ipv4.ip_unprivileged_port_start={lowest} -v {folder}:/origin:ro,Z {mounts}\\
#          {published} accredit-origin
FROM docker.io/library/python:3.13-slim
RUN python -m pip install --no-cache-dir isp-accredit=={version}
# No secret is in the image: /origin is the folder of origin.yaml, mounted when it runs.
VOLUME /origin
USER 65532:65532
EXPOSE {http}/tcp {https}/tcp {dns}/tcp {dns}/udp{more}
STOPSIGNAL SIGTERM
HEALTHCHECK CMD ["python", "-c", "{check}"]
ENTRYPOINT ["accredit", "origin", "serve", "/origin/origin.yaml"]
CMD {words}
"""

EVERYWHERE = '["--listen", "0.0.0.0", "--listen", "::"]'
"""The options of a container; without them the addresses in ``origin.yaml`` are used."""

HEALTH_CHECK = (
    "from urllib.request import Request, urlopen; "
    "urlopen(Request('http://127.0.0.1:{http}/health', headers={{'Host': '{zone}'}}), timeout=5)"
)

RECORDS = "dns-records.txt"
PRIVATE, PUBLIC = 0o600, 0o644


def origin_files(settings: OriginSettings, folder: Path) -> dict[str, tuple[str, int]]:
    """Return the texts and modes of the files that describe an origin, without its secrets."""
    ports = settings.ports
    twins, first = settings.twins, settings.zones[0].zone
    parts = (settings, twins) if twins else (settings,)
    authorities = [part.authority for part in parts if part.authority]
    secret_files = ["origin.yaml", settings.key, settings.content_seed, *authorities]
    credentials = (f"LoadCredential={name}:{_literal(str(folder / name))}" for name in secret_files)
    given = [name for part in parts for name in (part.certificate, part.certificate_key)]
    mounted = {Path(name).parent for name in given if name}
    own = _own_ports(settings)
    of_web = [f"{port}/tcp" for port in ports.model_dump().values()]
    container = CONTAINER.format(
        folder=folder,
        version=VERSION,
        check=HEALTH_CHECK.format(http=ports.http, zone=first),
        words=EVERYWHERE if twins is None or not twins.listen else "[]",
        lowest=min(ports.http, ports.https, ports.dns),
        mounts="".join(f"-v {path}:{path}:ro " for path in sorted(mounted)),
        published=_published([*of_web, *own, f"{ports.dns}/udp"]),
        more="".join(f" {port}" for port in own),
        **ports.model_dump(),
    )
    unit = UNIT.format(
        folder=folder,
        zone=first,
        command=_command(),
        credentials="\n".join(credentials),
        groups="\nSupplementaryGroups=ssl-cert" if mounted else "",
    )
    declared = SETTINGS.format(
        file=folder / "origin.yaml",
        zones="".join(ZONE.format(**_written(zone)) for zone in settings.zones),
        twins=TWINS.format(**_written(twins)) if twins else " null",
        usual=_usual(OWN_PORTS.items()),
        usual_controls=_usual(CONTROL_PORTS.items()),
        **{
            name: text
            for name, text in _written(settings).items()
            if name not in ("zones", "twins", "ports", "limits")
        },
        **ports.model_dump(),
        **settings.limits.model_dump(),
    )
    return {
        "origin.yaml": (declared, PUBLIC),
        "accredit-origin.service": (unit, PUBLIC),
        "Containerfile": (container, PUBLIC),
        RECORDS: (_records(settings), PUBLIC),
    }


def _published(ports: list[str]) -> str:
    """Return the options by which a container publishes some ports."""
    return " ".join(f"-p {port.partition('/')[0]}:{port}" for port in ports)


def _usual(ports: Iterable[tuple[str, int]]) -> str:
    """Return the usual ports of some protocols in words."""
    return ", ".join(f"{name}: {port}" for name, port in ports)


def _own_ports(settings: OriginSettings) -> list[str]:
    """Return the ports of protocols beside the web, as ``5222/tcp``."""
    of_controls = (
        f"{port}/{transport}"
        for name, port in settings.controls.items()
        for transport in CONTROL_TRANSPORTS[name]
    )
    return [*(f"{port}/tcp" for port in settings.protocols.values()), *of_controls]


def _written(settings: BaseModel) -> dict[str, str]:
    """Return the values of settings as YAML that is JSON, a zone's name without quotes."""
    values = settings.model_dump(mode="json").items()
    return {
        name: value if name == "zone" else msgspec.json.encode(value).decode()
        for name, value in values
    }


def _command() -> str:
    """Return the command of this installation, as a service starts it."""
    beside = Path(sys.executable).parent / "accredit"
    if beside.is_file():
        return _quoted(str(beside))
    return f"{_quoted(sys.executable)} -m harness.cli.process"


def _quoted(path: str) -> str:
    """Return the path of a program as systemd reads it back (systemd.service(5))."""
    text = _literal(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"' if set(text) & set(" \t\\\"'") else text


def _literal(text: str) -> str:
    """Return a text in which systemd replaces nothing (systemd.unit(5), "Specifiers")."""
    return text.replace("%", "%%")


def _records(settings: OriginSettings) -> str:
    """Return the records that the zones above need, as lines of a zone file, and the next steps."""
    names, lines = settings.names, list[str]()
    for zone in names.all_zones:
        apex = zone.zone
        lines.append(f"; For {apex}, in the zone above it ({apex.partition('.')[2]}):")
        lines += (f"{apex}. IN NS {server}." for server in zone.nameservers)
        for server in zone.nameservers:
            home = names.zone_of(server)
            if home is None:
                lines.append(f"; {server} must have this origin's addresses already.")
            elif home == zone:  # else it is written with its own zone
                for address in zone.addresses:
                    lines.append(f"{server}. IN {'AAAA' if ':' in address else 'A'} {address}")
    lines += (
        "; Next steps:",
        "; 1. Add these records. Port 53 of the addresses must reach this origin, by UDP and TCP.",
        "; 2. Start it by 'accredit origin serve origin.yaml', by accredit-origin.service, or in a",
        ";    container (Containerfile says how).",
        "; 3. From another network: 'accredit origin check origin.json'.",
        "; 4. Copy origin.json (it is secret) and authority.pem to the machine that measures, and",
        ";    name origin.json as 'origin' in the campaign.",
    )
    if settings.certificate:
        lines.append("; The certificate's key must be readable by the group ssl-cert.")
    if Path(sys.executable).is_relative_to(Path.home()):
        lines.append(
            "; The service cannot read home folders: install with 'pipx install --global'."
        )
    return "\n".join(lines) + "\n"
