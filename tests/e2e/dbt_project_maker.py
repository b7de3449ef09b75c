"""Seeded random dbt projects: small awkward tables, and every kind of test over them with every kind of configuration."""

import datetime
import decimal
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent

# Models are made of literals, so that both programs start from the same typed rows.
TYPES = {
    "key": "integer", "ref": "integer", "amount": "decimal(10,2)", "ratio": "double", "name": "varchar", "status": "varchar",
    "flag": "boolean", "day": "date", "moment": "timestamp", "low": "integer", "high": "integer", "Größe": "bigint",
}
STATUSES = ["placed", "shipped", "returned", "Ünbekannt", "it's", ""]
NAMES = ["Ann", "ann", "Zoë", "Łukasz", "日本", "O'Hara", " pad ", "", "a,b", 'say "hi"', "🙂"]
COUNTS = ["> 0", ">= 2", "!= 0", "<> 1", "= 0", "> 3", "<2", "between 1 and 3", "in (1, 2)", "> 10"]
FILTERS = [
    "key > 2", "status = 'placed'", "amount < 0", "name like '%n%'", "day >= '2024-01-15'", "flag", "not flag", "key is null",
    "1 = 1", "status in ('placed', 'it''s') and amount is not null", "day > '{{ var('cutoff') }}'", "coalesce(amount, 0) <> 0",
    "key % 2 = 0", "length(name) > 3", "day between date '2024-01-01' and date '2024-01-20'", "1 = 2", "status = 'Ünbekannt'",
    "ratio >= 0.5 or ratio is null", "KEY > 1 and Status is not null",
]
# Kinds of tests that the SQL of a model alone can answer.
PROMISED = ["unique", "not_null", "accepted_values", "dbt_utils.unique_combination_of_columns"]
SHAPES = ["mixed", "mixed", "good", "empty", "null", "single", "duplicates"]


def rows(random, shape):
    """The rows of one table, as dicts of Python values."""
    count = {"empty": 0, "single": 1}.get(shape, random.randint(2, 14))
    made = []
    for place in range(count):
        if shape == "null":
            made.append(dict.fromkeys(TYPES))
            continue
        row = {
            "key": place + 1 if shape == "good" else random.randint(-2, 8),
            "ref": random.randint(1, 6),
            "amount": decimal.Decimal(random.randint(-500, 2000)) / 100,
            "ratio": random.choice([0.0, 0.5, 1.0, -0.25, 1e10, 0.1]),
            "name": random.choice(NAMES),
            "status": random.choice(STATUSES[: 3 if shape == "good" else 6]),
            "flag": random.random() < 0.5,
            "day": datetime.date(2024, 1, 1) + datetime.timedelta(days=place if shape == "good" else random.randint(0, 40)),
            "moment": datetime.datetime(2024, 1, 1, random.randint(0, 23), random.randint(0, 59), 7),
            "low": place * 10,
            "high": place * 10 + (10 if shape == "good" else random.choice([0, 5, 10, 12])),
            "Größe": random.choice([7, 7, 9007199254740993]),
        }
        if shape != "good":
            row = {name: None if random.random() < 0.15 else value for name, value in row.items()}
        made.append(row)
    if shape == "duplicates" and made:
        # Of equal ranges it is open which is the last one.
        made += [row | {"low": row["low"] and row["low"] + 500, "high": row["high"] and row["high"] + 500} for row in made]
    return made


def literal(value, kind):
    if value is None:
        return f"cast(null as {kind})"
    if isinstance(value, bool):
        return "true" if value else "false"
    return "cast('" + str(value).replace("'", "''") + f"' as {kind})"


def model_sql(table):
    def select(row):
        cells = (f"{literal(row[name], kind)} as {name}" for name, kind in TYPES.items())
        return "select " + ", ".join(cells)

    if not table:
        return select(dict.fromkeys(TYPES)) + "\nwhere 1 = 2\n"
    return "\nunion all\n".join(select(row) for row in table) + "\n"


