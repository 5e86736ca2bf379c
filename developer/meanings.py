"""What each error code means and what to do about it, for its page and for the documentation."""

from typing import Final

from levqor.lib.problems import Code

MEANINGS: Final = {
    Code.BAD_REQUEST: "The request cannot be read as what this address expects. The answer says what is wrong.",
    Code.MALFORMED_JSON: "The body is not JSON. Look for a missing bracket, a comma too many, or single quotes.",
    Code.INVALID_SIGNATURE: "The signature of a webhook does not fit its body, or is older than five minutes.",
    Code.UNAUTHORIZED: "The key is missing or not valid. A key that was revoked stops working at once.",
    Code.ACCOUNT_SUSPENDED: "The account is suspended. Settle the open invoice, or write to support.",
    Code.FORBIDDEN: "This is not open to you.",
    Code.NOT_FOUND: "There is nothing at this address. Addresses of the API have no slash at their end.",
    Code.METHOD_NOT_ALLOWED: "The address exists, but not for this method. The Allow header names those that it takes.",
    Code.CONFLICT: "The same request is being worked on at this moment. Ask again with the same idempotency key.",
    Code.PAYLOAD_TOO_LARGE: "The body is larger than this address takes.",
    Code.UNSUPPORTED_MEDIA_TYPE: "Send JSON, and say so: Content-Type: application/json.",
    Code.VALIDATION_ERROR: "A field is missing, unknown or out of its bounds. The member “errors” points at each one.",
    Code.IDEMPOTENCY_MISMATCH: "This idempotency key was used for another body. Use a new key for a new request.",
    Code.QUOTA_EXCEEDED: "The requests of this month are used up. The answer says when the next month begins.",
    Code.RATE_LIMITED: "Too many within a short time. Wait as many seconds as Retry-After says.",
    Code.INTERNAL_ERROR: "A fault on our side. It is logged under the request id; name it if you write to us.",
    Code.UNAVAILABLE: "Something that we need does not answer at the moment. Try again after a while.",
}
