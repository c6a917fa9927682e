from django.urls import path

from monitoring.views import breaches, exact, model, runs

urlpatterns = [
    path("models/<str:ref>/monitoring/", model.model_monitoring, name="model-monitoring"),
    path("models/<str:ref>/monitoring/features/<path:column>/", model.feature, name="model-feature"),
    path("monitors/<int:number>/run/", runs.ask_for_run, name="ask-for-run"),
    path("runs/<int:number>/", runs.run, name="run"),
    path("runs/<int:number>/repeat/", runs.repeat_run, name="repeat-run"),
    path("runs/<int:number>/cancel/", runs.cancel_run, name="cancel-run"),
    path("windows/<int:number>/explain/", model.report_state, {"task": "explain"}, name="explain-state"),
    path("windows/<int:number>/report/", model.report_state, {"task": "report"}, name="report-state"),
    path("windows/<int:number>/explain/again/", model.retry_report, {"task": "explain"}, name="explain-again"),
    path("windows/<int:number>/report/again/", model.retry_report, {"task": "report"}, name="report-again"),
    path("windows/<int:number>/exact/", exact.ask_for_exact, name="ask-exact"),
    path("windows/<int:number>/exact/state/", exact.exact_state, name="exact-state"),
    path("monitoring/", breaches.breaches, name="breaches"),
]