def csv(table, columns):
    def cell(value):
        if value is None:
            return ""
        return '"' + str(value).replace('"', '""') + '"' if isinstance(value, str) else str(value)

    lines = [",".join(columns)] + [",".join(cell(row[name]) for name in columns) for row in table]
    return "\n".join(lines) + "\n"


def derived_sql(random):
    """A model whose SQL may promise what tests ask for."""
    status = random.choice([
        "case when key > 2 then 'placed' else 'shipped' end", "case when key > 2 then 'placed' end", "coalesce(status, 'placed')",
        "case when flag then status else 'placed' end", "status", "case status when 'placed' then 'placed' else null end", "'placed'",
    ])
    ref = random.choice(["ref", "coalesce(ref, 1)", "coalesce(ref, low)", "case when flag then 1 else 2 end", "coalesce(ref, null)"])
    where = random.choice([
        "", "where status is not null", "where status in ('placed', 'shipped')", "where ref is not null or flag", "where ref = 2",
        "where status <> 'placed'",
    ])
    source = random.choice(["{{ ref('plain') }}", "(select * from {{ ref('plain') }} union all select * from {{ ref('plain') }})"])
    return random.choice([
        f"select {status} as status, {ref} as ref, count(*) as key from {source} {where} group by 1, 2",
        f"select {status} as status, max({ref}) as ref, count(key) as key from {source} {where} group by 1",
        f"select distinct {status} as status, {ref} as ref, row_number() over () as key from {source} {where}",
        f"select distinct {status} as status, {ref} as ref, key is null as key from {source} {where}",
        f"with a as (select {status} as status, {ref} as ref, key from {source} {where}) select a.status, a.ref, b.key from a\n"
        f"{random.choice(['left', 'full', 'right', ''])} join (select distinct key from {{{{ ref('plain') }}}}) as b on a.ref = b.key",
        f"select {status} as status, {ref} as ref, key from {source} {where} order by 3 limit {random.choice([1, 3, 100])}",
    ]) + "\n"


class Tests:
    """Makes uses of tests, as they stand in a properties file."""

    def __init__(self, random, arguments_apart):
        self.random = random
        self.arguments_apart = arguments_apart
        self.made = 0
        self.used = set()

    def of_table(self, table, others, columns, count, kinds=None):
        """Up to `count` uses of tests of one table, of any kind or of some: `(column or None, use)` each."""
        makers = [maker for maker in MAKERS if any(set(maker(self.random, others)[3]) <= set(columns) for _ in range(20))]
        if kinds:
            makers = [maker for maker in makers if maker(self.random, others)[0] in kinds]
        uses = []
        for _ in range(count):
            kind, column, arguments, needs = self.random.choice(makers)(self.random, others)
            identity = json.dumps([table, kind, column, arguments], default=str)
            asked = {name for key in ("group_by_columns", "compare_columns", "combination_of_columns") for name in arguments.get(key, [])}
            if not {*needs, *asked} <= set(columns) or identity in self.used:
                continue
            self.used.add(identity)
            uses.append((column, self.configured(kind, arguments, "name" in columns and "flag" in columns)))
        return uses

    def configured(self, kind, arguments, has_all_columns):
        random = self.random
        self.made += 1
        config = {}
        if random.random() < 0.3:
            config["severity"] = random.choice(["warn", "error", "WARN"])
        if random.random() < 0.25:
            config["error_if"] = random.choice(COUNTS)
        if random.random() < 0.25:
            config["warn_if"] = random.choice(COUNTS)
        # A model that is tested by `equality` must be a relation, not a part of one.
        if random.random() < 0.35 and has_all_columns and kind != "dbt_utils.equality":
            config["where"] = random.choice(FILTERS)
        if random.random() < 0.12 and kind not in ("dbt_utils.equality", "dbt_utils.equal_rowcount", "dbt_utils.fewer_rows_than"):
            config["limit"] = random.randint(1, 3)
        if random.random() < 0.15:
            config["store_failures"] = random.random() < 0.9
        elif random.random() < 0.1:
            config["store_failures_as"] = random.choice(["table", "view", "ephemeral"])
        if random.random() < 0.2 and kind in ("unique", "accepted_values") and "limit" not in config:
            config["fail_calc"] = random.choice([
                "sum(n_records)", "coalesce(sum(n_records), 0)", "max(n_records)", "count(*) * 2",
                "case when count(*) > 0 then sum(n_records) else 0 end",
            ])
        if random.random() < 0.1:
            config["tags"] = ["nightly"]
        use = {}
        if random.random() < 0.3:
            use["name"] = f"test_{self.made}" + ("_" + "x" * 70 if random.random() < 0.1 else "")
        if arguments and self.arguments_apart and random.random() < 0.6:
            use["arguments"] = arguments
        else:
            use |= arguments
        if config:
            if random.random() < 0.2:
                use |= config
            else:
                use["config"] = config
        if not use:
            return kind
        if random.random() < 0.15:
            return {"test_name": kind, **use} if "name" in use else {kind: use}
        return {kind: use}


