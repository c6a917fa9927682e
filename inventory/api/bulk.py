"""Many models in one call, a JSON object a line: registered or changed by external id, all together or each alone."""

import io
import json
from collections.abc import Iterator

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.views import APIView

from accounts.permissions import check_may
from accounts.refusals import InvalidInput
from accounts.roles import Permission
from inventory import services
from inventory.access import check_now
from inventory.models import ChangeSet
from inventory.services.change_rows import KEYS, WRITTEN, Row
from web.text import is_storable
from web.wording import quoted

NDJSON = "application/x-ndjson"
LONGEST_LINE = 100_000
MODES = ("all", "each")
RESULTS = {"create": "created", "change": "changed", "same": "same", "error": "refused"}


class _Body(io.RawIOBase):
    """A request's body by its `read` alone: the web server's own `readline` ends after the first line."""

    def __init__(self, stream):
        super().__init__()
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        piece = self._stream.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


class NdjsonParser(BaseParser):
    """Lines as they come, never the whole body: each is (its number, what it holds or a sentence)."""

    media_type = NDJSON

    def parse(self, stream, media_type=None, parser_context=None) -> Iterator[tuple[int, object]]:
        body = io.BufferedReader(_Body(stream))
        lines = iter(lambda: body.readline(LONGEST_LINE + 1), b"")
        return ((number, line) for number, line in enumerate(lines, 1) if line.strip())


class BulkModels(APIView):
    parser_classes = (NdjsonParser,)

    @extend_schema(
        operation_id="upsert_models",
        parameters=[
            OpenApiParameter("mode", str, enum=MODES, description="all: one fault stops all of it; each: row by row"),
            OpenApiParameter("dry_run", bool, description="Say what would happen, and change nothing"),
        ],
        request={NDJSON: OpenApiTypes.STR},
        responses={(200, NDJSON): OpenApiTypes.STR, (422, NDJSON): OpenApiTypes.STR},
    )
    def post(self, request):
        """Register or change up to 20,000 models, one JSON object a line; the answer has a line for each.

        A field that a line leaves out stays as it is. Each answer says: line, external_id, ref, result (created,
        changed, same or refused), changes and problems.
        """
        check_may(request.user, Permission.REGISTER)
        check_now(request.query_params)
        mode = request.query_params.get("mode", "all")
        if mode not in MODES:
            raise InvalidInput({"mode": f"One of {', '.join(MODES)} is wanted, got {quoted(mode)}."})
        is_dry = request.query_params.get("dry_run", "").lower() in ("1", "true")
        planned = services.plan_changes(kind=ChangeSet.Kind.CALL, rows=map(_row, request.data), by=request.user)
        is_refused = mode == "all" and planned.counts.get("error", 0) > 0
        if planned.to_do and not (is_dry or is_refused):
            services.apply_changes(change_set=planned, skip_errors=mode == "each", by=request.user)
        return StreamingHttpResponse(
            _answers(planned, is_refused), status=422 if is_refused else 200, content_type=NDJSON
        )


def _row(numbered: tuple[int, bytes]) -> Row:
    """A line as a row; what is wrong with the line itself is a fault of the row."""
    number, line = numbered
    if len(line) > LONGEST_LINE:
        raise InvalidInput({"line": f"Line {number} is longer than {LONGEST_LINE:,} bytes."})
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return Row(number, {}, {"row": f"One JSON object is wanted, got {quoted(line[:60].decode(errors='replace'))}."})
    if not isinstance(values, dict):
        return Row(number, {}, {"row": f"One JSON object is wanted, got {quoted(values)}."})
    known = (*KEYS, *WRITTEN)
    sentence = f"There is no such field. The fields here are: {', '.join(known)}."
    unknown = {name if is_storable(name) else quoted(name): sentence for name in values.keys() - set(known)}
    return Row(number, values, unknown)


def _answers(planned: ChangeSet, is_refused: bool) -> Iterator[bytes]:
    """A line for each row. Where one row's fault stopped all, the others say what they would have done."""
    for row in planned.rows.select_related("model").iterator(chunk_size=1_000):
        answer = {
            "line": row.line,
            "external_id": row.external_id,
            "ref": row.model.ref if row.model and row.verb != "error" else None,
            "result": RESULTS[row.verb] if not is_refused or row.verb == "error" else "not applied",
            "changes": row.differences,
            "problems": row.problems,
        }
        yield json.dumps(answer, ensure_ascii=False).encode() + b"\n"
