"""The API for people: every call of the schema, with its fields and answers, and how to send one."""

import json
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from accounts.roles import SCOPES
from accounts.services import ANSWERS_KEPT
from portal.views.administration import tabs_of
from portal.walkthrough import OWNER, UNIT, filled, own_words, steps_for

# What a reader would send, by the field's name; other fields get a value of their type.
SAMPLES = {
    "external_id": "cards/application-pd",
    "name": "Card application PD",
    "kind": "statistical",
    "unit": UNIT,
    "owner": OWNER,
    "label": "4.1.0",
    "version": "4.1.0",
    "mlflow_uri": "models:/card_application_pd/7",
    "location": "/logs/card_application_pd",
    "reference_location": "/logs/card_application_pd/month=2026-01",
    "labels_as_of": "2026-11-01T00:00:00Z",
    "tags": ["basel"],
    "columns": {
        "row_id": "row_id",
        "time": "scored_at",
        "score": "score",
        "features": [{"name": "income", "kind": "number"}, {"name": "channel", "kind": "category"}],
    },
}
# What a field is, where its serializer says nothing, in the words of the pages.
HELP = {
    "ref": "The record’s id, as pages show it",
    "id": "The record’s number, as addresses have it",
    "number": "The record’s number",
    "name": "What people call it",
    "model": "Id of the model",
    "version": "Label of the model’s version",
    "monitor": "The monitor’s number",
    "label": "What people call the version",
    "unit": "Code of the unit that it belongs to",
    "owner": "HR number of its owner",
    "developer": "HR number of its developer",
    "description": "What it is, for people",
    "purpose": "Which decisions it supports",
    "tags": "Words of the bank's own, to find it by",
    "tier": "1 is the most material; empty without a tier",
    "monitoring": "State of its newest window: good, watch, breach or unknown",
    "open_breaches": "Breaches in the newest window",
    "latest_version": "Label of the newest version",
    "registered_at": "When it was registered",
    "defined_at": "When it was defined",
    "asked_at": "When it was asked for",
    "finished_at": "When it ended; empty before",
    "reference_location": "Log of the reference window",
    "reference_since": "First day of the reference; empty for all",
    "reference_until": "Last day of the reference; empty for all",
    "minimum_rows": "A window with fewer rows has no metrics",
    "digest_note": "Why the artefact was refused or could not be read",
    "flavour": "What MLflow loads it with",
    "signature": "Its inputs and outputs, as MLflow has them",
    "artefact_bytes": "Size of the artefact",
    "training_data_digest": "SHA-256 of what it was trained on, as the client gave it",
    "notes": "For people",
    "state": "Waiting, running, done, refused, cancelled or failed three times",
    "step": "What it does at present",
    "percent": "How much of the log is read",
    "input_digest": "SHA-256 over inputs, definition, reference and cut-off",
    "result_digest": "SHA-256 over every figure to its last bit",
    "code_version": "Version and digest of the code that computed it",
    "rows_read": "Rows that were read",
    "rows_refused": "Rows that were left out",
    "partitions_read": "Partitions that were read",
    "partitions_reused": "Partitions known from before",
    "start_on": "First day of the window",
    "revision": "How often the window was measured anew, from 1",
    "is_newest": "Whether no later revision replaced it",
    "rows": "Rows in it",
    "labelled": "Rows whose outcome is known",
    "figures": "Each metric with its value, interval, bound, or the reason why there is none",
    "models": "The models of the page",
}
PLACES = {"ref": "MDL-2026-0001", "label": "4.1.0", "number": "1", "item": "1"}
METHODS = ("get", "post", "patch", "put", "delete")
STATUSES = {
    "200": "What was asked for, or what was known already",
    "201": "Made",
    "202": "Taken; the work goes on in the background",
    "204": "Done, with nothing to say",
}


@require_safe
def guide(request: HttpRequest) -> HttpResponse:
    own, origin = own_words(request.user), f"{request.scheme}://{request.get_host()}"
    context = tabs_of(request, "api-guide") | {
        "calls": [call | {"example": filled(call["example"], own)} for call in calls_of_schema()],
        "steps": steps_for(own, origin),
        "origin": origin,
        "answers_kept": ANSWERS_KEPT,
        "scopes": [{"name": name, "permits": sorted(permits)} for name, permits in SCOPES.items()],
    }
    return render(request, "portal/api_guide.html", context)


