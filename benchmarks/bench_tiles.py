"""Encode a tile of 442 cells beside mapbox-vector-tile and PostGIS, then the tiles of a city's cells.

PostGIS takes part where the URL of a database is given; how to read it stands in README.md.
"""

import argparse
import gzip
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import mapbox_vector_tile
import numpy as np
import psycopg
import shapely

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from layers.tiles import BUFFER, EXTENT, CoverageLayer, Tile, tiles_intersecting  # noqa: E402
from layers.tiles.tile import project  # noqa: E402

TILE = Tile(14, 13_382, 7_142)
DEEPER = Tile(15, 26_764, 14_284)
ROUNDS = 41
SQL = """
SELECT ST_AsMVT(t, 'cells', 4096, 'geom', 'id') FROM (
  SELECT id, code, name, area_m2, households, colour,
         ST_AsMVTGeom(geometry, ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64) AS geom
  FROM bench_cells WHERE geometry && ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 64.0 / 4096)
) AS t
"""


def lattice(columns: int, rows: int, between: int, box: tuple[float, float, float, float]) -> np.ndarray:
    """Make cells with wavy borders that share their vertices, in a box of degrees."""
    west, south, east, north = box
    x, y = (each.ravel() for each in np.meshgrid(np.arange(columns), np.arange(rows)))
    cells = shapely.segmentize(shapely.box(x, y, x + 1, y + 1), 1.0001 / (between + 1))

    def waved(xy: np.ndarray) -> np.ndarray:
        moved = xy + 0.06 * np.sin(5.3 * xy[:, ::-1] + 1.7 * xy)
        return moved * ((east - west) / columns, (north - south) / rows) + (west, south)

    return np.asarray(shapely.transform(cells, waved), dtype=object)


def attributes(count: int) -> dict[str, np.ndarray]:
    """Make the five columns that the map shows."""
    random = np.random.default_rng(1)
    return {
        "code": np.array([f"440305001{number:06d}" for number in range(count)], dtype=object),
        "name": np.array([f"第{number}网格" for number in range(count)], dtype=object),
        "area_m2": random.uniform(5_000, 15_000, count).round(2),
        "households": random.integers(0, 400, count),
        "colour": random.integers(0, 6, count),
    }


def degrees(address: Tile) -> tuple[float, float, float, float]:
    """Return a tile's bounds in EPSG:4326."""
    corners = np.array(address.xy_bounds).reshape(2, 2) / 6_378_137.0
    lat = np.degrees(np.arctan(np.sinh(corners[:, 1])))
    lon = np.degrees(corners[:, 0])
    return float(lon[0]), float(lat[0]), float(lon[1]), float(lat[1])


def bordered(coverage: CoverageLayer, address: Tile, columns: dict[str, np.ndarray]) -> bytes:
    """Encode a tile of cells as it is served: with their borders as lines."""
    cells = coverage.encode("cells", address, columns)
    return cells + coverage.encode_borders("cell_borders", address, {})


def timed(makers: dict[str, Callable[[], bytes]]) -> dict[str, tuple[bytes, float, float]]:
    """Run all ways in turn, so that a slow spell strikes them alike; median and least milliseconds."""
    took: dict[str, list[float]] = {name: [] for name in makers}
    made = {name: maker() for name, maker in makers.items()}
    for _ in range(ROUNDS):
        for name, maker in makers.items():
            start = time.perf_counter()
            maker()
            took[name].append(1e3 * (time.perf_counter() - start))
    return {name: (made[name], statistics.median(took[name]), min(took[name])) for name in makers}