def refer(random, others):
    return f"ref('{random.choice(others)}')"


def maker(kind, needs=(), column=None):
    """Declares how the arguments of one kind of test are made. `column` may be several to choose from."""
    def declare(make):
        def made(random, others):
            chosen = random.choice(column) if column else None
            arguments = make(random, others) or {}
            return kind, chosen, arguments, [*needs, *([chosen] if chosen else [])]
        MAKERS.append(made)
        return make
    return declare


MAKERS = []
ANY = list(TYPES)
NUMBERS = ["key", "ref", "amount", "ratio", "low", "high"]


@maker("unique", column=ANY)
def _(random, others):
    return {}


@maker("not_null", column=ANY)
def _(random, others):
    return {}


@maker("accepted_values", column=["status", "name"])
def _(random, others):
    return {"values": random.sample(["placed", "shipped", "returned", "Ünbekannt", "it''s", "Ann", "日本"], random.randint(1, 6))}


@maker("accepted_values", column=["key", "ref", "amount", "low"])
def _(random, others):
    made = {"values": random.sample([1, 2, 3, 4, 5, 10, -1], random.randint(2, 7))}
    return made | ({"quote": False} if random.random() < 0.7 else {"quote": True})


@maker("accepted_values", column=["flag"])
def _(random, others):
    return {"values": random.choice([[True], [True, False], [False]]), "quote": random.random() < 0.3}


@maker("accepted_values", column=["day"])
def _(random, others):
    return {"values": ["2024-01-01", "2024-01-02", "2024-02-01"]}


@maker("relationships", column=["key", "ref", "Größe"])
def _(random, others):
    return {"to": refer(random, others), "field": random.choice(["key", "ref"])}


@maker("relationships", column=["status", "name"])
def _(random, others):
    return {"to": refer(random, others), "field": random.choice(["status", "name"])}


@maker("dbt_utils.unique_combination_of_columns")
def _(random, others):
    return {"combination_of_columns": random.sample(["key", "ref", "status", "flag", "day"], random.randint(1, 3))}


@maker("dbt_utils.expression_is_true")
def _(random, others):
    return {"expression": random.choice([
        "amount >= 0", "low <= high", "key > 0 and ref > 0", "status <> 'placed' or flag", "length(name) > 0",
        "high - low = 10", "day >= '2024-01-01'", "amount = round(amount, 1)", "key is not null", "ratio * 2 >= ratio",
    ])}


@maker("dbt_utils.expression_is_true", column=NUMBERS)
def _(random, others):
    return {"expression": random.choice([">= 0", "> 3", "<> 2", "is not null", "between 1 and 5", "in (1, 2, 3)"])}


@maker("dbt_utils.accepted_range", column=NUMBERS)
def _(random, others):
    made = random.choice([{"min_value": 0}, {"max_value": 5}, {"min_value": 1, "max_value": 4}, {"min_value": -0.5}])
    return made | ({"inclusive": random.random() < 0.5} if random.random() < 0.5 else {})


@maker("dbt_utils.accepted_range", column=["day"])
def _(random, others):
    return {"min_value": "'2024-01-03'", "max_value": "cast('2024-01-20' as date)"}


