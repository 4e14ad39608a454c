"""Protect FastAPI routes with Stack Auth (Hexclave).

::

    from fastapi import FastAPI
    from stack_fastapi import CurrentUser, StackAuthMiddleware

    app = FastAPI()
    app.add_middleware(StackAuthMiddleware)  # settings come from the environment

    @app.get("/me")
    async def me(user: CurrentUser):
        return {"id": user.id, "email": user.primary_email}
"""

import lazy_loader

# Each public name stands in __init__.pyi, once, and is imported when it is first asked for: a
# pytest plugin comes along, and must not make every test run of everybody import FastAPI.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
