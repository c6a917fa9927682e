"""What the records of the demonstration's models say: told by its people, decided by the officer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from accounts.models import Account
from inventory.models import NOUNS, FieldDefinition, Framework, Model, Part
from inventory.services import (
    add_part,
    ask_for_approval,
    classify_change,
    decide_approval,
    define_field,
    edit_record,
    give_verdict,
    record_digest,
    renew_overlay,
    set_overlay_value,
)

OWNER, OFFICER, VALIDATOR, MEMBER = "solberg", "achterberg", "nair", "duarte"
BOTH = {
    "legal_entity": "Harbour Bank ASA",
    "jurisdictions": "Norway, Sweden",
    "products": "Credit cards to private customers",
    "inherent_risk": "high",
    "data_sources": "Card system: limits, bills, payments and repayment status of six months. Customer register:"
    " age, education, marital status. Both are loaded monthly.",
    "inputs": "Limit, education, repayment status, bills and payments of six months; no sex, age or marital status.",
    "outputs": "Probability of default within a month, 0 to 1, to the application system.",
    "alternative_data": "none",
    "validation_months": 12,
    "validation_rationale": "Decides on its own, on customers whose behaviour moves with the economy.",
    "open_findings": "none",
}
RECORDS = {
    "card-default-scorecard": BOTH
    | {
        "origin": "internal",
        "method": "Logistic regression, scaled to points",
        "users": "Card underwriting, the application system, Portfolio Control",
        "rating_inputs": "Exposure NOK 4.1 bn. Purpose: declines on its own. Complexity low. Data of one vintage.",
        "residual_risk": "moderate",
        "next_rating_on": date(2027, 3, 1),
        "dependencies": "Feeds the limit strategy. Challenged by the boosted model. Shares its data with it.",
        "deployed_on": date(2025, 9, 15),
        "monitoring_exceptions": "none",
        "last_review_on": date(2026, 2, 20),
        "next_review_on": date(2027, 2, 20),
        "valid_from": date(2025, 9, 15),
        "valid_until": date(2027, 9, 14),
        "approval_conditions": "Recalibrated where PSI of the score stays above 0.25 for two months.",
    },
    "card-default-boosted": BOTH
    | {
        "origin": "internal",
        "method": "Gradient-boosted trees",
        "users": "Model development",
        "residual_risk": "low",
        "dependencies": "Challenges the scorecard; feeds nothing.",
    },
}
PARTS = {
    "card-default-scorecard": (
        (
            "uses",
            {
                "purpose": "Declines card applications whose probability of default is 35 % or more",
                "product": "Credit cards, private customers",
                "legal_entity": "Harbour Bank ASA",
                "jurisdiction": "Norway",
                "intended_use": "Cut-off in the application system, without a person in between",
                "actual_use": "As intended; since May branches also read it when they are asked for a higher limit",
                "operating_boundaries": "Limits from NOK 10,000 to 150,000, customers for six months or longer",
                "restrictions": "Not for corporate cards, not for pricing",
            },
        ),
        (
            "uses",
            {
                "purpose": "Sets the first limit of accepted applicants in bands",
                "product": "Credit cards, private customers",
                "legal_entity": "Harbour Bank ASA",
                "jurisdiction": "Sweden",
                "intended_use": "One of three inputs of the limit strategy",
                "operating_boundaries": "As for applications",
                "restrictions": "none",
            },
        ),
        (
            "assumptions",
            {
                "statement": "Applicants of next year behave like those of the training vintage",
                "basis": "Three vintages before it differ by less than 0.02 in AUC",
                "sensitivity": "PD is too low where unemployment rises: 1 point costs about 0.4 points of PD",
                "watched_by": "PSI of the score, monthly",
            },
        ),
        (
            "assumptions",
            {
                "statement": "Repayment status is reported within five days of the due date",
                "basis": "Contract with the card processor",
                "sensitivity": "Late status reads as good status",
            },
        ),
        (
            "limitations",
            {
                "statement": "Few defaults of customers under 25 in the training data",
                "mitigant": "Overlay on the score of that group, reviewed each half-year",
                "use_limit": "No first limit above NOK 25,000 for them on the score alone",
            },
        ),
        (
            "limitations",
            {
                "statement": "No data of a recession",
                "mitigant": "Stressed cut-off agreed with Group Risk",
                "use_limit": "Not used for capital or provisions",
            },
        ),
        ("responsibilities", {"duty": "reviewer", "person": VALIDATOR, "note": "Review of February 2026"}),
        ("responsibilities", {"duty": "validator", "person": VALIDATOR}),
        ("responsibilities", {"duty": "approver", "person": MEMBER, "note": "Retail model committee"}),
        (
            "exceptions",
            {
                "rule": "Monitoring begins with the first day of use",
                "reason": "Labels of the first two months came from a report that is kept by hand",
                "mitigant": "The report was checked against the card system, row by row",
                "expires_on": date(2027, 1, 31),
            },
        ),
    ),
    "card-default-boosted": (
        (
            "uses",
            {
                "purpose": "Scores the same applications beside the scorecard and decides nothing",
                "product": "Credit cards, private customers",
                "legal_entity": "Harbour Bank ASA",
                "jurisdiction": "Norway",
                "intended_use": "Compared with the scorecard each quarter",
                "actual_use": "As intended",
                "operating_boundaries": "As the scorecard's",
                "restrictions": "No decision about a customer rests on it",
            },
        ),
        (
            "assumptions",
            {
                "statement": "The scorecard's accepted applicants stand for all applicants",
                "basis": "Decline rate below 12 %",
            },
        ),
        (
            "limitations",
            {
                "statement": "Its reasons are harder to give to a customer than those of the scorecard",
                "mitigant": "SHAP values of every scored month are filed",
                "use_limit": "None while it decides nothing",
            },
        ),
    ),
}
VERDICTS = {
    "card-default-scorecard": (
        ("ss1-23", "in", OWNER, "Material decisions on customers rest on it."),
        ("e-23", "in", OWNER, "A statistical method that gives results; not negligible."),
        ("ai-act", "in", OWNER, "Creditworthiness of natural persons: high-risk by Annex III 5(b)."),
        ("sr-26-2", "out", OFFICER, "No US entity uses it. To be looked at again where the cards go to New York."),
    ),
    "card-default-boosted": (
        ("ss1-23", "in", OWNER, "A challenger in development is part of the inventory (1.2)."),
        ("sr-26-2", "out", OFFICER, "No US entity uses it."),
    ),
}


def describe(model: Model, name: str) -> None:
    """Tell the portal what the record of the model says, once."""
    if hasattr(model, "profile"):
        return
    by, officer = _account(OWNER), _account(OFFICER)
    edit_record(model=model, changes=RECORDS[name], expected_digest=record_digest(model), by=by)
    parts = [_add(model, noun, values, by) for noun, values in PARTS[name]]
    _approve(parts[0], by, officer)
    limitation = next(part for part in parts if part.LETTER == "L")
    if name == "card-default-scorecard":
        _adjust(model, limitation, by)
        edit_record(
            model=model, changes={"rating_basis": "confirmed"}, expected_digest=record_digest(model), by=officer
        )
    for code, scope, who, rationale in VERDICTS[name]:
        give_verdict(
            model=model,
            framework=Framework.objects.judged_by().get(code=code),
            scope=scope,
            rationale=rationale,
            by=_account(who),
        )
    classify_change(
        version=model.versions.newest_first().first(),
        change_class="material",
        reason="The first version: all of it is new",
        by=by,
    )


def define_own_field() -> None:
    """A field of the bank's own, which every model of tier 1 and 2 must have."""
    if FieldDefinition.objects.filter(key="cost_centre").exists():
        return
    define_field(
        key="cost_centre",
        label="Cost centre",
        type="text",
        help="Which cost centre pays for its upkeep",
        required_tiers=[1, 2],
        by=_account(OFFICER),
    )


