"""What the status page lists: the parts of the service as customers know them."""

from django.db import models
from django.db.models import Q
from django.utils import timezone

from status.component_states import ComponentState


class Component(models.Model):
    """One line of the page. `slug` ties it to what is measured; `manual_state` is what staff say beyond that."""

    public_id = models.CharField(
        max_length=32, unique=True, help_text="The id that outsiders know it by; never changes."
    )
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    position = models.PositiveSmallIntegerField(default=0)
    manual_state = models.CharField(
        max_length=24,
        choices=ComponentState,
        default=ComponentState.OPERATIONAL,
        help_text="The page shows the worst of this, the probes and the open incidents.",
    )
    start_date = models.DateField(null=True, blank=True, help_text="The first day for which figures are shown.")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(manual_state__in=ComponentState.values), name="component_manual_state_known"
            )
        ]

    def __str__(self) -> str:
        return self.name
