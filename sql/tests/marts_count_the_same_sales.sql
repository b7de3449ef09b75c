-- Three ways to add up the same sales: by day, by customer, by product. They agree to the last digit, or a join has lost
-- or doubled rows.
with days as (

    select
        coalesce(sum(orders), 0) as orders,
        coalesce(sum(units), 0) as units,
        coalesce(sum(net_revenue), 0) as net_revenue
    from {{ ref('daily_sales') }}

),

customers as (

    select
        coalesce(sum(orders), 0) as orders,
        coalesce(sum(units), 0) as units,
        coalesce(sum(lifetime_value), 0) as net_revenue
    from {{ ref('customer_lifetime_value') }}

),

products as (

    select
        coalesce(sum(orders), 0) as orders,
        coalesce(sum(units_sold), 0) as units,
        coalesce(sum(net_revenue), 0) as net_revenue
    from {{ ref('product_metrics') }}

)

select
    days.net_revenue as by_day,
    customers.net_revenue as by_customer,
    products.net_revenue as by_product
from days
cross join customers
cross join products
where
    days.orders <> customers.orders
    or days.orders <> products.orders
    or days.units <> customers.units
    or days.units <> products.units
    or days.net_revenue <> customers.net_revenue
    or days.net_revenue <> products.net_revenue
