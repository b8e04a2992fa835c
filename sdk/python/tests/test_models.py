"""Answers as dictionaries with attributes, and inputs as dictionaries or keywords."""

from __future__ import annotations

import copy
import json
import pickle

import pytest

from voidvm import FieldError, VoidVMError
from voidvm._resource import fields, segment
from voidvm.inputs import VmCreate
from voidvm.models import Host, Operation, Vm

VM = {
    "id": "vm-1",
    "hostId": "host-1",
    "host": {"id": "host-1", "status": "online", "asOf": None},
    "labels": {"tier": "web"},
    "operation": {"id": "op-1", "progress": {"percent": 7, "step": None}},
    "comesLater": {"from": "a newer server"},
}


def test_a_key_is_an_attribute_in_python_s_spelling() -> None:
    vm = Vm(VM)
    assert (vm["hostId"], vm.host_id) == ("host-1", "host-1")
    assert vm.labels["tier"] == "web"


def test_what_stands_inside_is_a_model_too() -> None:
    vm = Vm(VM)
    assert isinstance(vm.operation, Operation)
    assert vm.operation.progress.percent == vm["operation"]["progress"]["percent"] == 7
    assert vm.host.as_of is None


def test_a_model_is_the_dictionary_that_came() -> None:
    assert Vm(VM) == VM
    assert json.loads(json.dumps(Vm(VM))) == VM


def test_a_field_of_a_newer_server_is_there() -> None:
    assert getattr(Vm(VM), "comes_later") == {"from": "a newer server"}


def test_an_attribute_that_is_not_there_is_told() -> None:
    with pytest.raises(AttributeError, match="Vm has no 'colour'"):
        getattr(Vm(VM), "colour")


def test_a_model_can_be_copied_and_pickled() -> None:
    vm = Vm(VM)
    vm.etag = '"1"'
    for same in (copy.deepcopy(vm), pickle.loads(pickle.dumps(vm))):
        assert (same, same.etag, type(same)) == (vm, '"1"', Vm)


def test_attributes_are_listed() -> None:
    assert {"host_id", "labels"} <= set(dir(Vm(VM)))


def test_a_field_that_may_be_missing_is_none() -> None:
    assert Host({"id": "host-1"}).etag is None


def test_a_body_is_a_dictionary_keywords_or_both() -> None:
    both = fields(VmCreate, {"name": "a", "hostId": "h"}, {"cpu": 1, "cloud_init": {"user": "x"}})
    assert both == {"name": "a", "hostId": "h", "cpu": 1, "cloudInit": {"user": "x"}}


def test_a_keyword_that_is_no_field_is_refused_as_python_does() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        fields(VmCreate, None, {"colour": "red"})


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_what_is_no_name_leads_nowhere(name: str) -> None:
    with pytest.raises(ValueError):
        segment(name)


def test_a_name_stays_one_part_of_an_address() -> None:
    assert segment("a/../b?c#d") == "a%2F..%2Fb%3Fc%23d"


def test_an_error_can_be_pickled() -> None:
    error = VoidVMError("X", "wrong", status=400, fields=[FieldError("name", "too long")])
    same = pickle.loads(pickle.dumps(error))
    assert (str(same), same.status) == ("X: wrong", 400)
    assert same.fields == [FieldError("name", "too long")]
