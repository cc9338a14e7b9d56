"""corrfast beside its peers on the same arrays: what `python -m corrfast` runs.

cases.py    which problems (a list of plain records)
peers.py    how corrfast and each peer compute a case
exact.py    what a few of its outputs are, in a wider dtype
measure.py  times in interleaved rounds, and whether the results agree
report.py   the same rows as rich text, plain text or JSON
"""
