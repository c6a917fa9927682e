"""REST: define monitors, ask for runs, read figures."""

from collections.abc import Mapping
from datetime import date

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.idempotency import IDEMPOTENCY_KEY, idempotent
from accounts.refusals import InvalidInput
from audit.reading import attachments_of
from inventory.access import find_model
from inventory.models import Model, ModelVersion
from inventory.permissions import check_can_monitor
from jobs.models import Job
from monitoring.api import definitions, serializers
from monitoring.filters import BreachFilter, RunFilter, metrics_of
from monitoring.measures.judging import Levels
from monitoring.models import Breach, Explanation, Monitor, Run, Window
from monitoring.refusals import NoReportYet
from monitoring.services import exact, runs
from monitoring.services.definitions import define_monitor
from monitoring.services.faults import problems_of
from monitoring.services.thresholds import Limit
from web.pages import AFTER, in_order, page_of, sort_parameter
from web.text import is_storable
from web.wording import faults_of_query, pointed, quoted

PAGE = 100
MOST_WINDOWS = 60  # with every figure: a page holds five years of months
MONITOR_SORTS = {"name": ("name", "name"), "defined": ("defined_at", "defined_at")}
RUN_SORTS = {
    "asked": ("id", "id"),
    "finished": ("finished_at", "finished_at"),
    "outcome": ("outcome", "outcome"),
}
WINDOW_SORTS = {"start": ("start_on", "start_on"), "rows": ("rows", "rows"), "labelled": ("labelled", "labelled")}
BREACH_SORTS = {
    "opened": ("id", "id"),
    "window": ("window__start_on", "window.start_on"),
    "value": ("value", "value"),
    "model": ("model__ref", "model.ref"),
}
MOST_LABELS = 20  # of a model's versions that a sentence lists


def _may_monitor_model(request, answer: dict, ref: str) -> None:
    check_can_monitor(request.user, find_model(request, ref))


def _may_monitor(request, answer: dict, number: int) -> None:
    monitors = Monitor.objects.visible_to(request.user).select_related("model__unit")
    check_can_monitor(request.user, get_object_or_404(monitors, pk=number).model)


def _may_see_window(request, answer: dict, number: int) -> None:
    find_window(request, number)


class MonitorList(APIView):
    @extend_schema(
        operation_id="list_monitors",
        parameters=[sort_parameter(MONITOR_SORTS, "name")],
        responses=definitions.MonitorOutput(many=True),
    )
    def get(self, request, ref: str):
        """A model's monitors."""
        monitors = find_model(request, ref).monitors.select_related("model", "version").prefetch_related("thresholds")
        monitors = in_order(monitors, request.query_params, sorts=MONITOR_SORTS, default="name")
        return Response(definitions.MonitorOutput(monitors, many=True).data)

    @extend_schema(
        operation_id="define_monitor",
        parameters=[IDEMPOTENCY_KEY],
        request=definitions.MonitorInput,
        responses={201: definitions.MonitorOutput},
    )
    @idempotent(_may_monitor_model)
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
        operation_id="list_runs",
        parameters=[
            OpenApiParameter("state", str, many=True, enum=Job.State.values, description="How far the work is"),
            OpenApiParameter("outcome", str, many=True, enum=Run.Outcome.values),
            sort_parameter(RUN_SORTS, "-asked"),
            AFTER,
        ],
        responses=serializers.RunPage,
    )
    def get(self, request, number: int):
        """Runs of a monitor, newest first, 100 a page."""
        monitor = get_object_or_404(Monitor.objects.visible_to(request.user), pk=number)
        filters = RunFilter(request.query_params, queryset=monitor.runs.all())
        if not filters.is_valid():
            raise InvalidInput(faults_of_query(filters.form))
        found = filters.qs.select_related("model", "monitor", "job", "repeats")
        page, behind = page_of(found, request.query_params, sorts=RUN_SORTS, default="-asked", size=PAGE)
        return Response({"runs": serializers.RunOutput(page, many=True).data, "next": behind})

    @extend_schema(
        operation_id="ask_for_run",
        parameters=[IDEMPOTENCY_KEY],
        request=serializers.RunInput,
        responses={202: serializers.RunOutput},
    )
    @idempotent(_may_monitor)
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
    @extend_schema(
        operation_id="list_windows",
        parameters=[
            OpenApiParameter("before", OpenApiTypes.DATE, description="Windows that start before this day"),
            OpenApiParameter("after", OpenApiTypes.DATE, description="Windows that start after this day"),
            sort_parameter(WINDOW_SORTS, "-start"),
        ],
        responses=serializers.WindowOutput(many=True),
    )
    def get(self, request, number: int):
        """The newest revision of each window of a monitor, with every figure; one without rows has none. 60 at most."""
        monitor = get_object_or_404(Monitor.objects.visible_to(request.user), pk=number)
        newest = Window.objects.newest_revisions().filter(monitor=monitor)
        for side, name in (("lt", "before"), ("gt", "after")):
            if asked := request.query_params.get(name):
                newest = newest.filter(**{f"start_on__{side}": _day(name, asked)})
        newest = in_order(newest, request.query_params, sorts=WINDOW_SORTS, default="-start")
        return Response(_with_figures(list(newest.prefetch_related("measurements")[:MOST_WINDOWS]), monitor))


