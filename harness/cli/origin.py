"""``accredit origin``: an origin for real campaigns, on a host that the tester owns."""

from __future__ import annotations

import asyncio
import secrets
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import msgspec
import typer
from pydantic import ValidationError

from corpora.origin_pack import joined
from corpora.origin_packs import all_pages
from corpora.synthetic_sites import neutral_hosts
from harness.campaign.origin_file import read_origin, write_origin
from harness.cli.compose import prepare, texts_of_pages
from harness.cli.content_packs import (
    CHANGES,
    NEW_SITES_FILE,
    PACK_NAMES,
    SUPPLIER_FILES,
    write_content_packs,
)
from harness.cli.initialise import PRIVATE, PUBLIC, RECORDS, origin_files
from harness.cli.long_running import allow_many_files
from harness.cli.origin_serving import report, serve
from harness.cli.printing import say, say_json, warn
from harness.errors import UsageError, known
from harness.model.campaign import Limits, Sentinels
from harness.model.corpus import Item
from harness.model.observation import CONTROL
from harness.model.protocol_case import CONTROL_PORTS, OWN_PORTS
from harness.plugins import LINES
from harness.ports.network import Line, Origin
from harness.store.atomic_write import write_whole
from harness.store.private_folder import ONLY_USER, make_private
from harness.yaml_reader import read_document, validate
from probes.mail.sender_domains import new_key, public_key_of
from probes.net.portable.name_resolver import system_server
from probes.net.route import Address, parse_address
from probes.range.authority import STORED_LIFETIME, Authority
from probes.range.origin_settings import OriginSettings
from probes.range.public_origin import PublicOrigin, given_certificate, read_key, read_secret
from probes.range.zone import Served

app = typer.Typer(no_args_is_help=True)

ORIGIN_FILE = "origin.json"
AUTHORITY_FILE = "authority.pem"
TWIN_AUTHORITY = "twin-authority-key.pem"
DNS = 53

Several = list[str] | None


@app.command("init")
def init_command(
    directory: Annotated[Path, typer.Argument(help="The folder for the origin's files.")],
    zone: Annotated[
        list[str],
        typer.Option(help="A zone: canary.example.org, or NAME=ADDRESS,ADDRESS; repeatable."),
    ],
    *,
    address: Annotated[Several, typer.Option(help="A public IP address of the zones.")] = None,
    twin_zone: Annotated[str, typer.Option(help="A zone of its own, for plain twins alone.")] = "",
    twin_address: Annotated[Several, typer.Option(help="An address of that zone.")] = None,
    nameserver: Annotated[Several, typer.Option(help="A name server (default: ns1.ZONE).")] = None,
    twin_nameserver: Annotated[Several, typer.Option(help="A name server of that zone.")] = None,
    listen: Annotated[Several, typer.Option(help="An address to listen on, if others.")] = None,
    twin_listen: Annotated[Several, typer.Option(help="The same, for the twins alone.")] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="A certificate chain (PEM), instead of an own authority.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The key of that certificate.")] = None,
    twin_certificate: Annotated[Path | None, typer.Option(help="A chain of the twins.")] = None,
    twin_key: Annotated[Path | None, typer.Option(help="The key of that certificate.")] = None,
    http_port: Annotated[int, typer.Option(help="The port for HTTP.")] = 80,
    https_port: Annotated[int, typer.Option(help="The port for HTTPS.")] = 443,
    dns_port: Annotated[int, typer.Option(help="The port for DNS, UDP and TCP.")] = 53,
    protocols: Annotated[bool, typer.Option(help="Answer XMPP, NTP and others too.")] = False,
) -> None:
    """Write what an origin on a host of your own needs. Existing files are never overwritten."""
    zones = [_zone(text, address or [], nameserver or []) for text in zone]
    is_given = bool(certificate or key)
    twins: dict[str, Any] = {
        "zone": twin_zone,
        "addresses": tuple(twin_address or ()),
        "nameservers": tuple(twin_nameserver or ()),
        "listen": tuple(twin_listen or ()),
        "certificate": _absolute(twin_certificate),
        "certificate_key": _absolute(twin_key),
    }
    settings = checked_settings({
        "zones": tuple(zones),
        "twins": _twins(twins, tuple(address or zones[0]["addresses"]), is_given=is_given),
        "listen": tuple(listen or ()),
        "ports": {"http": http_port, "https": https_port, "dns": dns_port},
        **({"protocols": OWN_PORTS, "controls": CONTROL_PORTS} if protocols else {}),
        "key": "origin.key",
        "authority": "" if is_given else "authority-key.pem",
        "certificate": _absolute(certificate),
        "certificate_key": _absolute(key),
        "content_seed": "content.seed",
    })  # fmt: skip
    say(*(f"wrote {directory / name}" for name in write_origin_folder(directory, settings)), "")
    say(*(directory / RECORDS).read_text(encoding="utf-8").splitlines())


