"""Imports: a file is read whole and checked on disk, then written in canonical order, in batches, with new keys.

Source: the relocation specification, 4, 5.5, 9 and 10.1.
"""
