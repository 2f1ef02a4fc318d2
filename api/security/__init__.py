"""Who may do what where: identities, rights, jurisdiction, and the gate before every route.

It owns the answer to "may this caller do that here"; what a route does is the route's own.
"""
