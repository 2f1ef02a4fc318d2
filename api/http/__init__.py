"""What all routes share: middleware, conditional requests, parameters, pages, idempotent writes, OpenAPI.

It knows no subject: records are described in `api.schemas`, and answers are given by `api.routes`.
"""
