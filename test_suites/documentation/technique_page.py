r"""The reference page of techniques: ``docs/reference/techniques.md``.

The page is generated: ``python -m test_suites.documentation.registry_pages``. Its text is below;
the tables are made from the steps, placeholders, groups, states and ports of the code.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from harness.model.metric_spec import spec_of
from harness.model.protocol_case import CONTROL_PORTS, CONTROL_TRANSPORTS
from harness.model.technique import CRITICAL, GROUPS
from harness.model.technique_host import ALLOWED, PART, RELAY, TWIN_SUFFIX
from harness.model.technique_matrix import COUNTED, STATE_WORDS, TechniqueState
from harness.schemes.load import whole_catalogue
from probes.net.doq import PORT as DOQ_PORT
from probes.techniques.http1_step import PAUSE
from probes.techniques.placeholders import MARKS, NAMES, WAYS
from probes.techniques.turn_step import PEER_PORT
from test_suites.documentation.technique_steps import (
    NEEDS,
    OPTION_WORDS,
    STEPS,
    options_of_step,
)

ROWS = Path(__file__).parents[2] / "corpora/data/circumvention.csv"

METRICS: dict[str, str] = {
    "resolver": "foreign_resolver_answers",
    "encrypted-dns": "encrypted_resolver_answers",
    "ech": "ech_discordant",
    "quic": "quic_discordant",
    "spelling": "encoding_variants_open",
    "name": "name_variants_open",
    "framing": "framing_variants_open",
    "identity": "identity_gains",
    "hello": "hello_differences",
    "control-protocol": "control_tunnels_open",
    "tunnel": "tunnels_established",
    "relay": "relays_open",
    "signal": "network_signals_dishonoured",
    "device": "device_differences",
    "other": "",
}
"""The metric that counts the classes of each group, beside ``circumvention_stopped``."""

LEADS: dict[TechniqueState, str] = {
    TechniqueState.GOT_THROUGH: "The token of the page came by the technique, and the plain form of the same page was blocked, by the same scheme, on the same line, for the same profile, in the same round",
    TechniqueState.STOPPED: "The technique brought the page on the control line, and something else, a failure or nothing on the service's line; the plain form was blocked",
    TechniqueState.NOT_NEEDED: "The plain form of the page came too, so there was nothing to bypass. Has the supplier loaded the host?",
    TechniqueState.NOT_CARRIED: "The line cannot carry it, the origin does not offer it, or the control line got no page by it",
    TechniqueState.NOT_DECIDED: "A sentinel failed, the plain form was not tried or not decided, or the page came without its token",
}
"""What leads to each state."""

PORTS: tuple[tuple[str, str, str], ...] = (
    (
        "80, 443",
        "TCP",
        "the pages, by HTTP/1.1 and HTTP/2; ECH; WebSockets; DNS over HTTPS at any host and path",
    ),
    (
        "8080, 8443",
        "TCP",
        "the same servers under other ports: `url https://{host}:8443/`, and proxies elsewhere",
    ),
    ("53", "UDP, TCP", "the name server, which filters nothing; tunnels in DNS"),
    ("443", "UDP", "HTTP/3, WebTransport, CONNECT-UDP"),
    (str(DOQ_PORT), "UDP", "DNS over QUIC"),
    *(
        (
            str(port),
            ", ".join(transport.upper() for transport in sorted(CONTROL_TRANSPORTS[name])),
            words,
        )
        for (name, port), words in zip(
            CONTROL_PORTS.items(),
            (
                "DNS over TLS",
                "NTP with the page in extension fields",
                f"a TURN relay; behind it a responder at port {PEER_PORT} that the relay alone reaches",
            ),
            strict=True,
        )
    ),
    (
        "none",
        "ICMP",
        "echo replies with the page, if the origin may answer pings and the kernel does not",
    ),
)
"""Ports of an origin: number, transport, and what techniques find there."""

HOSTS: tuple[tuple[str, str], ...] = (
    (
        f"ITEM.{PART}.ZONE",
        "the host of an item, and all names below it: its page shows the agreed marker of `MALW.BYPASS`. The supplier loads it",
    ),
    (f"{ALLOWED}.{PART}.ZONE", "the allowed host, `{allowed}`: harmless, on no list"),
    (f"ITEM{TWIN_SUFFIX}.{PART}.ZONE", "the harmless page beside a large ClientHello"),
    (
        f"ANY.{RELAY}.{PART}.ZONE",
        "an allowed relay below a label that is drawn at random, `{relay}`: it shows the page that the address names, in clear or encoded",
    ),
    ("dns.ZONE", "the known name server over HTTPS, TLS and QUIC, `{resolver}`"),
    ("….t.ZONE", "tunnels in DNS"),
    ("….alias.ZONE, ….svcb.ZONE", "names that lead to a host by CNAME or by an HTTPS record"),
)
"""Names of an origin that techniques use."""

EXAMPLES: dict[str, str] = {
    "decimal": "192.0.2.1",
    "hex": "192.0.2.1",
    "hex-octets": "192.0.2.1",
    "octal": "192.0.2.1",
    "mapped": "192.0.2.1",
    "short": "192.0.2.1",
    "exploded": "2001:db8::1",
    "unicode": "xn--bcher-kva.example",
}
"""What the page shows a way to write with, if it is not HOST."""

HOST = "cv-1.ways.example.org"

OWN_ROW = (
    r"""http1 GET {target} HTTP/1.1\r\nHost: {host}\r\nVia: 1.1 {random}.example\r\n{marks}\r\n"""
)
"""The statement that the page adds to a pack."""

OWN_PACK = rf"""```python
# make_pack.py
from corpora.pack_writer import PackDetails, write_pack
from pathlib import Path

ROW = {{
    "id": "MY-1",
    "value": r"{OWN_ROW}",
    "kind": "vector",
    "registrable": "my-1.ways.accredit.test",
    "labels": "MALW.BYPASS",
    "label_source": "curated",
    "stratum": "MALW.BYPASS/way:identity:forwarded:http",
    "sensitivity": "S0",
}}
details = PackDetails(
    name="my-ways", version="1.0.0", title="My ways", created="2026-11-29T00:00:00Z", kind="agreed"
)
write_pack(Path("my-ways"), [ROW], details)
```"""

PAGE = r"""# Techniques

