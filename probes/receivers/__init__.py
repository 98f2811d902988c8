"""Receivers of alerts: a mailbox and a webhook of the tester, and the file that they write."""
