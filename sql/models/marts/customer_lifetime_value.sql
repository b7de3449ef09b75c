with customers as (

    select
        customer_id,
        country
    from {{ ref('stg_customers') }}

),

sales as (

    select
        customer_id,
        min(order_date) as first_order_date,
        max(order_date) as last_order_date,
        count(*) as orders,
        sum(quantity) as units,
        sum(net_amount) as lifetime_value
    from {{ ref('stg_orders') }}
    where is_sale
    group by customer_id

)

select
    sales.customer_id,
    sales.first_order_date,
    sales.last_order_date,
    cast(sales.orders as bigint) as orders,
    cast(sales.units as bigint) as units,
    cast(sales.lifetime_value as decimal(18, 4)) as lifetime_value,
    cast(divide_decimal(sales.lifetime_value, sales.orders, 4) as decimal(18, 4)) as avg_order_value,
    cast(sales.last_order_date - sales.first_order_date + 1 as integer) as days_active,
    customers.country
from sales
inner join customers on sales.customer_id = customers.customer_id