def _zone(text: str, addresses: list[str], nameservers: list[str]) -> dict[str, Any]:
    """Return the zone that an option declares: ``NAME``, or ``NAME=ADDRESS,ADDRESS``."""
    name, _, own = text.partition("=")
    listed = tuple(own.split(",")) if own else tuple(addresses)
    if not listed:
        msg = f"--zone {name} has no address; give --address, or write {name}=ADDRESS"
        raise UsageError(msg)
    return {"zone": name, "addresses": listed, "nameservers": tuple(nameservers)}


def _twins(
    declared: dict[str, Any], common: tuple[str, ...], *, is_given: bool
) -> dict[str, Any] | None:
    """Return the zone of the plain twins; ``is_given``: the zones have a given certificate.

    Raises UsageError for options without a zone.
    """
    if not declared["zone"]:
        if any(declared.values()):
            msg = "--twin-zone is missing: name the zone of the plain twins"
            raise UsageError(msg)
        return None
    has_own = declared["certificate"] or declared["certificate_key"]
    authority = "" if is_given or has_own else TWIN_AUTHORITY
    addresses = declared["addresses"] or common
    return declared | {"addresses": addresses, "authority": authority}


def _absolute(path: Path | None) -> str:
    return str(path.absolute()) if path else ""


def checked_settings(declared: dict[str, Any]) -> OriginSettings:
    """Return the settings that options declare. Raises UsageError with one sentence."""
    try:
        return OriginSettings.model_validate(declared)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        names = (part for part in first["loc"] if isinstance(part, str) and part != "zones")
        option = "".join(f"{name}: " for name in names)
        raise UsageError(option + first["msg"].removeprefix("Value error, ")) from None


def write_origin_folder(directory: Path, settings: OriginSettings) -> list[str]:
    """Write all files of an origin; return their names. Raises UsageError if one exists."""
    folder = directory.absolute()
    key, seed, mail_key = secrets.token_hex(32), secrets.token_hex(16), new_key()
    settings = settings.model_copy(update={"mail_key": public_key_of(mail_key)})
    files = origin_files(settings, folder)
    files |= {settings.key: (f"{key}\n", PRIVATE), settings.content_seed: (f"{seed}\n", PRIVATE)}
    files |= _authorities(settings)
    check_certificates(settings)
    names = [*files, ORIGIN_FILE, *PACK_NAMES, *SUPPLIER_FILES]
    if directory.exists() and not directory.is_dir():
        msg = f"{directory} is a file; name a folder"
        raise UsageError(msg)
    for name in names:
        if (directory / name).exists():
            msg = f"{directory / name} exists already; choose another folder"
            raise UsageError(msg)
    directory.mkdir(mode=ONLY_USER, parents=True, exist_ok=True)
    for name, (text, mode) in files.items():
        write_whole(directory / name, text.encode(), mode)
    services = {"mail": {"dkim": mail_key}}
    origin = replace(_origin(settings, bytes.fromhex(key)), services=services)
    write_content_packs(directory, seed, origin.home_of, origin.addresses_of)
    for name in PACK_NAMES:
        make_private(directory / name)
    write_origin(origin, directory / ORIGIN_FILE)
    return names