def with_postgis(url: str, shapes: np.ndarray, columns: dict[str, np.ndarray]) -> Callable[[], bytes]:
    """Put the cells, projected, into a table with an index; return what asks for the tile."""
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    connection.execute(
        "CREATE TEMP TABLE bench_cells (id bigint, code text, name text, area_m2 float8, households int,"
        " colour int, geometry geometry(Geometry, 3857))"
    )
    rows = zip(
        range(len(shapes)),
        *(column.tolist() for column in columns.values()),
        shapely.to_wkb(shapes, hex=True, include_srid=True),
        strict=True,
    )
    with connection.cursor().copy("COPY bench_cells FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    connection.execute("CREATE INDEX ON bench_cells USING gist (geometry)")
    connection.execute("ANALYZE bench_cells")
    values = {"z": TILE.z, "x": TILE.x, "y": TILE.y}

    def ask() -> bytes:
        row = connection.execute(SQL, values).fetchone()
        return bytes(row[0])

    return ask


def one_tile(url: str | None) -> None:
    """Encode the tile of 442 cells every way and compare."""
    cells = lattice(26, 17, 9, degrees(TILE))
    columns = attributes(len(cells))
    coverage = CoverageLayer(cells, np.arange(len(cells)))
    # At this zoom nothing is simplified: as many vertices as the others encode.
    full = CoverageLayer(lattice(26, 17, 9, degrees(DEEPER)), np.arange(len(cells)))
    metric = shapely.set_srid(shapely.transform(cells, project), 3857)
    features = [
        {
            "geometry": shape,
            "id": number,
            "properties": {
                key: column[number].item() if isinstance(column[number], np.generic) else column[number]
                for key, column in columns.items()
            },
        }
        for number, shape in enumerate(metric)
    ]
    makers: dict[str, Callable[[], bytes]] = {
        "wangge": lambda: coverage.encode("cells", TILE, columns),
        "wangge with borders": lambda: bordered(coverage, TILE, columns),
        "wangge, every vertex": lambda: full.encode("cells", DEEPER, columns),
        "wangge, every vertex, with borders": lambda: bordered(full, DEEPER, columns),
        "mapbox-vector-tile": lambda: mapbox_vector_tile.encode(
            [{"name": "cells", "features": features}],
            default_options={"quantize_bounds": TILE.xy_bounds, "extents": EXTENT},
        ),
    }
    if url:
        makers["ST_AsMVT"] = with_postgis(url, metric, columns)
    results = timed(makers)
    _, median, _ = results["wangge"]
    _, with_borders, _ = results["wangge with borders"]
    told = {}
    for name, (message, its_median, its_least) in results.items():
        found = mapbox_vector_tile.decode(message)["cells"]["features"]
        shapes = [shapely.geometry.shape(each["geometry"]) for each in found]
        told[name] = {
            "median_ms": round(its_median, 2),
            "least_ms": round(its_least, 2),
            "wangge_is": round(median / its_median, 3),
            "with_borders_is": round(with_borders / its_median, 3),
            "bytes": len(message),
            "features": len(found),
            "vertices": int(shapely.get_num_coordinates(np.array(shapes)).sum()),
            "invalid": int((~shapely.is_valid(np.array(shapes))).sum()),
        }
    start = time.perf_counter()
    small = gzip.compress(results["wangge"][0], 1)
    told["wangge"]["gzip_ms"] = round(1e3 * (time.perf_counter() - start), 2)
    told["wangge"]["gzip_bytes"] = len(small)
    print(json.dumps({"tile": f"{TILE.z}/{TILE.x}/{TILE.y}", **told}, indent=1))


def city(count: int) -> None:
    """Make ready and encode the tiles of a city's cells, zoom by zoom."""
    side = round(count**0.5)
    cells = lattice(side, side, 1, (113.75, 22.45, 113.75 + 0.001 * side, 22.45 + 0.001 * side))
    columns = attributes(len(cells))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.perf_counter()
    coverage = CoverageLayer(cells, np.arange(len(cells)))
    print(json.dumps({"cells": len(cells), "seconds": round(time.perf_counter() - start, 2)}))
    for zoom in range(16, 10, -1):
        start = time.perf_counter()
        coverage.prepare(zoom)
        ready = time.perf_counter() - start
        tiles = list(tiles_intersecting(tuple(shapely.total_bounds(cells)), zoom, BUFFER))
        took, sizes, most = [], [], 0
        for address in tiles[:: max(1, len(tiles) // 25)]:
            start = time.perf_counter()
            message = bordered(coverage, address, columns)
            took.append(1e3 * (time.perf_counter() - start))
            sizes.append(len(message))
            most = max(most, len(coverage.query(address)))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            json.dumps(
                {
                    "zoom": zoom,
                    "ready_s": round(ready, 2),
                    "tiles": len(tiles),
                    "cells_in_a_tile": most,
                    "median_ms": round(statistics.median(took), 2),
                    "slowest_ms": round(max(took), 2),
                    "largest_bytes": max(sizes),
                    "peak_mib_more": round(peak - before),
                }
            )
        )


def main() -> None:
    """Measure one tile, then a city."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgresql", help="URL of a database in which a temporary table may be made")
    parser.add_argument("--cells", type=int, default=200_000)
    arguments = parser.parse_args()
    one_tile(arguments.postgresql)
    city(arguments.cells)


if __name__ == "__main__":
    main()
