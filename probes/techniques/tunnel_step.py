"""Step ``tunnel``: open a connection to the far end itself, also where the line has a proxy.

``to host={relay} port=8080 | tunnel | http1 GET http://{host}/ ...``: an HTTP proxy of the line is
asked for a tunnel (CONNECT), and does not take the requests that follow as its own.
"""

from __future__ import annotations

from probes.techniques.http1_step import HTTP_PORT
from probes.techniques.run import StepRun, TechniqueRun
from probes.techniques.steps import step


@step("tunnel")
def read_tunnel(text: str) -> StepRun:
    """Read nothing: a step ``to`` says where the tunnel leads."""
    if text:
        msg = f"it takes no options, but {text!r} is given"
        raise ValueError(msg)

    async def run(run: TechniqueRun) -> None:
        await run.open(HTTP_PORT)

    return run
