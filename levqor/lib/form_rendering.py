"""How every form of the site is drawn: one template for a field (label, hint, error, control), one for a form.

Errors are listed again at the top of the page by `_error_summary.html`, which `base.html` includes for a form named `form`.
"""

from django.forms.renderers import TemplatesSetting


class SiteFormRenderer(TemplatesSetting):
    form_template_name = "forms/form.html"
    field_template_name = "forms/_field.html"
