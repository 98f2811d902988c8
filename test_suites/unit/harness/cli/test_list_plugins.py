"""What is known can be listed, by kind."""

from __future__ import annotations

import json
import subprocess
import sys

from typer.testing import CliRunner

from harness.cli.main import app


def test_every_kind_is_listed(runner: CliRunner) -> None:
    rows = json.loads(runner.invoke(app, ["list", "--json"]).stdout)

    assert {"web", "web_https", "dns"} <= {row["name"] for row in rows if row["kind"] == "probes"}
    assert {"control", "explicit_proxy", "resolver", "simulated"} <= {
        row["name"] for row in rows if row["kind"] == "lines"
    }
    assert [] == [row for row in rows if not row["about"]]


def test_one_kind_as_a_table(runner: CliRunner) -> None:
    said = runner.invoke(app, ["list", "lines"]).stdout

    assert "explicit_proxy" in said
    assert "web_https" not in said


def test_an_unknown_kind_tells_what_is_known(runner: CliRunner) -> None:
    assert "no plug-in kind 'wands'; known: " in str(
        runner.invoke(app, ["list", "wands"]).exception
    )


def test_listing_imports_no_plug_in_of_ours() -> None:
    code = (
        "from harness.cli.main import invoke\nimport sys\nassert invoke(['list', '--json']) == 0\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "harness.plugins" in done.stderr.split()
    assert not {"dns", "aiohttp", "cryptography", "probes.kinds.web"} & {*done.stderr.split()}
