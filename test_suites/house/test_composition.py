"""Campaigns are put together in one module, which every command and the pytest plug-in use."""

from __future__ import annotations

import ast

from test_suites.kit.rooms import modules, syntax


def test_only_the_composition_root_equips_a_campaign() -> None:
    users = {
        str(path)
        for path in modules("harness", "corpora", "probes", "reports", "test_suites")
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.ImportFrom)
        and (
            (
                node.module == "harness.campaign.assemble"
                and "prepare" in {each.name for each in node.names}
            )
            or (
                node.module == "harness.campaign"
                and "assemble" in {each.name for each in node.names}
            )
        )
    }

    assert {"harness/cli/compose.py"} == users