@maker("dbt_utils.accepted_range", column=["low"], needs=["high"])
def _(random, others):
    return {"max_value": "high - 5"}


@maker("dbt_utils.not_null_proportion", column=ANY)
def _(random, others):
    made = {"at_least": random.choice([0, 0.5, 0.8, 0.95, 1])}
    if random.random() < 0.3:
        made["at_most"] = random.choice([0.9, 0.99])
    return made | groups(random)


@maker("dbt_utils.recency", needs=["day", "moment"])
def _(random, others):
    made = {"field": random.choice(["day", "moment"]), "datepart": random.choice(["day", "month", "hour"])}
    made["interval"] = random.choice([1, 2, 3000])
    return made | ({"ignore_time_component": True} if random.random() < 0.3 and made["datepart"] == "day" else {}) | groups(random)


@maker("dbt_utils.equal_rowcount")
def _(random, others):
    return {"compare_model": refer(random, others)} | groups(random)


@maker("dbt_utils.fewer_rows_than")
def _(random, others):
    return {"compare_model": refer(random, others)} | groups(random)


@maker("dbt_utils.at_least_one", column=ANY)
def _(random, others):
    return groups(random)


@maker("dbt_utils.not_constant", column=["key", "ref", "amount", "name", "day", "low"])
def _(random, others):
    return groups(random)


@maker("dbt_utils.cardinality_equality", column=["key", "ref"])
def _(random, others):
    return {"to": refer(random, others), "field": random.choice(["key", "ref"])}


@maker("dbt_utils.cardinality_equality", column=["status", "name"])
def _(random, others):
    return {"to": refer(random, others), "field": random.choice(["status", "name"])}


@maker("dbt_utils.mutually_exclusive_ranges", needs=["low", "high"])
def _(random, others):
    made = {"lower_bound_column": "low", "upper_bound_column": "high"}
    if random.random() < 0.4:
        made["partition_by"] = random.choice(["status", "flag"])
    if random.random() < 0.7:
        made["gaps"] = random.choice(["allowed", "not_allowed", "required"])
    return made | ({"zero_length_range_allowed": True} if random.random() < 0.3 else {})


@maker("dbt_utils.sequential_values", column=["key", "low", "ref"])
def _(random, others):
    return ({"interval": random.choice([1, 2, 10])} if random.random() < 0.7 else {}) | groups(random)


@maker("dbt_utils.sequential_values", column=["day", "moment"])
def _(random, others):
    return {"interval": random.choice([1, 2]), "datepart": random.choice(["day", "hour", "month"])}


@maker("dbt_utils.not_accepted_values", column=["status", "name"])
def _(random, others):
    return {"values": random.sample(["placed", "returned", "Zoë", "Ünbekannt", "gone", "O''Hara"], random.randint(1, 3))}


@maker("dbt_utils.not_accepted_values", column=["key", "ref"])
def _(random, others):
    return {"values": random.sample([1, 2, 3, 8], 2), "quote": False}


@maker("dbt_utils.not_empty_string", column=["status", "name"])
def _(random, others):
    return {"trim_whitespace": False} if random.random() < 0.4 else {}


@maker("dbt_utils.relationships_where", column=["key", "ref"])
def _(random, others):
    made = {"to": refer(random, others), "field": "key"}
    if random.random() < 0.7:
        made["from_condition"] = random.choice(["status <> 'placed'", "ref > 2", "flag"])
    return made | ({"to_condition": random.choice(["amount > 0", "not flag"])} if random.random() < 0.4 else {})


@maker("dbt_utils.equality", needs=["moment"])
def _(random, others):
    made = {"compare_model": refer(random, others)}
    if random.random() < 0.5:
        made["compare_columns"] = random.sample(["key", "ref", "status", "flag", "amount"], random.randint(1, 3))
    elif random.random() < 0.5:
        made["exclude_columns"] = random.sample(["key", "ref", "name", "moment"], 2)
    return made | ({"precision": random.choice([0, 1])} if random.random() < 0.0 else {})


@maker("even", column=["key", "ref", "low"])
def _(random, others):
    return {}


