select *
from {{ ref('product_metrics') }}
where category = $category
