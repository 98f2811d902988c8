"""One case for each rule about forms of DNS queries and signed names."""

from __future__ import annotations

from typing import Any

from harness.model.facts import DnsFacts, DnsRecord, ExtendedError
from harness.model.observation import Failure
from harness.model.verdict import Mechanism, State, Trial
from test_suites.calibration.rule_case import case as _case
from test_suites.kit.campaigns.trials import OURS, dns, trial

ADDRESS = "192.0.2.7"
KEYS, OTHER_KEYS = ("a" * 64,), ("b" * 64,)


def _check(check: str, service: DnsFacts | Failure, **control: Any) -> Trial:
    found = {"signatures": "invalid" if check == "forged" else "valid", "keys": KEYS}
    return trial(service, dns(ADDRESS, **found | control), stratum=f"twin:CTRL/dns:{check}")


def _alias(target: str, *addresses: str) -> DnsFacts:
    record = DnsRecord(name=OURS, type="CNAME", ttl=0, data=target)
    return dns(*addresses, type="CNAME", records=(record,))


SIGNED = dns(ADDRESS, signatures="valid", keys=KEYS)
FAILED = dns(rcode="SERVFAIL", extended_errors=(ExtendedError(code=10),))
CNAME, RECORDS = "DRUG/dns:cname+udp+lower+plain+rd", "DRUG/dns:https+udp+lower+plain+rd"

QUERIES = (
    _case("query-no-record",
          trial(dns(rcode="NXDOMAIN"), dns(type="HTTPS"), stratum=RECORDS), State.DOWN),
    _case("query-alias-same",
          trial(_alias("other.test.", ADDRESS), _alias("www.test.", ADDRESS), stratum=CNAME),
          State.ALLOWED),
    _case("dns-other-records",
          trial(_alias("other.test."), _alias("www.test.", ADDRESS), stratum=CNAME),
          State.INSUFFICIENT),
    _case("signed-unproven", _check("signed", SIGNED, signatures="absent"), State.DOWN),
    _case("signed-unproven", _check("forged", dns(rcode="SERVFAIL"), signatures="valid"),
          State.DOWN),
    _case("signed-intact", _check("signed", SIGNED), State.ALLOWED),
    _case("signed-broken", _check("signed", dns(ADDRESS, signatures="absent")), State.ALTERED),
    _case("signed-broken", _check("signed", dns(ADDRESS, signatures="invalid")), State.ALTERED),
    _case("signed-broken",
          _check("signed", dns(ADDRESS, signatures="valid", keys=OTHER_KEYS)), State.ALTERED),
    _case("signed-broken", _check("signed", dns(ADDRESS, signatures="valid")), State.ALTERED),
    _case("signed-failed", _check("signed", FAILED), State.ALTERED, Mechanism.DNS_SERVFAIL),
    _case("dns-servfail", _check("signed", dns(rcode="SERVFAIL")), State.INSUFFICIENT,
          Mechanism.DNS_SERVFAIL),
    _case("signed-unclear", _check("signed", dns(ADDRESS, signatures="without keys")),
          State.INSUFFICIENT),
    _case("signed-unclear",
          _check("signed", dns("192.0.2.9", signatures="valid", keys=KEYS)), State.INSUFFICIENT),
    _case("authentic-said", _check("authentic", dns(ADDRESS, flags="QR RD RA AD")), State.ALLOWED),
    _case("authentic-unsaid", _check("authentic", dns(ADDRESS, flags="QR RD RA")), State.ALTERED),
    _case("forged-answered", _check("forged", dns(ADDRESS)), State.ALLOWED),
    _case("forged-refused", _check("forged", dns(rcode="SERVFAIL")), State.BLOCKED,
          Mechanism.DNS_SERVFAIL),
    _case("dns-nxdomain", _check("forged", dns(rcode="NXDOMAIN")), State.BLOCKED,
          Mechanism.DNS_NXDOMAIN),
)  # fmt: skip
