"""What Mado costs: ratios and CPU-milliseconds, measured side by side in one run.

`python -m bench` prints one table; docs/performance.md says how to read it. Nothing here is part of
the test suite, and nothing of the application imports it.
"""
