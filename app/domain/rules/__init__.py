"""Rules: what happens by itself to new, updated and existing cases, and why (R1 to R7).

`definitions` says what a rule is, `conditions` and `actions` what it may be made of, one small
function each; `book` keeps the rules, `engine` runs them, `explain` says which condition decided.
Nothing here commits.
"""
