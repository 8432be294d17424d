"""Declarations of the models that have no table of their own here: their rows are kept as they came.

One module per domain. Source: the relocation specification, 5.3, 7.4, 8.2 and appendix A.
"""
