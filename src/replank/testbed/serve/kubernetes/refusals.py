"""Why a write is not taken, as the API server words it."""

from __future__ import annotations

from replank.testbed.serve.kubernetes.store import Answer, Place, status_document
from replank.testbed.simulation.field_managers import FieldConflict
from replank.testbed.simulation.objects import Changed
from replank.testbed.simulation.status_apply import Misshapen


def changed(place: Place, error: Changed) -> Answer:
    """The object is another one, or another version of it."""
    message = f'Operation cannot be fulfilled on {place.qualified} "{place.name}": {error}'
    return status_document(409, "Conflict", message, {"name": place.name})


def fought(error: FieldConflict) -> Answer:
    """Another manager owns a field."""
    field = "." + ".".join(error.path)
    message = f'Apply failed with 1 conflict: conflict with "{error.manager}": {field}'
    cause = {
        "reason": "FieldManagerConflict",
        "message": f'conflict with "{error.manager}"',
        "field": field,
    }
    return status_document(409, "Conflict", message, {"causes": [cause]})


def misshapen(place: Place, error: Misshapen) -> Answer:
    """The schema says no, or `fieldValidation=Strict`, which every apply of a status is taken for here."""
    if error.strict:
        return status_document(400, "BadRequest", str(error))
    message = f'{place.resource.kind} "{place.name}" is invalid: {error}'
    return status_document(422, "Invalid", message, {"name": place.name})
