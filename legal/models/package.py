"""The done-for-you packages: one row each, from which every live page and every new version reads its facts."""

from django.db import models
from django.db.models import F, Q

from levqor.lib.money import format_price


class DfyPackageQuerySet(models.QuerySet["DfyPackage"]):
    def on_sale(self) -> "DfyPackageQuerySet":
        return self.filter(is_active=True).order_by("position", "pk")


class DfyPackage(models.Model):
    """A build that customers buy once: so many workflows, delivered within so many business days, for one price."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    price_cents = models.PositiveIntegerField(help_text="In the currency's smallest unit: 9900 is £99.")
    currency = models.CharField(max_length=3, default="gbp")
    workflows = models.PositiveSmallIntegerField()
    delivery_days_min = models.PositiveSmallIntegerField("delivered after, at the earliest", help_text="Business days.")
    delivery_days_max = models.PositiveSmallIntegerField("delivered after, at the latest", help_text="Business days.")
    revisions = models.PositiveSmallIntegerField(help_text="Rounds of changes that the price includes.")
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField("on sale", default=True)

    objects = DfyPackageQuerySet.as_manager()

    class Meta:
        verbose_name = "DFY package"
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(delivery_days_min__gte=1, delivery_days_max__gte=F("delivery_days_min")),
                name="dfy_delivery_days_in_order",
            ),
            models.CheckConstraint(condition=Q(price_cents__gte=1), name="dfy_price_is_positive"),
            models.CheckConstraint(condition=Q(workflows__gte=1), name="dfy_builds_a_workflow_at_least"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def price(self) -> str:
        """As it is advertised: `£99`."""
        return format_price(self.price_cents, self.currency)

    @property
    def workflows_in_words(self) -> str:
        return _counted(self.workflows, "workflow")

    @property
    def delivery(self) -> str:
        """`5–7 business days`."""
        first, last = self.delivery_days_min, self.delivery_days_max
        return _counted(last, "business day") if first == last else f"{first}–{last} business days"

    @property
    def revisions_in_words(self) -> str:
        return f"{_counted(self.revisions, 'round')} of revisions"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
