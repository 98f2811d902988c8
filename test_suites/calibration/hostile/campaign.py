"""The campaign file against one hostile service, by the way in which it is wired."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from test_suites.calibration.hostile.sizes import SMALL
from test_suites.calibration.hostile.supplier import Supplier
from test_suites.calibration.hostile.testbed import PROFILES, Running, Testbed
from test_suites.calibration.hostile.web_call import BLOCK_TEXT

HERE = Path(__file__).parent
WEB = ["web", "web_https"]


def write_campaign(folder: Path, supplier: Supplier, running: Running, testbed: Testbed) -> Path:
    """Write the campaign file; gives its path."""
    profiles = PROFILES if supplier.wiring == "proxy-profiles" else PROFILES[:1]
    scheme = "names" if supplier.kind == "name server" else "proxies"
    scheme += "" if testbed.size.name == SMALL.name else "-full"
    declared: dict[str, Any] = {
        "campaign": supplier.id,
        "service": {"name": supplier.id, "block_page": {"text": BLOCK_TEXT}},
        "scheme": str(HERE / f"{scheme}.yaml"),
        "origin": str(testbed.origin_file),
        "lines": _lines(supplier, running, testbed),
        "profiles": {name: {"phase": name} for name in profiles},
        "corpora": [{"pack": pack} for pack in testbed.packs],
        "limits": testbed.size.limits,
        "plain_twins": testbed.size.plain_twins
        | ({"pause": supplier.pace} if supplier.pace else {}),
    }
    path = folder / "campaign.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(declared, file)
    return path


def _lines(supplier: Supplier, running: Running, testbed: Testbed) -> list[dict[str, Any]]:
    match supplier.wiring:
        case "proxy" | "proxy-profiles":
            return [_proxy(supplier, running, testbed)]
        case "gateway":
            return [_gateway(running, testbed)]
        case "names":
            return [_names("names", ["dns", "web"], running.ports["server"])]
        case "names-dual":
            return [_names("names", ["dns", "dns_aaaa", "web"], running.ports["server"])]
        case "names-udp-tcp":
            server, probes = running.ports["server"], ["dns", "web"]
            return [_names("udp", probes, server), _names("tcp", probes, f"tcp://{server}")]


def _proxy(supplier: Supplier, running: Running, testbed: Testbed) -> dict[str, Any]:
    ports = running.ports["proxy"]
    line: dict[str, Any] = {
        "name": "line",
        "type": "explicit_proxy",
        "probes": WEB,
        "options": {"proxy": ports[PROFILES[0]], "authority": str(testbed.trusted)},
    }
    if supplier.wiring == "proxy-profiles":
        line["by_profile"] = {name: {"proxy": port} for name, port in ports.items()}
    return line


def _gateway(running: Running, testbed: Testbed) -> dict[str, Any]:
    options = {
        "server": testbed.world.origin.resolver,
        "ports": running.ports["gateway"],
        "authority": str(testbed.trusted),
    }
    return {"name": "line", "type": "resolver", "probes": WEB, "options": options}


def _names(name: str, probes: list[str], server: str) -> dict[str, Any]:
    return {"name": name, "type": "resolver", "probes": probes, "options": {"server": server}}
