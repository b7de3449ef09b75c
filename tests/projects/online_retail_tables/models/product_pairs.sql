{{ config(materialized='table') }}

-- How often two products stand on one order, for those bought together at least a hundred times.
select
    one.product_id,
    other.product_id as other_product_id,
    count(*) as orders
from {{ source('shop', 'order_items') }} as one
inner join {{ source('shop', 'order_items') }} as other
    on one.order_id = other.order_id and one.product_id < other.product_id
where one.quantity > 0 and other.quantity > 0
group by one.product_id, other.product_id
having count(*) >= 100
