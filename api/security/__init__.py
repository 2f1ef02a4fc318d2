"""Who may do what where: identities, rights, areas, the audit, and the check before every route.

What a caller may read of a subject is decided by the subject's queries, by the area that this package names.
"""