def _authorities(settings: OriginSettings) -> dict[str, tuple[str, int]]:
    """Return the files of the origin's own authorities; campaigns trust both.

    The names on them are drawn, so that neither the zones nor two origins can be recognised by
    them.
    """
    files: dict[str, tuple[str, int]] = {}
    trusted = ""
    for part in (settings, settings.twins) if settings.twins else (settings,):
        if part.authority:
            host = neutral_hosts(secrets.token_hex(8), 1)[0].partition(".")[0]
            name = f"{host.replace('-', ' ').title()} CA"
            authority = Authority(name, lifetime=STORED_LIFETIME)
            files[part.authority] = (authority.private_pem.decode(), PRIVATE)
            trusted += authority.pem.decode()
    return files | ({AUTHORITY_FILE: (trusted, PUBLIC)} if trusted else {})


def check_certificates(settings: OriginSettings) -> None:
    """Warn of names that given certificates do not cover. Raises UsageError if one is faulty."""
    names = settings.names
    for part, served in ((settings, "zones"), (settings.twins, "twins")):
        if part is None or not part.certificate:
            continue
        paths = Path(part.certificate), Path(part.certificate_key)
        only = replace(names, served=cast("Served", served))
        if missing := given_certificate(*paths, report).uncovered(only):
            warn(
                f"{paths[0]} is not valid for {', '.join(missing)}; https at these names will fail "
                "on every line, and their items are left out"
            )


def _origin(settings: OriginSettings, key: bytes) -> Origin:
    """Return what campaigns need to know of the origin."""
    ports, names = settings.ports, settings.names
    first = names.zones[0]
    is_own = settings.authority or (settings.twins and settings.twins.authority)
    return Origin(
        zone=first.zone,
        resolver=str(Address(host=first.addresses[0], port=ports.dns)),
        ports={80: ports.http, 443: ports.https, 53: ports.dns}
        | {OWN_PORTS[name]: port for name, port in settings.protocols.items()}
        | {CONTROL_PORTS[name]: port for name, port in settings.controls.items()},
        authority=AUTHORITY_FILE if is_own else "",
        key=key,
        address=first.addresses[0],
        twin_zone=names.twin_zone,
        zones=names.zones,
        twins=names.twins,
    )


