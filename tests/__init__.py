"""The tests, and the processes they start: whoever belongs to them begins here."""

import gc

# What is loaded stays. To look it over for garbage after every 700 objects takes a good part of the tests.
gc.set_threshold(50_000, 20, 50)
