"""Who our customers are: people (users), the accounts they belong to, the plan an account is on and what it promises."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from levqor.audit.models import record
from levqor.lib.actors import Actor
from levqor.lib.events import emit
from levqor.lib.money import format_price
from levqor.lib.states import move

if TYPE_CHECKING:
    from django.db.models import QuerySet


class UserManager(BaseUserManager["User"]):
    """Creates users by their address; Django's own manager insists on a user name."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person; the e-mail address is the login."""

    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=200, blank=True)
    is_staff = models.BooleanField(default=False, help_text="May open the back office.")
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once_in_any_case")]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.full_name or self.email

    def get_short_name(self) -> str:
        return self.full_name.split(" ")[0] if self.full_name else self.email


class ApiTier(models.TextChoices):
    SANDBOX = "sandbox", "Sandbox"
    PRO = "pro", "Pro"
    ENTERPRISE = "enterprise", "Enterprise"


class Plan(models.Model):
    """What an account subscribes to. `stripe_price_ids` tell which Stripe prices mean this plan."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    price_cents = models.PositiveIntegerField(help_text="Per month, in the currency's smallest unit.")
    currency = models.CharField(max_length=3, default="gbp")
    stripe_price_ids = models.JSONField(default=list, blank=True)
    api_tier = models.CharField(max_length=16, choices=ApiTier, default=ApiTier.SANDBOX)
    uptime_percent = models.DecimalField(
        "uptime promise", max_digits=5, decimal_places=2, default=Decimal("99.90"), help_text="Per calendar month."
    )
    response_days = models.PositiveSmallIntegerField(
        "support response", default=3, help_text="Business days until support answers first."
    )
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.CheckConstraint(
                condition=Q(uptime_percent__gt=0, uptime_percent__lte=100), name="plan_uptime_is_a_percentage"
            ),
            models.CheckConstraint(condition=Q(response_days__gte=1), name="plan_response_takes_a_day_at_least"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def price(self) -> str:
        """Per month, as people write it, without empty pence: `£29`."""
        return format_price(self.price_cents, self.currency)

    @property
    def uptime(self) -> str:
        """`99.9%`."""
        return f"{self.uptime_percent.normalize():f}%"

    @property
    def response(self) -> str:
        """`3 business days`."""
        return "1 business day" if self.response_days == 1 else f"{self.response_days} business days"


class SlaTermsQuerySet(models.QuerySet["SlaTerms"]):
    def valid_on(self, day: date) -> "SlaTerms":
        """The terms that hold for the calendar month of `day`; raises DoesNotExist before the first."""
        return self.filter(valid_from__lte=day).prefetch_related("bands").latest("valid_from")


class SlaTerms(models.Model):
    """One version of what the SLA promises. Claims of a month follow the version valid in it; none is ever edited."""

    version = models.PositiveIntegerField(unique=True)
    valid_from = models.DateField(unique=True)
    target_percent = models.DecimalField(max_digits=5, decimal_places=2)
    cap_percent = models.PositiveSmallIntegerField(help_text="Credit of one month at most, in percent of its price.")
    claim_days = models.PositiveSmallIntegerField(help_text="Days after the month's end in which it can be claimed.")
    note = models.CharField(max_length=300, blank=True, help_text="What changed, and why.")

    objects = SlaTermsQuerySet.as_manager()

    class Meta:
        verbose_name = "SLA terms"
        verbose_name_plural = "SLA terms"
        constraints = [
            models.CheckConstraint(
                condition=Q(target_percent__gt=0, target_percent__lte=100), name="sla_target_is_a_percentage"
            ),
            models.CheckConstraint(
                condition=Q(cap_percent__gte=1, cap_percent__lte=100), name="sla_cap_is_a_percentage"
            ),
            models.CheckConstraint(condition=Q(claim_days__gte=1), name="sla_claim_window_is_open"),
        ]

    def __str__(self) -> str:
        return f"SLA terms {self.version}"

    def credit_percent(self, uptime: Decimal) -> int:
        """The credit that a month of this uptime earns, in percent of its price: 0 at or above the target."""
        if uptime >= self.target_percent:
            return 0
        reached = [band for band in self.bands.all() if uptime >= band.floor_percent]
        best = max(reached, key=lambda band: band.floor_percent)
        return min(best.credit_percent, self.cap_percent)

    def bands_in_words(self) -> list[tuple[str, int]]:
        """Each band from the best uptime down, and its credit: `("99.0% or more, but below 99.9%", 10)`."""
        rows, upper = [], self.target_percent
        for band in self.bands.all():
            below = f"below {percent_words(upper)}"
            span = f"{percent_words(band.floor_percent)} or more, but {below}" if band.floor_percent else below
            rows.append((span, band.credit_percent))
            upper = band.floor_percent
        return rows


def percent_words(value: Decimal) -> str:
    """With one decimal place, or two where there are two: `99.0%`, `99.95%`."""
    return f"{value:.2f}".removesuffix("0") + "%"


class SlaBand(models.Model):
    """From `floor_percent` of uptime up to the next band's floor (or the target), the month earns this credit."""

    terms = models.ForeignKey(SlaTerms, on_delete=models.CASCADE, related_name="bands")
    floor_percent = models.DecimalField(max_digits=5, decimal_places=2)
    credit_percent = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["-floor_percent"]
        constraints = [
            models.UniqueConstraint(fields=["terms", "floor_percent"], name="sla_band_once"),
            models.CheckConstraint(
                condition=Q(floor_percent__gte=0, floor_percent__lt=100), name="sla_band_floor_is_a_percentage"
            ),
            models.CheckConstraint(
                condition=Q(credit_percent__gte=1, credit_percent__lte=100), name="sla_band_credit_is_a_percentage"
            ),
        ]

    def __str__(self) -> str:
        return f"from {self.floor_percent.normalize():f}%: {self.credit_percent}%"