class WindowDetail(APIView):
    @extend_schema(operation_id="show_window", responses=serializers.WindowOutput)
    def get(self, request, number: int):
        """One window, in the revision that its id names, with every figure."""
        window = find_window(request, number)
        return Response(_with_figures([window], window.monitor)[0])


class WindowExplanation(APIView):
    @extend_schema(operation_id="show_explanation", responses=serializers.ExplanationOutput)
    def get(self, request, number: int):
        """What drives the score in a window, in summary. The file "shap report" holds every SHAP value by feature."""
        window = find_window(request, number)
        found = Explanation.objects.filter(window=window).select_related("model", "version").first()
        if found is None:
            raise NoReportYet(_why_none(window))
        return Response(serializers.ExplanationOutput(found).data)


class WindowExact(APIView):
    @extend_schema(operation_id="list_exact_figures", responses=serializers.ExactOutput(many=True))
    def get(self, request, number: int):
        """Exact figures of a window, by column, beside those of the profile and their bounds."""
        checks = find_window(request, number).exact_checks.select_related("job")
        return Response(serializers.ExactOutput(checks, many=True).data)

    @extend_schema(
        operation_id="ask_for_exact_figures",
        parameters=[IDEMPOTENCY_KEY],
        request=serializers.ExactInput,
        responses={202: serializers.ExactOutput},
    )
    @idempotent(_may_see_window)
    def post(self, request, number: int):
        """Have the rows of one column of a window read again; refused where the log was altered since."""
        window = find_window(request, number)
        wanted = serializers.ExactInput(data=request.data)
        wanted.is_valid(raise_exception=True)
        check = exact.ask_for_exact(window=window, column=wanted.validated_data["column"], by=request.user)
        return Response(serializers.ExactOutput(check).data, status=202)


class WindowFiles(APIView):
    @extend_schema(operation_id="list_files", responses=serializers.FileOutput(many=True))
    def get(self, request, number: int):
        """Files of a window and of its SHAP report: their digests, and where their bytes are."""
        window = find_window(request, number)
        files = list(attachments_of(window).order_by("id"))
        explanation = Explanation.objects.filter(window=window).first()
        if explanation:
            files += attachments_of(explanation).order_by("id")
        return Response(serializers.FileOutput(files, many=True).data)


class BreachList(APIView):
    @extend_schema(
        operation_id="list_breaches",
        parameters=[
            OpenApiParameter(
                "state",
                str,
                enum=["stands", "past", "all"],
                description="What no later window and no restatement answers, the rest, or both",
            ),
            OpenApiParameter("q", str, description="Words in the model's name or the feature's; or a model's ref"),
            OpenApiParameter("level", str, many=True, enum=Breach.Level.values),
            OpenApiParameter("metric", str, many=True, description="Name of a figure, such as psi"),
            OpenApiParameter("unit", str, description="A unit's code; covers the units below it"),
            sort_parameter(BREACH_SORTS, "-opened"),
            AFTER,
        ],
        responses=serializers.BreachPage,
    )
    def get(self, request):
        """Thresholds that are crossed, and those that were, with why they ended; newest first, 100 a page."""
        asked = request.query_params.copy()
        asked.setdefault("state", "stands")
        visible = Breach.objects.visible_to(request.user).with_place()
        filters = BreachFilter(asked, queryset=visible, metrics=metrics_of(visible))
        if not filters.is_valid():
            raise InvalidInput(faults_of_query(filters.form))
        found = filters.qs.select_related("model", "window", "threshold")
        page, behind = page_of(found, asked, sorts=BREACH_SORTS, default="-opened", size=PAGE)
        return Response({"breaches": serializers.BreachOutput(page, many=True).data, "next": behind})


def find_window(request, number: int) -> Window:
    """The window where who asks may see its model; else 404."""
    seen = Window.objects.filter(monitor__in=Monitor.objects.visible_to(request.user))
    return get_object_or_404(seen.select_related("monitor").prefetch_related("measurements"), pk=number)


def _with_figures(windows: list[Window], monitor: Monitor) -> list[dict]:
    levels = Levels(monitor.thresholds.in_force())
    return serializers.WindowOutput(windows, many=True, context={"levels": levels}).data


def _why_none(window: Window) -> str:
    """Why a window has no SHAP report: its monitor asks for none, the work is not done, or it was refused."""
    if not window.monitor.explained:
        return "This monitor explains nothing: its definition names no `explained`."
    job = Job.objects.filter(key=f"{runs.EXPLAIN}:{window.pk}").first()
    if job is None:
        return f"{window.label} was not the newest window of a run, and only that one is explained."
    said = f": {job.message}" if job.message else "."
    return f"The SHAP report of {window.label} is not there; the work on it: {job.get_state_display().lower()}{said}"


def _day(name: str, asked: str) -> date:
    try:
        return date.fromisoformat(asked)
    except ValueError as wrong:
        raise InvalidInput({name: f"A day such as 2026-01-31 is wanted, got {quoted(asked)}."}) from wrong