@maker("within", column=NUMBERS)
def _(random, others):
    return random.choice([{}, {"least": 1}, {"least": 2, "most": "{{ 2 + 3 }}"}])


@maker("known_to", needs=["ref"])
def _(random, others):
    return {"parent": refer(random, others)}


@maker("labelled", column=["status", "name"])
def _(random, others):
    return {"labels": random.choice([{"a": "placed", "b": "Ann"}, {"x": "Zoë"}]), "negate": random.random() < 0.5}


def groups(random):
    if random.random() < 0.6:
        return {}
    return {"group_by_columns": random.sample(["status", "flag", "ref"], random.randint(1, 2))}


GENERIC_TESTS = """
{% test within(model, column_name, least=0, most=10) %}
{{ config(severity='warn', fail_calc='coalesce(sum(off), 0)', error_if='> 4') }}
select {{ column_name }}, case when {{ column_name }} < {{ least }} then 1 else 2 end as off
from {{ model }} where not {{ column_name }} between {{ least }} and {{ most }}
{% endtest %}

{% test known_to(model, parent) %}
select child.ref, count(*) as children from {{ model }} as child
left join {{ parent }} as parent on child.ref = parent.key
where parent.key is null and child.ref is not null
group by child.ref
{% endtest %}

{%- macro quoted(text) %}'{{ text }}'{% endmacro %}
{% test labelled(model, column_name, labels, negate=false) %}
select {{ column_name }} as label from {{ model }}
where {{ column_name }} {{ 'not' if negate }} in (
  {%- for key, label in labels.items() %}{{ quoted(label) }}{{ ', ' if not loop.last }}{% endfor -%}
)
{% endtest %}
"""
EVEN = """{% test even(model, column_name) %}
select *, abs({{ column_name }} % 2) as remainder from {{ model }} where {{ column_name }} % 2 <> 0
{% endtest %}
"""


def singular(random, tables):
    """A query of a user's own whose rows are failures."""
    one, other = random.choice(tables), random.choice(tables)
    config = random.choice([
        "", "{{ config(severity='warn') }}", "{{ config(error_if='>3', warn_if='>1') }}", "{{ config(limit=2) }}",
        "{{ config(store_failures=true, tags=['mine']) }}", "{{ config(fail_calc='coalesce(sum(weight), 0)') }}",
    ])
    query = random.choice([
        f"select key, 2 as weight from {{{{ ref('{one}') }}}} where amount < 0",
        f"with a as (select status, count(*) as weight from {{{{ ref('{one}') }}}} group by 1)\nselect * from a where weight > 1",
        f"select a.key, 1 as weight from {{{{ ref('{one}') }}}} as a left join {{{{ ref('{other}') }}}} as b on a.key = b.ref\n"
        "where b.ref is null",
        f"select name, 3 as weight from {{{{ ref('{one}') }}}} where name <> trim(name) -- a comment at the end",
        f"select count(*) as weight from {{{{ ref('{one}') }}}} having count(*) > {{{{ var('most', 5) }}}}",
    ])
    return f"{config}\n{query}\n"


