"""Files into tables: areas, entities and officers, each import in one transaction or none.

Every record of a file ends stored or in the account with a reason. Reading formats belongs to
`layers.formats`, the rules of a single write to the subjects.
"""
