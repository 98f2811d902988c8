"""What tests share: look here before you write a double, an example or a clock of your own.

- ``campaigns``: a whole campaign measured and concluded in one call (``rehearsal``), journals,
  bundles, assessments, field events and techniques made by hand.
- ``hubs``: a hub with its pages, the agents that talk to it, the people who sign, and the suppliers
  and decisions that its pages show.
- ``networks``: the internet behind a filter, proxies, mailboxes, receivers of alerts, a public
  origin and a network namespace of a test's own.
- ``processes``: commands as processes, started from one that is warm, or without any extra.
- ``clocks``: clocks that a test sets, a loop on which hours take a moment, speed that is known
  exactly, the size of a test, and work counted in calls.
- ``quiet_machine``: what every test sees of the machine that it runs on.

A module here gives functions and context managers; fixtures stand in the ``conftest.py`` of the
folder that uses them. Nothing in the kit imports a test.
"""
