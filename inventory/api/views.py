"""REST: translate in, one domain call, translate out."""

from datetime import date

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import IDEMPOTENCY_KEY, idempotent
from accounts.permissions import check_may
from accounts.refusals import InvalidInput
from accounts.roles import Permission
from inventory import services
from inventory.access import check_now, day_asked, find_model, find_model_as_at
from inventory.api import serializers
from inventory.api.parameters import model_filters
from inventory.api.preconditions import IF_MATCH, digest_read, may_edit
from inventory.filters import ModelFilter, models_as_at, not_kept
from inventory.models import Model, ModelVersion
from inventory.permissions import check_can_move
from inventory.services.columns import SORTS
from web.pages import AFTER, page_of, sort_parameter
from web.text import is_storable
from web.wording import faults_of_query

PAGE = 100


AS_AT = OpenApiParameter(
    "as_at", date, description="A past day in the bank's zone; read from the trail, sorted by ref alone"
)


def _may_register(request, answer: dict) -> None:
    check_may(request.user, Permission.REGISTER)
    may_edit(request, answer, answer["ref"])


def _may_move(request, answer: dict, ref: str) -> None:
    check_can_move(request.user, find_model(request, ref), Model.Stage(answer["stage"]))


def as_at(request, day: date) -> Response:
    """A page of models as at a day. Raises InvalidInput for a filter of something that the trail does not hold."""
    if names := not_kept(request.query_params):
        raise InvalidInput({"as_at": f"Not recorded as at a day: {', '.join(names)}. Take the filter away."})
    filters = ModelFilter(request.query_params, queryset=Model.objects.none())
    if not filters.is_valid():
        raise InvalidInput(faults_of_query(filters.form))
    if request.query_params.get("sort", "ref") != "ref":
        raise InvalidInput({"sort": "As at a day models are sorted by ref alone; leave `sort` out."})
    after = request.query_params.get("after", "")
    if not is_storable(after):
        raise InvalidInput({"after": "What `next` of a page gave is wanted."})
    page, _ = models_as_at(request.query_params, request.user, day, after=after, size=PAGE + 1)
    rows = serializers.PastModel(page[:PAGE], many=True).data
    return Response({"models": rows, "next": page[PAGE - 1].ref if len(page) > PAGE else None})


class ModelList(APIView):
    @extend_schema(
        operation_id="list_models",
        parameters=[
            *model_filters(),
            AS_AT,
            sort_parameter(SORTS, "ref"),
            AFTER,
        ],
        responses=serializers.ModelPage,
    )
    def get(self, request):
        """Models you may see, 100 a page; with `as_at`, as they were recorded at the end of that day."""
        if day := day_asked(request.query_params):
            return as_at(request, day)
        models = Model.objects.visible_to(request.user).select_related("unit", "owner", "developer", "standing")
        filters = ModelFilter(request.query_params, queryset=models)
        if not filters.is_valid():
            raise InvalidInput(faults_of_query(filters.form))
        page, behind = page_of(filters.qs, request.query_params, sorts=SORTS, default="ref", size=PAGE)
        return Response({"models": serializers.ModelOutput(page, many=True).data, "next": behind})

    @extend_schema(
        operation_id="register_model",
        parameters=[IDEMPOTENCY_KEY],
        request=serializers.ModelInput,
        responses={201: serializers.ModelOutput, 200: serializers.ModelOutput},
    )
    @idempotent(_may_register)
    def post(self, request):
        """Register a model. The same external id again is the same model: 200 instead of 201."""
        check_may(request.user, Permission.REGISTER)
        wanted = serializers.ModelInput(data=request.data, context={"by": request.user})
        wanted.is_valid(raise_exception=True)
        model, is_new = services.register_model(**wanted.validated_data, by=request.user)
        return answer(model, status=201 if is_new else 200)


