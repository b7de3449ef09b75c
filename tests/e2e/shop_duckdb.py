"""The shop in plain DuckDB: its tables, ten checks on them and its three marts.

Written from the definitions alone. Sums are decimals, which are exact; quotients are made of integers, because DuckDB's
`/` is a double's.
"""

from pathlib import Path

TABLES = {
    "customers": {
        "customer_id": "BIGINT",
        "email": "VARCHAR",
        "first_name": "VARCHAR",
        "last_name": "VARCHAR",
        "country": "VARCHAR",
        "city": "VARCHAR",
        "signup_date": "DATE",
    },
    "products": {
        "product_id": "BIGINT",
        "name": "VARCHAR",
        "category": "VARCHAR",
        "price": "DECIMAL(18,2)",
        "cost": "DECIMAL(18,2)",
        "created_at": "DATE",
    },
    "orders": {
        "order_id": "BIGINT",
        "customer_id": "BIGINT",
        "product_id": "BIGINT",
        "order_ts": "TIMESTAMP",
        "quantity": "INTEGER",
        "unit_price": "DECIMAL(18,2)",
        "discount": "DECIMAL(4,2)",
        "status": "VARCHAR",
        "payment_method": "VARCHAR",
    },
}

# Each counts the rows that break a rule.
CHECKS = {
    "customers_key": """
        select count(*) - count(distinct customer_id) from customers""",
    "customers_not_null": """
        select count(*) from customers where customer_id is null or email is null""",
    "customers_country": """
        select count(*) from customers where not regexp_full_match(country, '[A-Z]{2}')""",
    "products_key": """
        select count(*) - count(distinct product_id) from products""",
    "products_amounts": """
        select count(*) from products
        where name is null or category is null or price is null or price <= 0 or cost is null or cost < 0""",
    "orders_key": """
        select count(*) - count(distinct order_id) from orders""",
    "orders_customer": """
        select count(*) from orders anti join customers using (customer_id)""",
    "orders_product": """
        select count(*) from orders anti join products using (product_id)""",
    "orders_ranges": """
        select count(*) from orders
        where order_ts is null or quantity is null or quantity not between 1 and 20
            or unit_price is null or unit_price <= 0 or discount is null or discount not between 0.00 and 0.50""",
    "orders_sets": """
        select count(*) from orders
        where status is null
            or status not in ('completed', 'shipped', 'pending', 'cancelled', 'returned')
            or payment_method not in ('card', 'paypal', 'bank_transfer', 'gift_card')""",
}

# Half away from zero: `numerator` is a whole number of the unit that the answer has, `denominator` is above zero.
QUOTIENT = """
    create or replace macro quotient(numerator, denominator) as
        (2 * abs(numerator::hugeint) + denominator) // (2 * denominator) * sign(numerator)
"""

SALES = """
    create or replace view sales as
    select
        *,
        order_ts::date as order_date,
        quantity * unit_price as gross,
        quantity * unit_price * discount as discount_amount
    from orders
    where status in ('completed', 'shipped')
"""

# By the columns that order them.
MARTS = {
    "daily_sales": (
        "order_date",
        """
        select
            order_date,
            orders,
            units::bigint as units,
            gross_revenue::decimal(18, 2) as gross_revenue,
            discount_amount::decimal(18, 4) as discount_amount,
            net_revenue::decimal(18, 4) as net_revenue,
            unique_customers,
            (quotient(net_revenue * 10000, orders)::decimal(18, 0) * 0.0001)::decimal(18, 4) as avg_order_value
        from (
            select
                order_date,
                count(*) as orders,
                sum(quantity) as units,
                sum(gross) as gross_revenue,
                sum(discount_amount) as discount_amount,
                sum(gross) - sum(discount_amount) as net_revenue,
                count(distinct customer_id) as unique_customers
            from sales
            group by order_date
        )
        """,
    ),
    "customer_lifetime_value": (
        "customer_id",
        """
        select
            customer_id,
            first_order_date,
            last_order_date,
            orders,
            units::bigint as units,
            net::decimal(18, 4) as lifetime_value,
            (quotient(net * 10000, orders)::decimal(18, 0) * 0.0001)::decimal(18, 4) as avg_order_value,
            (last_order_date - first_order_date + 1)::integer as days_active,
            country
        from (
            select
                customer_id,
                min(order_date) as first_order_date,
                max(order_date) as last_order_date,
                count(*) as orders,
                sum(quantity) as units,
                sum(gross) - sum(discount_amount) as net
            from sales
            group by customer_id
        )
        join customers using (customer_id)
        """,
    ),
    "product_metrics": (
        "revenue_rank, product_id",
        """
        select
            product_id,
            name,
            category,
            coalesce(units, 0)::bigint as units_sold,
            coalesce(sales, 0) as orders,
            coalesce(net, 0)::decimal(18, 4) as net_revenue,
            (coalesce(net, 0) - coalesce(units, 0)::bigint * cost)::decimal(18, 4) as gross_margin,
            (quotient(returned * 1000000, nullif(kept, 0))::decimal(9, 0) * 0.000001)::decimal(9, 6) as return_rate,
            rank() over (order by coalesce(net, 0) desc) as revenue_rank
        from products
        left join (
            select
                product_id,
                sum(quantity) as units,
                count(*) as sales,
                sum(gross) - sum(discount_amount) as net
            from sales
            group by product_id
        ) using (product_id)
        left join (
            select
                product_id,
                count(*) filter (where status = 'returned') as returned,
                count(*) filter (where status <> 'cancelled') as kept
            from orders
            group by product_id
        ) using (product_id)
        """,
    ),
}


def load(connection, folder: Path) -> None:
    """Makes the three tables from the CSV files of a folder, typed as declared."""
    for table, columns in TABLES.items():
        connection.execute(
            f"""create or replace table {table} as select * from read_csv(
                ?, header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', columns = {columns})""",
            [str(folder / f"{table}.csv")],
        )
    connection.execute(QUOTIENT)
    connection.execute(SALES)


def check(connection) -> dict[str, int]:
    """The checks that failed, with how many rows break them."""
    counts = {name: connection.execute(sql).fetchone()[0] for name, sql in CHECKS.items()}
    return {name: count for name, count in counts.items() if count}


def build_marts(connection) -> None:
    """Makes the three marts as tables."""
    for mart, (order, sql) in MARTS.items():
        connection.execute(f"create or replace table {mart} as {sql} order by {order}")
