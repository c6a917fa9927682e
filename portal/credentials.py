"""Who acts by a command: an account by its name and its password, as if it signed in."""

import getpass
import sys

from django.core.management.base import CommandError

from accounts.backends import ActiveAccountBackend
from accounts.models import Account


def ask_who(username: str, *, is_piped: bool) -> tuple[Account, str]:
    """The account and the password that was given for it; is_piped: read it from standard input."""
    password = sys.stdin.readline().rstrip("\n") if is_piped else getpass.getpass(f"Password of {username}: ")
    account = Account.objects.select_related("person").filter(username=username).first()
    known = account and ActiveAccountBackend().user_can_authenticate(account) and account.check_password(password)
    if not known:
        raise CommandError("This user name and password do not sign in.")
    return account, password
