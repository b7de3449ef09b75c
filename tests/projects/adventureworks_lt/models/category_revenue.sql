{{ config(materialized='table') }}

select
    parents.Name as category,
    categories.Name as subcategory,
    count(distinct sales.order_id) as orders,
    cast(sum(sales.quantity) as bigint) as units,
    cast(sum(sales.line_total) as decimal(18, 6)) as revenue
from {{ ref('stg_sales') }} as sales
inner join {{ source('aw', 'Product') }} as products on products.ProductID = sales.product_id
inner join {{ source('aw', 'ProductCategory') }} as categories
    on categories.ProductCategoryID = products.ProductCategoryID
left join {{ source('aw', 'ProductCategory') }} as parents
    on parents.ProductCategoryID = categories.ParentProductCategoryID
group by parents.Name, categories.Name
