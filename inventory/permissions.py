"""Who may see and change which model."""

from django.db.models import Func

from accounts.models import Account, Person, Unit
from accounts.permissions import check_may, check_reaches, may, reaches
from accounts.refusals import NotPermitted
from accounts.roles import Permission
from inventory.models import Assessment, Asset, ChangeSet, Export, Model, SavedView
from inventory.models.model import RELIANCE


def check_can_register(account: Account, unit: Unit, owner_id: int, developer_id: int | None) -> None:
    """An officer registers for anybody; owners and developers what is theirs; a token within its unit."""
    is_own = account.person_id in (owner_id, developer_id)
    if not reaches(account, Permission.REGISTER, unit=unit, is_own=is_own):
        if reaches(account, Permission.REGISTER, unit=unit, is_own=True):
            raise NotPermitted(
                f"You cannot register a model of others in {unit}: name yourself, {account.person.hr_number}, as its"
                " owner or developer, or let a model risk officer register it."
            )
        raise NotPermitted(
            f"You cannot register a model in {unit}: that takes its owner or developer with a role there,"
            " a model risk officer, or a token with the scope models:write for that unit."
        )


def can_see(account: Account, model: Model) -> bool:
    return reaches(
        account,
        Permission.SEE_MODELS,
        unit=model.unit,
        is_own=model.is_own_of(account),
        is_assigned=model.is_assigned_to(account),
    )


def check_can_see(account: Account, model: Model) -> None:
    if not can_see(account, model):
        raise NotPermitted(f"Your roles do not show you {model.ref}.")


def check_can_give_access(account: Account, model: Model, person: Person) -> None:
    """Who sees the model may let another see it; that the other is to validate or decide, the caller has checked."""
    if account.person_id == person.pk:
        raise NotPermitted("Nobody gives access to themselves; another person does.")
    check_can_see(account, model)


def check_can_edit(account: Account, model: Model) -> None:
    check_reaches(account, Permission.REGISTER, unit=model.unit, is_own=model.is_own_of(account))


def can_edit(account: Account, model: Model) -> bool:
    return reaches(account, Permission.REGISTER, unit=model.unit, is_own=model.is_own_of(account))


def check_can_move(account: Account, model: Model, stage: Model.Stage) -> None:
    """Who may edit a model may hand it on or take it out of use. To rely on it more takes somebody else, in person."""
    check_can_edit(account, model)
    if RELIANCE[stage] <= RELIANCE[Model.Stage(model.stage)]:
        return
    _check_another_person(account, model, f"whether it becomes {stage.label.lower()}")


def check_can_judge(account: Account, model: Model, what: str) -> None:
    """What is said of how far the model can be trusted is said by another person than its own, and in person."""
    check_can_edit(account, model)
    _check_another_person(account, model, what)


def can_judge(account: Account, model: Model) -> bool:
    is_somebody = not (account.is_service or account.token)
    return is_somebody and can_edit(account, model) and not model.was_built_by(account)


def check_can_erase(account: Account, model: Model) -> None:
    """Files of a model are evidence for and against who built it: somebody else erases them, in person."""
    check_can_edit(account, model)
    _check_another_person(account, model, "whether its files are erased")


def _check_another_person(account: Account, model: Model, what: str) -> None:
    if account.is_service or account.token:
        raise NotPermitted(f"A service account or token does not decide {what}; a person signs in and does.")
    if model.was_built_by(account):
        raise NotPermitted(
            f"You own, develop or registered {model.ref} or one of its versions; another person decides {what}."
        )


def can_monitor(account: Account, model: Model) -> bool:
    return reaches(account, Permission.MONITOR, unit=model.unit, is_own=model.is_own_of(account))


def check_can_monitor(account: Account, model: Model) -> None:
    check_reaches(account, Permission.MONITOR, unit=model.unit, is_own=model.is_own_of(account))


# ---- tiers ------------------------------------------------------------------------------------------------
def can_rate(account: Account, model: Model) -> bool:
    return reaches(account, Permission.RATE_MODELS, unit=model.unit, is_own=model.is_own_of(account))


