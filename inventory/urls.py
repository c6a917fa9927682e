from django.urls import path

from inventory.views import model, models

urlpatterns = [
    path("models/", models.models, name="models"),
    path("models/<str:ref>/", model.model, name="model"),
    path("models/<str:ref>/versions/", model.versions, name="model-versions"),
    path("versions/<int:number>/digest/", model.retry_digest, name="retry-digest"),
]
