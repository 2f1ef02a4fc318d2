"""The catalogue of measures: sizes, shapes, counts of entities, and loads that only files bring."""

from collections.abc import Callable
from operator import attrgetter

from gis.measures.measure import Aggregation, CellFigures, Measure, Numbers, Prominence, Quantity
from gis.measures.shapes import compactness_index, polsby_popper, reock, walk_minutes


def _count(key: str, kind: str, zh: str, en: str, prominence: Prominence = Prominence.normal) -> Measure:
    """Return the measure that counts the entities of a kind."""

    def compute(cells: CellFigures) -> Numbers:
        return cells.counts[kind]

    return Measure(
        key,
        {"zh": zh, "en": en},
        Quantity.counted,
        compute=compute,
        entity_kinds=(kind,),
        decimals=0,
        whole=True,
        prominence=prominence,
    )


def _column(key: str, zh: str, en: str, prominence: Prominence = Prominence.normal) -> Measure:
    """Return a measure that files bring as a column: amounts that add up and may all be whole."""
    return Measure(key, {"zh": zh, "en": en}, whole=True, prominence=prominence)


def _shape(
    key: str,
    zh: str,
    en: str,
    compute: Callable[[CellFigures], Numbers],
    *,
    decimals: int,
    quantity: Quantity = Quantity.number,
    unit: str | None = None,
    whole: bool = False,
) -> Measure:
    """Return a measure of the shape of cells: of a group it tells the mean."""
    return Measure(
        key,
        {"zh": zh, "en": en},
        quantity,
        unit=unit,
        compute=compute,
        # Few distinct values keep tiles small.
        decimals=decimals,
        whole=whole,
        aggregation=Aggregation.mean,
        prominence=Prominence.detail,
    )


DEVIATION = "_deviation"
"""How the column of a load's deviation ends, after the name of the load."""

MEASURES: dict[str, Measure] = {
    measure.key: measure
    for measure in (
        Measure(
            "area_m2",
            {"zh": "面积", "en": "Area"},
            Quantity.area,
            unit="m²",
            compute=attrgetter("areas_m2"),
            decimals=1,
            prominence=Prominence.headline,
        ),
        Measure(
            "perimeter_m",
            {"zh": "周长", "en": "Perimeter"},
            Quantity.length,
            unit="m",
            compute=attrgetter("perimeters_m"),
            decimals=1,
            prominence=Prominence.detail,
        ),
        _column("load", "负荷", "Load"),
        _column("weight", "权重", "Weight"),
        _count("households", "household", "户数", "Households", Prominence.headline),
        _column("population", "人口", "Population", Prominence.headline),
        _column("residents", "居民", "Residents"),
        _count("enterprises", "enterprise", "企业数", "Enterprises", Prominence.headline),
        _column("buildings", "建筑数", "Buildings"),
        _count("sensors", "sensor", "传感器数", "Sensors"),
        _count("components", "component", "城市部件数", "Components"),
        _count("service_points", "service_point", "服务网点数", "Service points"),
        _column("officers", "责任人数", "Officers"),
        _column("visits", "巡查次数", "Visits"),
        _column("events", "事件数", "Events"),
        _shape(
            "polsby_popper",
            "紧凑度（Polsby-Popper）",
            "Polsby-Popper compactness",
            lambda cells: polsby_popper(cells.areas_m2, cells.perimeters_m),
            decimals=3,
            quantity=Quantity.share,
        ),
        _shape(
            "reock",
            "紧凑度（Reock）",
            "Reock compactness",
            lambda cells: reock(cells.areas_m2, cells.shapes.bounding_radii_m),
            decimals=3,
            quantity=Quantity.share,
        ),
        _shape(
            "compactness",
            "紧凑度指数",
            "Compactness index",
            lambda cells: compactness_index(cells.areas_m2, cells.perimeters_m),
            decimals=2,
        ),
        _shape("parts", "部分数", "Parts", lambda cells: cells.shapes.part_counts, decimals=0, whole=True),
        _shape(
            "walk_minutes",
            "步行穿越时间",
            "Walk across",
            lambda cells: walk_minutes(cells.shapes.bounding_radii_m),
            decimals=1,
            unit="min",
        ),
    )
}
"""Every measure by its key, in the order in which measures are listed.

All are numbers about a cell and no one's personal data: any other column stays out of a map's file unless the
caller names it.
"""


def computed_measures() -> tuple[Measure, ...]:
    """Return the measures that are computed for the cells in force, in the order of the catalogue."""
    return tuple(each for each in MEASURES.values() if each.compute is not None)


def counted_kinds() -> tuple[str, ...]:
    """Return the kinds of entities that measures count, each once, in the order of the catalogue."""
    return tuple(dict.fromkeys(kind for each in computed_measures() for kind in each.entity_kinds))


def count_keys() -> dict[str, str]:
    """Return by kind of entity the key of the measure that counts it."""
    counts = (each for each in computed_measures() if each.quantity is Quantity.counted)
    return {each.entity_kinds[0]: each.key for each in counts if len(each.entity_kinds) == 1}


def measure_of_column(name: str) -> Measure:
    """Return the measure that a column or layer of a map holds; a plain number where the catalogue has none.

    A layer of entities may also be named by their kind.
    """
    known = _known_measure(name)
    if known is not None:
        return known
    load = _known_measure(name.removesuffix(DEVIATION)) if name.endswith(DEVIATION) else None
    return Measure(name, {}, whole=True) if load is None else deviation_measure(load)


def shape_measures() -> tuple[Measure, ...]:
    """Return the measures that polygons alone decide, in the order of the catalogue."""
    return tuple(each for each in computed_measures() if not each.entity_kinds)


def deviation_measure(load: Measure) -> Measure:
    """Return the measure that tells by what share of the mean a load differs from it.

    The catalogue has none that is computed for the cells in force: a change of one cell would change it in
    all, and in their tiles.
    """
    labels = {"zh": f"{load.label('zh')}与均值之差", "en": f"{load.label('en')}: deviation from the mean"}
    return Measure(
        f"{load.key}{DEVIATION}",
        labels,
        Quantity.share,
        decimals=4,
        aggregation=Aggregation.mean,
        prominence=Prominence.detail,
    )


def _known_measure(name: str) -> Measure | None:
    return MEASURES.get(name) or MEASURES.get(count_keys().get(name, ""))
