from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from accounts.models import ApiToken
from accounts.services import hash_of, note_use


class BearerToken(BaseAuthentication):
    """`Authorization: Bearer assay_…`, looked up by its SHA-256."""

    keyword = "Bearer"

    def authenticate(self, request):
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        if len(words) != 2:
            raise AuthenticationFailed("The Authorization header must read: Bearer, a space, the token.")
        token = (
            ApiToken.objects.usable()
            .select_related("account__person__details", "unit", "use")
            .filter(sha256=hash_of(words[1].decode("ascii", errors="replace")))
            .first()
        )
        if token is None:
            raise AuthenticationFailed(
                "This token is unknown, revoked or expired. Make a new one under your name, API tokens."
            )
        note_use(token=token)
        token.account.token = token
        return token.account, token

    def authenticate_header(self, request) -> str:
        return self.keyword


class BearerTokenInSchema(OpenApiAuthenticationExtension):
    """How the API's description names it; without it the description would show no way to sign in."""

    target_class = BearerToken
    name = "token"

    def get_security_definition(self, auto_schema) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