def _add(model: Model, noun: str, values: dict, by: Account) -> Part:
    person = {"person": _account(values["person"]).person} if "person" in values else {}
    return add_part(model=model, noun=NOUNS[noun], values=values | person, by=by)


def _approve(part: Part, by: Account, officer: Account) -> None:
    proposal = ask_for_approval(part=part, reason="As the committee saw it in February", by=by)
    decide_approval(proposal=proposal, accept=True, reason="The text is that of the minutes", by=officer)


def _adjust(model: Model, limitation: Part, by: Account) -> None:
    """An overlay that keeps coming back, so that the model is to be looked at."""
    overlay = add_part(
        model=model,
        noun=NOUNS["overlays"],
        values={
            "name": "Uplift of the score of customers under 25",
            "unit": "basis_points",
            "limitation": limitation,
            "rationale": "Defaults of that group ran above the score in each quarter since the start",
            "expires_on": date(2026, 12, 31),
        },
        by=by,
    )
    for value, day in ((60, date(2025, 10, 1)), (85, date(2026, 4, 1))):
        set_overlay_value(overlay=overlay, value=Decimal(value), effective_on=day, reason="Half-yearly review", by=by)
    for until in (date(2027, 6, 30), date(2027, 12, 31), date(2028, 6, 30)):
        renew_overlay(overlay=overlay, expires_on=until, reason="The data still hold few of them", by=by)


def _account(username: str) -> Account:
    return Account.objects.select_related("person").get(username=username)
