"""Chaos: a whole installation on an accelerated calendar, a hostile mail server, and somebody who keeps killing things.

``planning`` decides everything from a seed, as the values of ``plan`` and ``moods``. ``play`` starts real processes:
the product under its own supervisor (``keeper``), the mail server (``hostile``) and the readers (``scene``), who write
down what happened. ``monkey`` does the harm. ``oracle`` reads the records and says what should have arrived: it shares
no code with the engine. Run ``python -m tests.chaos``; ``docs/chaos.md`` says how to read what it prints.
"""
