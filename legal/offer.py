"""What can be ordered at a moment: the documents that would bind, and the packages as their agreement states them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from legal.catalogue import BOUND_BY_ACCEPTANCE
from legal.models import DfyPackage, DocumentVersion
from legal.variables import package_facts, package_row
from legal.wording import acceptance_sentence


@dataclass(frozen=True)
class Offer:
    """`versions` with the agreement first, empty where one of them is not in force.

    A package whose row has changed is `waiting` until a new version of the agreement says the same: nobody is to accept
    a text that contradicts the price beside it.
    """

    versions: list[DocumentVersion]
    packages: list[DfyPackage]
    waiting: list[DfyPackage]


@dataclass(frozen=True)
class Change:
    """A document that was replaced since somebody read it."""

    older: DocumentVersion
    newer: DocumentVersion


def standing(*, at: datetime) -> Offer:
    versions = bound_versions(at=at)
    packages = list(DfyPackage.objects.on_sale()) if versions else []
    facts = _facts(versions[0]) if versions else {}
    stated = [package for package in packages if _is_stated(package, facts)]
    return Offer(versions, stated, [package for package in packages if package not in stated])


def bound_versions(*, at: datetime) -> list[DocumentVersion]:
    """What an acceptance at this moment binds to, the agreement first; empty where one of them is not in force."""
    in_force = DocumentVersion.objects.in_force(at=at).filter(document__slug__in=BOUND_BY_ACCEPTANCE)
    versions = {version.document.slug: version for version in in_force.light().select_related("document", "pdf")}
    return [versions[slug] for slug in BOUND_BY_ACCEPTANCE] if len(versions) == len(BOUND_BY_ACCEPTANCE) else []


def versions_shown(numbers: Sequence[int]) -> list[DocumentVersion]:
    """The versions with these primary keys, in this order; what is gone is left out."""
    found = DocumentVersion.objects.light().select_related("document").in_bulk(numbers)
    return [found[number] for number in numbers if number in found]


def changes(shown: Sequence[int], versions: Sequence[DocumentVersion]) -> list[Change]:
    """Which of `versions` replace one of those that were shown."""
    older = {version.document_id: version for version in versions_shown(shown)}
    pairs = [(older.get(version.document_id), version) for version in versions]
    return [Change(before, after) for before, after in pairs if before and before.pk != after.pk]


def sentence(package: DfyPackage, versions: Sequence[DocumentVersion]) -> str:
    """The words above the button, with the versions by which each document is meant."""
    names = {version.document.slug: f"{version.title} (version {version.number})" for version in versions}
    read = [names.pop("privacy")]
    return acceptance_sentence(package=package.name, price=package.price, accepted=list(names.values()), read=read)


def _facts(version: DocumentVersion) -> dict[str, str]:
    return dict(DocumentVersion.objects.values_list("facts", flat=True).get(pk=version.pk))


def _is_stated(package: DfyPackage, facts: Mapping[str, str]) -> bool:
    """Whether a text with these facts says nothing of the package but what its row says."""
    table = facts.get("dfy_table")
    in_table = table is None or package_row(package) in table.splitlines()
    return in_table and all(facts.get(name, value) == value for name, value in package_facts(package).items())
