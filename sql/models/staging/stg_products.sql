select
    product_id,
    name,
    category,
    price,
    cost,
    created_at
from {{ source('shop', 'products') }}
