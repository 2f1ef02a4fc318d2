"""What all routes share: middleware, conditional requests, pages, idempotent writes, OpenAPI.

It knows no subject; what is answered belongs to `api.routes`.
"""
