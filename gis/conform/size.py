"""The clause on the size of cells, of which a certificate only warns."""

import numpy as np
import shapely

from gis.conform.clause import NOT_ASKED, Clause, Looked, NotLookedAt, Offence
from gis.conform.conform_input import ConformInput
from gis.text import Text


def _look(given: ConformInput) -> Looked | NotLookedAt:
    rule = given.profile.size
    if rule is None:
        return NOT_ASKED
    area = shapely.area(given.layer.polygons)
    least = rule.warn_below_m2 or 0
    most = rule.warn_above_m2 if rule.warn_above_m2 is not None else np.inf
    offences = []
    for k in np.flatnonzero(((area < least) & (area > 0)) | (area > most)).tolist():
        zh, en, limit = ("小于", "less than", least) if area[k] < least else ("大于", "more than", most)
        offences.append(
            Offence(
                given.layer.labels[k],
                Text(
                    f"面积 {area[k]:,.0f} 平方米，{zh} {limit:,.0f}（标称 {rule.nominal_m2:,}）平方米",
                    f"has {area[k]:,.0f} m², {en} {limit:,.0f} m² (nominally {rule.nominal_m2:,} m²)",
                ),
            )
        )
    return Looked(offences)


SIZE = Clause(
    "size",
    Text("网格面积", "Size of cells"),
    "warning",
    lambda profile: profile.size.source if profile.size else None,
    _look,
)
