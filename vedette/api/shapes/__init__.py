"""What the API answers: the types of its objects and how they are built from rows.

Every object is a TypedDict, built as a plain dict: the type checker compares the two, and the OpenAPI document is made
from the types. Whatever a list needs is fetched for the whole list, never row by row. Field names and their JSON
types are those of the API specification, section 13.
"""
