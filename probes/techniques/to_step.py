"""Steps ``to`` and ``tunnel``: where the next step connects to, and that it does so itself.

``to port=8443 host={allowed} address={ip}`` names the far end. In ``to host={relay} port=8080 |
tunnel | http1 GET http://{host}/ ...`` an HTTP proxy of the line is asked for a tunnel (CONNECT),
and does not take the requests that follow as its own.
"""

from __future__ import annotations

from probes.techniques.http1_step import HTTP_PORT
from probes.techniques.placeholders import pieces_of
from probes.techniques.run import StepRun, TechniqueRun
from probes.techniques.steps import options_of, step

HIGHEST_PORT = 65535


@step("to")
def read_to(text: str) -> StepRun:
    """Read the options ``host``, ``address`` and ``port``; what is not named stays as it is."""
    options = options_of(text, {"host": "", "address": "", "port": ""})
    host, address = pieces_of(options["host"]), pieces_of(options["address"])
    port = options["port"]
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) <= HIGHEST_PORT):
        msg = f"{port!r} is not a port"
        raise ValueError(msg)

    async def run(run: TechniqueRun) -> None:
        run.host = run.text(host) or run.host
        run.address = run.text(address) or run.address
        run.port = int(port) if port else run.port
        run.stream = run.socket = None

    return run


@step("tunnel")
def read_tunnel(text: str) -> StepRun:
    """Read nothing: a step ``to`` says where the tunnel leads."""
    if text:
        msg = f"it takes no options, but {text!r} is given"
        raise ValueError(msg)

    async def run(run: TechniqueRun) -> None:
        await run.open(HTTP_PORT)

    return run
