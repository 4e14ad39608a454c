"""What the page says after something was done. The address names one of these, never a text."""

from __future__ import annotations

NOTES = {
    "added": "The user is a member now.",
    "cleared-faults": "No fault is played any more.",
    "cleared-log": "The log is empty.",
    "created": "Created.",
    "defined": "The permission can be granted now.",
    "deleted": "Deleted.",
    "fault": "The fault is played from now on.",
    "granted": "The permission is granted.",
    "key-revoked": "The API key is revoked.",
    "lifted": "The restriction is lifted.",
    "removed": "The user is no longer a member.",
    "restricted": "The user is restricted.",
    "revoked": "The permission is revoked.",
    "rotated": "New tokens are signed with new keys.",
    "saved": "Saved.",
    "session-ended": "The session has ended. Its access tokens stay good until they expire.",
    "sessions-ended": "All sessions have ended. Their access tokens stay good until they expire.",
    "undefined": "The permission is gone, and nobody holds it.",
    "unverified": "The e-mail address counts as not verified.",
    "verified": "The e-mail address counts as verified.",
}
