from django.urls import path

from monitoring import views

urlpatterns = [
    path("models/<str:ref>/monitoring/", views.model_monitoring, name="model-monitoring"),
    path("models/<str:ref>/monitoring/features/<path:column>/", views.feature, name="model-feature"),
    path("monitors/<int:number>/run/", views.ask_for_run, name="ask-for-run"),
    path("runs/<int:number>/", views.run, name="run"),
    path("runs/<int:number>/repeat/", views.repeat_run, name="repeat-run"),
    path("runs/<int:number>/cancel/", views.cancel_run, name="cancel-run"),
    path("windows/<int:number>/explain/again/", views.retry_evidence, {"task": "explain"}, name="explain-again"),
    path("windows/<int:number>/report/again/", views.retry_evidence, {"task": "report"}, name="report-again"),
    path("monitoring/", views.breaches, name="breaches"),
]
