select *
from {{ ref('customer_lifetime_value') }}
where country = upper($country)
