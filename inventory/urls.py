from django.urls import path

from inventory import views

urlpatterns = [
    path("models/", views.models, name="models"),
    path("models/<str:ref>/", views.model, name="model"),
    path("models/<str:ref>/versions/", views.versions, name="model-versions"),
    path("versions/<int:number>/digest/", views.retry_digest, name="retry-digest"),
]
