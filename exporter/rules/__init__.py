"""Other people's alert rules: read, understood as a comparison with a number, watched as queries of their own.

`api.py` and `files.py` read them, `parsing.py` finds what is compared with which number, `own.py` tells Tocsin's own
from the others, `derive.py` makes queries of them, `book.py` keeps them up to date.
"""
