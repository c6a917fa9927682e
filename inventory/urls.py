from django.urls import path

from inventory.views import frameworks, model, models

urlpatterns = [
    path("frameworks/", frameworks.frameworks, name="frameworks"),
    path("frameworks/<slug:code>/", frameworks.framework, name="framework"),
    path("models/", models.models, name="models"),
    path("models/<str:ref>/", model.model, name="model"),
    path("models/<str:ref>/versions/", model.versions, name="model-versions"),
    path("versions/<int:number>/digest/", model.retry_digest, name="retry-digest"),
]
