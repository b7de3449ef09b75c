select
    details.SalesOrderID as order_id,
    details.SalesOrderDetailID as line_id,
    headers.CustomerID as customer_id,
    headers.OrderDate as order_date,
    details.ProductID as product_id,
    details.OrderQty as quantity,
    details.LineTotal as line_total
from {{ source('aw', 'SalesOrderDetail') }} as details
inner join {{ source('aw', 'SalesOrderHeader') }} as headers on headers.SalesOrderID = details.SalesOrderID
