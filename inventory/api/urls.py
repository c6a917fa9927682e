from django.urls import path

from inventory.api import views

urlpatterns = [
    path("models/", views.ModelList.as_view(), name="api-models"),
    path("models/<path:ref>/versions/<str:label>/digest/", views.VersionDigest.as_view(), name="api-version-digest"),
    path("models/<path:ref>/versions/<str:label>/", views.VersionDetail.as_view(), name="api-version"),
    path("models/<path:ref>/versions/", views.VersionList.as_view(), name="api-versions"),
    path("models/<path:ref>/stage/", views.ModelStage.as_view(), name="api-model-stage"),
    path("models/<path:ref>/", views.ModelDetail.as_view(), name="api-model"),
]
