"""Export a journal's trials as OONI measurements of ``web_connectivity``, data format 0.2.0.

Each trial becomes one JSON line: the service line is the probe, the control line the test helper
(ooni/spec df-000, df-001, df-002, df-005, df-007; ts-017-web-connectivity). Facts for which the
format has no key are written under ``x_accredit``. No verdict is written: ``blocking`` and
``accessible`` are absent, so that readers draw their own conclusions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any

import msgspec

from harness import VERSION
from harness.interop.ooni import OF_LINE, TEST, TIMES, host_of_url
from harness.interop.ooni_form import CONTROL, SERVICE, extra_facts
from harness.interop.record import Side
from harness.judge.pairing import pair
from harness.model.content_form import variant_of
from harness.model.facts import ADDRESS_TYPES, DnsFacts, Hop, WebFacts
from harness.model.observation import Observation
from harness.model.query_case import is_query
from harness.model.verdict import Trial
from harness.ports.storage import Journal
from reports.exports import JOURNAL_EXPORTERS

FAILURES_OF_CODES = {
    "NXDOMAIN": "dns_nxdomain_error",
    "REFUSED": "dns_refused_error",
    "SERVFAIL": "dns_servfail_error",
    "NOERROR": "dns_no_answer",
}
"""The failure of an answer without an address, by response code (df-007)."""

NOT_CONNECTED = frozenset({"resolve", "proxy_connect", "tunnel", "instrument"})
"""Stages of failures at which no connection to the origin was tried."""


ALIAS_LOOPS = "with aliases that lead back to each other, which OONI does not hold"
"""The reason for leaving out such answers: without aliases they would look like NXDOMAIN."""


@JOURNAL_EXPORTERS.register("ooni")
def export_ooni(journal: Journal, left_out: Counter[str]) -> Iterator[bytes]:
    """Yield OONI measurements of web_connectivity, one JSON line each.

    ``left_out`` counts the trials that are not written, by reason.
    """
    foreign, proxied = bool(journal.header.foreign), _proxied(journal)
    for _, batch in groupby(journal.observations(), attrgetter("batch")):
        grouped: dict[str, list[Trial]] = {}
        for trial in pair(batch).trials:
            if trial.service.item.sensitivity == "S4":
                left_out["of S4 items, whose names stay here"] += 1
            elif not (_is_dns(trial) or _is_web(trial)):
                left_out["of probes that OONI has no measurement for"] += 1
            elif _has_alias_loop(trial):
                left_out[ALIAS_LOOPS] += 1
            else:
                grouped.setdefault(_name(trial, foreign=foreign), []).append(trial)
        for name, trials in grouped.items():
            yield msgspec.json.encode(_measurement(name, trials, proxied))


def _proxied(journal: Journal) -> frozenset[str]:
    """The lines whose peer address is that of a proxy, not of the origin."""
    return frozenset(
        line.name
        for line in journal.header.campaign.lines
        if any("proxy" in options for options in (line.options, *line.by_profile.values()))
    )


def _name(trial: Trial, *, foreign: bool) -> str:
    """The name of a trial's measurement; an imported trial keeps the name that it came with."""
    key = trial.key
    if foreign:
        return key.item
    parts = (key.campaign, key.item, key.probe, key.line, key.profile, str(key.round))
    return "/".join(parts)


def _has_alias_loop(trial: Trial) -> bool:
    facts = trial.service.facts
    return isinstance(facts, DnsFacts) and facts.has_alias_loop


def _is_dns(trial: Trial) -> bool:
    """Whether a trial is of a plain question for addresses, the only one that the format knows."""
    if is_query(variant_of(trial.service.item.stratum)):
        return False
    facts = _facts(trial)
    if isinstance(facts, DnsFacts):
        return facts.type in ADDRESS_TYPES  # those of web_connectivity (ts-017)
    return facts is None and trial.key.probe == "dns"


def _is_web(trial: Trial) -> bool:
    facts = _facts(trial)
    return isinstance(facts, WebFacts) or (facts is None and trial.key.probe.startswith("web"))


def _facts(trial: Trial) -> Any:
    control = trial.control.facts if trial.control is not None else None
    return trial.service.facts if trial.service.facts is not None else control


def _measurement(name: str, trials: list[Trial], proxied: frozenset[str]) -> dict[str, Any]:
    first = trials[0].service
    started = first.started.strftime(TIMES)
    return {
        "annotations": _annotations(first),
        "data_format_version": "0.2.0",
        "id": name,
        "input": _url(trials[-1]),
        "measurement_start_time": started,
        "probe_asn": "AS0",
        "probe_cc": "ZZ",
        "probe_ip": "127.0.0.1",
        "report_id": first.key.campaign,
        "software_name": "isp-accredit",
        "software_version": VERSION,
        "test_keys": _test_keys(trials, direct=first.key.line not in proxied),
        "test_name": TEST,
        "test_runtime": sum(trial.service.timings.total or 0.0 for trial in trials),
        "test_start_time": started,
        "test_version": "0.4.3",
    }


def _annotations(observation: Observation) -> dict[str, str]:
    """The observation's key and its item."""
    key = observation.key
    return {
        "item": key.item,
        "category": observation.item.category,
        "probe": key.probe,
        "line": key.line,
        "profile": key.profile,
        "round": str(key.round),
    }


