-- The three marts of the shop over its accepted rows, in DuckDB's SQL and in whole numbers: money in hundredths of cents,
-- quotients rounded half away from zero by integer division.

create macro quotient(a, b) as sign(a)::hugeint * ((2 * abs(a)::hugeint + b) // (2 * b));

create view sales as
select
    o.*,
    order_ts::date as order_date,
    (unit_price * 100)::bigint * quantity * 100 as gross,
    (unit_price * 100)::bigint * quantity * (discount * 100)::bigint as taken_off
from shop.orders as o
where status in ('completed', 'shipped');

-- model: daily_sales
select
    order_date,
    count(*) as orders,
    sum(quantity)::bigint as units,
    (sum(gross)::bigint::decimal(18, 0) * 0.0001)::decimal(18, 2) as gross_revenue,
    (sum(taken_off)::bigint::decimal(18, 0) * 0.0001)::decimal(18, 4) as discount_amount,
    (sum(gross - taken_off)::bigint::decimal(18, 0) * 0.0001)::decimal(18, 4) as net_revenue,
    count(distinct customer_id) as unique_customers,
    (quotient(sum(gross - taken_off), count(*))::bigint::decimal(18, 0) * 0.0001)::decimal(18, 4) as avg_order_value
from sales
group by order_date;

-- model: customer_lifetime_value
select
    customer_id,
    min(order_date) as first_order_date,
    max(order_date) as last_order_date,
    count(*) as orders,
    sum(quantity)::bigint as units,
    (sum(gross - taken_off)::bigint::decimal(18, 0) * 0.0001)::decimal(18, 4) as lifetime_value,
    (quotient(sum(gross - taken_off), count(*))::bigint::decimal(18, 0) * 0.0001)::decimal(18, 4) as avg_order_value,
    (max(order_date) - min(order_date) + 1)::integer as days_active,
    any_value(country) as country
from sales join shop.customers using (customer_id)
group by customer_id;

-- model: product_metrics
with sold as (
    select product_id, count(*) as orders, sum(quantity) as units, sum(gross - taken_off) as net
    from sales group by product_id
),
placed as (
    select
        product_id,
        count(*) filter (where status <> 'cancelled') as not_cancelled,
        count(*) filter (where status = 'returned') as returned
    from shop.orders group by product_id
)
select
    product_id,
    name,
    category,
    coalesce(units, 0)::bigint as units_sold,
    coalesce(orders, 0) as orders,
    (coalesce(net, 0)::bigint::decimal(18, 0) * 0.0001)::decimal(18, 4) as net_revenue,
    ((coalesce(net, 0) - coalesce(units, 0) * (cost * 10000)::bigint)::bigint::decimal(18, 0) * 0.0001)::decimal(18, 4)
        as gross_margin,
    case when not_cancelled > 0
        then (quotient(returned * 1000000, not_cancelled)::bigint::decimal(18, 0) * 0.000001)::decimal(9, 6)
    end as return_rate,
    rank() over (order by coalesce(net, 0) desc) as revenue_rank
from shop.products left join sold using (product_id) left join placed using (product_id);
