"""Every address of the portal. The apps keep their own; the portal joins them."""

from django.contrib.auth.views import LogoutView
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView

from portal.views import (
    administration,
    api_addresses,
    api_files,
    api_guide,
    epochs,
    failures,
    files,
    find,
    health,
    history,
    home,
    jobs,
    people,
    sign_in,
    tokens,
    trail,
)

handler500 = failures.failed

urlpatterns = [
    path("", home.home, name="home"),
    path("sign-in/", sign_in.SignIn.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("", include("inventory.urls")),
    path("", include("monitoring.urls")),
    path("models/<str:ref>/trail/", trail.model_trail, name="model-trail"),
    path("models/<str:ref>/history/", history.model_history, name="model-history"),
    path("models/<str:ref>/trail/export/", trail.export_model_trail, name="export-trail"),
    path("audit/", trail.audit, name="audit"),
    path("audit/export/", trail.export_log, name="export-log"),
    path("audit/entries/<int:entry>/receipt/", trail.receipt, name="receipt"),
    path("audit/verifier.py", trail.verifier_file, name="verifier"),
    path("files/<int:number>/", files.download, name="file"),
    path("framed/reports/<int:number>/", files.report_page, name="report-page"),
    path("administration/", administration.administration, name="administration"),
    path("administration/roles/propose/", administration.propose_role, name="propose-role"),
    path("administration/roles/<int:number>/end/", people.propose_end_of_role, name="end-role"),
    path("administration/proposals/<int:number>/decide/", administration.decide_proposal, name="decide-proposal"),
    path("administration/proposals/<int:number>/withdraw/", administration.withdraw_proposal, name="withdraw-proposal"),
    path("administration/units/add/", people.add_unit, name="add-unit"),
    path("administration/people/add/", people.add_person, name="add-person"),
    path("administration/people/<int:number>/disable/", people.disable_person, name="disable-person"),
    path("administration/people/<int:number>/enable/", people.propose_enabling, name="enable-person"),
    path("administration/accounts/add/", people.add_account, name="add-account"),
    path("administration/log/", epochs.epochs_of_the_log, name="epochs"),
    path("administration/log/propose/", epochs.propose_epoch, name="propose-epoch"),
    path("administration/log/<int:number>/decide/", epochs.decide_epoch, name="decide-epoch"),
    path("administration/log/<int:number>/withdraw/", epochs.withdraw_epoch, name="withdraw-epoch"),
    path("administration/tokens/propose/", people.propose_token, name="propose-token"),
    path("administration/jobs/", jobs.jobs, name="jobs"),
    path("administration/jobs/<int:number>/retry/", jobs.retry_job, name="retry-job"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/accepted/<int:number>/collect/", tokens.collect_token, name="collect-token"),
    path("tokens/<int:number>/revoke/", tokens.revoke_token, name="revoke-token"),
    path("find/<slug:kind>/", find.find, name="find"),
    path("health/", health.health, name="health"),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/v1/files/<int:number>/", api_files.FileDownload.as_view(), name="api-file"),
    path("api/v1/", include("monitoring.api.urls")),
    path("api/v1/", include("inventory.api.urls")),
    path("api/", api_guide.guide, name="api-guide"),
    re_path(r"^api/[\w\W]+$", api_addresses.no_such_address, name="api-unknown"),  # behind all that the API has
]