@cache
def calls_of_schema() -> list[dict]:
    """Every call of the API, by path. The schema follows from the code, so once a process is enough."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return [
        _call(schema, path, method, item[method])
        for path, item in schema["paths"].items()
        for method in METHODS
        if method in item
    ]


def _call(schema: dict, path: str, method: str, operation: dict) -> dict:
    fields = list(_fields(schema, operation.get("requestBody", {})))
    return {
        "id": operation["operationId"],
        "title": operation["operationId"].replace("_", " ").capitalize(),
        "method": method.upper(),
        "path": path,
        "says": operation.get("description", ""),
        "parameters": _parameters(operation),
        "fields": fields,
        "example": _example(fields),
        "address": path.format_map(PLACES),
        "answers": [
            {"status": status, "means": STATUSES.get(status, ""), "fields": list(_fields(schema, answer))}
            for status, answer in operation.get("responses", {}).items()
        ],
    }


def _example(fields: list[dict]) -> str:
    """A body with what is required, as JSON; '' where nothing is sent."""
    wanted = [field for field in fields if field["required"]] or fields[:1]
    body = {field["name"]: _sample(field) for field in wanted}
    return json.dumps(body, ensure_ascii=False, indent=2) if wanted else ""


def _sample(field: dict):
    if field["name"] in SAMPLES or field["choices"]:
        return SAMPLES.get(field["name"]) or field["choices"][0]
    return {"integer": 1, "number": 0.5, "boolean": True, "object": {}, "array": []}.get(field["type"], "…")


def _parameters(operation: dict) -> list[dict]:
    """What stands in path, query and headers, in the shape of `_fields`; what is required first."""
    found = []
    for parameter in operation.get("parameters", []):
        shape = parameter.get("schema", {})
        items = shape.get("items", shape)
        found.append(
            {
                "name": parameter["name"],
                "place": {"path": "Path", "query": "Query", "header": "Header"}[parameter["in"]],
                "type": f"{items.get('type')}, may repeat" if "items" in shape else shape.get("type", "string"),
                "required": parameter.get("required", False),
                "help": _help(parameter["name"], parameter.get("description", "")),
                "choices": items.get("enum", []),
            }
        )
    return sorted(found, key=lambda field: not field["required"])


def _fields(schema: dict, holder: dict) -> list[dict]:
    """Name, type, whether it must be sent, help and choices of each field of a body; of a list, of its items."""
    content = holder.get("content", {}).get("application/json", {}).get("schema", {})
    shape = _resolved(schema, content.get("items", content))
    fields, required = shape.get("properties", {}), shape.get("required", [])
    return [_field(name, _resolved(schema, field), name in required) for name, field in fields.items()]


def _field(name: str, shape: dict, required: bool) -> dict:
    kind = shape.get("type", "object")
    return {
        "name": name,
        "type": " or ".join(kind) if isinstance(kind, list) else kind,
        "required": required,
        # drf-spectacular writes the choices into the description once more
        "help": _help(name, shape.get("description", "").partition("* `")[0].strip()),
        "choices": [choice for choice in shape.get("enum", []) if choice not in (None, "")],
    }


def _help(name: str, given: str) -> str:
    """What the serializer says of a field, else the pages' words, else its name in words."""
    return given or HELP.get(name) or name.replace("_", " ").capitalize()


def _resolved(schema: dict, shape: dict) -> dict:
    """The shape without its references; of alternatives, the first, which is the one with the choices."""
    while "$ref" in shape or "allOf" in shape or "oneOf" in shape:
        inner = (shape.get("allOf") or shape.get("oneOf") or [{}])[0]
        known = schema["components"]["schemas"]
        target = known[shape["$ref"].rpartition("/")[2]] if "$ref" in shape else inner
        kept = {key: value for key, value in shape.items() if key not in ("$ref", "allOf", "oneOf")}
        shape = target | kept
    return shape
