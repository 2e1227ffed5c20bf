"""The frozen task lists and references of the suites of robots and cars."""

import pytest

from metarl_bench.leaderboard import references_hash
from metarl_bench.registry import SUITES, make_suite
from metarl_bench.tasks import hash_tasks

IDS = [spec.id for spec in SUITES.all() if spec.family in ("locomotion", "navigation")]
# The frozen lists: a change of numbers needs a new version of the suite, never a new hash here.
FROZEN = {
    "locomotion/cheetah-direction-h100-v1": {
        "validation": "4f52075ca3d7e48f",
        "test": "4f52075ca3d7e48f",
        "test_ood": "e3b0c44298fc1c14",
    },
    "locomotion/cheetah-direction-v1": {
        "validation": "af440650fed48c8f",
        "test": "af440650fed48c8f",
        "test_ood": "e3b0c44298fc1c14",
    },
    "locomotion/cheetah-velocity-v1": {
        "validation": "51db95dc72d6673b",
        "test": "eb710501ed5035a4",
        "test_ood": "19e309c06735bcaa",
    },
    "locomotion/cheetah-velocity-wide-obs20-v1": {
        "validation": "b7b0c83467097aaa",
        "test": "d6cb779e9776c1a3",
        "test_ood": "99509bc34ae59ebb",
    },
    "locomotion/cheetah-velocity-wide-v1": {
        "validation": "0680b181bebf2767",
        "test": "e9f07bc342b931af",
        "test_ood": "1ecd9126ecca40d8",
    },
    "locomotion/cheetah-body-v1": {
        "validation": "f810efa70430e1e2",
        "test": "0addd4b82af7957f",
        "test_ood": "91795879ebbc2fd2",
    },
    "locomotion/cheetah-body-v2": {
        "validation": "7c2c3c9f15e73362",
        "test": "dceb73237497fdb6",
        "test_ood": "b76582492e21235b",
    },
    "locomotion/cheetah-mass-v1": {
        "validation": "4cb9952be1c27136",
        "test": "1f21f9492f435814",
        "test_ood": "da9169083ae47df6",
    },
    "locomotion/cheetah-mass-v2": {
        "validation": "a222570e50616d16",
        "test": "a1981769ab9f9ec8",
        "test_ood": "bf0a287658b727fa",
    },
    "locomotion/ant-cripple-v1": {
        "validation": "fe2dc45c66808be5",
        "test": "fe2dc45c66808be5",
        "test_ood": "53c123114d00cf90",
    },
    "locomotion/ant-direction-v1": {
        "validation": "65afa36a984cba99",
        "test": "edee15f463f468ba",
        "test_ood": "e3b0c44298fc1c14",
    },
    "locomotion/ant-goal-v1": {
        "validation": "d82372475c58da37",
        "test": "bc387c3da279a35f",
        "test_ood": "c375cc77bd19703a",
    },
    "locomotion/hopper-params-v1": {
        "validation": "6f1cbe3dd61bb486",
        "test": "7f8f2c70caf9cf7b",
        "test_ood": "732e91c5fba9eaad",
    },
    "locomotion/humanoid-direction-v1": {
        "validation": "179d3d01a13fd82c",
        "test": "78f591547545c14d",
        "test_ood": "e3b0c44298fc1c14",
    },
    "locomotion/walker-params-v1": {
        "validation": "be9477d608c01c73",
        "test": "8ae206b2cdd3c4ff",
        "test_ood": "cc3b6aad20215d5f",
    },
    "locomotion/terrain-ant-sighted-v1": {
        "validation": "dda0b85a9c3d1b04",
        "test": "3e1ee82da7395ea8",
        "test_ood": "f74591ec55bb9a25",
    },
    "locomotion/terrain-ant-v1": {
        "validation": "b51e7aa1f89fa306",
        "test": "c5e76b682393a4f0",
        "test_ood": "28a2c7db57eae21f",
    },
    "locomotion/terrain-cheetah-sighted-v1": {
        "validation": "569525b4c8c7f5ff",
        "test": "b746e4751c66b8b2",
        "test_ood": "b824a178de4529d3",
    },
    "locomotion/terrain-cheetah-v1": {
        "validation": "2dd0082f7bf833ca",
        "test": "c1b9412c1969f9f8",
        "test_ood": "44fe9e299e419840",
    },
    "locomotion/terrain-walker-sighted-v1": {
        "validation": "996a980963ec1a74",
        "test": "1ebd8ec2f5d2ab87",
        "test_ood": "21d654e32212935f",
    },
    "locomotion/terrain-walker-v1": {
        "validation": "a5c9ec1ad7117da0",
        "test": "3ffbd5f14b7661ae",
        "test_ood": "faed149d8cd797b6",
    },
    "navigation/drive-city-v1": {
        "validation": "9409cf804b137588",
        "test": "5d52d86226848011",
        "test_ood": "6e88ad09f3cd2501",
    },
    "navigation/drive-city-v2": {
        "validation": "64360a599cafa8a0",
        "test": "99834d802e347a03",
        "test_ood": "502ee4d7a52449e0",
    },
    "navigation/drive-sparse-v1": {
        "validation": "56056fb2ff736344",
        "test": "3c9562f8105d1d97",
        "test_ood": "2e2bd108df56ad5e",
    },
    "navigation/drive-sparse-v2": {
        "validation": "e741c38686b31cfb",
        "test": "5c5e979c1f2d06e6",
        "test_ood": "3a892f33a8ff0fdd",
    },
    "navigation/drive-sparse-v3": {
        "validation": "751880942b1cb4e8",
        "test": "692a41f25ad28037",
        "test_ood": "6d3999f907491102",
    },
    "navigation/drive-traffic-v1": {
        "validation": "f1d8699ab19bc313",
        "test": "5e4a252672689538",
        "test_ood": "2673e11066d6a863",
    },
    "navigation/drive-traffic-v2": {
        "validation": "93fbbe28df40e76a",
        "test": "097ea9e51709cf17",
        "test_ood": "590741e7aa7e79de",
    },
    "navigation/drive-vehicle-v1": {
        "validation": "c2726fba25a1fae3",
        "test": "25211a8b08359085",
        "test_ood": "b8ef451b104d10ae",
    },
    "navigation/drive-vehicle-v2": {
        "validation": "29b28bf105ffb6c9",
        "test": "75611d88be5076da",
        "test_ood": "65ab0f2ac77b6ffe",
    },
    "navigation/drive-vehicle-v3": {
        "validation": "ec4ed9bafc767a96",
        "test": "d28a9ce8aaead6bb",
        "test_ood": "4445d902cf3ca958",
    },
    "navigation/drive-weather-v1": {
        "validation": "ec892d255484490d",
        "test": "ccfc7a85e7f07d36",
        "test_ood": "dd42c2b55ceac791",
    },
    "navigation/drive-weather-v2": {
        "validation": "faac334e631f88b4",
        "test": "6cdf4bd347b7b80d",
        "test_ood": "c45bac3d1c35fbdc",
    },
}
# Normalised scores change with them: other references need a new version of the suite, never a new hash here.
REFERENCES = {
    "locomotion/ant-cripple-v1": "b3313827cb8f",
    "locomotion/ant-direction-v1": "a85436100a9f",
    "locomotion/ant-goal-v1": "56519f281276",
    "locomotion/cheetah-body-v1": "c984c8f66b56",
    "locomotion/cheetah-body-v2": "a155749328f4",
    "locomotion/cheetah-direction-h100-v1": "389dfa408b1f",
    "locomotion/cheetah-direction-v1": "a26ca69cfa54",
    "locomotion/cheetah-mass-v1": "30752af874d5",
    "locomotion/cheetah-mass-v2": "540d07282705",
    "locomotion/cheetah-velocity-v1": "9b3e660414cc",
    "locomotion/cheetah-velocity-wide-obs20-v1": "6e5ba9228bcd",
    "locomotion/cheetah-velocity-wide-v1": "35cda5244cc8",
    "locomotion/hopper-params-v1": "d847ad0bacc8",
    "locomotion/humanoid-direction-v1": "03927afa36a5",
    "locomotion/terrain-ant-sighted-v1": "9e1384af022b",
    "locomotion/terrain-ant-v1": "0ddc8da68ae6",
    "locomotion/terrain-cheetah-sighted-v1": "f3113ee55ad2",
    "locomotion/terrain-cheetah-v1": "5431af205eac",
    "locomotion/terrain-walker-sighted-v1": "61032278c410",
    "locomotion/terrain-walker-v1": "2e6e8b8867fc",
    "locomotion/walker-params-v1": "3620ea081097",
    "navigation/drive-city-v1": "5a9bf840bbcc",
    "navigation/drive-city-v2": "f4eee73c7fdb",
    "navigation/drive-sparse-v1": "0195cc786873",
    "navigation/drive-sparse-v2": "09836de7e7d2",
    "navigation/drive-sparse-v3": "9c1dd087f78c",
    "navigation/drive-traffic-v1": "331c15561c4b",
    "navigation/drive-traffic-v2": "ea1d1f1a379e",
    "navigation/drive-vehicle-v1": "20a4f85f9841",
    "navigation/drive-vehicle-v2": "32993e7a967c",
    "navigation/drive-vehicle-v3": "b55154d59c57",
    "navigation/drive-weather-v1": "76aeef27a517",
    "navigation/drive-weather-v2": "970a911c97c9",
}


@pytest.mark.parametrize("suite_id", IDS)
def test_frozen_lists_never_change(suite_id: str) -> None:
    suite = make_suite(suite_id)
    found = {split: hash_tasks(suite.tasks(split))[:16] for split in ("validation", "test", "test_ood")}
    assert found == FROZEN[suite_id]


def test_references_never_change() -> None:
    known = {spec.id: spec.references for spec in SUITES.all() if spec.id in IDS}
    assert {suite: references_hash(found) for suite, found in known.items() if found is not None} == REFERENCES


def test_no_suite_declares_more_constant_observations() -> None:
    """The planar torso's y coordinate among the 20 observations of the cheetah."""
    declared = {spec.id: spec.constant_observations for spec in SUITES.all() if spec.id in IDS}
    allowed = {"locomotion/cheetah-velocity-wide-obs20-v1": (18,), "locomotion/cheetah-direction-h100-v1": (18,)}
    assert {suite: found for suite, found in declared.items() if found} == allowed
