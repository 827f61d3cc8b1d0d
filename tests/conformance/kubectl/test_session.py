"""What of an output does not count: the times at which controllers came to an object."""

import pytest
from tests.conformance.kubectl.session import plain, without_controllers

BARE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  managedFields:
  - {manager: kubectl, operation: Update, time: "2024-01-01T00:00:00Z"}
  name: web
spec: {replicas: 0}
status: {}
"""
VISITED = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  annotations: {deployment.kubernetes.io/revision: "1"}
  managedFields:
  - {manager: kube-controller-manager, operation: Update, subresource: status, time: "2024-01-01T00:00:01Z"}
  - {manager: kubectl, operation: Update, time: "2024-01-01T00:00:02Z"}
  name: web
spec: {replicas: 0}
status: {observedGeneration: 1}
"""


def test_an_object_is_the_same_before_and_after_its_controller_came_to_it() -> None:
    assert plain(without_controllers(VISITED)) == plain(without_controllers(BARE))


def test_what_a_client_owns_counts() -> None:
    assert without_controllers(BARE.replace("manager: kubectl", "manager: other")) != without_controllers(BARE)


@pytest.mark.parametrize("text", ["", "managedFields", "a: [", "- managedFields"])
def test_what_is_no_object_is_left_as_it_is(text: str) -> None:
    assert without_controllers(text) == text
