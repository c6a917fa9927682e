"""REST: define monitors, ask for runs, read figures."""

from collections.abc import Mapping

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import IDEMPOTENCY_KEY, idempotent
from accounts.refusals import InvalidInput
from inventory.access import find_model
from inventory.models import Model, ModelVersion
from inventory.permissions import check_can_monitor
from monitoring.api import definitions, serializers
from monitoring.measures.judging import Levels
from monitoring.models import Breach, Monitor, Run, Window
from monitoring.services import runs
from monitoring.services.definitions import define_monitor
from monitoring.services.faults import problems_of
from monitoring.services.thresholds import Limit
from web.text import is_storable
from web.wording import pointed, quoted

MOST_LABELS = 20  # of a model's versions that a sentence lists


class MonitorList(APIView):
    @extend_schema(operation_id="list_monitors", responses=definitions.MonitorOutput(many=True))
    def get(self, request, ref: str):
        """A model's monitors."""
        monitors = find_model(request, ref).monitors.select_related("model", "version").prefetch_related("thresholds")
        return Response(definitions.MonitorOutput(monitors, many=True).data)

    @extend_schema(
        operation_id="define_monitor",
        parameters=[IDEMPOTENCY_KEY],
        request=definitions.MonitorInput,
        responses={201: definitions.MonitorOutput},
    )
    @idempotent
    def post(self, request, ref: str):
        """Define a monitor. The log is looked at first: what does not fit is refused, column by column."""
        model = find_model(request, ref)
        check_can_monitor(request.user, model)
        monitor = define_monitor(model=model, by=request.user, **_definition(model, request.data))
        return Response(definitions.MonitorOutput(monitor).data, status=201)


def _definition(model: Model, sent: object) -> dict:
    """What define_monitor takes, from what was sent. Raises InvalidInput with everything that is wrong with it."""
    wanted = definitions.MonitorInput(data=sent)
    faults = {} if wanted.is_valid() else {place[1:]: sentence for place, sentence in pointed(wanted.errors)}
    plain = sent if isinstance(sent, Mapping) else {}
    version = _version(model, plain.get("version"))
    if version is None:
        faults.setdefault("version", _no_version(model, plain.get("version")))
    if faults:
        raise InvalidInput(problems_of(model, plain) | faults)
    given = dict(wanted.validated_data) | {"version": version}
    if "limits" in given:
        given["limits"] = tuple(Limit(**limit) for limit in given["limits"])
    return given


def _version(model: Model, label: object) -> ModelVersion | None:
    return model.versions.filter(label=label).first() if is_storable(label) else None


def _no_version(model: Model, label: object) -> str:
    labels = ", ".join(model.versions.newest_first().values_list("label", flat=True)[:MOST_LABELS])
    return f"{model.ref} has no version {quoted(label)}. {f'It has {labels}.' if labels else 'Register one first.'}"


class RunList(APIView):
    @extend_schema(
        operation_id="ask_for_run",
        parameters=[IDEMPOTENCY_KEY],
        request=serializers.RunInput,
        responses={202: serializers.RunOutput},
    )
    @idempotent
    def post(self, request, number: int):
        """Ask for a run of a monitor; follow it at its address."""
        monitors = Monitor.objects.visible_to(request.user).select_related("model__unit")
        monitor = get_object_or_404(monitors, pk=number)
        wanted = serializers.RunInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        run = runs.ask_for_run(monitor=monitor, labels_as_of=wanted.validated_data["labels_as_of"], by=request.user)
        return Response(serializers.RunOutput(run).data, status=202, headers={"Location": f"/api/v1/runs/{run.pk}/"})


class RunDetail(APIView):
    @extend_schema(operation_id="show_run", responses=serializers.RunOutput)
    def get(self, request, number: int):
        """A run: how far it is, then what it read and the digests of its inputs and figures."""
        visible = Run.objects.visible_to(request.user).select_related("model", "monitor", "job", "repeats")
        return Response(serializers.RunOutput(get_object_or_404(visible, pk=number)).data)


class WindowList(APIView):
    @extend_schema(operation_id="list_windows", responses=serializers.WindowOutput(many=True))
    def get(self, request, number: int):
        """The newest revision of each window of a monitor, with every figure; the newest 60 windows."""
        monitor = get_object_or_404(Monitor.objects.visible_to(request.user), pk=number)
        newest = Window.objects.newest_revisions().filter(monitor=monitor).order_by("-start_on")
        windows = list(newest.prefetch_related("measurements")[:60])
        levels = Levels(monitor.thresholds.in_force(), Breach.objects.open().filter(window__in=windows))
        return Response(serializers.WindowOutput(windows, many=True, context={"levels": levels}).data)
