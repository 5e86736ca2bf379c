#!/usr/bin/env python3
"""Checks a receipt of an acceptance with Python alone, without Levqor.

    python3 verify_receipt.py receipt-ACC-….json [file …]

It recomputes the receipt's code, and compares every file given with the hashes in the receipt: the PDFs from the mail, or
the texts that a version's page offers. Exit 0: all is as it was accepted; 1: something is not; 2: this is no receipt.
Whether Levqor issued the receipt, /legal/verify says: give it the code that is printed here.
"""

import hashlib
import json
import sys
from pathlib import Path


def code_of(receipt: object) -> str:
    """SHA-256 of the canonical form: sorted keys, no blanks, ASCII."""
    canonical = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def main(arguments: list[str]) -> int:
    if not arguments:
        print(__doc__)
        return 2
    try:
        whole = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
        receipt, stated = whole["receipt"], whole["sha256"]
        hashes = {
            document[kind]: f"{document['title']}, version {document['version']}"
            for document in receipt["documents"]
            for kind in ("sha256", "pdf_sha256")
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"This is no receipt: {error!r}")
        return 2
    is_fine = code_of(receipt) == stated
    print(f"Receipt {receipt['reference']}: {'unaltered' if is_fine else 'ALTERED'}, code {code_of(receipt)}")
    for name in arguments[1:]:
        title = hashes.get(hashlib.sha256(Path(name).read_bytes()).hexdigest())
        print(f"{name}: {title or 'NOT among the documents of this receipt'}")
        is_fine = is_fine and title is not None
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
