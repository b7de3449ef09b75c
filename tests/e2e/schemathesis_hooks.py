"""What no schema can tell schemathesis about the API.

A cursor is a text that only the server makes, and stands beside neither `offset` nor another `at`: requests that are to
be accepted come without one. Those that are to be refused keep theirs. Walks by cursor have tests of their own.
"""

import schemathesis


@schemathesis.hook
def map_case(context, case):
    if case.query and "cursor" in case.query and case.meta and case.meta.generation.mode.is_positive:
        case.query = {name: value for name, value in case.query.items() if name != "cursor"}
    return case
