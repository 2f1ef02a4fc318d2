"""What a repair refuses: harm to a cell, and a change of area that its own report does not explain."""

import numpy as np
import pandas as pd

from gis.errors import RefusedError
from gis.topology.findings import format_area
from gis.topology.polygon_layer import PolygonLayer, area_tolerance
from gis.topology.resolve_faces import ResolvedFaces


def refuse_harm(
    cell_layer: PolygonLayer, outcome: ResolvedFaces, changes: pd.DataFrame, max_area_change: float
) -> None:
    """Raise if a cell fell into more pieces or changed too much."""
    split = np.flatnonzero(changes["parts_after"].to_numpy() > changes["parts_before"].to_numpy())
    if len(split):
        row = changes.iloc[int(split[0])]
        takers = _takers(outcome, int(split[0]))
        why = f"cell {cell_layer.codes[takers[0]]} lies" if takers else "another lies"
        raise RefusedError(
            f"Cell {row['code']} would fall from {row['parts_before']} into {row['parts_after']} pieces, "
            f"because {why} across it; leave one of them out, or make each piece of {row['code']} a record "
            "with a code of its own."
        )
    share = changes["change_share"].to_numpy(dtype=float)
    worst = int(np.abs(share).argmax()) if len(share) else 0
    if len(share) and abs(share[worst]) > max_area_change:
        how = "grow" if share[worst] > 0 else "shrink"
        change = format_area(abs(float(changes["change_m2"].iloc[worst])))
        raise RefusedError(
            f"Cell {cell_layer.codes[worst]} would {how} by {abs(share[worst]):.0%} ({change}), more than "
            f"the {max_area_change:.0%} allowed; allow more with --max-area-change, or leave out a cell that "
            "overlaps it."
        )


def _takers(outcome: ResolvedFaces, cell: int) -> list[int]:
    """Return the cell that took most of another's ground."""
    face_graph = outcome.face_graph
    taken = [
        (float(face_graph.area_m2[one.faces].sum()), one.assigned_cell)
        for one in outcome.reassignments
        if cell in one.previous_cells and one.assigned_cell != cell
    ]
    return [max(taken)[1]] if taken else []


def refuse_unexplained_changes(
    cell_layer: PolygonLayer, outcome: ResolvedFaces, changes: pd.DataFrame
) -> None:
    """Raise if the change of a cell is not the sum of the reported changes."""
    face_graph = outcome.face_graph
    expected = np.zeros(len(cell_layer))
    claimant = np.repeat(np.arange(len(cell_layer)), face_graph.candidate_faces.lengths())
    np.add.at(expected, claimant, face_graph.area_m2[face_graph.candidate_faces.values])
    for reassignment in outcome.reassignments + outcome.reassigned_fragments:
        group_m2 = face_graph.area_m2[reassignment.faces].sum()
        for cell in reassignment.previous_cells:
            expected[cell] -= group_m2 if cell != reassignment.assigned_cell else 0.0
        if reassignment.assigned_cell not in reassignment.previous_cells:
            expected[reassignment.assigned_cell] += group_m2
    for one in outcome.blanks:
        if one.assigned_cell >= 0:
            expected[one.assigned_cell] += face_graph.area_m2[one.faces].sum()
    after = changes["area_after_m2"].to_numpy(dtype=float)
    unexplained = np.abs(after - expected)
    wrong = np.flatnonzero(unexplained > area_tolerance(cell_layer.polygons))
    if len(wrong):
        row = int(wrong[0])
        raise RefusedError(
            f"Cell {cell_layer.codes[row]} would change by {format_area(unexplained[row])} that no overlap "
            "and no blank explains, so nothing is written; repair the other cells without it."
        )
