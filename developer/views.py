"""The portal: what it is for, the keys and the usage of an account. The docs are in `docs_views.py`."""

import re
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_safe

from developer import keys
from developer.admission import QUOTAS
from developer.forms import CreateKeyForm, RotateKeyForm
from developer.models import ApiKey
from developer.portal import last_requests_of, standing_of, state_of, states_of
from levqor.accounts.membership import account_for, first_account_of
from levqor.accounts.models import Account, ApiTier, User
from levqor.lib.actors import customer

KEYS: Final = "developer:keys"
ACCOUNT_NUMBER: Final = re.compile(r"[0-9]{1,18}")
# Whoever signed up so recently and has no key yet lands on one.
JUST_SIGNED_UP: Final = timedelta(hours=1)


@gzip_page
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    context = {
        "tiers": tiers(),
        "curl": curl_line("test_key" if settings.DEBUG else "YOUR_KEY"),
        "breadcrumbs": [("Developers", "")],
    }
    return render(request, "developer/landing.html", context)


def tiers() -> list[tuple[str, int | None]]:
    return [(ApiTier(tier).label, quota) for tier, quota in QUOTAS.items()]


def curl_line(key: str) -> str:
    return f'curl "{settings.API_URL}/api/sandbox/metrics" -H "x-api-key: {key}"'


# Compressed pages that hold a secret beside what a caller can choose give the secret away by their length: no gzip below.


@require_safe
@never_cache
@login_required
def start(request: HttpRequest) -> HttpResponse:
    """Where sign-up ends: a key that works, shown this once, and the line to try it with."""
    at, user = timezone.now(), _user(request)
    is_meant = request.method == "GET" and request.headers.get("Sec-Fetch-Site") != "cross-site"
    if at - user.date_joined > JUST_SIGNED_UP or not is_meant:
        return HttpResponseRedirect(reverse(KEYS))
    account = account_for(user, at=at)
    issued = keys.first_key(account, by=user, at=at)
    return _shown(request, issued, is_first=True) if issued else HttpResponseRedirect(reverse(KEYS))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def manage(request: HttpRequest) -> HttpResponse:
    """Usage of the month, the keys, and the form for a new one."""
    at, user = timezone.now(), _user(request)
    account = _account_on_page(request, user)
    if request.method != "POST":
        return _keys_page(request, account, CreateKeyForm(), at=at)
    form = CreateKeyForm(request.POST)
    if not form.is_valid():
        return _keys_page(request, account, form, at=at, status=422)
    account = account or account_for(user, at=at)
    try:
        issued = keys.create_key(account, form.order(at=at), by=user, at=at)
    except keys.KeyRefusedError as refused:
        form.add_error("name", str(refused))
        form.begin_anew()
        return _keys_page(request, account, form, at=at, status=409)
    return _shown(request, issued)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def rotate(request: HttpRequest, pk: int) -> HttpResponse:
    at, user = timezone.now(), _user(request)
    key = _key_of(request, pk)
    form = RotateKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        overlap = timedelta(hours=said["overlap"])
        try:
            issued = keys.rotate_key(key, overlap=overlap, form_id=said["form_id"], by=user, at=at)
        except keys.KeyRefusedError as refused:
            messages.warning(request, str(refused))
            return HttpResponseRedirect(keys_url(key.account_id), status=303)
        return _shown(request, issued)
    context = _about(key, f"Rotate {key.name}", at=at) | {"form": form}
    return render(request, "developer/rotate.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    at, user = timezone.now(), _user(request)
    key = _key_of(request, pk)
    if request.method == "POST":
        if keys.revoke_key(key, by=customer(user), at=at):
            messages.success(request, f"{key} is revoked: every request with it is refused from now on.")
        else:
            when = timezone.localtime(ApiKey.objects.get(pk=key.pk).revoked_at)
            messages.warning(request, f"{key} is already revoked, since {when.day} {when:%B %Y, %H:%M:%S}.")
        return HttpResponseRedirect(keys_url(key.account_id), status=303)
    return render(request, "developer/revoke.html", _about(key, f"Revoke {key.name}", at=at))


def keys_url(account_id: int) -> str:
    """The keys of this account: somebody may be a member of several."""
    return reverse(KEYS, query={"account": account_id})


def _account_on_page(request: HttpRequest, user: User) -> Account | None:
    """The account that the address names, else the one that this person works in, who may have none yet: looking at the
    page opens none. Somebody else's is not found."""
    wanted = request.GET.get("account")
    if wanted is None:
        return first_account_of(user)
    if not ACCOUNT_NUMBER.fullmatch(wanted):
        raise Http404
    return get_object_or_404(user.accounts.select_related("plan"), pk=int(wanted))


def _keys_page(
    request: HttpRequest, account: Account | None, form: CreateKeyForm, *, at: datetime, status: int = 200
) -> HttpResponse:
    context = {"form": form, "breadcrumbs": [*_home(), ("Keys and usage", "")]}
    if account:
        context |= {
            "account": account,
            "accounts": _user(request).accounts.order_by("name", "pk"),
            "standing": standing_of(account, at=at),
            "states": states_of(account, at=at),
            "requests": last_requests_of(account),
        }
    return render(request, "developer/keys.html", context, status=status)


def _shown(request: HttpRequest, issued: keys.Issued, *, is_first: bool = False) -> HttpResponse:
    """The one page that shows a key, as the answer to the request that made it; sent again, it shows none."""
    if not issued.secret:
        messages.info(
            request, f"{issued.key} was made when this form was sent before. It was shown then, and is not again."
        )
        return HttpResponseRedirect(keys_url(issued.key.account_id), status=303)
    context = {
        "key": issued.key,
        "secret": issued.secret,
        "is_first": is_first,
        "curl": curl_line(issued.secret),
        "keys_url": keys_url(issued.key.account_id),
        "breadcrumbs": _trail(issued.key, "Your new key"),
    }
    return render(request, "developer/shown_once.html", context)


def _about(key: ApiKey, title: str, *, at: datetime) -> dict[str, Any]:
    return {
        "key": key,
        "state": state_of(key, at=at),
        "keys_url": keys_url(key.account_id),
        "breadcrumbs": _trail(key, title),
    }


def _key_of(request: HttpRequest, pk: int) -> ApiKey:
    if pk > 2**63 - 1:
        raise Http404
    keys_of_member = ApiKey.objects.filter(account__members=_user(request)).select_related("replaced_by")
    return get_object_or_404(keys_of_member, pk=pk)


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _home() -> list[tuple[str, str]]:
    return [("Developers", reverse("developer:landing"))]


def _trail(key: ApiKey, last: str) -> list[tuple[str, str]]:
    return [*_home(), ("Keys and usage", keys_url(key.account_id)), (last, "")]
