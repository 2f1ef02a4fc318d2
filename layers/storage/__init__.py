"""Storage with history: one model on two databases, SQLite as a GeoPackage and PostgreSQL with PostGIS.

It owns tables, migrations, transactions and dated intervals; geometry is computed by `gis`, and who may read
or write what is decided in `api`.
"""

# Whoever has the model has all of it: tables register themselves as their modules are imported.
from layers.storage import answers as answers
from layers.storage import identity as identity
from layers.storage import jobs as jobs
from layers.storage import staff as staff
