"""Pages of monitoring: a model's monitoring tab, one feature, a run with its progress, the breaches."""

from collections import defaultdict

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.refusals import NotNow, NotPermitted
from audit.models import Attachment, subject_name
from inventory.keyset import KeysetPage
from inventory.permissions import can_monitor
from inventory.views import find_model, model_frame
from jobs.models import Job
from monitoring import charts
from monitoring.filters import BreachFilter
from monitoring.models import Breach, Explanation, Measurement, Monitor, Run, Window
from monitoring.services import runs

HEADLINES = ("auc", "estimated_auc", "score_psi", "observed_to_expected", "brier", "default_rate")
FEATURE_METRICS = ("psi", "ks", "total_variation", "missing_rate", "new_level_rate", "out_of_range_rate")
SERIES = ("auc", "score_psi")


@require_safe
def model_monitoring(request: HttpRequest, ref: str) -> HttpResponse:
    """How the model does: headline figures, series, features, what drives the score."""
    model = find_model(request, ref)
    frame = model_frame(request, model, "Monitoring")
    monitors = list(model.monitors.select_related("version", "schedule").prefetch_related("thresholds"))
    monitor = _chosen(monitors, request.GET.get("monitor"))
    if monitor is None:
        return render(request, "monitoring/none.html", frame)
    windows = list(
        Window.objects.newest_revisions().filter(monitor=monitor).select_related("run__job").order_by("start_on")
    )
    context = frame | {
        "monitors": monitors,
        "monitor": monitor,
        "windows": windows,
        "running": monitor.runs.filter(job__state__in=["queued", "running"]).select_related("job").first(),
        "last_run": monitor.runs.select_related("job").first(),
    }
    if windows:
        context |= _window_context(monitor, windows, _chosen_window(windows, request.GET.get("window")))
    return render(request, "monitoring/model.html", context)


def _chosen(monitors: list[Monitor], asked: str | None) -> Monitor | None:
    return next((m for m in monitors if str(m.pk) == asked), monitors[0] if monitors else None)


def _chosen_window(windows: list[Window], asked: str | None) -> Window:
    return next((w for w in windows if w.start_on.isoformat() == asked), windows[-1])


def _window_context(monitor: Monitor, windows: list[Window], window: Window) -> dict:
    figures = defaultdict(dict)  # metric -> window id -> figure of the whole
    for figure in Measurement.objects.filter(window__in=windows, column="", segment=""):
        figures[figure.metric][figure.window_id] = figure
    features = _features(monitor, windows, window)
    explanation = Explanation.objects.filter(window=window).select_related("window", "version", "job").first()
    thresholds = {threshold.metric: threshold for threshold in monitor.thresholds.all()}
    marks = charts.shift_marks(monitor)
    drifted = [f for f in features if f["level"] == "breach"]
    return {
        "window": window,
        "headlines": [_headline(figures[metric].get(window.pk), metric) for metric in HEADLINES],
        "features": features,
        "drifted": len(drifted),
        "watched": sum(f["level"] == "watch" for f in features),
        "series": [
            {"id": f"series-{metric}", "title": charts.name_of(metric), "chart": chart}
            for metric in SERIES
            if (chart := charts.series(windows, figures[metric], metric, thresholds.get(metric), marks))
        ],
        "breaches": Breach.objects.filter(window=window, level="breach").select_related("threshold"),
        "explanation": explanation,
        "explanation_job": _job_of(runs.EXPLAIN, window),
        "importance": charts.importance(explanation) if explanation else None,
        "swarm": charts.swarm(explanation) if explanation else None,
        "report_job": _job_of(runs.REPORT, window),
        "files": _files(window, explanation),
        "run": window.run,
    }


def _headline(figure: Measurement | None, metric: str) -> dict:
    name, unit, digits = charts.METRICS.get(metric, (charts.name_of(metric), "", 3))
    return {"name": name, "unit": unit, "digits": digits, "figure": figure}


