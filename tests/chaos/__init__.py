"""Chaos: a whole installation on an accelerated calendar, a hostile mail server, and somebody who keeps killing things.

``plan`` decides everything from a seed, as values. ``house`` starts real processes, ``monkey`` harms them, ``hostile``
is the mail server and ``scene`` the readers, each a process of its own that writes down what happened. ``oracle`` reads
those records and says what should have arrived: it shares no code with the engine. Run ``python -m tests.chaos``.
"""
