"""How dates are written: `24 Nov 2026, 17:55`, where Django's British English says `24 Nov. 2026, 5:55 p.m.` or `noon`."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
SHORT_DATE_FORMAT = "j M Y"
SHORT_DATETIME_FORMAT = "j M Y, H:i"
