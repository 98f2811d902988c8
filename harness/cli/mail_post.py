"""Compose the mails of a campaign, and give each to the right server of the service."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.campaign.assemble import Prepared
from harness.errors import UsageError
from harness.measure.mail_sending import Answered
from harness.model.corpus import Item
from harness.model.mail_case import MailCase, mail_case, mail_item, mail_items, message_id_of
from harness.model.service_mail import MailAccount, MailService
from harness.ports.network import Origin
from harness.ports.storage import Clock
from harness.untrusted.regular_file import read_bounded
from probes.mail.mail_corpus import CorpusMail, prepared, read_corpus
from probes.mail.messages import Envelope, compose
from probes.mail.sender_domains import EXCLUDED, sender_domain
from probes.mail.smtp_client import Letter, MailServer, deliver
from probes.net.route import client_tls_context, parse_address

SPAM_CASE, HAM_CASE = "in:spam:corpus", "in:ham:corpus"
SMTP_PORT, SUBMISSION_PORT = 25, 587
PASSWORD_BYTES = 4096
MOST_MAILS = 20_000
MOST_BYTES = 512 * 1024 * 1024
"""The most mails of all corpora, and the most bytes of these."""
