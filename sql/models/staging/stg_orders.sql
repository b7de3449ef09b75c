-- The amounts are exact: decimal times integer and decimal times decimal lose no digit.
select
    order_id,
    customer_id,
    product_id,
    order_ts,
    cast(order_ts as date) as order_date,
    quantity,
    unit_price,
    discount,
    status,
    payment_method,
    status in ('completed', 'shipped') as is_sale,
    quantity * unit_price as gross_amount,
    quantity * unit_price * discount as discount_amount,
    quantity * unit_price - quantity * unit_price * discount as net_amount
from {{ source('shop', 'orders') }}