class Standing(models.TextChoices):
    ACTIVE = "active", "Active"
    PAST_DUE = "past_due", "Past due"
    SUSPENDED = "suspended", "Suspended"


@cache
def known_time_zones() -> frozenset[str]:
    """The names of this machine's time zones; read once, because asking for them walks the whole database on disk."""
    return frozenset(available_timezones())


def validate_time_zone(value: str) -> None:
    if value not in known_time_zones():
        raise ValidationError("Use a name of the IANA time zone database, such as Europe/London.")


class AccountQuerySet(models.QuerySet["Account"]):
    def locked(self, pk: int) -> "Account":
        """The account, locked until the end of the transaction: whoever changes its money or standing takes this first.

        On SQLite the transaction itself is the lock, since ours begin IMMEDIATE.
        """
        return self.select_for_update().get(pk=pk)


class Account(models.Model):
    """A customer: who pays, on which plan, and whether the service is on."""

    Standing = Standing
    TRANSITIONS = {
        Standing.ACTIVE: {Standing.PAST_DUE, Standing.SUSPENDED},
        Standing.PAST_DUE: {Standing.ACTIVE, Standing.SUSPENDED},
        Standing.SUSPENDED: {Standing.ACTIVE, Standing.PAST_DUE},
    }

    name = models.CharField(max_length=200)
    billing_email = models.EmailField(blank=True)
    stripe_customer_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    plan = models.ForeignKey(Plan, null=True, blank=True, on_delete=models.PROTECT)
    api_tier = models.CharField(max_length=16, choices=ApiTier, blank=True, help_text="Empty: the plan's tier.")
    time_zone = models.CharField(max_length=64, default="Europe/London", validators=[validate_time_zone])
    standing = models.CharField(max_length=16, choices=Standing, default=Standing.ACTIVE)
    is_exempt_from_dunning = models.BooleanField(
        "exempt from dunning", default=False, help_text="No reminder and no suspension until this is taken off."
    )
    exemption_reason = models.CharField(max_length=300, blank=True)
    members: "models.ManyToManyField[User, Membership]" = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="accounts"
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = AccountQuerySet.as_manager()

    class Meta:
        indexes = [
            # One clear match of address, for cases and sign-in.
            models.Index(Lower("billing_email"), name="account_billing_email"),
            models.Index(fields=["standing"], name="account_standing"),
            # Lists of rows by their customer's name.
            models.Index(fields=["name", "id"], name="account_name"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(standing__in=Standing.values), name="account_standing_is_known"),
        ]

    def __str__(self) -> str:
        return self.name or self.billing_email or self.stripe_customer_id or f"Account {self.pk}"

    @property
    def zone(self) -> ZoneInfo:
        """The customer's time zone; London where the stored name is unknown to this machine."""
        return ZoneInfo(self.time_zone if self.time_zone in known_time_zones() else "Europe/London")

    def day_of(self, moment: datetime) -> str:
        """The customer's day, written out: `3 November 2026`."""
        local = moment.astimezone(self.zone)
        return f"{local.day} {local:%B %Y}"

    def owner(self) -> User | None:
        """The member who stands for the account in tables that name one user: the first to have joined."""
        return self.members.order_by("membership__pk").first()

    def billing_addresses(self) -> list[str]:
        """Where billing mail may go, best first, each address once."""
        return list(self.each_billing_address())

    def each_billing_address(self) -> Iterator[str]:
        """The same, looked up no further than the caller reads: the first is on the row itself."""
        contacts = self.contacts.order_by("position", "pk").values_list("email", flat=True)
        members = self.members.order_by("membership__pk").values_list("email", flat=True)
        seen = {""}
        for address in chain([self.billing_email], contacts, members):
            if address.lower() not in seen:
                seen.add(address.lower())
                yield address

    def take_billing_email(self, address: str, *, by: Actor, at: datetime) -> None:
        """What the payment provider holds is where the next mail goes. The trail tells that it changed, and no address."""
        with transaction.atomic(savepoint=False):
            self.billing_email = address[:254]
            self.save(update_fields=["billing_email"])
            record("billing_email.changed", self, by=by, at=at)

    def live_suspensions(self) -> "QuerySet[Suspension]":
        return self.suspensions.filter(lifted_at__isnull=True)

    def suspend(self, reason: str, *, by: Actor, at: datetime, note: str = "") -> bool:
        """Switches the service off for one more reason; False where it is off for that reason already.

        Whoever listens to `standing.suspended` hears of it in the same transaction, and of its end by `standing.restored`.
        """
        with transaction.atomic():
            _, is_new = Suspension.objects.get_or_create(
                account=self, reason=reason, lifted_at=None, defaults={"suspended_at": at}
            )
            if is_new and self.standing != Standing.SUSPENDED:
                move(self, Standing.SUSPENDED, by=by, at=at, reason=note, field="standing")
                emit("standing.suspended", account=self, reason=reason, at=at)
        return is_new

    def lift_suspension(self, reason: str, *, back_to: str, by: Actor, at: datetime, note: str = "") -> bool:
        """Takes one reason away; the service comes back when none is left. True where it came back."""
        with transaction.atomic():
            lifted = self.live_suspensions().filter(reason=reason).update(lifted_at=at)
            if not lifted or self.standing != Standing.SUSPENDED or self.live_suspensions().exists():
                return False
            move(self, back_to, by=by, at=at, reason=note, field="standing")
            emit("standing.restored", account=self, at=at)
        return True


class Membership(models.Model):
    """A person's place in an account."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    joined_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "user"], name="membership_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"


class AccountContact(models.Model):
    """A further address for billing mail, tried when the first one bounces."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="contacts")
    email = models.EmailField()
    name = models.CharField(max_length=200, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint("account", Lower("email"), name="contact_once_per_account")]

    def __str__(self) -> str:
        return self.email


class Suspension(models.Model):
    """One reason why an account's service is off; paying lifts the billing one and never an abuse one."""

    class Reason(models.TextChoices):
        BILLING = "billing", "Unpaid invoice"
        ABUSE = "abuse", "Abuse"
        MANUAL = "manual", "Decided by staff"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="suspensions")
    reason = models.CharField(max_length=16, choices=Reason)
    suspended_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "reason"], condition=Q(lifted_at__isnull=True), name="suspension_once_per_reason"
            ),
            models.CheckConstraint(
                condition=Q(reason__in=["billing", "abuse", "manual"]), name="suspension_reason_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} since {self.suspended_at:%d %b %Y}"