def check_can_rate(account: Account, model: Model) -> None:
    check_reaches(account, Permission.RATE_MODELS, unit=model.unit, is_own=model.is_own_of(account))


def conflict_over(account: Account, assessment: Assessment) -> str:
    """Why the account's person may not judge a rating or decide on its tier; empty where there is no conflict."""
    if account.is_service or account.token:
        return "A service account or token judges no rating; a person signs in and does"
    if account.person_id in (assessment.answered_by_id, assessment.rated_by_id):
        return "You rated this model"
    return "You own or built this model" if assessment.model.was_built_by(account) else ""


def check_can_judge_rating(account: Account, assessment: Assessment) -> None:
    """Confirming and challenging is for somebody who neither built the model nor rated it."""
    model = assessment.model
    is_assigned = model.is_assigned_to(account)
    check_reaches(account, Permission.JUDGE_RATINGS, unit=model.unit, is_assigned=is_assigned)
    if why := conflict_over(account, assessment):
        raise NotPermitted(f"{why}; another person confirms or challenges its rating.")


def can_judge_rating(account: Account, assessment: Assessment) -> bool:
    model = assessment.model
    is_assigned = model.is_assigned_to(account)
    may_at_all = reaches(account, Permission.JUDGE_RATINGS, unit=model.unit, is_assigned=is_assigned)
    return may_at_all and not conflict_over(account, assessment)


def check_can_decide_tier(account: Account, model: Model) -> None:
    """Whether the person is in conflict, the proposal itself says."""
    check_reaches(account, Permission.DECIDE_TIERS, unit=model.unit)


def can_decide_tier(account: Account, model: Model) -> bool:
    return reaches(account, Permission.DECIDE_TIERS, unit=model.unit)


# ---- the network ------------------------------------------------------------------------------------------
def check_can_connect(account: Account, *ends: Model | Asset) -> None:
    """Who may edit the model at one end, and sees the one at the other; between assets, who keeps them."""
    models = [end for end in ends if isinstance(end, Model)]
    for model in models:
        check_can_see(account, model)
    if not models:
        check_can_keep_assets(account)
    elif not any(can_edit(account, model) for model in models):
        raise NotPermitted(
            "You cannot edit the model at either end; its owner, its developer or a model risk officer can."
        )


def can_add_assets(account: Account) -> bool:
    return may(account, Permission.REGISTER)


def check_can_add_assets(account: Account) -> None:
    """Whoever registers models names what they rest on."""
    check_may(account, Permission.REGISTER)


def can_keep_assets(account: Account) -> bool:
    return may(account, Permission.KEEP_ASSETS)


def check_can_keep_assets(account: Account) -> None:
    """What the whole bank shares is changed and retired for the whole bank."""
    check_may(account, Permission.KEEP_ASSETS)


# ---- saved views ------------------------------------------------------------------------------------------
def check_own_view(account: Account, view: SavedView) -> None:
    if view.owner_id != account.person_id:
        raise NotPermitted(f"{view} is a view of {view.owner}; save it under a name of your own to change it.")


def check_export(account: Account, export: Export) -> None:
    """A file of models goes to the account that asked for it, while that still sees every model in it."""
    if export.asked_by_id != account.pk:
        raise NotPermitted("This file was made for somebody else; export the list for yourself.")
    held = Export.objects.filter(pk=export.pk).values(key=Func("model_keys", function="unnest"))
    seen = Model.objects.visible_to(account).filter(pk__in=held).count()
    if hidden := len(export.model_keys) - seen:
        raise NotPermitted(
            f"Of the {len(export.model_keys):,} models in this file you may not see {hidden:,} any more."
            " Export the list again for those that you may see."
        )


def check_own_changes(account: Account, change_set: ChangeSet) -> None:
    if change_set.asked_by_id != account.pk:
        raise NotPermitted("Somebody else planned these changes; only who looked at them applies them.")
