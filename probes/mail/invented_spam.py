"""Spam that was made up, for demonstrations and tests: mails with unwanted offers.

A real campaign needs a corpus of real spam, which the supplier does not know.
"""

from __future__ import annotations

from pathlib import Path


def invented_spam(path: Path, number: int) -> Path:
    """Write an mbox file of so many mails, all different; return its path."""
    mails = (
        f"From offers@example.org Mon Mar  2 12:00:{each % 60:02} 2026\n"
        f"From: Best Offers {each} <offers{each}@example.org>\nTo: you@example.org\n"
        f"Subject: Offer {each} ends tonight\nMessage-ID: <{each}@example.org>\n"
        "MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\n"
        f"Dear winner {each}, {each * 7919 % 1000} watches are reserved for you. Answer today.\n"
        for each in range(number)
    )
    path.write_text("\n".join(mails), encoding="ascii")
    return path
