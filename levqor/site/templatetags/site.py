"""What `base.html` needs beyond Django's own tags."""

from typing import Any

from django import template
from django.template import NodeList
from django.template.base import Parser, Token
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()


@register.simple_tag
def icon(name: str) -> SafeString:
    """A symbol of `static/images/icons.svg`, for the eye alone: the word beside it says the same."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("images/icons.svg"),
        name,
    )


@register.tag
def capture(parser: Parser, token: Token) -> "CaptureNode":
    """`{% capture name %}…{% endcapture %}` keeps what it renders as `name`: a block can then be shown twice."""
    _, name = token.split_contents()
    nodelist = parser.parse(["endcapture"])
    parser.delete_first_token()
    return CaptureNode(name, nodelist)


class CaptureNode(template.Node):
    def __init__(self, name: str, nodelist: NodeList) -> None:
        self.name = name
        self.nodelist = nodelist

    def render(self, context: Any) -> str:
        # Rendered by the engine, so escaped already wherever it shows a variable.
        context[self.name] = mark_safe(" ".join(self.nodelist.render(context).split()))  # noqa: S308
        return ""
