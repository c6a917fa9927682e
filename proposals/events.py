from audit.events import Event

PROPOSED = Event("proposals.proposed", "Proposed", "{kind}: {what}. Reason: {reason}")
ACCEPTED = Event("proposals.accepted", "Proposal accepted", "{kind}: {what}. {reason}")
DECLINED = Event("proposals.declined", "Proposal declined", "{kind}: {what}. {reason}")
WITHDRAWN = Event("proposals.withdrawn", "Proposal withdrawn", "{kind}: {what}. {reason}")
OVERTAKEN = Event("proposals.overtaken", "Proposal overtaken", "{kind}: {what}. What it was about has changed since")
EXPIRED = Event("proposals.expired", "Proposal expired", "{kind}: {what}. {reason}")
APPLIED = Event("proposals.applied", "Change put in force", "{kind}: {what}")
