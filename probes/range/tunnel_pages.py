"""The origin's end of tunnels: pages in pieces, for questions that carry a nonce of the origin.

A question without such a nonce gets no answer, so strangers cannot have large answers sent to
forged addresses.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from harness.model.marker import find_nonce
from probes.net.tunnel_pieces import Piece, cut, read_wanted, write_piece
from probes.range.arrival_log import ArrivalLog, Over
from probes.range.origin_pages import Pages, response_head, sent_body

MOST_KEPT = 64
"""Pages whose pieces are kept; the one that was asked for longest ago is forgotten."""

SERVER = "nginx"


@dataclass(slots=True, kw_only=True)
class TunnelPages:
    """Answers questions of tunnels (``probes.net.tunnel_pieces``), and logs them."""

    pages: Pages
    log: ArrivalLog
    _kept: OrderedDict[tuple[str, str, int], tuple[Piece, ...]] = field(default_factory=OrderedDict)

    def answer(self, question: bytes, over: Over, method: str, size: int) -> bytes:
        """Return an answer of at most ``size`` bytes; none (empty) if the question gets none.

        ``over`` and ``method`` are how it came, for the log.
        """
        wanted = read_wanted(question)
        if wanted is None:
            return b""
        nonce = find_nonce(self.pages.key, [wanted.nonce])
        self.log.record(over, wanted.host, method=method, nonce=nonce)
        if not nonce or not self.pages.names.is_within(wanted.host):
            return b""
        pieces = self._pieces(wanted.host, nonce, size)
        return write_piece(pieces[wanted.number]) if wanted.number < len(pieces) else b""

    def _pieces(self, host: str, nonce: str, size: int) -> tuple[Piece, ...]:
        asked = (host, nonce, size)
        if asked not in self._kept:
            page = self.pages.page(host, "/", "http", nonce)
            self._kept[asked] = cut(response_head(page, SERVER) + sent_body(page), size)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(asked)
        return self._kept[asked]
