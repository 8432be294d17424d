"""Types as schemas, and what a declaration has to say."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

import pytest
from drf_spectacular.plumbing import ComponentRegistry

from vedette.api.operations import Caller, Operation, operation
from vedette.api.schema import schema_of


class Leaf(TypedDict):
    """A leaf."""

    name: str


class Tree(TypedDict):
    """A tree
    of trees."""

    leaf: Leaf | None
    below: NotRequired[list["Tree"]]


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str, {"type": "string"}),
        (int | None, {"type": "integer", "nullable": True}),
        (Annotated[str, "date-time"], {"type": "string", "format": "date-time"}),
        (Annotated[str, "uri"] | None, {"type": "string", "format": "uri", "nullable": True}),
        (list[bool], {"type": "array", "items": {"type": "boolean"}}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (tuple[int, str], {"type": "array", "items": {}, "minItems": 2, "maxItems": 2}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (str | int, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        (Any, {}),
        (Leaf | None, {"allOf": [{"$ref": "#/components/schemas/Leaf"}], "nullable": True}),
    ],
    ids=str,
)
def test_a_type_has_a_schema(hint, schema):
    assert schema_of(hint, ComponentRegistry()) == schema


def test_a_typed_dict_becomes_a_component_even_when_it_holds_itself():
    registry = ComponentRegistry()

    schema_of(Tree, registry)

    tree = registry.build({})["schemas"]["Tree"]
    assert tree["required"] == ["leaf"]
    assert tree["description"] == "A tree of trees."
    assert tree["properties"]["below"]["items"] == {"$ref": "#/components/schemas/Tree"}


def test_what_has_no_schema_is_refused():
    with pytest.raises(TypeError, match="has no schema"):
        schema_of(object, ComponentRegistry())


def test_an_operation_says_who_may_call():
    with pytest.raises(TypeError, match="say scopes"):
        Operation("getNothing")
    with pytest.raises(TypeError, match="say scopes"):
        Operation("getNothing", ("org:read",), caller=Caller.ANYBODY)


def test_an_operation_needs_a_docstring():
    with pytest.raises(TypeError, match="docstring"):
        operation(Operation("getNothing", ("org:read",)))(lambda: None)
