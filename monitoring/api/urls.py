from django.urls import path

from monitoring.api import views

urlpatterns = [
    path("models/<path:ref>/monitors/", views.MonitorList.as_view(), name="api-monitors"),
    path("monitors/<int:number>/runs/", views.RunList.as_view(), name="api-runs"),
    path("monitors/<int:number>/windows/", views.WindowList.as_view(), name="api-windows"),
    path("windows/<int:number>/", views.WindowDetail.as_view(), name="api-window"),
    path("windows/<int:number>/explanation/", views.WindowExplanation.as_view(), name="api-explanation"),
    path("windows/<int:number>/files/", views.WindowFiles.as_view(), name="api-files"),
    path("windows/<int:number>/exact/", views.WindowExact.as_view(), name="api-exact"),
    path("breaches/", views.BreachList.as_view(), name="api-breaches"),
    path("runs/<int:number>/", views.RunDetail.as_view(), name="api-run"),
]
