"""Export and import: scopes, primary keys that change, encryption, findings, comparators.

Source: the relocation specification.
"""