@app.command("check")
def check_command(
    file: Annotated[Path, typer.Argument(help="The origin.json of the origin.")],
    campaign: Annotated[
        Path | None, typer.Option(help="A campaign file: also checks the way over its lines.")
    ] = None,
    line: Annotated[str, typer.Option(help="Only this line of the campaign.")] = "",
    resolver: Annotated[str, typer.Option(help="ADDRESS:PORT (default: this machine's).")] = "",
    parent: Annotated[
        Several, typer.Option(help="ADDRESS:PORT of a server of the zone above; repeatable.")
    ] = None,
    timeout: Annotated[float, typer.Option(min=0.1, max=60, help="Seconds for each answer.")] = 5,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check an origin from anywhere, and say what to fix. Exit 0: all is well, 1: a problem."""
    from probes.range.origin_check import CheckOptions, check_origin  # noqa: PLC0415 - only here

    origin = read_origin(file)
    if not origin.zones:
        msg = f"{file} is of a test range on this machine; 'accredit origin init' makes others"
        raise UsageError(msg)
    if line and campaign is None:
        msg = "--line needs --campaign, which names the lines"
        raise UsageError(msg)
    options = CheckOptions(
        resolver=_resolver(resolver),
        parents=tuple(parse_address(text, "--parent", DNS) for text in parent or ()),
        patience=timeout,
    )
    lines, host = _lines(origin, file, campaign, line)
    results = asyncio.run(check_origin(origin, lines, host, options))
    if json:
        say_json(msgspec.json.encode(results))
    else:
        for each in results:
            fix = f"; {each.fix}" if each.fix else ""
            say(f"{each.state:7}  {each.check} ({each.of}): {each.seen}{fix}")
    if any(each.state == "problem" for each in results):
        raise typer.Exit(1)


def _resolver(text: str) -> Address:
    """Return the resolver that an option names, or this machine's. Raises UsageError."""
    if text:
        return parse_address(text, "--resolver", DNS)
    try:
        return system_server()
    except UsageError:
        msg = "this machine has no name server; give one: --resolver ADDRESS:PORT"
        raise UsageError(msg) from None


def _lines(origin: Origin, file: Path, path: Path | None, only: str) -> tuple[dict[str, Line], str]:
    """Return the lines to check, by name, and a host that they let pass. Raises UsageError."""
    agreed = origin.home_of(Sentinels().hosts("must_allow")[0])
    if path is None:
        control: Any = LINES.find("control")
        return {"control": control("control", control.Options(), origin, Limits())}, agreed
    prepared = prepare(path)
    if prepared.origin is None or _without_paths(prepared.origin) != _without_paths(origin):
        msg = f"{path} names another origin than {file}; give the one that it names"
        raise UsageError(msg)
    names = {name for name, _ in prepared.lines}
    if only and only not in names:
        msg = f"{path} has no line {only!r}; {known(names)}"
        raise UsageError(msg)
    lines: dict[str, Line] = {}
    for (name, profile), line in prepared.lines.items():
        if only in ("", name) and line not in lines.values():
            several = len(prepared.campaign.profiles) > 1
            lines[f"{name} ({profile})" if several and name != CONTROL else name] = line
    allowed = prepared.campaign.sentinels.hosts("must_allow")
    return lines, next((host for host in allowed if origin.covers(host)), agreed)


def _without_paths(origin: Origin) -> Origin:
    """Return an origin without the names of files, and without what a campaign adds to it."""
    return replace(origin, authority="", log="", nat64_prefix="")


@app.command("pages")
def pages_command(
    file: Annotated[Path, typer.Argument(help="The origin.yaml that 'init' wrote.")],
) -> None:
    """Write the packs of the origin's pages again, as this version serves them."""
    settings, folder = read_settings(file), file.parent
    if not settings.content_seed:
        msg = f"{file}: the origin has no content pages (content_seed is empty)"
        raise UsageError(msg)
    seed = read_secret(folder / settings.content_seed, "the seed of the content pages")
    key = read_key(folder / settings.key)
    try:
        origin, changes_at = _origin(settings, key), settings.content_changes_at
        write_content_packs(
            folder, seed, origin.home_of, origin.addresses_of, changes_at, partial(_plain, origin)
        )
    except OSError as error:
        msg = f"{error.filename or folder}: cannot be written: {error.strerror or error}"
        raise UsageError(msg) from None
    for name in PACK_NAMES:
        make_private(folder / name)
        say(f"wrote {folder / name}")
    for name in (CHANGES, NEW_SITES_FILE) if settings.content_changes_at is not None else ():
        (folder / name).chmod(PRIVATE)
        say(f"wrote {folder / name}")


def _plain(origin: Origin, host: str) -> str:
    """Return the name of the plain twin of a host of an origin; empty if it has none."""
    twin = origin.twin_of(Item(id=host, value=host, labels=("CTRL",)))
    return twin.host if twin is not None else ""


@app.command("serve")
def serve_command(
    file: Annotated[Path, typer.Argument(help="The origin.yaml that 'init' wrote.")],
    listen: Annotated[
        list[str] | None,
        typer.Option(help="Listen on these addresses instead of those in the file."),
    ] = None,
) -> None:
    """Serve an origin until SIGTERM or Ctrl-C; SIGHUP reads the certificate and log file again."""
    if not hasattr(signal, "SIGHUP"):
        msg = "origin serve needs a POSIX system, such as Linux"
        raise UsageError(msg)
    settings = read_settings(file, tuple(listen or ()))
    seed = settings.content_seed
    pages = None
    if seed:
        secret = read_secret(file.parent / seed, "the seed of the content pages")
        pages = joined(all_pages(secret).values())
    texts, contents = texts_of_pages(pages)
    origin = PublicOrigin(settings, file.parent, texts=texts, contents=contents, report=report)
    allow_many_files()
    asyncio.run(serve(origin))


def read_settings(file: Path, listen: tuple[str, ...] = ()) -> OriginSettings:
    """Read ``origin.yaml``; ``listen`` replaces its addresses. Raises UsageError."""
    document = read_document(file)
    data = document.data
    if listen and isinstance(data, dict):
        data = data | {"listen": list(listen)}
    return validate(document, OriginSettings, data)
