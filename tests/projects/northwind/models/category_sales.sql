{{ config(materialized='table') }}

select
    categories.categoryName as category,
    count(distinct details.order_id) as orders,
    count(distinct products.productID) as products,
    cast(coalesce(sum(details.quantity), 0) as bigint) as units,
    cast(coalesce(sum(details.net), 0) as decimal(18, 6)) as net
from {{ source('nw', 'categories') }} as categories
inner join {{ source('nw', 'products') }} as products on products.categoryID = categories.categoryID
left join {{ ref('stg_order_details') }} as details on details.product_id = products.productID
group by categories.categoryName
