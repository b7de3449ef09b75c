select
    customer_id,
    email,
    first_name,
    last_name,
    country,
    city,
    signup_date
from {{ source('shop', 'customers') }}
