select
    items.order_id,
    items.product_id,
    orders.customer_id,
    orders.country,
    cast(orders.order_ts as date) as order_date,
    items.quantity,
    items.unit_price,
    cast(items.quantity * items.unit_price as decimal(18, 2)) as amount
from {{ source('shop', 'order_items') }} as items
inner join {{ source('shop', 'orders') }} as orders on items.order_id = orders.order_id