def make(random, folder):
    """Writes a project into `folder`: models, a view, an ephemeral model, a seed and a source, all tested."""
    arguments_apart = random.random() < 0.7
    for name in ["models/soft", "macros", "seeds", "data", "tests/generic", "dbt_packages/dbt_utils/macros"]:
        (folder / name).mkdir(parents=True)
    tests = Tests(random, arguments_apart)
    tables = ["one", "two", "three", "soft_one"]
    for name in [*tables, "plain"]:
        path = folder / ("models/soft" if name.startswith("soft") else "models") / f"{name}.sql"
        kind = random.choice(["table", "view"]) if name == "three" else "table"
        shape = "mixed" if name in ("one", "plain") else random.choice(SHAPES)
        path.write_text(f"{{{{ config(materialized='{kind}') }}}}\n" + model_sql(rows(random, shape)), encoding="utf-8")
    (folder / "models/filtered.sql").write_text(
        "{{ config(materialized='ephemeral') }}\nselect * from {{ ref('plain') }} where key is not null\n", encoding="utf-8")
    for place in range(3):
        (folder / f"models/derived_{place}.sql").write_text(derived_sql(random), encoding="utf-8")
    seed = [row for row in rows(random, "mixed")] + rows(random, "good")
    seed = [row | {"name": row["name"] and row["name"].strip() or None, "status": row["status"] or None} for row in seed]
    seed_columns = ["key", "ref", "amount", "name", "status", "flag", "day", "low", "high"]
    (folder / "seeds/sown.csv").write_text(csv(seed, seed_columns), encoding="utf-8")
    source = rows(random, "good") + rows(random, "good")
    source_columns = ["key", "name", "ref"]
    source = [row | {"name": row["name"].strip() or "-"} for row in source]
    (folder / "data/outside.csv").write_text(csv(source, source_columns), encoding="utf-8")

    others = [*tables, "plain"]
    properties = {"version": 2, "models": [], "seeds": [], "sources": []}
    soft = {"version": 2, "models": []}
    for name in [*tables, "filtered"]:
        # What `equality` compares must be a relation.
        uses = [use for use in tests.of_table(name, others, ANY, 22) if name != "filtered" or "dbt_utils.equality" not in str(use)]
        (soft if name.startswith("soft") else properties)["models"].append(described(name, uses))
    for place in range(3):
        uses = tests.of_table(f"derived_{place}", others, ["status", "ref", "key"], 16, PROMISED)
        properties["models"].append(described(f"derived_{place}", uses))
    types = {name: TYPES[name] for name in seed_columns}
    uses = tests.of_table("sown", ["one"], seed_columns, 8)
    properties["seeds"].append(described("sown", uses) | {"config": {"column_types": types}})
    uses = tests.of_table("outside", ["sown"], source_columns, 8)
    properties["sources"].append({
        "name": "raw", "meta": {"external_location": "data/{name}.csv"}, "tables": [described("outside", uses)],
    })
    write(folder / "models/properties.yml", properties)
    write(folder / "models/soft/properties.yml", soft)
    (folder / "macros/tests.sql").write_text(GENERIC_TESTS, encoding="utf-8")
    (folder / "tests/generic/even.sql").write_text(EVEN, encoding="utf-8")
    for place in range(6):
        (folder / f"tests/own_{place}.sql").write_text(singular(random, tables), encoding="utf-8")
    settings(random, folder, arguments_apart)


def described(name, uses):
    """The entry of a table in a properties file."""
    columns = {}
    for column, use in uses:
        if column:
            columns.setdefault(column, []).append(use)
    entry = {"name": name, "data_tests": [use for column, use in uses if not column]}
    entry["columns"] = [{"name": column, "data_tests": used} for column, used in columns.items()]
    return entry


def settings(random, folder, arguments_apart):
    by_project = random.choice([{}, {"+store_failures": True}, {"soft": {"+severity": "warn"}}, {"+where": "key > 0"}])
    if "+where" in by_project:
        by_project = {"soft": {"+error_if": ">2"}}
    write(folder / "dbt_project.yml", {
        "name": "side", "version": "1.0", "config-version": 2, "profile": "side", "vars": {"cutoff": "2024-01-10"},
        "flags": {"require_generic_test_arguments_property": arguments_apart, "send_anonymous_usage_stats": False},
        "data_tests": {"side": by_project},
    })
    write(folder / "profiles.yml", {
        "side": {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": "side.duckdb", "threads": 2}}},
    })
    # As `dbt deps` would install it.
    write(folder / "packages.yml", {"packages": [{"local": "dbt_packages/dbt_utils"}]})
    package = folder / "dbt_packages/dbt_utils"
    write(package / "dbt_project.yml", {"name": "dbt_utils", "version": "1.3.0", "config-version": 2, "macro-paths": ["macros"]})
    text = (HERE / "dbt_utils_reference/generic_tests.sql").read_text(encoding="utf-8")
    (package / "macros/generic_tests.sql").write_text(text, encoding="utf-8")


def write(path, content):
    """JSON is YAML."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
