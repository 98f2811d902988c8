"""Rows that a sample decides: "each" is decided by the worst of each, and every row has a p-value."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from harness.assess.outcomes import is_sampled
from harness.model.metric_spec import spec_of
from harness.model.scheme import Requirement
from harness.schemes.load import whole_catalogue
from test_suites.kit.rooms import modules, syntax

EACH = re.compile(r"\b(each|every|whichever|in all|all of)\b", re.IGNORECASE)
NOT_OF_GROUPS = {
    "AVL-01": "each moment and each page is one of the sample",
    "EML-05": "each of the checks is a condition, which one mail that was seen can break",
    "OVB-05": "each template must be tried; the rate is of all pages",
}
"""Rows whose words say *each* of something that is no group of the sample, with the reason."""

SAMPLED = [row for row in whole_catalogue() if is_sampled(row) and row.rule != "census"]


def pools_what_it_asks_of_each(row: Requirement) -> bool:
    says_each = EACH.search(f"{row.title} {row.note}") is not None
    return says_each and not spec_of(row.measure.metric).decides_by_worst


def test_what_is_asked_of_each_is_decided_by_the_worst() -> None:
    assert {row.id for row in SAMPLED if pools_what_it_asks_of_each(row)} == NOT_OF_GROUPS.keys()


COUNTED_ONE_BY_ONE = {
    "block_pages": {"_metric"},
    "gate_metrics": {"label_error"},
    "line_metrics": {"_observed"},
    "log_metrics": {"log_classes_covered"},
    "log_selection": {"exact_share", "census"},
    "people_metrics": {"_measured"},
    "plain_twins": {"_metric"},
    "profiles": {"_missing"},
    "resolver_metrics": {"_of_checks", "_part"},
    "site_policies": {"sites_differing"},
    "tls_grade": {"interception_grade"},
    "user_policies": {"identity_cross_talk", "default_policy_leaks"},
    "waits": {"overrides_alive"},
}
"""Functions that make metrics without a p-value, by module: no sample, or a gate, which never fails.
"""


def _without_p_value() -> Iterator[tuple[str, str]]:
    """The functions that make a metric with bounds and without a p-value."""
    for path in modules("harness/estimate"):
        for function in ast.walk(syntax(path)):
            if not isinstance(function, ast.FunctionDef):
                continue
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "Metric":
                    made = {one.arg: ast.unparse(one.value) for one in call.keywords}
                    has_bounds = {made["lower"], made["upper"]} != {"None"}
                    if has_bounds and "p_value" not in made:
                        yield path.stem, function.name


def test_each_metric_with_bounds_states_a_p_value_or_counts_one_by_one() -> None:
    known = {(module, name) for module, names in COUNTED_ONE_BY_ONE.items() for name in names}

    assert known == set(_without_p_value())


def test_no_row_that_a_sample_decides_rests_on_a_metric_that_counts_one_by_one() -> None:
    named = {tuple(spec_of(row.measure.metric).function.split(":")) for row in SAMPLED}

    assert not [
        each for each in named if len(each) > 1 and each[1] in COUNTED_ONE_BY_ONE.get(each[0], ())
    ]
