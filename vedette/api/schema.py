"""Descriptions of operations and types, in OpenAPI's words.

The types are those that the code builds its answers with and that the type checker holds it to, so the description
cannot drift from the code. Source: the API specification, section 19.
"""

from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent
from rest_framework.serializers import FileField

from vedette.api.operations import Caller, Operation, Parameter
from vedette.api.shapes.base import Error

JSON, PARTS = "application/json", "multipart/form-data"
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}
_PATH_PARAMETERS = {
    "organization_id_or_slug": "The organization's id or slug.",
    "project_id_or_slug": "The project's id or slug.",
    "team_id_or_slug": "The team's id or slug.",
    "issue_id": "The issue's id or short id, such as `SHOP-7F`.",
    "event_id": "32 hex digits, with or without dashes.",
    "trace_id": "The trace's id: 32 hex digits, with or without dashes.",
    "version": "The release's full version, percent-encoded.",
    "key": "The tag's name.",
    "key_id": "The key's public half.",
    "filter_id": "The filter's name, such as `localhost`.",
    "member_id": "The membership's id, or `me`.",
    "user_id": "The user's id, or `me`.",
    "note_id": "The comment's id.",
    "tombstone_id": "The id of a tombstone.",
    "attachment_id": "The attachment's id.",
    "file_id": "The file's id.",
    "repository_id": "The repository's id.",
    "webhook_id": "The number of a webhook.",
    "uuid": "The name of an export or an import, 32 hexadecimal digits.",
    "short_id": "The issue's short id, such as `SHOP-7F`.",
    "share_id": "The id of a public link: 32 hexadecimal digits.",
}
_FAILURES = {
    400: "A parameter or the body is wrong.",
    401: "No credential, or a bad one.",
    403: "The credential does not allow this.",
    404: "The resource does not exist, or is not the caller's to see.",
    409: "It exists already.",
    413: "The body is too large.",
    429: "Too many attempts.",
}


class DeclaredSchema(AutoSchema):
    """Describes an operation from its declaration instead of guessing from the view."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        """The operation object; None for a method that is not declared."""
        self.registry, self.path, self.path_regex = registry, path, path_regex
        self.path_prefix, self.method = path_prefix, method
        view: Any = self.view
        declared: Operation | None = view.operations.get(method)
        if declared is None:
            return None
        described: dict[str, Any] = {"operationId": declared.id, "summary": declared.summary, "tags": [view.tag]}
        if declared.about:
            described["description"] = declared.about
        parameters = [_path_parameter(name) for name in _names_in(path)] + [_query(one) for one in declared.query]
        if parameters:
            described["parameters"] = parameters
        if declared.takes is not None:
            described["requestBody"] = self._body(declared)
        described["security"] = _security(declared)
        described["responses"] = self._responses(declared)
        return described

    def _body(self, declared: Operation) -> dict[str, Any]:
        component = self.resolve_serializer(declared.takes, "request")  # type: ignore[arg-type] # never None here
        fields = declared.takes().fields.values()  # type: ignore[misc, union-attr] # never None here, always with fields
        kinds = {type(getattr(field, "child", field)) for field in fields}
        return {"content": {PARTS if FileField in kinds else JSON: {"schema": component.ref}}, "required": True}

    def _responses(self, declared: Operation) -> dict[str, Any]:
        success: dict[str, Any] = {"description": "Success."}
        if declared.answers is not None:
            success["content"] = {"application/json": {"schema": schema_of(declared.answers, self.registry)}}
        if any(parameter.name == "cursor" for parameter in declared.query):
            about = "`previous` and `next`, each with `results` and `cursor`."
            success["headers"] = {"Link": {"description": about, "schema": {"type": "string"}}}
        found = {str(status): success if status != 204 else {"description": "Done."} for status in declared.statuses}
        usual = () if declared.caller is Caller.ANYBODY else (400, 401, 403, 404)
        error = schema_of(Error, self.registry)
        for status in sorted({*usual, *declared.fails}):
            found[str(status)] = {
                "description": _FAILURES[status],
                "content": {"application/json": {"schema": {"type": "object"} if status == 400 else error}},
            }
        return found


def schema_of(hint: Any, registry: ComponentRegistry) -> dict[str, Any]:
    """The schema of a type: plain ones, literals, unions with None, lists, dicts and TypedDicts, which get a name."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if hint is Any:
        return {}
    if origin is Annotated:
        return {**schema_of(arguments[0], registry), "format": arguments[1]}
    if origin in (NotRequired, Required):
        return schema_of(arguments[0], registry)
    if origin is list:
        return {"type": "array", "items": schema_of(arguments[0], registry)}
    if origin is tuple:
        return {"type": "array", "items": {}, "minItems": len(arguments), "maxItems": len(arguments)}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(arguments[1], registry)}
    if origin is Literal:
        return {"type": _PLAIN[type(arguments[0])], "enum": list(arguments)}
    if origin in (UnionType, Union):
        return _union([one for one in arguments if one is not NoneType], NoneType in arguments, registry)
    if is_typeddict(hint):
        return _component(hint, registry)
    raise TypeError(f"{hint!r} has no schema")


def _union(members: list[Any], nullable: bool, registry: ComponentRegistry) -> dict[str, Any]:
    schemas = [schema_of(member, registry) for member in members]
    if len(schemas) == 1 and "$ref" not in schemas[0]:
        return {**schemas[0], "nullable": True} if nullable else schemas[0]
    wrapped: dict[str, Any] = {"allOf": schemas} if len(schemas) == 1 else {"anyOf": schemas}
    return {**wrapped, "nullable": True} if nullable else wrapped


def _component(shape: Any, registry: ComponentRegistry) -> dict[str, Any]:
    component: Any = ResolvedComponent(  # type: ignore[no-untyped-call]
        shape.__name__, ResolvedComponent.SCHEMA, schema={"type": "object"}, object=shape
    )
    if component not in registry:
        registry.register(component)  # before its fields, which may lead back here
        hints = get_type_hints(shape, include_extras=True)
        properties = {name: schema_of(hint, registry) for name, hint in hints.items()}
        component.schema.update({"description": " ".join((shape.__doc__ or "").split()), "properties": properties})
        if shape.__required_keys__:
            component.schema["required"] = sorted(shape.__required_keys__)
    ref: dict[str, Any] = component.ref
    return ref


def _names_in(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {"name": name, "in": "path", "required": True, "description": _PATH_PARAMETERS[name], "schema": schema}


def _query(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.type}
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    if parameter.many:
        schema = {"type": "array", "items": schema}
    return {"name": parameter.name, "in": "query", "description": parameter.about, "schema": schema}


def _security(declared: Operation) -> list[dict[str, list[str]]]:
    """In OpenAPI 3.0 only OAuth lists scopes, so a tool may refuse them here; readers need them all the same."""
    ways: list[dict[str, list[str]]] = [{"auth_token": list(declared.scopes)}]
    if declared.takes_dsn:
        ways.append({"dsn": []})
    if declared.caller is Caller.ANYBODY:
        ways.append({})
    return ways
