"""The API for people: every call of the schema, with its fields and answers, and how to send one."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

METHODS = ("get", "post", "patch", "put", "delete")


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return render(request, "portal/api_guide.html", {"info": schema["info"], "calls": list(_calls(schema))})


def _calls(schema: dict):
    for path, item in schema["paths"].items():
        for method in METHODS:
            if operation := item.get(method):
                yield {
                    "id": operation["operationId"],
                    "method": method.upper(),
                    "path": path,
                    "says": operation.get("description", ""),
                    "parameters": operation.get("parameters", []),
                    "fields": list(_fields(schema, operation.get("requestBody", {}))),
                    "answers": [
                        {"status": status, "fields": list(_fields(schema, answer))}
                        for status, answer in operation.get("responses", {}).items()
                    ],
                }


def _fields(schema: dict, holder: dict):
    """(name, type, required, help) of a body; of a list, those of its items."""
    content = holder.get("content", {}).get("application/json", {}).get("schema", {})
    shape = _resolved(schema, content.get("items", content))
    for name, field in shape.get("properties", {}).items():
        field = _resolved(schema, field)
        kind = field.get("type", "object")
        yield {
            "name": name,
            "type": " or ".join(kind) if isinstance(kind, list) else kind,
            "required": name in shape.get("required", []),
            "help": field.get("description", ""),
            "choices": [choice for choice in field.get("enum", []) if choice is not None],
        }


def _resolved(schema: dict, shape: dict) -> dict:
    while "$ref" in shape:
        shape = schema["components"]["schemas"][shape["$ref"].rpartition("/")[2]]
    return shape
