import pytest
from django.test import Client
from django.urls import reverse

from legal.catalogue import DOCUMENTS


def test_each_document_is_at_its_slug() -> None:
    addresses = [reverse("legal:document", kwargs={"slug": document.slug}) for document in DOCUMENTS]

    assert addresses == [document.path for document in DOCUMENTS]


@pytest.mark.django_db
def test_the_list_names_every_document(client: Client) -> None:
    page = client.get("/legal").content.decode()

    assert all(f'href="{document.path}"' in page for document in DOCUMENTS)
