"""Calls about tiers, schemes and the network."""

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import IDEMPOTENCY_KEY, idempotent
from inventory import services
from inventory.access import find_model
from inventory.api import tier_serializers as serializers
from inventory.models import Assessment, Model, TieringScheme
from inventory.models.dependency import node_of
from inventory.permissions import check_can_rate


def _may_rate(request, answer: dict, ref: str) -> None:
    check_can_rate(request.user, find_model(request, ref))


class ModelTier(APIView):
    @extend_schema(operation_id="show_tier", responses=serializers.RatingOutput)
    def get(self, request, ref: str):
        """The model's newest rating, with every answer and the tier in force; 404 where it was not rated."""
        return Response(serializers.RatingOutput(_rating_of(find_model(request, ref))).data)

    @extend_schema(
        operation_id="rate_model",
        parameters=[IDEMPOTENCY_KEY],
        request=serializers.RatingInput,
        responses={201: serializers.RatingOutput},
    )
    @idempotent(_may_rate)
    def post(self, request, ref: str):
        """Answer the factors of the scheme in force; the tier that follows is in force at once, and provisional."""
        model = find_model(request, ref)
        wanted = serializers.RatingInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        answers = {answer.pop("factor"): answer for answer in map(dict, wanted.validated_data["answers"])}
        services.rate_model(model=model, answers=answers, exposure=wanted.validated_data["exposure"], by=request.user)
        return Response(serializers.RatingOutput(_rating_of(find_model(request, ref))).data, status=201)


def _rating_of(model: Model) -> Assessment:
    current = model.assessments.current().select_related("model", "scheme", "answered_by").first()
    if current is None:
        raise Http404
    return current


class SchemeList(APIView):
    @extend_schema(operation_id="list_schemes", responses=serializers.SchemeOutput(many=True))
    def get(self, request):
        """Every version of the tiering scheme, the newest first."""
        return Response(serializers.SchemeOutput(TieringScheme.objects.all(), many=True).data)


class SchemeEffect(APIView):
    @extend_schema(operation_id="show_effect", responses=serializers.EffectOutput)
    def get(self, request, number: int):
        """What a scheme would do to the models that you see: who moves, and who lacks an answer."""
        scheme = get_object_or_404(TieringScheme, number=number)
        visible = Model.objects.visible_to(request.user).values("pk")
        return Response(serializers.EffectOutput(services.effect_on_book(scheme=scheme, among=visible)).data)


class ModelNetwork(APIView):
    @extend_schema(operation_id="show_network", responses=serializers.NetworkOutput)
    def get(self, request, ref: str):
        """A model's own lines, and what is downstream of it."""
        model = find_model(request, ref)
        whole, node = services.network_of(account=request.user), node_of(model)
        impact = services.impact_of(record=model, account=request.user)
        found = {
            "lines": [line for line in whole.lines if node in (node_of(line.source), node_of(line.target))],
            "downstream": [{"model": each.ref, "steps": steps} for each, steps in impact.models],
            "tier_1_share": impact.share.tier_1_exposure,
            "is_on_cycle": impact.is_on_cycle,
        }
        return Response(serializers.NetworkOutput(found).data)


class ConcentrationList(APIView):
    @extend_schema(operation_id="list_concentrations", responses=serializers.ConcentrationOutput(many=True))
    def get(self, request):
        """How much of tier 1 rests on each source, vendor, component and assumption, of the models that you see."""
        found, _ = services.concentrations(account=request.user)
        return Response(serializers.ConcentrationOutput(found, many=True).data)