def _test_keys(trials: list[Trial], *, direct: bool) -> dict[str, Any]:
    keys: dict[str, Any] = {"control": {}, "control_failure": None}
    for trial in trials:
        if _is_dns(trial):
            keys["queries"] = [_query(trial.service)]
            keys["control"]["dns"] = _control_dns(trial.control)
        else:
            keys["requests"] = _requests(trial)
            keys["tcp_connect"] = _tcp_connect(trial) if direct else []
            keys["control"]["http_request"] = _control_page(trial.control)
    if all(trial.control is None for trial in trials):
        keys |= {"control": None, "control_failure": "unknown_failure: no control was measured"}
    return keys


def _query(observation: Observation) -> dict[str, Any]:
    facts = observation.facts if isinstance(observation.facts, DnsFacts) else None
    known = facts is not None and facts.server != ""
    return {
        "answers": [_answer(address) for address in facts.addresses] if facts else None,
        "engine": facts.transport if facts and known else "system",
        "failure": _dns_failure(observation),
        "hostname": observation.item.host,
        "query_type": facts.type if facts else "A",
        "resolver_address": facts.server if facts else "",
        "t": observation.timings.total,
        "tags": [OF_LINE] if known else [],
    }


def _answer(address: str) -> dict[str, Any]:
    six = ":" in address
    return {"answer_type": "AAAA" if six else "A", "ipv6" if six else "ipv4": address}


def _dns_failure(observation: Observation) -> str | None:
    """The failure, or the failure that an answer without an address stands for."""
    if observation.failure is not None:
        return observation.failure.name
    facts = observation.facts
    if not isinstance(facts, DnsFacts) or facts.addresses:
        return None
    return FAILURES_OF_CODES.get(facts.rcode, "dns_server_misbehaving")


def _control_dns(observation: Observation | None) -> dict[str, Any] | None:
    if observation is None:
        return None
    failure, facts = _dns_failure(observation), observation.facts
    addresses = facts.addresses if isinstance(facts, DnsFacts) and failure is None else ()
    return {"addrs": list(addresses), "failure": failure}


def _requests(trial: Trial) -> list[dict[str, Any]]:
    """All transactions of the service, the last one first (df-001)."""
    observation = trial.service
    facts = (
        observation.facts if isinstance(observation.facts, WebFacts) else WebFacts(url=_url(trial))
    )
    hops = facts.hops[:-1] if _is_last_hop(facts) else facts.hops
    response = None
    if facts.status is not None:
        response = _response(facts.status, facts.headers)
        response["body_is_truncated"] = facts.truncated
    last = {
        "failure": observation.failure.name if observation.failure is not None else None,
        "request": {"method": "GET", "url": facts.url},
        "response": response,
        "t": observation.timings.total,
        "x_accredit": extra_facts(
            Side(facts=observation.facts, failure=observation.failure), SERVICE
        ),
    }
    return [last, *map(_hop, reversed(hops))]


def _is_last_hop(facts: WebFacts) -> bool:
    """Whether the last answer redirects and was not followed: it is the last transaction."""
    last = facts.hops[-1] if facts.hops else None
    return last is not None and (last.url, last.status) == (facts.url, facts.status)


def _hop(hop: Hop) -> dict[str, Any]:
    return {
        "failure": None,
        "request": {"method": "GET", "url": hop.url},
        "response": _response(hop.status, (("location", hop.location),) if hop.location else ()),
    }


def _response(status: int, headers: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """A response without its body, which stays in the evidence store."""
    return {"body": None, "code": status, "headers": dict(headers), "headers_list": headers}


def _tcp_connect(trial: Trial) -> list[dict[str, Any]]:
    """The connection to the item's own host, where its address is known (df-005)."""
    observation = trial.service
    facts = observation.facts
    failure = observation.failure
    if not isinstance(facts, WebFacts) or not facts.peer:
        return []
    if failure is not None and failure.stage in NOT_CONNECTED:
        return []
    name = failure.name if failure is not None and failure.stage == "connect" else None
    port = 443 if _url(trial).startswith("https:") else 80
    status = {"blocked": None, "failure": name, "success": name is None}
    return [{"ip": facts.peer, "port": port, "status": status}]


def _control_page(observation: Observation | None) -> dict[str, Any] | None:
    if observation is None or (observation.facts is None and observation.failure is None):
        return None
    side = Side(facts=observation.facts, failure=observation.failure)
    facts = observation.facts if isinstance(observation.facts, WebFacts) else None
    length = facts.body_length if facts is not None else None
    return {
        "body_length": -1 if length is None else length,
        "failure": observation.failure.name if observation.failure is not None else None,
        "headers": dict(facts.headers) if facts is not None else {},
        "status_code": (facts.status or -1) if facts is not None else -1,
        "title": facts.title if facts is not None else "",
        "x_accredit": extra_facts(side, CONTROL),
    }


def _url(trial: Trial) -> str:
    """The URL that was requested first."""
    item, facts = trial.service.item, trial.service.facts
    if isinstance(facts, WebFacts):
        asked = facts.hops[0].url if facts.hops else facts.url
        if host_of_url(asked) == item.host:
            return asked
    return item.url("https" if trial.key.probe.endswith("https") else "http")
