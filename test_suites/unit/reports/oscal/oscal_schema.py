"""NIST's JSON schema of OSCAL 1.2.3, and the rules of FedRAMP for a POA&M.

``oscal_complete_schema.json.gz`` is the file ``oscal_complete_schema.json`` of the release v1.2.3 of
usnistgov/OSCAL, compressed and otherwise unchanged. It is a work of the United States government
in the public domain (17 U.S.C. 105; the release's LICENSE.md).
"""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

SCHEMA = Path(__file__).parent / "oscal_complete_schema.json.gz"
SHA256 = "384324105c7a817af0f65b120a963146caa0e0d55d969cf0daf60e063b87a206"
LIMITS = {"high": timedelta(days=30), "moderate": timedelta(days=90), "low": timedelta(days=180)}


@cache
def validator() -> jsonschema_rs.Validator:
    raw = gzip.decompress(SCHEMA.read_bytes())
    assert hashlib.sha256(raw).hexdigest() == SHA256
    return jsonschema_rs.validator_for(json.loads(raw), validate_formats=True)


def faults(document: Any) -> list[str]:
    """What the schema says against a document; empty if it is valid."""
    return [
        f"{error.instance_path}: {error.message}" for error in validator().iter_errors(document)
    ]


def require_fedramp(document: Any) -> int:
    """Check each item by the rules quoted in METHOD (d); returns how many items there are."""
    poam = document["plan-of-action-and-milestones"]
    risks = {each["uuid"]: each for each in poam["risks"]}
    observations = {each["uuid"]: each for each in poam["observations"]}
    for item in poam["poam-items"]:
        (related,) = item["related-risks"]
        risk = risks[related["risk-uuid"]]
        seen = [each["observation-uuid"] for each in item["related-observations"]]
        assert seen
        assert set(seen) <= set(observations)
        lifecycles = [each["lifecycle"] for each in risk["remediations"]]
        assert {"recommendation", "planned"} <= set(lifecycles)
        tasks = [task for each in risk["remediations"] for task in each.get("tasks", ())]
        milestones = [task for task in tasks if task["type"] == "milestone"]
        assert milestones
        assert all(task["description"] and task["timing"]["on-date"]["date"] for task in milestones)
        facets = [facet for each in risk["characterizations"] for facet in each["facets"]]
        impacts = [facet["value"] for facet in facets if facet["name"] == "impact"]
        (detected,) = [observations[each]["collected"] for each in seen]
        deadline = datetime.fromisoformat(risk["deadline"])
        assert all(
            deadline < datetime.fromisoformat(detected) + LIMITS[impact] for impact in impacts[:1]
        )
        assert deadline < datetime.fromisoformat(detected) + LIMITS[impacts[-1]]
        log = risk.get("risk-log", {}).get("entries", [])
        assert all(entry["title"] and entry["start"] for entry in log)
    return len(poam["poam-items"])