def _features(monitor: Monitor, windows: list[Window], window: Window) -> list[dict]:
    """One line a feature, most drifted first: this window's figures and the PSI of a year."""
    meanings = {f["name"]: f for f in monitor.columns["features"]}
    now = defaultdict(dict)
    for figure in Measurement.objects.filter(window=window, segment="", metric__in=FEATURE_METRICS).exclude(column=""):
        now[figure.column][figure.metric] = figure
    history = defaultdict(dict)
    for column, start, value in (
        Measurement.objects.filter(window__in=windows, segment="", metric="psi")
        .exclude(column="")
        .values_list("column", "window_id", "value")
    ):
        history[column][start] = value
    lines = [
        {
            "name": name,
            "kind": meanings[name]["kind"],
            "meaning": meanings[name].get("meaning", ""),
            "figures": now[name],
            "level": _worst(now[name]),
            "history": [history[name].get(w.pk) for w in windows],
        }
        for name in meanings
    ]
    return sorted(lines, key=lambda line: -(line["figures"]["psi"].value or 0) if "psi" in line["figures"] else 0)


def _worst(figures: dict[str, Measurement]) -> str:
    levels = {figure.level for figure in figures.values()}
    return next((level for level in ("breach", "watch", "good") if level in levels), "unknown")


def _job_of(task: str, window: Window):
    return Job.objects.filter(key=f"{task}:{window.pk}").first()


def _files(window: Window, explanation: Explanation | None):
    subjects = [subject_name(window), *([subject_name(explanation)] if explanation else [])]
    return Attachment.objects.filter(subject__in=subjects).select_related("artefact").order_by("filed_at")


@require_safe
def feature(request: HttpRequest, ref: str, column: str) -> HttpResponse:
    """One feature: its shares in the window against the reference, and its drift over time."""
    model = find_model(request, ref)
    monitor = _chosen(list(model.monitors.prefetch_related("thresholds")), request.GET.get("monitor"))
    if monitor is None or column not in {f["name"] for f in monitor.columns["features"]}:
        raise Http404
    windows = list(
        Window.objects.newest_revisions().filter(monitor=monitor).select_related("run__reference").order_by("start_on")
    )
    if not windows:
        raise Http404
    window = _chosen_window(windows, request.GET.get("window"))
    figures = {
        f.window_id: f for f in Measurement.objects.filter(window__in=windows, column=column, segment="", metric="psi")
    }
    threshold = next((t for t in monitor.thresholds.all() if t.metric == "psi"), None)
    context = model_frame(request, model, "Monitoring") | {
        "monitor": monitor,
        "windows": windows,
        "window": window,
        "feature": next(f for f in monitor.columns["features"] if f["name"] == column),
        "shift": [s for s in monitor.announced_shifts if s.get("feature") == column],
        "shares": charts.feature_distribution(window, column),
        "drift": charts.series(windows, figures, "psi", threshold, charts.shift_marks(monitor)),
        "figures": [
            _headline(f, f.metric)
            for f in Measurement.objects.filter(window=window, column=column, segment="").order_by("metric")
        ],
    }
    template = (
        "monitoring/feature.html#shares" if request.htmx and not request.htmx.boosted else "monitoring/feature.html"
    )
    return render(request, template, context)


# ---- runs -----------------------------------------------------------------------------------------------
@require_safe
def run(request: HttpRequest, number: int) -> HttpResponse:
    """One run: its progress while it runs, then what it read and found, and how to repeat it."""
    found = _run(request, number)
    template = "monitoring/run.html#progress" if request.htmx and not request.htmx.boosted else "monitoring/run.html"
    return render(request, template, _run_context(request, found))


def _run(request: HttpRequest, number: int) -> Run:
    visible = Run.objects.visible_to(request.user).select_related(
        "model__unit", "model__standing", "monitor__version", "job__asked_by__person__details", "repeats", "reference"
    )
    return get_object_or_404(visible, pk=number)


