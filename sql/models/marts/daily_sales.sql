with days as (

    select
        order_date,
        count(*) as orders,
        sum(quantity) as units,
        sum(gross_amount) as gross_revenue,
        sum(discount_amount) as discount_amount,
        count(distinct customer_id) as unique_customers
    from {{ ref('stg_orders') }}
    where is_sale
    group by order_date

)

select
    order_date,
    cast(orders as bigint) as orders,
    cast(units as bigint) as units,
    cast(gross_revenue as decimal(18, 2)) as gross_revenue,
    cast(discount_amount as decimal(18, 4)) as discount_amount,
    cast(gross_revenue - discount_amount as decimal(18, 4)) as net_revenue,
    cast(unique_customers as bigint) as unique_customers,
    cast(divide_decimal(gross_revenue - discount_amount, orders, 4) as decimal(18, 4)) as avg_order_value
from days
order by order_date
