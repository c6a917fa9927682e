"""REST: define monitors, ask for runs, read figures."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import IDEMPOTENCY_KEY, idempotent
from accounts.refusals import InvalidInput
from inventory.access import find_model
from monitoring.api import serializers
from monitoring.measures.judging import Levels
from monitoring.models import Breach, Monitor, Run, Window
from monitoring.services import definitions, runs


class MonitorList(APIView):
    @extend_schema(operation_id="list_monitors", responses=serializers.MonitorOutput(many=True))
    def get(self, request, ref: str):
        """A model's monitors."""
        monitors = find_model(request, ref).monitors.select_related("model", "version")
        return Response(serializers.MonitorOutput(monitors, many=True).data)

    @extend_schema(
        operation_id="define_monitor",
        parameters=[IDEMPOTENCY_KEY],
        request=serializers.MonitorInput,
        responses={201: serializers.MonitorOutput},
    )
    @idempotent
    def post(self, request, ref: str):
        """Define a monitor. The log is looked at first: what does not fit is refused, column by column."""
        model = find_model(request, ref)
        wanted = serializers.MonitorInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = dict(wanted.validated_data)
        label = given.pop("version")
        version = model.versions.filter(label=label).first()
        if version is None:
            raise InvalidInput({"version": f"{model.ref} has no version {label!r}."})
        if limits := given.pop("limits", None):
            given["limits"] = tuple(definitions.Limit(**limit) for limit in limits)
        monitor = definitions.define_monitor(model=model, version=version, by=request.user, **given)
        return Response(serializers.MonitorOutput(monitor).data, status=201)


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
        levels = Levels(monitor.thresholds.all(), Breach.objects.filter(window__in=windows))
        return Response(serializers.WindowOutput(windows, many=True, context={"levels": levels}).data)
