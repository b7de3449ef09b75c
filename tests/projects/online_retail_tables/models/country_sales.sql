{{ config(materialized='table') }}

select
    country,
    count(distinct order_id) as orders,
    count(distinct customer_id) as customers,
    count(distinct product_id) as products,
    cast(sum(quantity) as bigint) as units,
    cast(sum(amount) as decimal(18, 2)) as revenue
from {{ ref('stg_items') }}
group by country
