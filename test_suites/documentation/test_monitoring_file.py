"""The example of the page on monitoring files can be read, and the page names each key."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from harness.monitor.due_runs import LONGEST_START_WITHIN
from harness.monitor.monitoring_file import MonitoringFile, Reduced, read_monitoring
from test_suites.kit.rooms import ROOT

PAGE = (ROOT / "docs/reference/monitoring-file.md").read_text(encoding="utf-8")
SECTION = PAGE.split("\n## ")[0]


def test_the_example_can_be_read_and_declares_every_key(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "monitoring.yaml").write_text(text, encoding="utf-8")

    declared = read_monitoring(tmp_path / "monitoring.yaml")

    assert 3 == len(list(declared.schedules()))
    assert 2 == declared.services[0].alarm_sites
    written = set(re.findall(r"(\w+):", text))
    assert {name.rpartition(".")[2].removesuffix("[]") for name in keys(MonitoringFile)} <= written


def test_the_page_has_a_row_for_each_key() -> None:
    rows = set()
    for cell in re.findall(r"^\| (`.*?) \|", SECTION, re.MULTILINE):
        first, *others = re.findall(r"`([^`]+)`", cell)
        rows |= {first, *(first.rpartition(".")[0] + other for other in others)}
    rows |= {f"services[].{name}" for name in rows if name.startswith("budget.")}

    assert rows - {"services[].budget"} == set(keys(MonitoringFile))


def test_the_defaults_of_the_page_are_those_of_the_file(tmp_path: Path) -> None:
    schedule = "{name: x, cron: 0 7 * * *, campaign: x}"
    text = (
        f"monitoring: x\nservices: [{{service: x, sites: [{{site: x, schedules: [{schedule}]}}]}}]"
    )
    (tmp_path / "monitoring.yaml").write_text(text, encoding="utf-8")
    declared = read_monitoring(tmp_path / "monitoring.yaml")
    defaults = dict(re.findall(r"^\| `([^`]+)` \| [^|]+ \| ([^|]+) \|", SECTION, re.MULTILINE))

    assert f"`{declared.timezone}`" == defaults["timezone"]
    assert f"`{declared.jitter // timedelta(minutes=1)}m`" == defaults["jitter"]
    (service,) = declared.services
    retest, samples = service.alarm.retest_within, service.intensity.tightened.samples
    assert f"`{retest.days}d`" == defaults["services[].alarm.retest_within"]
    assert f"{samples:g}" == defaults["services[].intensity.tightened.samples"]
    assert f"{Reduced().every}" == defaults["services[].intensity.reduced.every"]
    longest = LONGEST_START_WITHIN // timedelta(hours=1)
    assert f"at most `{longest}h`" in defaults["services[].sites[].schedules[].start_within"]


def keys(model: type[BaseModel], before: str = "") -> list[str]:
    """Every key of a model, with ``[]`` after those that hold a list of others."""
    found = []
    for name, field in model.model_fields.items():
        key = f"{before}{field.alias or name}"
        inner = _model_in(field.annotation)
        if inner is None:
            found.append(key)
        else:
            is_list = getattr(field.annotation, "__origin__", None) is tuple
            found += keys(inner, f"{key}[]." if is_list else f"{key}.")
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)
