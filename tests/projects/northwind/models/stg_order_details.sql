select
    details.orderID as order_id,
    details.productID as product_id,
    orders.customerID as customer_id,
    orders.employeeID as employee_id,
    cast(orders.orderDate as date) as order_date,
    details.quantity,
    cast(details.unitPrice as decimal(18, 4)) as unit_price,
    details.discount,
    cast(details.unitPrice * details.quantity * (1 - details.discount) as decimal(18, 6)) as net
from {{ source('nw', 'order_details') }} as details
inner join {{ source('nw', 'orders') }} as orders on orders.orderID = details.orderID
