-- What the models must hold, in DuckDB's SQL over the rows that an independent reader accepted.

-- model: stg_order_details
select
    d.orderID as order_id,
    d.productID as product_id,
    o.customerID as customer_id,
    o.employeeID as employee_id,
    o.orderDate::date as order_date,
    d.quantity,
    d.unitPrice::decimal(18, 4) as unit_price,
    d.discount,
    (d.unitPrice * d.quantity * (1 - d.discount))::decimal(18, 6) as net
from nw.order_details as d join nw.orders as o using (orderID);

-- model: category_sales
select
    c.categoryName as category,
    count(distinct d.orderID) as orders,
    count(distinct p.productID) as products,
    coalesce(sum(d.quantity), 0)::bigint as units,
    coalesce(sum((d.unitPrice * d.quantity * (1 - d.discount))::decimal(18, 6)), 0)::decimal(18, 6) as net
from nw.categories as c join nw.products as p using (categoryID) left join nw.order_details as d using (productID)
group by all;

-- model: employee_sales
with sales as (
    select o.employeeID, count(distinct o.orderID) as orders,
        sum((d.unitPrice * d.quantity * (1 - d.discount))::decimal(18, 6)) as net
    from nw.order_details as d join nw.orders as o using (orderID)
    group by all
)
select
    e.employeeID as employee_id,
    concat(e.firstName, ' ', e.lastName) as name,
    m.lastName as manager,
    e.hireDate::date as hired_on,
    coalesce(s.orders, 0) as orders,
    coalesce(s.net, 0)::decimal(18, 6) as net,
    row_number() over (order by coalesce(s.net, 0) desc, e.employeeID) as position
from nw.employees as e
left join nw.employees as m on m.employeeID = e.reportsTo
left join sales as s on s.employeeID = e.employeeID;
