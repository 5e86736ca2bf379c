"""The five states of a component, in Statuspage's words, and what each weighs."""

from django.db import models


class ComponentState(models.TextChoices):
    OPERATIONAL = "operational", "Operational"
    MAINTENANCE = "under_maintenance", "Under maintenance"
    DEGRADED = "degraded_performance", "Degraded performance"
    PARTIAL = "partial_outage", "Partial outage"
    MAJOR = "major_outage", "Major outage"


# From harmless to grave. Maintenance stands below every fault, so it never hides one.
SEVERITY = {state: rank for rank, state in enumerate(ComponentState)}
# How much of a minute counts as down; published with every figure that is computed from it.
WEIGHTS = {ComponentState.MAJOR: 1.0, ComponentState.PARTIAL: 0.3}


def worst(*states: ComponentState) -> ComponentState:
    """The gravest of the states; operational where none is given."""
    return max(states, key=SEVERITY.__getitem__, default=ComponentState.OPERATIONAL)