def _run_context(request: HttpRequest, found: Run) -> dict:
    job = found.job
    return {
        "run": found,
        "job": job,
        "seconds_left": _seconds_left(job),
        "can_monitor": can_monitor(request.user, found.model),
        "windows": found.windows.order_by("start_on"),
        "breaches": Breach.objects.filter(window__run=found, level="breach").select_related("window", "threshold"),
        "files": Attachment.objects.of(found).select_related("artefact").order_by("name"),
        "partitions": found.inputs,
    }


def _seconds_left(job) -> float | None:
    """From the share done so far; None before anything is."""
    if job.state != job.State.RUNNING or not job.done_count or not job.started_at:
        return None
    spent = (timezone.now() - job.started_at).total_seconds()
    return spent * (job.total_count - job.done_count) / job.done_count


@require_POST
def ask_for_run(request: HttpRequest, number: int) -> HttpResponse:
    monitor = get_object_or_404(Monitor.objects.visible_to(request.user).select_related("model__unit"), pk=number)
    try:
        asked = runs.ask_for_run(monitor=monitor, by=request.user)
    except NotPermitted as refusal:
        return _refused(request, refusal, monitor.model, status=403)
    return redirect("run", asked.pk)


@require_POST
def repeat_run(request: HttpRequest, number: int) -> HttpResponse:
    found = _run(request, number)
    try:
        again = runs.ask_for_run(monitor=found.monitor, repeats=found, by=request.user)
    except NotPermitted as refusal:
        return _refused(request, refusal, found.model, status=403)
    return redirect("run", again.pk)


@require_POST
def cancel_run(request: HttpRequest, number: int) -> HttpResponse:
    found = _run(request, number)
    try:
        runs.cancel_run(run=found, by=request.user)
    except (NotPermitted, NotNow) as refusal:
        messages.error(request, str(refusal))
    return redirect("run", found.pk)


def _refused(request: HttpRequest, refusal: Exception, model, *, status: int) -> HttpResponse:
    return render(request, "403.html", {"reason": str(refusal), "model": model}, status=status)


# ---- breaches -------------------------------------------------------------------------------------------
SORTS = {"newest": ("id", "id"), "value": ("value", "value"), "model": ("model__ref", "model.ref")}


@require_safe
def breaches(request: HttpRequest) -> HttpResponse:
    """Every breach of the newest revisions that the reader may see."""
    visible = Breach.objects.visible_to(request.user).current()
    filters = BreachFilter(request.GET, queryset=visible)
    matching = filters.qs if filters.is_valid() else visible.none()
    page = KeysetPage(
        matching.select_related("model__unit", "window__run", "threshold"),
        request.GET,
        sorts=SORTS,
        default="-newest",
        size=100,
    )
    for breach in page.rows:
        breach.metric_name = charts.name_of(breach.metric)
    context = {"filters": filters, "page": page, "breaches": page.rows, "total": matching.count()}
    template = (
        "monitoring/breaches.html#rows" if request.htmx and not request.htmx.boosted else "monitoring/breaches.html"
    )
    return render(request, template, context)


@require_POST
def retry_evidence(request: HttpRequest, number: int, task: str) -> HttpResponse:
    """Ask again for a SHAP or Evidently report that failed or was refused."""
    window = get_object_or_404(
        Window.objects.filter(monitor__in=Monitor.objects.visible_to(request.user)).select_related(
            "monitor__model__unit"
        ),
        pk=number,
    )
    job = _job_of({"explain": runs.EXPLAIN, "report": runs.REPORT}[task], window)
    if job is None:
        raise Http404
    try:
        runs.retry_evidence(window=window, job=job, by=request.user)
    except (NotPermitted, NotNow) as refusal:
        messages.error(request, str(refusal))
    return redirect("model-monitoring", window.monitor.model.ref)