A technique is a way to reach a page that a service blocks when it is asked for plainly: another name server, a tunnel, a
request that is written in an unusual way. Each is an item of the pack `circumvention`. The probe `techniques` carries it out
on the control line and on each line of the service, as it is written, and looks for the page's token. How to use them:
[test ways to bypass the filter](../how-to/test-ways-to-bypass.md). Why they are built like this:
[dd-046](../design/dd-046-techniques.md). Rules: [technique-…](rules.md).

The tables of this page are made from the code.

## Statements

The value of an item is a *statement*: steps from the first to the last, parted by ` | `.

```statement
tls sni={{allowed}} cut=sni | http1 GET {{target}} HTTP/1.1\r\nHost: {{host}}\r\n{{marks}}\r\n
```

A step begins with its name. The rest is options, `name=value` parted by blanks, or a text that the step reads by itself. Each
step starts where the one before it ended: an address that was found, an open connection, a tunnel.

- `{{name}}` is a value that is filled in when the step runs, `{{name:way}}` the same in another spelling;
- {marks} are no values, but places in the bytes of `http1`: what precedes is sent by itself; at `{{wait}}` the rest follows
  after {pause} s; at `{{answer}}` an answer is read first, and dropped;
- `\r \n \t \0 \\ \xHH` are bytes, `{{{{` and `}}}}` braces.

What cannot be read is refused before a packet is sent, with the item's id and the reason.

## Steps

| step | what it does | its text | the line must carry |
|---|---|---|---|
{steps}

The options of the steps, with what holds if they are not given:

| step | options |
|---|---|
{options}

| option | what it says |
|---|---|
{option_words}

An example of each; `over=` and `config=` choose what else the line must carry.

```statement
{examples}
```

## Values

| value | what it is |
|---|---|
{values}

A value may be written in another way. What is drawn at random is the same on every line and after a resume, so that lines can be
compared, and differs between campaigns.

| way | for example |
|---|---|
{ways}

## Groups and classes

The stratum of an item is `CATEGORY/way:GROUP:CLASS:SCHEME`. The scheme, `http` or `https`, is that of the plain form: the same
page is fetched by `web` or `web_https`. Each class of a group must be decided, or the requirement of the group stays
*insufficient*; classes beside them count as well. A requirement counts the classes that are open, CIR-15 the items.

| group | classes that must be decided | counted by |
|---|---|---|
{groups}

All but `device` count for `CIR-01`: at least 95 % of the techniques are stopped, and none is open of the groups with *critical*.
The items of `device` are ordinary requests, which bypass nothing: a service must treat all devices alike (DEV-01).

## What came of a technique

| state | what it says | counts | what leads to it |
|---|---|---|---|
{states}

Of several rounds the worst for the service counts. A share such as *2 of 31 got through* leaves out what was not needed or not
carried. In an assessment they are under the key `techniques`.

## What counts as evidence

- **Success** is the page's token alone, which the origin makes with its key from the host and the attempt's nonce, or in its place
  the words that it chose for this attempt. A status, a title, an open tunnel or an answer of a name server shows nothing.
- **Stopped** needs the control line: it got the page by the same technique within the same round. A service may stop a
  technique by a block page, a refused tunnel, another address, a reset or silence; none has to say that it blocks. Silence and
  trouble of a busy line are tried again first, as for pages.
- **The plain form** is the page of the same host, by the same scheme, on the same line.
- Each attempt records what each step sent, and where to. Reports show of sensitive items only how many bytes.

## Hosts, ports and servers of the origin

