"""The database: engine and sessions for SQLite (as a GeoPackage) and PostgreSQL with PostGIS.

Bulk writes, conditions on bounding boxes and keys, locks, backups and migrations. What the tables mean
belongs to the subjects.
"""
