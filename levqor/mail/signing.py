"""What Resend signs its webhooks with. Apart from the webhook itself, whose libraries take half a second to load."""

import base64


def is_usable(secret: str) -> bool:
    """True for what Resend gives as a signing secret: base64 behind `whsec_`."""
    try:
        return bool(base64.b64decode(f"{secret.removeprefix('whsec_')}=="))
    except ValueError:
        return False
