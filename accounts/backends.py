from django.contrib.auth.backends import ModelBackend


class ActiveAccountBackend(ModelBackend):
    """Password sign-in for people. Disabling a person or an account acts on the next request of every session."""

    def user_can_authenticate(self, user) -> bool:
        return user.is_active and user.person.is_active and not user.is_service

    def get_user(self, user_id):
        from accounts.models import Account

        account = Account.objects.select_related("person__details", "person__unit").filter(pk=user_id).first()
        return account if account and self.user_can_authenticate(account) else None
