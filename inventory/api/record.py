"""Calls about what a model's record says: its fields, the records below it, and verdicts of scope."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import IDEMPOTENCY_KEY, idempotent
from inventory import services
from inventory.access import find_model
from inventory.api import record_bodies as bodies
from inventory.api.preconditions import IF_MATCH, digest_read, may_edit
from inventory.measures.completeness import scores_of
from inventory.measures.record import read_record
from inventory.models import NOUNS, Framework, Model, ModelVersion, Noun, Part


class RecordDetail(APIView):
    @extend_schema(operation_id="show_record", responses=bodies.RecordOutput)
    def get(self, request, ref: str):
        """What the record says, and how complete it is for each regime; its ETag covers every field that can be set."""
        return record_answer(find_model(request, ref))

    @extend_schema(
        operation_id="edit_record",
        parameters=[IDEMPOTENCY_KEY, IF_MATCH],
        request=bodies.RecordChange,
        responses=bodies.RecordOutput,
    )
    @idempotent(may_edit)
    def patch(self, request, ref: str):
        """Change fields of the record that you read: If-Match must still hold."""
        model = find_model(request, ref)
        expected = digest_read(request, services.record_digest(model))
        changes = bodies.RecordChange(data=request.data, context={"by": request.user})
        changes.is_valid(raise_exception=True)
        services.edit_record(model=model, changes=changes.validated_data, expected_digest=expected, by=request.user)
        return record_answer(find_model(request, model.ref))


def record_answer(model: Model) -> Response:
    read = read_record(model)
    frameworks = Framework.objects.judged_by()
    scores = scores_of(read, frameworks)
    told = {
        "ref": model.ref,
        "fields": bodies.RecordFields(services.record_values(model)).data,
        "completeness": [
            {
                "regime": score.framework.code if score.framework else "own",
                "counts": score.counts,
                "asked": len(score.asked),
                "filled": score.filled,
                "missing": [entry.key for entry in score.missing],
            }
            for score in scores
        ],
        "verdicts": bodies.VerdictOutput(read.verdicts, many=True).data,
    }
    return Response(told, headers={"ETag": f'"{services.record_digest(model)}"'})


class VerdictList(APIView):
    @extend_schema(operation_id="list_verdicts", responses=bodies.VerdictOutput(many=True))
    def get(self, request, ref: str):
        """Every verdict of scope, newest first; the first of each regime counts."""
        verdicts = find_model(request, ref).verdicts.select_related("framework", "decided_by")[:500]
        return Response(bodies.VerdictOutput(verdicts, many=True).data)

    @extend_schema(
        operation_id="give_verdict",
        parameters=[IDEMPOTENCY_KEY],
        request=bodies.VerdictInput,
        responses={201: bodies.VerdictOutput},
    )
    @idempotent(may_edit)
    def post(self, request, ref: str):
        """Say whether the model falls under a regime. To take duties off it takes a person who did not build it."""
        model = find_model(request, ref)
        wanted = bodies.VerdictInput(data=request.data, context={"by": request.user})
        wanted.is_valid(raise_exception=True)
        verdict = services.give_verdict(model=model, **wanted.validated_data, by=request.user)
        return Response(bodies.VerdictOutput(verdict).data, status=201)


class ChangeClass(APIView):
    @extend_schema(
        operation_id="classify_change",
        parameters=[IDEMPOTENCY_KEY],
        request=bodies.ChangeClassInput,
        responses=bodies.ChangeClassOutput,
    )
    @idempotent(may_edit)
    def post(self, request, ref: str, label: str):
        """Say how much a version changes against the one before it; later it may turn out to be more, never less."""
        version = get_object_or_404(ModelVersion, model=find_model(request, ref), label=label)
        wanted = bodies.ChangeClassInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        version = services.classify_change(version=version, **wanted.validated_data, by=request.user)
        return Response(bodies.ChangeClassOutput(version).data)


class OverlayValues(APIView):
    @extend_schema(
        operation_id="set_overlay_value",
        parameters=[IDEMPOTENCY_KEY],
        request=bodies.ValueInput,
        responses={201: bodies.OUTPUTS["overlays"]},
    )
    @idempotent(may_edit)
    def post(self, request, ref: str, item: int):
        """Say how large an overlay is from a day on; earlier values stay."""
        overlay = find_part(request, ref, NOUNS["overlays"], item)
        wanted = bodies.ValueInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.set_overlay_value(overlay=overlay, **wanted.validated_data, by=request.user)
        return part_answer(NOUNS["overlays"], overlay, status=201)


class OverlayRenewals(APIView):
    @extend_schema(
        operation_id="renew_overlay",
        parameters=[IDEMPOTENCY_KEY],
        request=bodies.RenewalInput,
        responses={201: bodies.OUTPUTS["overlays"]},
    )
    @idempotent(may_edit)
    def post(self, request, ref: str, item: int):
        """Let an overlay go on until a later day. The third time for one limitation asks for a review of the model."""
        overlay = find_part(request, ref, NOUNS["overlays"], item)
        wanted = bodies.RenewalInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.renew_overlay(overlay=overlay, **wanted.validated_data, by=request.user)
        return part_answer(NOUNS["overlays"], overlay, status=201)


def find_part(request, ref: str, noun: Noun, item: int) -> Part:
    return get_object_or_404(noun.part, model=find_model(request, ref), number=item)


def part_answer(noun: Noun, part: Part, *, status: int = 200) -> Response:
    part.refresh_from_db()
    etag = f'"{services.part_digest(part)}"'
    return Response(bodies.OUTPUTS[noun.key](part).data, status=status, headers={"ETag": etag})


def list_of(noun: Noun) -> type[APIView]:
    """The calls that list and add one noun of parts."""

    class PartList(APIView):
        @extend_schema(
            operation_id=f"list_{noun.key}",
            parameters=[OpenApiParameter("closed", bool, description="true: closed ones too")],
            responses=bodies.OUTPUTS[noun.key](many=True),
            description=noun.about,
        )
        def get(self, request, ref: str):
            parts = noun.part.objects.filter(model=find_model(request, ref)).with_people()
            if request.query_params.get("closed") != "true":
                parts = parts.open()
            return Response(bodies.OUTPUTS[noun.key](parts[:500], many=True).data)

        @extend_schema(
            operation_id=f"add_{noun.one}",
            parameters=[IDEMPOTENCY_KEY],
            request=bodies.INPUTS[noun.key],
            responses={201: bodies.OUTPUTS[noun.key]},
            description=f"Add one to {noun.many.lower()} of the model.",
        )
        @idempotent(may_edit)
        def post(self, request, ref: str):
            model = find_model(request, ref)
            values = read_body(bodies.INPUTS[noun.key], request, model)
            return part_answer(
                noun, services.add_part(model=model, noun=noun, values=values, by=request.user), status=201
            )

    return PartList


def detail_of(noun: Noun) -> type[APIView]:
    """The calls that show and edit one part of a noun."""

    class PartDetail(APIView):
        @extend_schema(
            operation_id=f"show_{noun.one}",
            responses=bodies.OUTPUTS[noun.key],
            description="One; its ETag is its digest.",
        )
        def get(self, request, ref: str, item: int):
            return part_answer(noun, find_part(request, ref, noun, item))

        @extend_schema(
            operation_id=f"edit_{noun.one}",
            parameters=[IDEMPOTENCY_KEY, IF_MATCH],
            request=bodies.CHANGES[noun.key],
            responses=bodies.OUTPUTS[noun.key],
            description="Change fields of what you read: If-Match must still hold.",
        )
        @idempotent(may_edit)
        def patch(self, request, ref: str, item: int):
            part = find_part(request, ref, noun, item)
            expected = digest_read(request, services.part_digest(part))
            changes = read_body(bodies.CHANGES[noun.key], request, part.model, partial=True)
            services.edit_part(part=part, changes=changes, expected_digest=expected, by=request.user)
            return part_answer(noun, part)

    return PartDetail


def closing_of(noun: Noun) -> type[APIView]:
    """The call that closes one part of a noun."""

    class PartClosing(APIView):
        @extend_schema(
            operation_id=f"close_{noun.one}",
            parameters=[IDEMPOTENCY_KEY],
            request=bodies.ReasonInput,
            responses=bodies.OUTPUTS[noun.key],
            description="End it from now on; it stays on record.",
        )
        @idempotent(may_edit)
        def post(self, request, ref: str, item: int):
            part = find_part(request, ref, noun, item)
            reason = read_body(bodies.ReasonInput, request, part.model)["reason"]
            return part_answer(noun, services.close_part(part=part, reason=reason, by=request.user))

    return PartClosing


def read_body(body: type[serializers.Serializer], request, model: Model, *, partial: bool = False) -> dict:
    """What was sent, checked; the context says who asks and of which model."""
    wanted = body(data=request.data, partial=partial, context={"by": request.user, "model": model})
    wanted.is_valid(raise_exception=True)
    return dict(wanted.validated_data)
