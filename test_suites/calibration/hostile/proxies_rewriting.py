"""Proxies that let the words through, but not the bytes: rewritten, translated, cut, restyled."""

from __future__ import annotations

import json
import re

from probes.range.zone import ZONE
from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.supplier import page
from test_suites.calibration.hostile.web_call import Call

TAG = re.compile(r"<[^>]*>")
WORD = re.compile(r"[A-Za-z]+")
TEXT = re.compile(r"(>)([^<]+)(<)")
PROVED = re.compile(r"\b[0-9a-f]{32}\b")
TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)

FRENCH = {
    "the": "le", "garden": "jardin", "centre": "centre", "opens": "ouvre", "at": "à",
    "nine": "neuf", "seeds": "graines", "pots": "pots", "and": "et", "tools": "outils",
    "are": "sont", "in": "dans", "first": "premier", "hall": "salle", "plants": "plantes",
    "that": "qui", "like": "aiment", "shade": "ombre", "stand": "restent", "by": "près",
    "north": "nord", "wall": "mur", "page": "feuille", "today": "aujourd'hui", "notes": "notes",
    "about": "sur", "is": "est", "of": "de", "a": "un", "to": "à",
}  # fmt: skip
"""What a translator knows of the origin's ordinary words."""


ALIKE = str.maketrans("aceopxyiABCEHKMOPTX", "асеорхуіАВСЕНКМОРТХ")  # noqa: RUF001
"""Latin letters, and Cyrillic ones that look the same."""


def in_text(answer: Answer, change: re.Pattern[str], to: str) -> Answer:
    """The page with a change in its text, outside its tags."""
    return answer.html(
        TEXT.sub(lambda part: part[1] + change.sub(to, part[2]) + part[3], answer.text)
    )


@page("Removes the token from the page and changes its title.")
def token_cut_out(answer: Answer, _: Call) -> Answer:
    text = PROVED.sub("", answer.text)
    return answer.html(TITLE.sub("<title>News of the day</title>", text))


@page("Removes the token and all headers of the origin, and sends the page with status 403.")
def token_cut_and_403(answer: Answer, call: Call) -> Answer:
    return Answer(status=403).html(token_cut_out(answer, call).body)


@page("Sends only the text of the page.")
def text_only(answer: Answer, _: Call) -> Answer:
    return answer.with_body(TAG.sub(" ", answer.text).encode(), Content_Type="text/plain")


@page("Translates some words of the page and keeps the others.")
def translated(answer: Answer, _: Call) -> Answer:
    def french(word: re.Match[str]) -> str:
        return FRENCH.get(word[0].lower(), word[0])

    text = TEXT.sub(lambda part: part[1] + WORD.sub(french, part[2]) + part[3], answer.text)
    return answer.html(PROVED.sub("", text))


@page("Writes the whole text in capital letters.")
def upper_cased(answer: Answer, _: Call) -> Answer:
    text = PROVED.sub("", answer.text)
    return answer.html(TEXT.sub(lambda part: part[1] + part[2].upper() + part[3], text))


@page("Writes each letter of the text as a character reference.")
def entities(answer: Answer, _: Call) -> Answer:
    def refer(part: re.Match[str]) -> str:
        return part[1] + "".join(f"&#{ord(each)};" for each in part[2]) + part[3]

    return answer.html(TEXT.sub(refer, answer.text))


@page("Puts a zero-width space between any two letters.")
def zero_width(answer: Answer, _: Call) -> Answer:
    return in_text(answer, re.compile(r"(?<=\w)(?=\w)"), "\u200b")


@page("Puts a soft hyphen between any two letters.")
def soft_hyphens(answer: Answer, _: Call) -> Answer:
    return in_text(answer, re.compile(r"(?<=\w)(?=\w)"), "\u00ad")


@page("Puts an empty element between any two letters.")
def split_by_tags(answer: Answer, _: Call) -> Answer:
    return in_text(answer, re.compile(r"(?<=\w)(?=\w)"), "<i></i>")


@page(
    "Replaces every letter by a similar one of another alphabet.",
    only="Every word is changed; none of the origin's words is left in the page.",
)
def lookalikes(answer: Answer, _: Call) -> Answer:
    stripped = re.sub(r"(?s)<!--.*?-->|<script.*?</script>|<[^>]*>", " ", answer.text)
    return answer.html(f"<html><body>{stripped.translate(ALIKE)}</body></html>")


@page("Rewrites every address in the page, with its host name, to lead through the service.")
def urls_rewritten(answer: Answer, call: Call) -> Answer:
    text = PROVED.sub("", answer.text.replace(call.host, "page-1.proxy.example"))
    text = re.sub(r'(href|src|action)="([^"]*)"', r'\1="/fetch?u=\2"', text)
    return answer.html(text.replace(ZONE, "proxy.example"))


@page("Wraps the page in a tool bar of its own, with its own title, style and foot.")
def tool_bar(answer: Answer, _: Call) -> Answer:
    inner = re.sub(r"(?s).*<body[^>]*>|</body>.*", "", PROVED.sub("", answer.text))
    return answer.html(
        "<html><head><title>School reader</title></head><body><nav>Back | Home | Print</nav>"
        f"<main>{inner}</main><footer>Read safely with School reader</footer></body></html>"
    )


@page("Sends the page's sentences as a feed in JSON.")
def as_json(answer: Answer, _: Call) -> Answer:
    sentences = [each.strip() for each in TAG.split(PROVED.sub("", answer.text)) if each.strip()]
    return answer.with_body(json.dumps(sentences).encode(), Content_Type="application/json")


@page("Draws the words of the page as text in a picture (SVG).")
def as_svg(answer: Answer, _: Call) -> Answer:
    words = " ".join(TAG.sub(" ", answer.text).split())
    picture = f'<svg xmlns="http://www.w3.org/2000/svg"><text y="20">{words}</text></svg>'
    return answer.with_body(picture.encode(), Content_Type="image/svg+xml")


@page("Sends only the second half of the page.")
def second_half(answer: Answer, _: Call) -> Answer:
    return answer.with_body(answer.body[len(answer.body) // 2 :])


@page("Sends only the first 320 characters of the page's text.")
def abstract(answer: Answer, _: Call) -> Answer:
    words = " ".join(TAG.sub(" ", PROVED.sub("", answer.text)).split())
    return answer.html(f"<html><head><title>Abstract</title></head><body>{words[:320]}</body>")


@page("Puts escape sequences for terminals into the title of the page.")
def escape_sequences(answer: Answer, _: Call) -> Answer:
    title = "<title>\x1b[2J\x1b]0;owned\x07\x1b[31m\r\n\u202e[bold]done[/bold]</title>"
    return answer.html(TITLE.sub(title.replace("\\", ""), answer.text))


@page("Sends broken HTML: unclosed tags, wrong nesting, no end, a second document inside.")
def broken_html(answer: Answer, _: Call) -> Answer:
    text = answer.text.replace("</p>", "<b><table><td></i>").replace("</body>", "<html><body")
    return answer.html("<<<div <p a='" + "\"'>" + text)
