from django.urls import path

from inventory.views import fields, frameworks, model, models, parts, record, verdicts

urlpatterns = [
    path("frameworks/", frameworks.frameworks, name="frameworks"),
    path("frameworks/<slug:code>/", frameworks.framework, name="framework"),
    path("models/", models.models, name="models"),
    path("models/<str:ref>/", model.model, name="model"),
    path("models/<str:ref>/versions/", model.versions, name="model-versions"),
    path("models/<str:ref>/record/", record.record, name="model-record"),
    path("models/<str:ref>/record/edit/", record.edit_record, name="edit-record"),
    path("models/<str:ref>/verdicts/add/", verdicts.give_verdict, name="give-verdict"),
    path("models/<str:ref>/uses-and-limits/", parts.parts, name="model-parts"),
    path("models/<str:ref>/parts/<slug:noun>/add/", parts.add_part, name="add-part"),
    path("models/<str:ref>/parts/<slug:noun>/<int:item>/", parts.part, name="part"),
    path("models/<str:ref>/parts/<slug:noun>/<int:item>/close/", parts.close_part, name="close-part"),
    path("models/<str:ref>/parts/<slug:noun>/<int:item>/approval/", parts.ask_for_approval, name="ask-for-approval"),
    path("models/<str:ref>/parts/<slug:noun>/<int:item>/decision/", parts.decide_approval, name="decide-approval"),
    path("models/<str:ref>/overlays/<int:item>/renewal/", parts.renew_overlay, name="renew-overlay"),
    path("models/<str:ref>/overlays/<int:item>/value/", parts.set_overlay_value, name="set-overlay-value"),
    path("record-fields/", fields.record_fields, name="record-fields"),
    path("record-fields/<slug:key>/retire/", fields.retire_field, name="retire-field"),
    path("versions/<int:number>/change-class/", model.classify_change, name="classify-change"),
    path("versions/<int:number>/digest/", model.retry_digest, name="retry-digest"),
]
