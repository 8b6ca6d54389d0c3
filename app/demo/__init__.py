"""Demo data: a believable week at a small shop, told through the domain's own verbs.

It is made only in an empty database and only while nobody but this machine can reach Mado, because
everybody who has the source can read how its passwords are made. `make run` asks for it.
"""
