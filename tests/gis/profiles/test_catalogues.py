"""Classes of the standards, against the tables that they were taken from."""

import csv
from collections import Counter

import pytest

from gis.profiles import PROFILE_NAMES, load_profile
from gis.profiles.catalogues import CATALOGUE_NAMES, ClassKey, load_catalogue


@pytest.mark.parametrize("name", CATALOGUE_NAMES)
def test_a_catalogue_has_the_classes_of_its_source_and_no_other(name, shared_data):
    with (shared_data / "standards" / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        source = {
            (row["kind"], row["major"] + row["minor"]): (row["minor_name"], row["major"], row["major_name"])
            for row in csv.DictReader(file)
        }
    assert load_catalogue(name) == source


def test_kind_and_code_identify_a_class():
    newer, older = load_catalogue("gbt47678_5_2026"), load_catalogue("cjt214_2007")
    assert Counter(key.kind for key in newer) == {"component": 153, "matter": 97}
    assert Counter(key.kind for key in older) == {"component": 85, "event": 54}
    assert newer[ClassKey("component", "01001")].name == "供水井盖"
    assert older[ClassKey("component", "0101")] != older[ClassKey("event", "0101")]
    assert ClassKey("component", "01016") not in newer  # absent in the source


@pytest.mark.parametrize("name", PROFILE_NAMES)
def test_a_component_code_holds_a_class_of_the_catalogue(name):
    classes = load_profile(name).classes
    if classes is None or classes.catalogue is None or not classes.component_segments:
        return
    segments = classes.component_segments
    assert {len(key.code) for key in load_catalogue(classes.catalogue)} == {
        segments["major"] + segments["minor"]
    }
