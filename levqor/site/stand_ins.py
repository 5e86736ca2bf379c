"""What stands at addresses of CONTRACT section 3 whose rooms are not there yet: no form, no promise, but who helps today.

A room that comes takes its address here out of `urls.py`, gives its own URL name to `navigation.py`, and its text goes.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

# The steps of a complaint: what to write, to whom, and in how many business days there is an answer.
STEPS = [
    ("Support", "Say what went wrong and what would put it right.", "1 to 3"),
    ("Escalation", "Answer our last message with “Escalation” in the subject: somebody else looks at it.", "2 to 3"),
    ("Complaint", "Write “Complaint” in the subject: you get our final decision with its reasons.", "5 to 7"),
]


@gzip_page
@require_safe
def disputes(request: HttpRequest) -> HttpResponse:
    return render(request, "site/disputes.html", {"steps": STEPS, "breadcrumbs": [("Disputes", "")]})
