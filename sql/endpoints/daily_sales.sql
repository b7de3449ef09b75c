select *
from {{ ref('daily_sales') }}
where
    order_date >= $from
    and order_date <= $to
