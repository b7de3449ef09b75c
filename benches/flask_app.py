"""The three endpoints of the shop as a Flask application over DuckDB, as a team would write it by hand."""

import os
from datetime import date
from decimal import Decimal

import duckdb
from flask import Flask, jsonify, request
from flask.json.provider import DefaultJSONProvider


class Json(DefaultJSONProvider):
    @staticmethod
    def default(value):
        if isinstance(value, Decimal):
            return str(value)
        if isinstance(value, date):
            return value.isoformat()
        return DefaultJSONProvider.default(value)


app = Flask(__name__)
app.json = Json(app)
database = duckdb.connect(config={"threads": 1})
for name in ("daily_sales", "customer_lifetime_value", "product_metrics"):
    file = os.path.join(os.environ["TABLES"], f"{name}.parquet")
    database.execute(f"create table {name} as select * from read_parquet(?)", [file])


def answer(sql, values, order):
    limit = min(int(request.args.get("limit", 100)), 1000)
    offset = int(request.args.get("offset", 0))
    cursor = database.cursor()
    cursor.execute(f"{sql} order by {order} limit ? offset ?", [*values, limit, offset])
    names = [column[0] for column in cursor.description]
    return jsonify(data=[dict(zip(names, row)) for row in cursor.fetchall()])


def filtered(table, conditions):
    given = [(sql, request.args[name]) for name, sql in conditions if name in request.args]
    where = " and ".join(sql for sql, _ in given) or "true"
    return f"select * from {table} where {where}", [value for _, value in given]


@app.get("/api/v1/daily_sales")
def daily_sales():
    sql, values = filtered("daily_sales", [("from", "order_date >= ?::date"), ("to", "order_date <= ?::date")])
    return answer(sql, values, "order_date")


@app.get("/api/v1/top_customers")
def top_customers():
    sql, values = filtered("customer_lifetime_value", [("country", "country = upper(?)")])
    return answer(sql, values, "lifetime_value desc, customer_id")


@app.get("/api/v1/product_metrics")
def product_metrics():
    sql, values = filtered("product_metrics", [("category", "category = ?")])
    return answer(sql, values, "revenue_rank, product_id")
