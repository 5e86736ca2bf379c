"""Filters of a queue that somebody of the staff wants again, under a name of their own."""

from django.conf import settings
from django.db import models
from django.db.models import Q


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def seen_by(self, user_id: int, queue: str) -> "SavedFilterQuerySet":
        """Their own, and what others share, in the order of names."""
        return self.filter(Q(owner=user_id) | Q(is_shared=True), queue=queue).select_related("owner").order_by("name")


class SavedFilter(models.Model):
    """The address of a list behind a name. What stands in it is judged anew whenever it is opened."""

    queue = models.CharField(max_length=100, help_text="The list that it is for, by its model’s label.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True)
    is_shared = models.BooleanField("shared", default=False, help_text="Everybody who works in this list sees it.")

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "queue", "name"], name="saved_filter_named_once_by_a_person"),
            models.CheckConstraint(condition=~Q(name=""), name="saved_filter_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name
