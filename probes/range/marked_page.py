"""The origin's page: neutral text with a token and delivery words spread over all of it.

The words (``harness.model.marker``) stand early and late, in text, attributes, comments and
script, so that a page that was cut, translated, reduced to text or rewritten still shows some.
The *piece* is the part that carries the category marker; it has words of its own, so that it is
known whether just this part arrived. Words of the path stand early and late as well. Pages of one
host have the same length for every request.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from itertools import cycle

from harness.model.marker import path_words_for, token_for, words_for

_DESCRIPTION = "What grows here, what is sold, and when to come: halls, greenhouse, pond, tea room"


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What makes one answer of the origin provable; ``marker`` is the category's, if any."""

    token: str
    marker: str
    attempt: tuple[str, ...]
    host: tuple[str, ...]
    piece: tuple[str, ...]
    path: tuple[str, ...]


def marks_for(key: bytes, host: str, nonce: str, marker: str = "", path: str = "/") -> Marks:
    """The marks of the answer to one request; without a nonce there is no token."""
    return Marks(
        token=token_for(key, host, nonce) if nonce else "",
        marker=marker,
        attempt=words_for(key, host, nonce, "attempt"),
        host=words_for(key, host, nonce, "host"),
        piece=words_for(key, host, nonce, "piece"),
        path=path_words_for(key, host, path),
    )


def marked_page(
    title: str, text: str, marks: Marks, footer: str = "", more: tuple[str, ...] = ()
) -> bytes:
    """A small HTML page with all its marks. ``text``, ``title`` and ``more`` are plain text."""
    word, host_word, path_word = cycle(marks.attempt), cycle(marks.host), cycle(marks.path)
    heading = html.escape(title)
    return "\n".join(
        (
            '<!DOCTYPE html>\n<html lang="en-GB">',
            f'<head><meta charset="utf-8"><title>{heading}</title>',
            f'<meta name="description" content="{_DESCRIPTION}">',
            f'<meta name="keywords" content="garden, {next(word)}, {next(host_word)}">',
            f"<!-- {next(word)} {next(path_word)} --></head>",
            f'<body id="{next(word)}">\n<h1 title="{next(host_word)}">{heading}</h1>',
            f"<p>{html.escape(text)}</p>",
            f"<p>Today's seed mixture is {next(word)}, next to {next(host_word)}.</p>",
            f"<p>It is sold as {next(path_word)}.</p>",
            *_piece(marks),
            f'<script>var shelf = "{next(word)}";</script>',
            *(f"<p>{html.escape(each)}</p>" for each in more),
            f"<p>The last mixture in the hall is {next(word)}, before {next(host_word)}.</p>",
            f'<p data-shelf="{next(word)}" title="{next(path_word)}">{html.escape(footer)}</p>',
            f"<p>Ask for {next(path_word)} at the till.</p>",
            f"<!-- {next(word)} -->\n</body>\n</html>\n",
        )
    ).encode()


def _piece(marks: Marks) -> tuple[str, ...]:
    """The part of the page that carries the category marker and the token."""
    first, second, third, fourth = marks.piece
    shown = "".join(f"<p>{html.escape(each)}</p>" for each in (marks.marker, marks.token) if each)
    return (
        f'<div class="{first}"><!-- {second} -->{shown}<p>Lot {third}</p>',
        f'<p title="{fourth}"></p></div>',
    )
