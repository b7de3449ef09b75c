with products as (

    select
        product_id,
        name,
        category,
        cost
    from {{ ref('stg_products') }}

),

orders as (

    select
        product_id,
        sum(quantity) filter (where is_sale) as units_sold,
        count(*) filter (where is_sale) as sales,
        sum(net_amount) filter (where is_sale) as net_revenue,
        count(*) filter (where status = 'returned') as returned,
        count(*) filter (where status <> 'cancelled') as not_cancelled
    from {{ ref('stg_orders') }}
    group by product_id

),

metrics as (

    -- A product that nobody ordered stays, with zeros and no return rate.
    select
        products.product_id,
        products.name,
        products.category,
        products.cost,
        cast(coalesce(orders.units_sold, 0) as bigint) as units_sold,
        cast(coalesce(orders.sales, 0) as bigint) as orders,
        cast(coalesce(orders.net_revenue, 0) as decimal(18, 4)) as net_revenue,
        cast(divide_decimal(orders.returned, nullif(orders.not_cancelled, 0), 6) as decimal(9, 6)) as return_rate
    from products
    left join orders on products.product_id = orders.product_id

)

select
    product_id,
    name,
    category,
    units_sold,
    orders,
    net_revenue,
    cast(net_revenue - units_sold * cost as decimal(18, 4)) as gross_margin,
    return_rate,
    cast(rank() over (order by net_revenue desc) as bigint) as revenue_rank
from metrics
order by revenue_rank, product_id
