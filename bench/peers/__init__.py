"""Mado beside django-helpdesk and Roundup: the same work on the same 100,000 cases, in one run.

`python -m bench.peers` installs the peers from PyPI in environments of their own, fills all of them
with what bench/seed.py made up, checks that each page shows it, and prints how many times cheaper
Mado's pages are. docs/performance.md says what was set and what differs.
"""
