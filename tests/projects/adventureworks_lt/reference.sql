-- What the models must hold, in DuckDB's SQL over the rows that an independent reader accepted.

-- model: stg_sales
select
    d.SalesOrderID as order_id,
    d.SalesOrderDetailID as line_id,
    h.CustomerID as customer_id,
    h.OrderDate as order_date,
    d.ProductID as product_id,
    d.OrderQty as quantity,
    d.LineTotal as line_total
from aw.SalesOrderDetail as d join aw.SalesOrderHeader as h using (SalesOrderID);

-- model: category_revenue
select
    (select Name from aw.ProductCategory as parent where parent.ProductCategoryID = c.ParentProductCategoryID) as category,
    c.Name as subcategory,
    count(distinct SalesOrderID) as orders,
    sum(OrderQty)::bigint as units,
    sum(LineTotal)::decimal(18, 6) as revenue
from aw.SalesOrderDetail join aw.Product as p using (ProductID) join aw.ProductCategory as c using (ProductCategoryID)
group by all;

-- model: descriptions
select
    m.Name as model,
    trim(l.Culture) as culture,
    d.Description as description,
    length(d.Description)::integer as characters
from aw.ProductModelProductDescription as l
join aw.ProductModel as m using (ProductModelID)
join aw.ProductDescription as d using (ProductDescriptionID);