Every host, name server, relay and tunnel of a technique is the origin's own. `ITEM` is, in the shipped pack, the id of
the item in lower case.

| name | what it is |
|---|---|
{hosts}

| port | transport | what techniques find there |
|---|---|---|
{ports}

On a range the system chooses the real ports, and `origin.json` maps them. [A public origin](../how-to/host-an-origin.md) answers
at the ports of `controls` in `origin.yaml`; `accredit origin init --protocols` writes all of them. Let 8080 and 8443 lead to 80 and
443 there. A public origin shows its pages over HTTP/3, and no more over QUIC: WebTransport, CONNECT-UDP and DNS over QUIC are *not carried*.

## What a line must carry

| a line of type | carries |
|---|---|
{lines}

What a line cannot carry is *not carried* there. A line beside it that can, such as the pupils' own network beside their proxy, is
assessed separately.

## What has no statement

Rows of `corpora/data/circumvention.csv` without a statement say where they are measured, or why they are not.

| rows | why |
|---|---|
{left_out}

## A row of your own

A technique that known steps can express needs no code of its own: it is a row of kind `vector` in a pack of kind `agreed`. Its
host, under `registrable`, is a name of its own below `ways.accredit.test`, which becomes one below `ways` of your zone. This
writes such a pack into the folder `my-ways`:

{own_pack}

```yaml
corpora:
  - {{pack: circumvention}}
  - {{pack: ./my-ways}}
```

Choose the group and class by what the technique hides. A class that its group does not name need not be decided,
but counts if it is open. With `twin:` before the stratum and a host that ends with `-twin` it is the harmless page beside a technique. A new step is a
function with `@step("name")` in a module of `probes/techniques`; `python -m test_suites.documentation.registry_pages` writes this page
again.
"""


def technique_page() -> str:
    """``docs/reference/techniques.md``: statements, steps, values, groups, states, hosts, ports."""
    return PAGE.format(
        marks=", ".join(f"`{{{mark}}}`" for mark in MARKS),
        pause=f"{PAUSE:g}",
        steps=_rows(
            (f"`{name}`", step.words, step.text or "options", NEEDS[step.needs][0])
            for name, step in STEPS.items()
        ),
        options=_rows(
            (f"`{name}`", ", ".join(map(_option, options.items())))
            for name in STEPS
            if (options := options_of_step(name))
        ),
        option_words=_rows((f"`{name}=`", words) for name, words in OPTION_WORDS.items()),
        examples="\n".join(step.example for step in STEPS.values()),
        values=_rows((f"`{{{name}}}`", words) for name, words in NAMES.items()),
        ways=_rows((f"`{way}`", f"`{_written(way)}`") for way in WAYS),
        groups=_rows(map(_group, GROUPS)),
        states=_rows(
            (f"`{state}`", STATE_WORDS[state], "yes" if state in COUNTED else "no", LEADS[state])
            for state in TechniqueState
        ),
        hosts=_rows((f"`{name}`", words) for name, words in HOSTS),
        ports=_rows(PORTS),
        lines=_rows(LINES),
        left_out=_rows(left_out()),
        own_pack=OWN_PACK,
    )


LINES: tuple[tuple[str, str], ...] = (
    ("`interface`, `resolver`, `control`", "everything: TCP, UDP, a name server of its own, pings"),
    (
        "`explicit_proxy`",
        "TCP by CONNECT or SOCKS, and requests to the proxy; no UDP, names or pings",
    ),
    (
        "`pac`",
        "TCP as the file chooses, and names; an `interface` line shows what a device can do beside the file",
    ),
    ("`simulated`", "no techniques"),
)
"""What the types of lines carry."""


def left_out() -> list[tuple[str, str]]:
    """The rows of the table that have no statement, by the reason."""
    rows: dict[str, list[str]] = defaultdict(list)
    with ROWS.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["measured_elsewhere"]:
                named = f"{row['id']} ({row['description']})"
                rows[row["measured_elsewhere"]].append(named)
    return [("; ".join(named), reason) for reason, named in rows.items()]


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in row)} |" for row in rows
    )


def _option(option: tuple[str, str]) -> str:
    return f"`{option[0]}={option[1]}`"


def _written(way: str) -> str:
    """Return an example of a way; characters that cannot be seen are shown as escapes."""
    written = WAYS[way](EXAMPLES.get(way, HOST), random.Random(way))
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in written)


def _group(name: str) -> tuple[str, ...]:
    group = GROUPS[name]
    counted = {each.measure.metric: each.id for each in whole_catalogue()}
    classes = "; ".join(f"`{key}` {words}" for key, words in group.classes.items())
    requirement = f"`{counted[METRICS[name]]}`" if METRICS[name] else "`CIR-01` alone"
    if METRICS[name] and not spec_of(METRICS[name]).is_implemented:
        requirement += ", which cannot be measured yet"
    critical = ", critical" if name in CRITICAL else ""
    return f"`{name}`: {group.words}", classes or "none", f"{requirement}{critical}"
