"""What Mado costs: ratios and CPU-milliseconds, measured side by side in one run.

`python -m bench` prints one table; docs/performance.md says how to read it. Nothing of the
application imports it, and the test suite measures nothing.
"""
