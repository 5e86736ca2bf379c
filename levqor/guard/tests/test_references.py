import itertools
import string
from datetime import UTC, datetime

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from levqor.guard.references import CHECK_LETTERS, Series, check_letter, next_reference, parse_reference

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)

references = st.builds(
    lambda series, year, number: (
        f"{series.value}-{year}-{number:06d}-{check_letter(f'{series.value}{year}{number:06d}')}"
    ),
    st.sampled_from(list(Series)),
    st.integers(2024, 2099),
    st.integers(1, 2_000_000),
)


@pytest.mark.django_db
def test_numbers_count_up_in_each_series_and_year() -> None:
    later = datetime(2027, 3, 1, tzinfo=UTC)

    given_out = [
        next_reference(Series.SLA_CLAIM, at=NOW)[:15],
        next_reference(Series.SLA_CLAIM, at=NOW)[:15],
        next_reference(Series.DISPUTE, at=NOW)[:15],
        next_reference(Series.SLA_CLAIM, at=later)[:15],
    ]

    assert given_out == ["SLA-2026-000001", "SLA-2026-000002", "DSP-2026-000001", "SLA-2027-000001"]


@pytest.mark.django_db
def test_the_year_is_londons() -> None:
    in_june = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
    new_year_elsewhere = datetime.fromisoformat("2027-01-01T09:00+14:00")

    assert next_reference(Series.SLA_CLAIM, at=in_june).startswith("SLA-2026-")
    assert next_reference(Series.SLA_CLAIM, at=new_year_elsewhere).startswith("SLA-2026-")


@pytest.mark.django_db
def test_a_rolled_back_number_is_given_out_again() -> None:
    with transaction.atomic():
        lost = next_reference(Series.SLA_CLAIM, at=NOW)
        transaction.set_rollback(True)

    assert next_reference(Series.SLA_CLAIM, at=NOW) == lost


@pytest.mark.django_db
@pytest.mark.parametrize(
    "typed", ["{}", " {} ", "{lower}", "{bare}", "{blanks}", "{dashes}", "{bare_lower}", "{}\n", "#{}"]
)
def test_it_is_read_however_it_is_typed(typed: str) -> None:
    reference = next_reference(Series.SLA_CLAIM, at=NOW)
    forms = {
        "lower": reference.lower(),
        "bare": reference.replace("-", ""),
        "blanks": reference.replace("-", " "),
        "dashes": reference.replace("-", "–"),
        "bare_lower": reference.replace("-", "").lower(),
    }

    assert parse_reference(typed.format(reference, **forms)) == reference


@pytest.mark.parametrize("text", ["", "SLA", "SLA-2026-000123", "XYZ-2026-000001-A", "SLA-2026-000001-AA", "٣" * 14])
def test_what_is_no_reference_is_none(text: str) -> None:
    assert parse_reference(text) is None


@given(references)
def test_a_reference_is_its_own_right_form(reference: str) -> None:
    assert parse_reference(reference) == reference


@given(references)
def test_every_single_wrong_character_is_found(reference: str) -> None:
    for place, character in enumerate(reference):
        if character != "-":
            for other in set(string.ascii_uppercase + string.digits) - {character}:
                assert parse_reference(reference[:place] + other + reference[place + 1 :]) is None


@given(references)
def test_two_swapped_neighbours_are_found(reference: str) -> None:
    bare = reference.replace("-", "")
    for place in range(len(bare) - 1):
        swapped = bare[:place] + bare[place + 1] + bare[place] + bare[place + 2 :]
        assert swapped == bare or parse_reference(swapped) is None


def test_no_series_is_a_slip_of_another() -> None:
    for one, other in itertools.combinations([series.value for series in Series], 2):
        differing = [place for place in range(3) if one[place] != other[place]]
        assert len(differing) > 1, (one, other)
        assert sorted(one) != sorted(other), (one, other)


def test_the_check_letters_cannot_be_taken_for_digits() -> None:
    assert len(set(CHECK_LETTERS)) == 23
    assert not set(CHECK_LETTERS) & set("IOU")
