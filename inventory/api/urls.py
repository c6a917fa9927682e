from django.urls import path

from inventory.api import bulk, record, tiers, views
from inventory.models import NOUNS

urlpatterns = [
    path("bulk/models/", bulk.BulkModels.as_view(), name="api-upsert-models"),
    path("models/", views.ModelList.as_view(), name="api-models"),
    *(
        path(f"models/<path:ref>/{key}/<int:item>/closing/", record.closing_of(noun).as_view(), name=f"api-close-{key}")
        for key, noun in NOUNS.items()
    ),
    path("models/<path:ref>/overlays/<int:item>/values/", record.OverlayValues.as_view(), name="api-overlay-values"),
    path(
        "models/<path:ref>/overlays/<int:item>/renewals/", record.OverlayRenewals.as_view(), name="api-overlay-renewals"
    ),
    *(
        path(f"models/<path:ref>/{key}/<int:item>/", record.detail_of(noun).as_view(), name=f"api-part-of-{key}")
        for key, noun in NOUNS.items()
    ),
    *(
        path(f"models/<path:ref>/{key}/", record.list_of(noun).as_view(), name=f"api-{key}")
        for key, noun in NOUNS.items()
    ),
    path("models/<path:ref>/record/", record.RecordDetail.as_view(), name="api-record"),
    path("models/<path:ref>/verdicts/", record.VerdictList.as_view(), name="api-verdicts"),
    path("models/<path:ref>/versions/<str:label>/change-class/", record.ChangeClass.as_view(), name="api-change-class"),
    path("models/<path:ref>/versions/<str:label>/digest/", views.VersionDigest.as_view(), name="api-version-digest"),
    path("models/<path:ref>/versions/<str:label>/", views.VersionDetail.as_view(), name="api-version"),
    path("models/<path:ref>/versions/", views.VersionList.as_view(), name="api-versions"),
    path("models/<path:ref>/stage/", views.ModelStage.as_view(), name="api-model-stage"),
    path("models/<path:ref>/tier/", tiers.ModelTier.as_view(), name="api-tier"),
    path("models/<path:ref>/network/", tiers.ModelNetwork.as_view(), name="api-network"),
    path("models/<path:ref>/", views.ModelDetail.as_view(), name="api-model"),
    path("schemes/", tiers.SchemeList.as_view(), name="api-schemes"),
    path("schemes/<int:number>/effect/", tiers.SchemeEffect.as_view(), name="api-scheme-effect"),
    path("concentrations/", tiers.ConcentrationList.as_view(), name="api-concentrations"),
]