class ModelDetail(APIView):
    @extend_schema(operation_id="show_model", parameters=[AS_AT], responses=serializers.ModelOutput)
    def get(self, request, ref: str):
        """One model; its ETag is the digest of the record. With `as_at` as it was recorded, without an ETag."""
        if day := day_asked(request.query_params):
            return Response(serializers.PastModel(find_model_as_at(request, ref, day)[0]).data)
        return answer(find_model(request, ref))

    @extend_schema(
        operation_id="edit_model",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=serializers.ModelChange,
        responses=serializers.ModelOutput,
    )
    @idempotent(may_edit)
    def patch(self, request, ref: str):
        """Change fields of the model that you read: If-Match must still hold."""
        check_now(request.query_params)
        model = find_model(request, ref)
        expected = digest_read(request, services.digest_of(model))
        changes = serializers.ModelChange(data=request.data, context={"by": request.user})
        changes.is_valid(raise_exception=True)
        model = services.edit_model(
            model=model, changes=changes.validated_data, expected_digest=expected, by=request.user
        )
        return answer(find_model(request, model.ref))


class ModelStage(APIView):
    @extend_schema(
        operation_id="move_stage",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=serializers.StageChange,
        responses=serializers.ModelOutput,
    )
    @idempotent(_may_move)
    def post(self, request, ref: str):
        """Move the model that you read to its next stage. To rely on it more takes a person who did not build it."""
        model = find_model(request, ref)
        expected = digest_read(request, services.digest_of(model))
        wanted = serializers.StageChange(data=request.data)
        wanted.is_valid(raise_exception=True)
        model = services.move_stage(model=model, **wanted.validated_data, expected_digest=expected, by=request.user)
        return answer(find_model(request, model.ref))


class VersionList(APIView):
    @extend_schema(operation_id="list_versions", responses=serializers.VersionOutput(many=True))
    def get(self, request, ref: str):
        """A model's versions, newest first."""
        versions = find_model(request, ref).versions.select_related("model").newest_first()[:500]
        return Response(serializers.VersionOutput(versions, many=True).data)

    @extend_schema(
        operation_id="register_version",
        parameters=[IDEMPOTENCY_KEY],
        request=serializers.VersionInput,
        responses={202: serializers.VersionOutput, 200: serializers.VersionOutput},
    )
    @idempotent(may_edit)
    def post(self, request, ref: str):
        """Register a version. 202 with "digest pending": the portal computes the digest from the artefact itself."""
        model = find_model(request, ref)
        wanted = serializers.VersionInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = dict(wanted.validated_data)
        version, is_new = services.register_version(
            model=model, claimed_digest=given.pop("digest"), **given, by=request.user
        )
        return Response(serializers.VersionOutput(version).data, status=202 if is_new else 200)


class VersionDetail(APIView):
    @extend_schema(operation_id="show_version", responses=serializers.VersionOutput)
    def get(self, request, ref: str, label: str):
        """One version, with the state of its digest."""
        version = get_object_or_404(
            ModelVersion.objects.select_related("model"), model=find_model(request, ref), label=label
        )
        return Response(serializers.VersionOutput(version).data)


class VersionDigest(APIView):
    @extend_schema(
        operation_id="retry_digest",
        parameters=[IDEMPOTENCY_KEY],
        request=None,
        responses={202: serializers.VersionOutput},
    )
    @idempotent(may_edit)
    def post(self, request, ref: str, label: str):
        """Have the artefact read again after its digest could not be computed."""
        version = get_object_or_404(
            ModelVersion.objects.select_related("model"), model=find_model(request, ref), label=label
        )
        services.retry_digest(version=version, by=request.user)
        version.refresh_from_db()
        return Response(serializers.VersionOutput(version).data, status=202)


def answer(model: Model, status: int = 200) -> Response:
    headers = {"ETag": serializers.etag_of(model), "Location": f"/api/v1/models/{model.ref}/"}
    return Response(serializers.ModelOutput(model).data, status=status, headers=headers)
