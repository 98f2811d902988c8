"""Proxies that dress the content as a block: its status, its title, its words."""

from __future__ import annotations

import re

from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.supplier import page
from test_suites.calibration.hostile.web_call import BLOCK_TEXT, BLOCK_TITLE, Call


@page("Sends the page with status 203.")
def status_203(answer: Answer, _: Call) -> Answer:
    return answer.with_status(203)


@page("Sends the page with status 206.")
def status_206(answer: Answer, _: Call) -> Answer:
    length = len(answer.body)
    return answer.with_body(
        answer.body, Content_Range=f"bytes 0-{length - 1}/{length}"
    ).with_status(206)


@page("Sends the page with status 403.")
def status_403(answer: Answer, _: Call) -> Answer:
    return answer.with_status(403)


@page("Sends the page with status 404.")
def status_404(answer: Answer, _: Call) -> Answer:
    return answer.with_status(404)


@page("Sends the page with status 451.")
def status_451(answer: Answer, _: Call) -> Answer:
    return answer.with_status(451)


@page("Sends the page with status 500.")
def status_500(answer: Answer, _: Call) -> Answer:
    return answer.with_status(500)


@page("Sends the page with status 799, which does not exist.")
def status_799(answer: Answer, _: Call) -> Answer:
    return answer.with_status(799)


@page("Puts its whole block page before the content.")
def block_page_first(answer: Answer, call: Call) -> Answer:
    return answer.with_status(403).with_body(call.block_answer().body + answer.body)


@page("Gives the page the title of its block page.")
def block_title(answer: Answer, _: Call) -> Answer:
    title = f"<title>{BLOCK_TITLE}</title>"
    text = re.sub(r"(?s)<title>.*?</title>", title, answer.text)
    return answer.html(re.sub(r"\b[0-9a-f]{32}\b", "", text))


@page("Puts the declared sentence of its block page at the end of the content.")
def declared_sentence(answer: Answer, _: Call) -> Answer:
    said = f"<p>{BLOCK_TEXT}</p></body>".encode()
    return answer.with_body(answer.body.replace(b"</body>", said))


@page("Lays its block page over the content; the pupil can close it.")
def overlay(answer: Answer, call: Call) -> Answer:
    over = f'<dialog open>{call.block_answer().text}<button onclick="close()">x</button></dialog>'
    body = answer.body.replace(b"<body>", b"<body>" + over.encode(), 1)
    return answer.with_status(403).with_body(body)


@page("Puts the content into a details element at the end of its block page.")
def details(answer: Answer, call: Call) -> Answer:
    extra = f"<details><summary>More</summary>{answer.text}</details>"
    return call.block_answer(403, extra)


@page("Sends the page with headers that say that it was blocked.")
def block_headers(answer: Answer, _: Call) -> Answer:
    headers = {"X_Blocked_By": "Example School Filter", "X_Squid_Error": "ERR_ACCESS_DENIED 0"}
    return answer.with_status(403).with_body(answer.body, **headers)
